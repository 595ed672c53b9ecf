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


def test_names_stand_where_crystals_lie_close_together(atlas: Atlas) -> None:
    low, high = central_window(atlas.inverse.places)
    on_map = (atlas.inverse.places - low) / (high - low)
    regions = [one for one in landmarks(atlas) if one.row is None]
    assert len({one.text for one in regions[:12]}) == 12  # each at its largest before any comes again
    for rank, one in enumerate(regions):
        place = (np.array((one.x, one.y)) - low) / (high - low)
        assert ((place >= 0) & (place <= 1)).all()
        assert (np.linalg.norm(on_map - place, axis=1) <= 0.02).sum() >= (60 if rank < 12 else 8)


def test_an_atlas_of_ones_own_has_regions_too(atlas: Atlas) -> None:
    few = Atlas("few", atlas.table[["material_id", "formula", "x", "y"]].iloc[::20], atlas.z[::20])
    regions = [one for one in landmarks(few) if one.row is None]
    assert regions and all(np.isfinite((one.x, one.y)).all() for one in regions)


def test_the_central_window_holds_nearly_all(atlas: Atlas) -> None:
    low, high = central_window(atlas.inverse.places)
    inside = ((atlas.inverse.places >= low) & (atlas.inverse.places <= high)).all(axis=1)
    assert inside.mean() > 0.95
