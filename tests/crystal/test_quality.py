"""What is doubtful about the crystals of a table."""

from __future__ import annotations

import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tables import row_of
from xcrystal.crystal.quality import ENERGY, OVERLAPPING, REASONS, REPEATED, UNSTABLE, VOLUME, count_flags, flags
from xcrystal.errors import ReadError


def table(*structures: Structure, **columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame([row_of(one, f"mp-{k}") for k, one in enumerate(structures)]).assign(**columns)


def salt(a: float = 5.69, *, moved: float = 0.0) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), ["Na", "Cl"], [[0] * 3, [0.5 - moved] * 3])


def test_usual_crystals_are_not_flagged() -> None:
    assert set(flags(table(*(crystal.to_structure() for crystal in CRYSTALS.values())))) == {""}


def test_each_fault_is_told() -> None:
    usual = salt().get_primitive_structure()
    overlapping = Structure(Lattice.cubic(5), ["Na", "Cl"], [[0, 0, 0], [0.2, 0, 0]])  # 1.0 of 2.68 Å
    vast = Structure(Lattice.cubic(8), ["Ta"], [[0, 0, 0]])
    empty = Structure(Lattice.cubic(8), ["H", "H", "H"], [[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]])
    assert flags(table(usual, overlapping, vast, empty)) == ["", OVERLAPPING, VOLUME, VOLUME]


def test_energies_are_judged_where_they_are_known() -> None:
    scaled = [salt(a).get_primitive_structure() for a in (5.5, 5.7, 5.9, 6.1)]
    nan = float("nan")
    found = flags(
        table(*scaled, e_above_hull=[0.9, 1.1, nan, 2.0], formation_energy_per_atom=[-4.5, nan, -4.7, 1.6]),
    )
    assert found == ["", UNSTABLE, ENERGY, f"{UNSTABLE}; {ENERGY}"]
    assert count_flags(found) == dict.fromkeys(REASONS, 0) | {UNSTABLE: 2, ENERGY: 2}


def test_a_crystal_that_comes_again_names_the_first() -> None:
    cell = salt().get_primitive_structure()
    moved = cell.copy()
    moved.translate_sites(range(len(moved)), [0.1, 0.2, 0.3])
    larger = salt(5.8).get_primitive_structure()  # 6 % in volume: another relaxation, or another crystal
    potash = cell.copy()
    potash.replace_species({"Na": "K"})
    found = flags(table(cell, potash, moved, larger, moved))
    assert found == ["", "", f"{REPEATED} mp-0", "", f"{REPEATED} mp-0"]


def test_a_row_that_is_no_crystal_is_said() -> None:
    broken = table(salt())
    broken.at[0, "species"] = ["Na", "Qq"] * 4
    with pytest.raises(ReadError, match="no crystal"):
        flags(broken)
