"""Attributions on atoms: complete, symmetric, and independent of how the crystal is written."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.errors import TargetError, UnsupportedCrystalError
from xcrystal.explanation.attribution import Attribution
from xcrystal.explanation.methods import title_of
from xcrystal.explanation.shapley import MOST_EXACT
from xcrystal.generator import CrystalModel


@pytest.mark.parametrize("target", PROPERTIES)
@pytest.mark.parametrize("name", list(CRYSTALS))
def test_scores_are_complete_and_equal_within_orbits(model: CrystalModel, name: str, target: str) -> None:
    structure = CRYSTALS[name].to_structure()
    found = xc.explain(model, structure, target=target)
    assert found.scores.shape == (len(structure),)
    difference = found.target_value - found.baseline_value
    assert abs(found.scores.sum() - difference) == pytest.approx(found.completeness_error, abs=1e-9)
    assert found.completeness_error <= max(0.01 * abs(difference), 0.002)
    assert found.target_value == pytest.approx(model.predict(model.encode(structure))[target][0], abs=1e-4)
    orbits = np.array(structure.site_properties["orbit"])
    for orbit in np.unique(orbits):
        assert np.ptp(found.scores[orbits == orbit]) == 0


@pytest.mark.parametrize("name", ["perovskite SrTiO3", "rutile TiO2", "wurtzite ZnO"])
@pytest.mark.parametrize("level", ["atoms", "orbits", "elements"])
def test_scores_add_up_in_every_cell_and_are_equal_on_an_orbit(model: CrystalModel, name: str, level: str) -> None:
    structure = CRYSTALS[name].to_structure()
    structure.add_site_property("origin", list(range(len(structure))))
    alone = xc.explain(model, structure, level=level)
    for size in ((2, 1, 1), (1, 3, 2)):
        tiled = xc.explain(model, structure * size, level=level)
        assert alone.atom_scores is not None and tiled.atom_scores is not None
        assert tiled.atom_scores.sum() == pytest.approx(tiled.target_value - tiled.baseline_value, abs=2e-4)
        expected = alone.atom_scores[tiled.structure.site_properties["origin"]] / np.prod(size)
        assert np.allclose(tiled.atom_scores, expected, atol=1e-4)
        for orbit in np.unique(structure.site_properties["orbit"]):
            own = np.array(tiled.structure.site_properties["orbit"]) == orbit
            assert np.ptp(tiled.atom_scores[own]) == 0


def test_in_a_conventional_cell_scores_add_up_to_the_difference(model: CrystalModel) -> None:
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    structure = SpacegroupAnalyzer(CRYSTALS["rock salt NaCl"].to_structure()).get_conventional_standard_structure()
    found = xc.explain(model, structure)
    assert len(structure) == 8
    assert found.scores.sum() == pytest.approx(found.target_value - found.baseline_value, abs=1e-4)


def test_the_usual_method_is_named(model: CrystalModel) -> None:
    structure = CRYSTALS["perovskite SrTiO3"].to_structure()
    found = xc.explain(model, structure)
    assert (found.method, found.method_title) == ("shapley", "Shapley values, exact")
    assert "Shapley values, exact" in repr(found)
    assert Attribution.from_dict(json.loads(found.to_json())).method_title == found.method_title
    assert xc.explain(model, structure, level="latent").method == "integrated_gradients"
    assert "sampled" in title_of("shapley", "atoms", "mean_element", MOST_EXACT + 1)
    assert "sampled" in title_of("shapley", "atoms", "real_elements", MOST_EXACT - 2)


@pytest.mark.parametrize(
    ("level", "old", "new"),
    [
        ("orbits", "mean_crystal", "mean_element"),
        ("orbits", "element_averaged", "average_of_crystal"),
        ("orbits", "vacuum", "vacancy"),
        ("lattice", "mean_crystal", "mean_cell"),
        ("latent", "mean_crystal", "prior_mean"),
    ],
)
def test_earlier_names_of_baselines_warn_and_lead_on(model: CrystalModel, level: str, old: str, new: str) -> None:
    structure = CRYSTALS["rock salt NaCl"].to_structure()
    with pytest.warns(DeprecationWarning, match=new):
        found = xc.explain(model, structure, level=level, baseline=old)
    assert found.baseline == new
    kept = found.to_dict() | {"baseline": old}
    assert Attribution.from_dict(kept).baseline == new


def test_the_order_of_atoms_is_the_callers(model: CrystalModel) -> None:
    structure = CRYSTALS["perovskite SrTiO3"].to_structure()
    reversed_ = structure.copy()
    reversed_._sites = list(reversed(structure._sites))
    assert np.allclose(xc.explain(model, reversed_).scores, xc.explain(model, structure).scores[::-1], atol=1e-4)


def test_scores_go_into_the_structure(model: CrystalModel) -> None:
    structure = CRYSTALS["perovskite SrTiO3"].to_structure()
    found = xc.explain(model, structure)
    annotated = found.to_structure()
    assert annotated.site_properties["attribution"] == pytest.approx(list(found.scores))
    assert "attribution" not in structure.site_properties


@pytest.mark.parametrize("wrong", [{"target": "colour"}, {"method": "guess"}, {"level": "bonds"}, {"baseline": "zero"}])
def test_unknown_options_get_one_sentence(model: CrystalModel, wrong: dict[str, str]) -> None:
    with pytest.raises(TargetError, match=next(iter(wrong.values()))):
        xc.explain(model, CRYSTALS["perovskite SrTiO3"].to_structure(), **wrong)


def test_too_large_crystals_get_one_sentence(model: CrystalModel) -> None:
    structure = CRYSTALS["perovskite SrTiO3"].to_structure() * (3, 3, 2)
    rng = np.random.default_rng(0)
    structure = structure.copy()
    for i in range(len(structure)):
        structure.translate_sites([i], rng.normal(0, 0.02, 3))
    with pytest.raises(UnsupportedCrystalError, match=f"at most {model.max_atoms}"):
        xc.explain(model, structure)


@pytest.mark.parametrize("level", ["atoms", "orbits", "elements", "pairs", "lattice", "latent"])
def test_it_is_kept_as_json_and_drawn_at_every_level(model: CrystalModel, level: str) -> None:
    found = xc.explain(model, CRYSTALS["spinel MgAl2O4"].to_structure(), method="shapley", level=level)
    again = Attribution.from_dict(json.loads(found.to_json()))
    assert np.array_equal(again.scores, found.scores)
    assert again.to_dict() == found.to_dict()
    assert found.table()["score"].sum() == pytest.approx(
        np.tril(found.scores).sum() if level == "pairs" else found.scores.sum()
    )
    assert len(found.plot().data) == 1
    if found.atom_scores is None:
        with pytest.raises(TargetError, match="no scores of atoms"):
            found.to_structure()
    else:
        assert found.to_structure().site_properties["attribution"] == pytest.approx(list(found.atom_scores))


@pytest.mark.parametrize("level", ["orbits", "elements", "pairs"])
def test_shares_of_atoms_sum_to_what_their_players_have(model: CrystalModel, level: str) -> None:
    found = xc.explain(model, CRYSTALS["spinel MgAl2O4"].to_structure(), method="shapley", level=level)
    assert found.atom_scores is not None
    whole = np.trace(found.scores) if level == "pairs" else found.scores.sum()
    assert found.atom_scores.sum() == pytest.approx(whole, abs=1e-6)


def test_what_is_not_a_saved_attribution_gets_one_sentence() -> None:
    with pytest.raises(TargetError, match="not a saved attribution"):
        Attribution.from_dict({"scores": [1.0]})


def test_scores_that_are_not_known_are_null(model: CrystalModel) -> None:
    found = xc.explain(model, CRYSTALS["perovskite SrTiO3"].to_structure())
    unknown = dataclasses.replace(found, scores=np.full(5, np.nan))
    assert json.loads(unknown.to_json())["scores"] == [None] * 5
