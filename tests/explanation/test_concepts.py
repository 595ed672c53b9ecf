"""Concepts, influence and regions: planted ones are found, random ones are not, and the sums are captum's."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.crystal.geometry.motifs import MOTIFS
from xcrystal.errors import TargetError
from xcrystal.explanation import concepts
from xcrystal.explanation.encoder_layers import layer_activations
from xcrystal.explanation.influence import influence
from xcrystal.explanation.regions import region_attribution
from xcrystal.explanation.targets import Target
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


@pytest.fixture
def planted(model: CrystalModel) -> tuple[Atlas, Target, dict[str, np.ndarray]]:
    """Codes in which a concept lies along the first axis, which the target follows; another along one it ignores."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(1200, model.latent_dim)).astype(np.float32)
    used, unused, none = np.arange(300), np.arange(300, 600), rng.choice(1200, 300, replace=False)
    z[used, 0] += 3
    z[unused, 1] += 3
    table = pd.DataFrame({"material_id": [f"own-{i}" for i in range(1200)], "formula": "NaCl"})
    target = Target("planted", "", lambda x: 2 * x[:, 0] + 0.3 * torch.sin(x[:, 2:20]).sum(dim=1))
    return Atlas("planted", table, z), target, {"used": used, "unused": unused, "random": none}


def test_a_planted_concept_is_found_and_random_ones_are_not(model, planted) -> None:
    atlas, target, groups = planted
    report = concepts.test_concepts(model, atlas, target, groups, runs=10, seed=1)
    used, unused, none = report.results
    assert used.separable and used.significant and used.score > 0.95 and used.size > 1 and used.auc > 0.9
    assert unused.separable and not unused.significant and "not significant" in unused.words
    assert not none.separable and not none.significant and "not linearly separable" in none.words
    assert list(report.table()["name"]) == list(groups)
    assert json.loads(json.dumps(report.to_dict()))["results"][0]["significant"] is True
    assert report.plot().data
    renamed = replace(report, results=tuple(replace(r, name=f"<b>{r.name}</b>") for r in report.results))
    drawn = renamed.plot()
    names = {name for bar in drawn.data for name in bar.y}
    assert names == set(drawn.layout.yaxis.categoryarray) == {f"&lt;b&gt;{name}&lt;/b&gt;" for name in groups}
    assert report == concepts.test_concepts(model, atlas, target, groups, runs=10, seed=1)


def test_the_score_is_captums(model, planted) -> None:
    """captum's own sums over a layer's attributions and a vector give the same share."""
    from captum.attr import LayerGradientXActivation

    atlas, target, _ = planted
    network = torch.nn.Sequential(torch.nn.Identity(), Wrapped(target))
    z = torch.from_numpy(atlas.z[:200])
    layer = LayerGradientXActivation(network, network[0], multiply_by_inputs=False)
    attributions = layer.attribute(z).double()
    vector = np.random.default_rng(3).normal(size=model.latent_dim)
    gradients = concepts.gradients_of(target, atlas.z[:200], model)
    assert np.allclose(attributions.numpy(), gradients, atol=1e-5)
    # captum.concept: tcav_score = attributions . vector; its sign_count is the share of those above 0
    sign_count = ((attributions @ torch.from_numpy(vector)) > 0).double().mean().item()
    assert concepts.tcav_score(gradients, vector) == pytest.approx(sign_count)


def test_concepts_at_layers_of_the_encoder(model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concepts, "DECODED", 25)
    perovskites = concepts.built_in_concepts(atlas)[0]["perovskite"]
    # what the target follows is the mean latent vector of perovskites, so that they must matter
    axis = torch.from_numpy(atlas.z[perovskites].mean(axis=0) - atlas.z.mean(axis=0))
    target = Target("perovskite-like", "", lambda z: z @ axis)
    given = {"perovskite": perovskites, "random": np.arange(0, len(atlas), 9)}
    report = concepts.test_concepts(model, atlas, target, given, runs=5, layers=(1, 4))
    assert [r.name.rsplit(" ", 1)[1] for r in report.results] == ["1", "4", "1", "4"]
    found = {r.name: r for r in report.results}
    assert found["perovskite, encoder block 4"].separable and found["perovskite, encoder block 4"].size > 0
    assert not any(found[f"random, encoder block {k}"].significant for k in (1, 4))
    # of a concept that nearly all have, nearly all decoded crystals have it; it is tested all the same
    common = np.arange(len(atlas) - concepts.FEWEST)
    report = concepts.test_concepts(model, atlas, target, {"common": common}, runs=5, layers=(4,))
    assert len(report.results) == 1 and report.results[0].auc >= 0
    with pytest.raises(TargetError, match="from 1 to 4"):
        concepts.test_concepts(model, atlas, target, given, runs=5, layers=(5,))


def test_a_layers_gradient_is_what_the_target_changes_by(model: CrystalModel) -> None:
    crystals = [CRYSTALS["rock salt NaCl"], CRYSTALS["quartz SiO2"]]
    target = Target("first", "", lambda z: z[:, 0])
    vectors, gradients = layer_activations(model, crystals, target, 2)
    assert vectors.shape == gradients.shape == (2, model.network.config.width)
    direction = torch.randn(model.network.config.width, generator=torch.Generator().manual_seed(0))
    block, step, values = model.network.encoder.blocks[1], 1e-2, []
    for sign in (1, -1):
        hook = block.register_forward_hook(lambda _, __, found, s=sign: (found[0] + s * step * direction, found[1]))
        values.append(model.encode_canonical(crystals)[:, 0])
        hook.remove()
    change = (values[0] - values[1]) / (2 * step)
    np.testing.assert_allclose(gradients @ direction.double().numpy(), change, rtol=0.02, atol=1e-3)


class Wrapped(torch.nn.Module):
    """A target as a module."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.target.of(z)


def test_holm() -> None:
    assert concepts.holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert len(concepts.holm(np.zeros(0))) == 0


def test_built_in_concepts(model: CrystalModel, atlas: Atlas) -> None:
    assert set(concepts.built_in_concepts(atlas)[0]) == set(concepts.BUILT_IN)
    bare_atlas = Atlas("bare", atlas.table.drop(columns=list(MOTIFS)), atlas.z)
    found, notes = concepts.built_in_concepts(bare_atlas)
    assert "layered" not in found and any("Not offered" in note for note in notes)
    with pytest.raises(TargetError, match="layered"):
        concepts.test_concepts(model, bare_atlas, "band_gap", ["layered"])
    with pytest.raises(TargetError, match="at least 5 runs"):
        concepts.test_concepts(model, atlas, "band_gap", runs=1)


def test_influence(model: CrystalModel, atlas: Atlas) -> None:
    found = influence(model, CRYSTALS["perovskite SrTiO3"].to_structure(), "band_gap", atlas, k=5)
    assert len(found.near) == len(found.table()) == 5
    assert sum(one.weight for one in found.near) == pytest.approx(1)
    for one in found.near:
        assert one.error == pytest.approx(one.predicted - one.known, nan_ok=True)
        assert one.known == pytest.approx(float(atlas.table["band_gap"].iloc[one.row]), nan_ok=True)
    assert f"{found.value:.3f} eV" in found.words()
    own = influence(model, atlas.z[7], "latent 3", atlas)
    assert own.near[0].row == 7 and not own.measured and "this very crystal" in own.words()
    with pytest.raises(TargetError, match="neighbours"):
        influence(model, atlas.z[7], "band_gap", atlas, k=0)


def test_region(model: CrystalModel, atlas: Atlas) -> None:
    rows = [atlas.row("mp-22862"), atlas.row("mp-5986")]
    done: list[int] = []
    found = region_attribution(model, atlas, rows, "band_gap", progress=lambda n: done.append(n) is None)
    table = found.table().set_index("element")
    assert found.crystals == 2 and sum(done) == 2
    assert {"Na", "Cl", "Ba", "Ti", "O"} >= set(table.index) and table["mean"].notna().all()
    assert table["error"].isna().all()  # each in one crystal only
    assert region_attribution(model, atlas, range(50), most=3).crystals <= 3
    with pytest.raises(TargetError, match="region"):
        region_attribution(model, atlas, [])
    with pytest.raises(TargetError, match="no method"):
        region_attribution(model, atlas, rows, method="magic")
