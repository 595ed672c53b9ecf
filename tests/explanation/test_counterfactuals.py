"""Counterfactuals: small changes that turn a predicted outcome, and which of them exceed the model's error."""

from __future__ import annotations

import numpy as np
import pytest

from tests.crystals import CRYSTALS
from xcrystal.crystal.elements import symbol
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contact
from xcrystal.crystal.reading import encodable
from xcrystal.errors import TargetError
from xcrystal.explanation.counterfactuals import (
    beyond_error,
    candidates,
    counterfactuals,
    difference_interval,
    exchanged,
    often_seen,
    outcome_of,
    table,
)
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

NAMES = ["perovskite SrTiO3", "wurtzite ZnO", "polar BaTiO3", "baddeleyite ZrO2", "quartz SiO2"]
RUTILE = CRYSTALS["rutile TiO2"].to_structure()


def test_they_are_real_crystals_with_another_outcome(model: CrystalModel, atlas: Atlas) -> None:
    before = model.encode(RUTILE)
    outcome = "metal" if model.predict_nonzero(before)["band_gap"][0] > 0.5 else "insulator"
    found = counterfactuals(model, RUTILE, outcome, atlas=atlas, most=None)
    assert any(one.beyond_error for one in found) and any(not one.beyond_error for one in found)
    for one in found:
        z = model.encode(one.structure)
        assert np.allclose(z, model.encode_canonical([one.crystal]), atol=1e-4)
        probability = model.predict_nonzero(z)["band_gap"][0]
        assert one.nonzero[1] == pytest.approx(probability, abs=0.01)
        assert (one.nonzero[1] > 0.5) == (outcome == "insulator") != (one.nonzero[0] > 0.5)
        assert one.value_after == pytest.approx(model.predict(z)["band_gap"][0], abs=1e-2)
        assert one.value_before == pytest.approx(model.predict(before)["band_gap"][0], abs=1e-4)
        assert one.intervals[0] == pytest.approx(model.predict_interval(before)["band_gap"][0], abs=1e-2)
        assert one.beyond_error == (abs(one.value_after - one.value_before) > one.error)
        assert one.dz == pytest.approx(float(np.linalg.norm(z[0] - before[0])), rel=1e-2)
        assert one.size > one.dz / np.sqrt(model.latent_dim)
        numbers = np.array([site.specie.Z for site in one.structure])
        contact = shortest_contact(np.asarray(one.structure.lattice.matrix), one.structure.frac_coords, numbers)
        assert contact.ratio >= SHORT_CONTACT - 1e-3 and one.extrapolates is not None
    order = [(not one.beyond_error, one.size) for one in found]
    assert order == sorted(order)
    shown = table(found)
    assert len(shown) == len(found) and "within the error" in set(shown["verdict"].str.split(",").str[0])


def test_differences_take_the_sides_that_face_each_other() -> None:
    """From 1 (0.7 to 5) to 3 (2.6 to 9): up to 3 - 1 only what is left of 3 and right of 1 counts against it."""
    ends = difference_interval(1.0, 3.0, (0.7, 5.0), (2.6, 9.0))
    assert ends == pytest.approx([2 - np.hypot(0.4, 4.0), 2 + np.hypot(6.0, 0.3)])
    assert not beyond_error(1.0, 3.0, (0.7, 5.0), (2.6, 9.0))
    assert beyond_error(1.0, 3.0, (-9.0, 1.5), (2.6, 99.0))
    assert beyond_error(3.0, 1.0, (2.6, 99.0), (-9.0, 1.5))
    assert not beyond_error(1.0, 3.0, (np.nan, np.nan), (2.6, 9.0))


def test_metal_or_insulator_is_asked_of_the_probability() -> None:
    metal = outcome_of("metal")
    assert metal.reached(0.3, 0.4) and not metal.reached(0.01, 0.6)
    assert metal.reached(0.05) and not metal.reached(0.3)  # of a model that knows none
    assert not outcome_of("band_gap < 0.1").reached(0.3, 0.4)


@pytest.mark.parametrize(
    "name", ["perovskite SrTiO3", "wurtzite ZnO", "polar BaTiO3", "baddeleyite ZrO2", "quartz SiO2"]
)
def test_the_fast_canonical_form_is_the_true_one(model: CrystalModel, name: str) -> None:
    crystal = encodable(CRYSTALS[name].to_structure()).crystal
    some = [one for one in candidates(model, crystal) if one.kind == "substitution"][::17]
    assert some
    true = [encodable(one.crystal.to_structure()).crystal for one in some]
    assert [one.crystal.space_group for one in some] == [one.space_group for one in true]
    codes = model.encode_canonical([one.crystal for one in some]), model.encode_canonical(true)
    assert np.allclose(codes[0], codes[1], atol=2e-3)


def test_exchanged_elements_keep_the_form(model: CrystalModel) -> None:
    crystal = encodable(CRYSTALS["perovskite SrTiO3"].to_structure()).crystal
    other = exchanged(crystal, np.where(crystal.elements == 22, 40, crystal.elements))
    assert np.array_equal(other.elements, encodable(other.to_structure()).crystal.elements)


def test_strains_are_tried_too(model: CrystalModel) -> None:
    crystal = encodable(RUTILE).crystal
    strains = [one for one in candidates(model, crystal) if one.kind == "strain"]
    assert {one.change for one in strains} == {"all", "a", "c"} and len(strains) == 3 * 6
    cubic = encodable(CRYSTALS["rock salt NaCl"].to_structure()).crystal
    assert {one.change for one in candidates(model, cubic) if one.kind == "strain"} == {"all"}


def test_it_can_be_watched_and_stopped(model: CrystalModel) -> None:
    seen: list[int] = []

    def stop(words: str, steps: int) -> bool:
        seen.append(steps)
        return len(seen) < 2

    some = counterfactuals(model, RUTILE, "band_gap > 20", most=None, progress=stop)
    assert len(seen) == 2 and len(some) <= sum(seen)
    crystal = encodable(RUTILE).crystal
    counterfactuals(model, crystal, "band_gap > 20", progress=lambda words, steps: seen.append(steps) or True)
    assert sum(seen[2:]) == len(candidates(model, crystal))


def test_outcomes_have_names_or_numbers(model: CrystalModel) -> None:
    assert outcome_of("near the hull", near_hull=0.2).threshold == 0.2
    with pytest.warns(DeprecationWarning, match="is now 'near the hull'"):
        assert outcome_of("stable") == outcome_of("near the hull")
    with pytest.warns(DeprecationWarning, match="stable_below is now near_hull"):
        assert outcome_of("above the hull", stable_below=0.2).threshold == 0.2
    hull = outcome_of("on the hull")
    assert hull.reached(0.04, 0.4) and not hull.reached(0.001, 0.6)  # by the probability of lying above
    below = outcome_of("formation_energy_per_atom < -2")
    assert below.target == "formation_energy_per_atom" and not below.above and below.threshold == -2
    assert outcome_of("band gap >= 2").above
    for wrong in ("gas", "colour > 2", "band_gap > much", "band_gap", "band_gap > inf"):
        with pytest.raises(TargetError, match="no outcome"):
            outcome_of(wrong)
    with pytest.raises(TargetError, match="already predicted"):
        counterfactuals(model, RUTILE, "band_gap < 9")
    lower = counterfactuals(model, RUTILE, "formation_energy_per_atom < -3.8", most=3)
    assert len(lower) <= 6 and all(one.value_after <= -3.8 for one in lower)


def test_elements_that_the_model_hardly_knows_are_not_tried(model: CrystalModel) -> None:
    often = often_seen(model)
    assert 8 in often and 26 in often and 18 not in often and 10 not in often
    tried = {one.change for one in candidates(model, encodable(RUTILE).crystal) if one.kind == "substitution"}
    assert tried <= {symbol(z) for z in often}
