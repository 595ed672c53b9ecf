"""CIF files with symmetry hold one atom of each orbit, and are read as the same crystal, by others too."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from tests.crystals import CRYSTALS
from xcrystal.crystal.cif_writing import symmetric_cif_text
from xcrystal.crystal.formats.cif import parse_cif
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.limits import MAX_SEARCHED

NAMES = list(CRYSTALS)


def rows(text: str) -> list[list[str]]:
    """The list of atoms."""
    return [line.split() for line in text.split("_atom_site_occupancy\n")[1].splitlines()]


def written_otherwise(structure: Structure, seed: int) -> Structure:
    """The same crystal turned in space, its origin moved, as a supercell, its atoms in another order."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    lattice = Lattice(structure.lattice.matrix @ (rotation * np.linalg.det(rotation)))
    moved = Structure(lattice, structure.species, structure.frac_coords + rng.random(3)) * (1, 2, 1)
    return Structure.from_sites([moved[k] for k in rng.permutation(len(moved))])


@pytest.mark.filterwarnings("ignore:Issues encountered")  # pymatgen tells that it takes 0.33333333 for a third
@pytest.mark.parametrize("name", NAMES)
def test_it_is_read_as_the_same_crystal(name: str) -> None:
    crystal = CRYSTALS[name]
    for structure in (crystal.to_structure(), written_otherwise(crystal.to_structure(), NAMES.index(name))):
        text = symmetric_cif_text(structure, "from a test")
        assert text.startswith("# xcrystal: from a test\n")
        assert f"_space_group_IT_number {crystal.space_group}\n" in text
        assert len(rows(text)) == len(crystal.letters)
        for found in (parse_cif(text, "it"), Structure.from_str(text, fmt="cif")):
            assert len(found) == sum(int(row[2]) for row in rows(text))
            assert match_rms(found, structure, scale=False) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("name", ["spinel MgAl2O4", "quartz SiO2", "diamond C", "baddeleyite ZrO2"])
def test_its_symbols_alone_say_the_same(name: str) -> None:
    """Programs that read the name of the group only must find its origin and axes, too."""
    structure = CRYSTALS[name].to_structure()
    text = re.sub(r"loop_\n_space_group_symop_id.*?(?=loop_)", "", symmetric_cif_text(structure, ""), flags=re.DOTALL)
    assert "x, y, z" not in text
    for symbol in ("_space_group_name_H-M_alt", "_space_group_name_Hall"):
        lines = [line for line in text.splitlines() if not line.startswith("_space_group") or line.startswith(symbol)]
        assert match_rms(parse_cif("\n".join(lines), symbol), structure, scale=False) == pytest.approx(0, abs=1e-4)


def test_wyckoff_positions_are_those_of_the_tables() -> None:
    letters = {
        row[0]: f"{row[2]}{row[3]}" for row in rows(symmetric_cif_text(CRYSTALS["spinel MgAl2O4"].to_structure(), ""))
    }
    # origin at a centre: the cation of four neighbours is on 8a or 8b, that of six on 16c or 16d
    assert letters["Mg1"] in ("8a", "8b") and letters["Al1"] in ("16c", "16d") and letters["O1"] == "32e"


def test_shared_sites_stay_shared() -> None:
    alloy = Structure(Lattice.cubic(3.6), [{"Cu": 0.75, "Au": 0.2}, "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    text = symmetric_cif_text(alloy, "")
    assert sorted((row[1], float(row[7])) for row in rows(text)) == [("Au", 0.2), ("Cu", 0.75), ("O", 1.0)]
    found = parse_cif(text, "alloy")
    assert {site.species for site in found} == {site.species for site in alloy}


def test_atoms_that_are_not_equivalent_stay_apart_and_large_cells_as_they_are() -> None:
    salt = CRYSTALS["rock salt NaCl"].to_structure().to_conventional()
    shifted = salt.copy()
    shifted.translate_sites([0], [0.02, 0.013, 0.007])
    text = symmetric_cif_text(shifted, "")
    assert len(rows(text)) == len(shifted) and "_space_group_IT_number 1\n" in text
    assert match_rms(parse_cif(text, "it"), shifted, scale=False) == pytest.approx(0, abs=1e-4)
    large = salt * (4, 4, 3)
    assert len(large) > MAX_SEARCHED
    assert len(parse_cif(symmetric_cif_text(large, "x\ny"), "it")) == len(large)


def test_handedness_is_kept() -> None:
    quartz = CRYSTALS["quartz SiO2"].to_structure()
    mirrored = Structure(quartz.lattice.matrix * (1, 1, -1), quartz.species, quartz.frac_coords)
    numbers = [
        SpacegroupAnalyzer(parse_cif(symmetric_cif_text(one, ""), "it")).get_space_group_number()
        for one in (quartz, mirrored)
    ]
    assert sorted(numbers) == [152, 154]
