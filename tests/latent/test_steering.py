"""Steering moves the property of real decodes, keeps what is held, stays near the data, and says why it ends."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contact
from xcrystal.errors import InvalidCrystalError, TargetError, UnsupportedElementWarning
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.density import Density
from xcrystal.latent.steering import HOLDS, REACHES, steer

WAYS = [
    ("formation_energy_per_atom", "lower", -1),
    ("band_gap", "higher", 1),
    ("formation_energy_per_atom", "higher", 1),
]


def start(atlas: Atlas) -> np.ndarray:
    code: np.ndarray = atlas.z[atlas.row("mp-5986")]  # BaTiO3
    return code


@pytest.mark.parametrize(("target", "direction", "sign"), WAYS)
@pytest.mark.parametrize("hold", [frozenset(), frozenset(HOLDS), frozenset({"elements"}), frozenset({"space_group"})])
def test_every_step_is_a_better_crystal(
    model: CrystalModel, atlas: Atlas, target: str, direction: str, sign: int, hold: frozenset[str]
) -> None:
    steering = steer(model, atlas, start(atlas), target, direction, steps=4, hold=hold)
    steps = list(steering)
    values = [step.value for step in (steering.start, *steps)]
    assert steps and (sign * np.diff(values) > 0).all()
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    density = Density.of(atlas)
    for step in steps:
        crystal = step.structure
        decoded = model.decode(step.z)[0]
        # alone it is decoded as among others, but for rounding
        assert np.allclose(decoded.lattice.parameters, crystal.lattice.parameters, rtol=1e-3)
        assert decoded.species == crystal.species
        assert (
            shortest_contact(crystal.lattice.matrix, crystal.frac_coords, np.array(crystal.atomic_numbers)).ratio
            >= SHORT_CONTACT
        )
        assert step.quantile <= max(0.95, steering.start.quantile)
        assert step.distance < 2 * REACHES[-1]
        if "elements" in hold:
            assert set(crystal.composition) == set(steering.start.structure.composition)
        if "space_group" in hold:
            assert crystal.properties["space_group"] == steering.start.structure.properties["space_group"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsupportedElementWarning)
        own = model.encode(steps[-1].structure)
    # canonicalized anew, as anyone would who encodes the crystal: the value is the same
    assert model.predict(own)[target][0] == pytest.approx(steps[-1].value, abs=0.05)
    assert density.quantile(own) == pytest.approx(steps[-1].quantile, abs=0.05)


def test_the_same_seed_takes_the_same_steps(model: CrystalModel, atlas: Atlas) -> None:
    one, other = (
        [step.value for step in steer(model, atlas, start(atlas), "band_gap", "higher", 3, frozenset(), seed=5)]
        for _ in range(2)
    )
    assert one == other


def test_it_ends_and_says_why(model: CrystalModel, atlas: Atlas) -> None:
    row = int(atlas.table["e_above_hull"].to_numpy().argmax())
    steering = steer(model, atlas, atlas.z[row], "e_above_hull", "lower", 40)
    assert len(list(steering)) < 40
    assert steering.reason == "no better crystal that holds the elements and the space group was found near this one"
    assert next(steering, None) is None
    two = steer(model, atlas, start(atlas), "band_gap", "higher", 1, frozenset())
    assert len(list(two)) == 1 and two.reason == "all steps were taken"


def test_it_can_be_left_after_any_step(model: CrystalModel, atlas: Atlas) -> None:
    steering = steer(model, atlas, start(atlas), "formation_energy_per_atom", steps=10, hold=frozenset())
    first = next(steering)
    assert first.number == 1 and not steering.reason


def test_from_far_outside_of_the_data(model: CrystalModel, atlas: Atlas) -> None:
    z = 3 * np.random.default_rng(0).standard_normal(atlas.z.shape[1])
    steering = steer(model, atlas, z, "formation_energy_per_atom", steps=2, hold=frozenset())
    assert steering.start.quantile <= 1
    assert all(np.isfinite(step.value) for step in steering)


def test_invalid_requests(model: CrystalModel, atlas: Atlas) -> None:
    for options in ({"target": "colour"}, {"direction": "sideways"}, {"hold": frozenset({"volume"})}):
        with pytest.raises(TargetError, match=r"there are|becomes"):
            steer(model, atlas, start(atlas), **{"target": "band_gap", **options})  # type: ignore[arg-type]
    with pytest.raises(InvalidCrystalError, match="at least one step"):
        steer(model, atlas, start(atlas), "band_gap", steps=0)
    with pytest.raises(InvalidCrystalError, match="not finite"):
        steer(model, atlas, np.full(atlas.z.shape[1], np.nan), "band_gap")


def test_an_atlas_of_other_crystals_without_properties(model: CrystalModel, atlas: Atlas) -> None:
    table = atlas.table.iloc[:50][["material_id", "formula", "space_group", "x", "y"]].reset_index(drop=True)
    table.loc[3, "formula"] = "<b>mine</b>"
    few = Atlas("few", table, atlas.z[:50])
    steps = list(steer(model, few, atlas.z[0], "formation_energy_per_atom", steps=2, hold=frozenset()))
    assert all(step.structure.composition for step in steps)
