"""Crystals of other elements: charges balance in all mixtures with the crystal itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Element

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.crystal.elements import symbol
from xcrystal.errors import TargetError
from xcrystal.explanation.batches import score_crystals
from xcrystal.explanation.inputs import DRAWS
from xcrystal.explanation.known_answers import IS_METAL
from xcrystal.explanation.substitutions import neighbour_elements, same_charge_elements
from xcrystal.explanation.targets import Target
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

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


def atlas_of(*formulas: str) -> Atlas:
    z = np.arange(1, len(formulas) + 1, dtype=np.float32)[:, None] * np.ones(4, dtype=np.float32)
    return Atlas("test", pd.DataFrame({"formula": formulas}), z)


def test_elements_come_from_the_nearest_crystals_of_the_formula_type() -> None:
    atlas = atlas_of("CaTiO3", "MgO", "SrTiO3", "NaNbO3", "CaTiO3", "LaAlO3", "CsPbI3")
    elements, multiplicities = np.array([22, 38, 8, 8]), np.array([2, 2, 4, 2])
    found = neighbour_elements(elements, multiplicities, np.full(4, 5.9), atlas, 3)
    # of two metals the more electropositive takes the place of strontium; a formula counts once, its own never
    assert found.tolist() == [[13, 57, 8, 8], [22, 20, 8, 8], [82, 55, 53, 53]]


def test_too_few_neighbours_are_said() -> None:
    with pytest.raises(TargetError, match="holds 1 other formulas"):
        neighbour_elements(np.array([11, 17]), np.array([1, 1]), np.zeros(4), atlas_of("KCl", "NaCl", "CaF2"), 2)


def test_the_baseline_of_neighbours_is_their_mean(model: CrystalModel) -> None:
    crystal = model.canonical(CRYSTALS["rock salt NaCl"].to_structure()).crystal
    atlas = xc.atlas("mp20")
    found = score_crystals(model, [crystal], method="shapley", baseline="neighbours", atlas=atlas)
    z = model.encode_canonical([crystal])[0]
    near = neighbour_elements(crystal.elements, crystal.multiplicities, z, atlas, DRAWS)
    codes = model.encode_canonical([replace(crystal, elements=own) for own in near])
    energy = model.predict(codes)["formation_energy_per_atom"]
    assert found.baseline_values[0] == pytest.approx(energy.mean(), abs=1e-4)
    assert found.errors.max() < 1e-4


def test_scores_are_means_over_real_crystals(model: CrystalModel) -> None:
    crystal = model.canonical(CRYSTALS["rock salt NaCl"].to_structure()).crystal
    weight = xc.atlas("mp20").z[0]
    target = Target("linear", "", lambda z: z @ z.new_tensor(weight))
    found = score_crystals(model, [crystal], target, "shapley", baseline="real_elements", seed=3)
    seen = model.facts["elements_seen"]
    drawn = same_charge_elements(crystal.elements, crystal.multiplicities, seen, DRAWS, seed=3)

    def value(elements: np.ndarray) -> float:
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
