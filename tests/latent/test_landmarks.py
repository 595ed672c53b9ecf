"""The names on the map: true of what lies there."""

from __future__ import annotations

import numpy as np
import pytest

from xcrystal.latent.atlas import Atlas
from xcrystal.latent.compositions import parse_formula
from xcrystal.latent.landmarks import MOST, central_window, chemistry, landmarks
from xcrystal.latent.searching import search


@pytest.mark.parametrize(
    ("formula", "name"),
    [("NaCl", "chlorides"), ("CaCO3", "carbonates"), ("TiO2", "oxides"), ("LiFePO4", "phosphates"), ("Cu", "elements"),
     ("Mg2SiO4", "silicates"), ("ZnS", "sulfides"), ("NiAl", "intermetallics"), ("CaTiO3", "oxides"), ("CO", "oxides")],
)  # fmt: skip
def test_chemistry(formula: str, name: str) -> None:
    assert chemistry(parse_formula(formula)) == name


def test_a_region_is_named_by_what_lies_around_it(atlas: Atlas) -> None:
    found = landmarks(atlas)
    assert 50 < len(found) <= MOST
    perovskites = np.zeros(len(atlas), dtype=bool)
    perovskites[search(atlas, "perovskite oxides")] = True
    places = atlas.inverse.places
    regions = [one for one in found if one.text == "perovskite oxides"]
    assert regions
    for one in regions:
        near = np.linalg.norm(places - (one.x, one.y), axis=1).argsort()[:8]
        assert perovskites[near].mean() > 5 * perovskites.mean()


def test_well_known_crystals_are_where_the_atlas_has_them(atlas: Atlas) -> None:
    rows = {one.text: one.row for one in landmarks(atlas) if one.row is not None}
    assert atlas.table["formula"].iat[rows["diamond"]] == atlas.table["formula"].iat[rows["graphite"]] == "C"
    assert atlas.table["space_group"].iat[rows["diamond"]] == 227
    assert len(rows) > 40


def test_an_atlas_of_ones_own_has_regions_too(bare_atlas: Atlas) -> None:
    assert all(np.isfinite((one.x, one.y)).all() for one in landmarks(bare_atlas))


def test_the_central_window_holds_nearly_all(atlas: Atlas) -> None:
    low, high = central_window(atlas.inverse.places)
    inside = ((atlas.inverse.places >= low) & (atlas.inverse.places <= high)).all(axis=1)
    assert inside.mean() > 0.95
