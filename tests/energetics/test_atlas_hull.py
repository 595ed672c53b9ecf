"""Energies above the hull of an atlas: against sums done by hand and pymatgen's hull, and kept beside the atlas."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition

import xcrystal as xc
from xcrystal.energetics.atlas_hull import energies_above_hull, write_energies_above_hull
from xcrystal.energetics.hull import energy_above_hull
from xcrystal.errors import RelaxationError
from xcrystal.explorer.drawing.point_colors import coloring
from xcrystal.latent.atlas import ABOVE_HULL, CODES, HULL, TABLE, Atlas, open_atlas


def atlas_of(folder: Path, energies: dict[str, float]) -> Atlas:
    table = pd.DataFrame({"material_id": [f"own-{number}" for number in range(len(energies))], "x": 0.0, "y": 0.0})
    table["formula"], table["formation_energy_per_atom"] = energies.keys(), energies.values()
    atlas = Atlas(str(folder), table, np.zeros((len(table), 2), dtype=np.float32))
    atlas.save(folder)
    return atlas


def test_a_system_by_hand(tmp_path: Path) -> None:
    atlas = atlas_of(tmp_path, {"NaCl": -2.0, "Na2Cl2": -1.5, "NaCl3": -0.4, "Na": 0.3, "KBr": np.nan, "K": -0.1})
    # NaCl3 is half NaCl and half chlorine; potassium is no worse for a table in which it lies below zero
    np.testing.assert_allclose(energies_above_hull(atlas), [0, 0.5, 0.6, 0.3, np.nan, 0], atol=1e-6)


def test_they_are_read_with_the_atlas_they_are_of(tmp_path: Path) -> None:
    atlas_of(tmp_path, {"NaCl": -2.0, "NaCl3": -0.4})
    assert ABOVE_HULL not in open_atlas(tmp_path).table
    found = write_energies_above_hull(tmp_path)
    opened = open_atlas(tmp_path)
    np.testing.assert_array_equal(opened.table[ABOVE_HULL], found)
    np.testing.assert_array_equal(coloring(opened, ABOVE_HULL).values, found)
    assert ABOVE_HULL not in opened.properties, "it is no property of the crystal alone"
    other = tmp_path / "other"
    atlas_of(other, {"NaCl": -2.0})
    shutil.copy(tmp_path / HULL, other / HULL)
    assert ABOVE_HULL not in open_atlas(other).table


def test_an_atlas_opens_without_a_hull_that_is_damaged(tmp_path: Path) -> None:
    atlas_of(tmp_path, {"NaCl": -2.0, "NaCl3": -0.4})
    write_energies_above_hull(tmp_path)
    content = (tmp_path / HULL).read_bytes()
    (tmp_path / HULL).write_bytes(content[: len(content) // 2])
    with pytest.warns(UserWarning, match="hull.parquet cannot be read and is left out"):
        opened = open_atlas(tmp_path)
    assert len(opened) == 2 and ABOVE_HULL not in opened.table


def test_without_energies_it_is_said(tmp_path: Path) -> None:
    atlas = atlas_of(tmp_path, {"NaCl": -2.0})
    with pytest.raises(RelaxationError, match="no formation energies"):
        energies_above_hull(Atlas("own", atlas.table.drop(columns="formation_energy_per_atom"), atlas.z))
    assert {path.name for path in tmp_path.iterdir()} == {TABLE, CODES}


def test_what_ships_is_the_hull_of_pymatgen() -> None:
    table = xc.atlas().table
    known = table[table["formation_energy_per_atom"].notna()]
    assert (known[ABOVE_HULL].notna() & (known[ABOVE_HULL] >= 0)).mean() > 0.999
    for _, row in known.sample(12, random_state=0).iterrows():
        expected = energy_above_hull(Composition(row["formula"]), row["formation_energy_per_atom"])
        assert row[ABOVE_HULL] == pytest.approx(max(0.0, expected), abs=1e-5)
