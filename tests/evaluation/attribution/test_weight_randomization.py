"""Random weights change the map; how a crystal is written does not."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.evaluation.attribution.attribution_invariance import evaluate_attribution_invariance, rewritten
from xcrystal.evaluation.attribution.attribution_speed import evaluate_attribution_speed
from xcrystal.evaluation.attribution.weight_randomization import cascade, evaluate_sanity
from xcrystal.explanation.methods import METHODS
from xcrystal.generator import CrystalModel

SEVERAL = [c for c in CRYSTALS.values() if len(c.elements) >= 3]


def test_layers_become_random_one_after_another(model: CrystalModel) -> None:
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    changed: list[set[str]] = []
    for _, other in cascade(model, seed=0):
        state = other.network.state_dict()
        changed.append({k for k, v in state.items() if not torch.equal(v, before[k])})
        np.testing.assert_array_equal(other.network.lattice_std, model.network.lattice_std)
    assert all(one < after for one, after in pairwise(changed))
    assert all(name.startswith("properties.") for name in changed[0])
    assert any(name.startswith("embed.element.") for name in changed[-1])
    assert not any(name.startswith("decoder.blocks") for name in changed[-1])
    for name, value in model.network.state_dict().items():  # the model itself is as it was
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("method", METHODS)
def test_random_weights_change_the_map(model: CrystalModel, method: str) -> None:
    report = evaluate_sanity(model, SEVERAL, methods=(method,), seeds=2)
    steps = report.curves[method]
    assert [s.randomised for s in steps][:2] == ["property head", "posterior"]
    assert steps[-1].randomised == "embeddings"
    assert abs(steps[-1].signed[0]) < 0.7
    assert "embeddings" in report.table()
    json.dumps(report.to_dict(), allow_nan=False)


@pytest.mark.parametrize("method", METHODS)
def test_scores_do_not_depend_on_the_writing(model: CrystalModel, method: str) -> None:
    structures = [CRYSTALS[name].to_structure() for name in ("perovskite SrTiO3", "monoclinic polar LiFeF3")]
    report = evaluate_attribution_invariance(model, structures, method=method)
    assert report.share == 1.0, report
    assert set(report.share_by_writing) == {"supercell 2x1x1", "sheared cell", "permuted", "translated", "rotated"}
    assert report.worst is not None
    assert report.worst <= report.tolerance


def test_a_method_that_draws_by_place_would_be_found_out(model: CrystalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    from xcrystal.evaluation.attribution import attribution_invariance as module

    original = module.attribute

    class ByPlace:
        def __init__(self, scores: np.ndarray) -> None:
            self.scores = scores

    def by_place(*given: object, **named: object) -> ByPlace:
        return ByPlace(original(*given, **named).scores + np.arange(len(given[1])))  # type: ignore[arg-type]

    monkeypatch.setattr(module, "attribute", by_place)
    report = evaluate_attribution_invariance(
        model, [CRYSTALS["perovskite SrTiO3"].to_structure()], method="input_x_gradient"
    )
    assert report.share_by_writing["supercell 2x1x1"] == 0


def test_rewritten_crystals_know_where_their_atoms_come_from() -> None:
    structure = CRYSTALS["perovskite SrTiO3"].to_structure()
    structure.add_site_property("origin", list(range(len(structure))))
    for name, other in rewritten(structure, np.random.default_rng(0)).items():
        for site in other:
            assert site.specie == structure[site.properties["origin"]].specie
        assert len(other) == len(structure) * (2 if name.startswith("supercell") else 1)


def test_every_method_is_timed(model: CrystalModel) -> None:
    report = evaluate_attribution_speed(model, [c.to_structure() for c in SEVERAL], SEVERAL, n=2, batch=4)
    assert report.crystals == 2
    assert all(value > 0 for value in report.methods_ms.values())
    assert report.all_methods_s > report.usual_ms / 1000
    assert "usual method, one crystal" in report.table()
    assert report.by_orbits_ms.keys() == report.by_orbits_encodings.keys() == {str(len(c.elements)) for c in SEVERAL}
