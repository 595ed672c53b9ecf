"""Crystals of other elements: charges balance in all mixtures with the crystal itself."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Element

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.crystal.elements import symbol
from xcrystal.explanation.batches import score_crystals
from xcrystal.explanation.inputs import DRAWS
from xcrystal.explanation.known_answers import IS_METAL
from xcrystal.explanation.substitutions import same_charge_elements
from xcrystal.explanation.targets import Target
from xcrystal.generator import CrystalModel

CHARGES = {
    "perovskite SrTiO3": {38: 2, 22: 4, 8: -2},
    "spinel MgAl2O4": {12: 2, 13: 3, 8: -2},
    "rock salt NaCl": {11: 1, 17: -1},
}


@pytest.mark.parametrize("name", list(CHARGES))
def test_each_element_is_exchanged_for_another_of_its_charge(model: CrystalModel, name: str) -> None:
    crystal = model.canonical(CRYSTALS[name].to_structure()).crystal
    drawn = same_charge_elements(crystal.elements, crystal.multiplicities, {}, 40, seed=1)
    assert drawn.shape == (40, len(crystal.elements))
    assert (drawn == same_charge_elements(crystal.elements, crystal.multiplicities, {}, 40, seed=1)).all()
    for z, charge in CHARGES[name].items():
        own = drawn[:, crystal.elements == z]
        assert (own == own[:, :1]).all() and not (own == z).any()
        assert all(charge in Element(symbol(int(k))).common_oxidation_states for k in np.unique(own))


def test_only_elements_that_were_seen_are_drawn_as_often_as_seen() -> None:
    drawn = same_charge_elements(
        np.array([11, 17]), np.array([1, 1]), {"19": 9, "3": 1, "35": 5, "11": 50}, 400, seed=0
    )
    assert set(drawn[:, 0]) == {3, 19} and set(drawn[:, 1]) == {35}
    assert (drawn[:, 0] == 19).mean() == pytest.approx(0.9, abs=0.05)


def test_where_charges_do_not_balance_metals_take_the_place_of_metals() -> None:
    drawn = same_charge_elements(np.array([29, 79]), np.array([1, 3]), {}, 40)
    assert IS_METAL[drawn].all()


def test_scores_are_means_over_real_crystals(model: CrystalModel) -> None:
    crystal = model.canonical(CRYSTALS["rock salt NaCl"].to_structure()).crystal
    weight = xc.atlas("mp20").z[0]
    target = Target("linear", "", lambda z: z @ z.new_tensor(weight))
    found = score_crystals(model, [crystal], target, "shapley", baseline="real_elements", seed=3)
    seen = model.facts["elements_seen"]
    drawn = same_charge_elements(crystal.elements, crystal.multiplicities, seen, DRAWS, seed=3)

    def value(elements: np.ndarray) -> float:
        from dataclasses import replace

        return float(model.encode_canonical([replace(crystal, elements=elements)])[0] @ weight)

    gains = []
    for other in drawn:
        first, second = (np.where(np.arange(2) == k, crystal.elements, other) for k in (0, 1))
        both, neither = value(crystal.elements), value(other)
        gains.append(
            [
                (value(first) - neither + both - value(second)) / 2,
                (value(second) - neither + both - value(first)) / 2,
            ]
        )
    assert np.allclose(found.values[0], np.mean(gains, axis=0), atol=1e-4)
    assert found.baseline_values[0] == pytest.approx(np.mean([value(other) for other in drawn]), abs=1e-4)
