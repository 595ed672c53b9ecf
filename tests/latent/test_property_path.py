"""The path of a property: what its stops say is what their crystals have."""

from __future__ import annotations

import numpy as np
import pytest

from xcrystal.errors import TargetError
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.property_path import PropertyPath, property_path, spread


@pytest.fixture(scope="module")
def path(model: CrystalModel, atlas: Atlas) -> PropertyPath:
    return property_path(model, atlas, atlas.z[atlas.row("mp-5986")], "band_gap", steps=2)  # BaTiO3


def test_values_rise_along_it_and_are_those_of_the_decoded_crystals(path: PropertyPath, model: CrystalModel) -> None:
    assert len(path.stops) >= 3 and (np.diff(path.values) > 0).all()
    own = model.predict(model.encode([stop.structure for stop in path.stops]))["band_gap"]
    np.testing.assert_allclose(own, path.values, atol=0.05)
    decoded = [structure.composition for structure in model.decode(np.stack([stop.z for stop in path.stops]))]
    assert decoded == [stop.structure.composition for stop in path.stops]


def test_it_begins_where_it_was_told_and_says_why_it_ends(path: PropertyPath, atlas: Atlas) -> None:
    np.testing.assert_array_equal(path.start.z, atlas.z[atlas.row("mp-5986")])
    assert path.complete and all(path.reasons)
    assert not path.extend()


def test_the_nearest_stop_is_given(path: PropertyPath) -> None:
    lowest, highest = path.stops[0], path.stops[-1]
    assert path.at(-100) is lowest
    assert path.at(100) is highest
    assert path.at(path.start.value) is path.start


def test_it_grows_a_stop_at_a_time_in_both_directions(model: CrystalModel, atlas: Atlas) -> None:
    growing = PropertyPath(model, atlas, atlas.z[atlas.row("mp-5986")], "formation_energy_per_atom", steps=1)
    assert growing.stops == (growing.start,) and not growing.complete
    assert growing.extend() and len(growing.stops) == 2
    assert growing.extend() and growing.stops[1] is growing.start and len(growing.stops) == 3
    while growing.extend():
        pass
    assert growing.complete and len(growing.stops) == 3


def test_a_property_that_is_not_predicted(model: CrystalModel, atlas: Atlas) -> None:
    with pytest.raises(TargetError, match="no property"):
        PropertyPath(model, atlas, atlas.z[0], "colour")


def test_the_spread_is_that_of_known_crystals(atlas: Atlas) -> None:
    gaps = atlas.table["band_gap"].dropna()
    assert spread(atlas, "band_gap") == pytest.approx(gaps.std(ddof=0), rel=1e-5)
    assert spread(atlas, "no such column") == 1.0
