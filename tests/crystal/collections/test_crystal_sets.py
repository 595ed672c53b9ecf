"""Lists, folders and tables of crystals, good and bad ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase.io import write
from pymatgen.core import Composition, Element, Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from tests.crystals import CRYSTALS, structures
from xcrystal.crystal.collections.crystal_sets import MAX_ATOMS, cell_of, crystal_set
from xcrystal.crystal.collections.tables import read_table, reduced_composition
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import DatasetError, InvalidCrystalError, XCrystalError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two good files, one of them deeper, three bad ones, and one that is none of ours."""
    root = tmp_path_factory.mktemp("cifs")
    (root / "deeper").mkdir()
    CRYSTALS["rutile TiO2"].to_structure().to(str(root / "rutile.cif"))
    CRYSTALS["quartz SiO2"].to_structure().to(str(root / "deeper" / "quartz.CIF"), fmt="cif")
    (root / "empty.cif").touch()
    (root / "noise.cif").write_bytes(bytes(range(256)))
    disordered = Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    disordered.to(str(root / "disordered.cif"))
    (root / "notes.txt").write_text("not a crystal")
    return root


def test_a_folder_names_its_bad_files(folder: Path) -> None:
    found = crystal_set(folder)
    assert len(found) == 5
    assert {cell.name for cell in found.cells} == {"rutile.cif", str(Path("deeper") / "quartz.CIF")}
    assert set(found.unreadable) == {"empty.cif", "noise.cif", "disordered.cif"}
    assert "disordered" in found.unreadable["disordered.cif"]
    rutile = next(cell for cell in found.cells if cell.name == "rutile.cif")
    assert match_rms(rutile.structure(), CRYSTALS["rutile TiO2"].to_structure()) == pytest.approx(0, abs=1e-4)


def test_a_table_and_a_list_and_a_set_are_the_same_crystals(crystal_table: Path) -> None:
    table, listed = crystal_set(crystal_table), crystal_set(structures())
    assert [cell.name for cell in table.cells] == list(CRYSTALS)
    assert [cell.name for cell in listed.cells] == [str(i) for i in range(len(CRYSTALS))]
    for one, other in zip(table.cells, listed.cells, strict=True):
        assert one.formula == other.formula
        assert one.volume == pytest.approx(other.volume)
        np.testing.assert_allclose(one.frac, other.frac, atol=1e-9)
    assert crystal_set(table) is table
    assert len(crystal_set(CRYSTALS["bcc W"].to_structure())) == 1


def test_bad_rows_and_names_given_twice_lose_nothing(crystal_table: Path, tmp_path: Path) -> None:
    table = read_table(crystal_table)
    broken = [table.iloc[[0]].assign(b=np.nan) for _ in range(2)]
    path = tmp_path / "table.parquet"
    pd.concat([table, *broken]).to_parquet(path)
    found = crystal_set(path)
    assert len(found) == len(table) + 2
    assert len(found.unreadable) == 2


@pytest.mark.parametrize(
    "structure",
    [
        Structure(Lattice.cubic(3), [], []),
        Structure(Lattice.cubic(3), ["X"], [[0, 0, 0]]),
        Structure(Lattice.cubic(3), [{"Na": 0.4}], [[0, 0, 0]]),
        Structure(Lattice.cubic(3), ["Na"], [[0, np.nan, 0]]),
        Structure(Lattice.cubic(90), ["Na"] * (MAX_ATOMS + 1), np.random.default_rng(0).random((MAX_ATOMS + 1, 3))),
    ],
    ids=["no atoms", "no element", "a vacancy", "not a number", "too many"],
)
def test_what_cannot_be_measured(structure: Structure) -> None:
    with pytest.raises(InvalidCrystalError):
        cell_of(structure)
    found = crystal_set([structure, "a word", CRYSTALS["diamond C"].to_structure()])
    assert set(found.unreadable) == {"0", "1"}
    assert len(found) == 3


def test_a_bad_frame_takes_no_other_with_it(tmp_path: Path) -> None:
    cell = 'Lattice="4 0 0 0 4 0 0 0 4" Properties={}'
    good = f"2\n{cell.format('species:S:1:pos:R:3')}\nCs 0 0 0\nCl 2 2 2\n"
    other = f"2\n{cell.format('id:I:1:species:S:1:pos:R:3')}\n1 Li 0 0 0\n2 D 2 2 2\n"
    bad = {
        2: good.replace("\nCs", ' pbc="F F F"\nCs', 1),
        3: good.replace("Cs", "Xx"),
        5: good.replace("2 2 2", "2 2 two"),
        6: good.replace("4 0 0 0", "0 0 0 0"),
        8: "2\nthe end",
    }
    frames = [bad.get(k, other if k == 7 else good) for k in range(1, 9)]
    path = tmp_path / "frames.extxyz"
    path.write_text("\n\n".join(frames))
    found = crystal_set(path)
    assert [cell.name for cell in found.cells] == [f"frames.extxyz#{k}" for k in (1, 4, 7)]
    assert [cell.structure().composition.reduced_formula for cell in found.cells] == ["CsCl", "CsCl", "LiH"]
    assert list(found.unreadable) == [f"frames.extxyz#{k}" for k in bad]
    for said, reason in zip(
        found.unreadable.values(), ("does not repeat with it (pbc)", "'Xx'", "cannot be", "flat", "ends"), strict=True
    ):
        assert reason in said


def test_crystals_that_overlap_are_let_in_to_be_judged() -> None:
    assert len(crystal_set([Structure(Lattice.cubic(3), ["Na", "Cl"], [[0, 0, 0], [0, 0, 0]])]).cells) == 1


def test_oxidation_states_and_isotopes_do_not_matter() -> None:
    plain = CRYSTALS["rock salt NaCl"].to_structure()
    charged = plain.copy()
    charged.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    assert cell_of(charged).formula == cell_of(plain).formula
    heavy = Structure(Lattice.cubic(3), ["D", "F"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert cell_of(heavy).formula == ((1, 1), (9, 1))


@pytest.mark.parametrize("words", ["Na4Cl4", "SiO2", "Ti2O4", "Ca", "LiFePO4", "O2", "H2O2", "Hg2Cl2"])
def test_formulas_are_equal_where_reduced_formulas_are(words: str) -> None:
    composition = Composition(words)
    numbers = np.repeat([e.Z for e in composition], [int(n) for n in composition.values()])
    formula = reduced_composition(np.random.default_rng(0).permutation(numbers).tolist())
    assert formula == reduced_composition(np.tile(numbers, 3).tolist())
    assert Composition({Element.from_Z(z): n for z, n in formula}).reduced_formula == composition.reduced_formula


@pytest.mark.parametrize("empty", [True, False], ids=["an empty folder", "no folder"])
def test_nothing_to_measure_is_said(empty: bool, tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        crystal_set(tmp_path if empty else tmp_path / "none")


def test_an_empty_list_is_an_error_of_ours() -> None:
    with pytest.raises(XCrystalError):
        crystal_set([])


def test_frames_and_archives_are_read_like_folders(folder: Path, tmp_path: Path) -> None:
    frames = [AseAtomsAdaptor.get_atoms(CRYSTALS[name].to_structure()) for name in ("rock salt NaCl", "diamond C")]
    write(tmp_path / "frames.extxyz", frames, format="extxyz")
    found = crystal_set(tmp_path / "frames.extxyz")
    assert [cell.name for cell in found.cells] == ["frames.extxyz#1", "frames.extxyz#2"]
    assert found.cells[1].formula == ((6, 1),)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in [*folder.rglob("*"), tmp_path / "frames.extxyz"]:
            if path.is_file():
                archive.write(path, path.name)
    packed = crystal_set(tmp_path / "all.zip")
    assert {cell.name for cell in packed.cells} == {"rutile.cif", "quartz.CIF", "frames.extxyz#1", "frames.extxyz#2"}
    assert set(packed.unreadable) == {"empty.cif", "noise.cif", "disordered.cif"}
    assert len(crystal_set(folder / "rutile.cif")) == 1
    (tmp_path / "no.zip").write_text("no archive")
    with pytest.raises(DatasetError, match="zip archive"):
        crystal_set(tmp_path / "no.zip")


def test_an_archive_of_what_no_crystals_are_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}.cif", b" " * 15_000_000)
    with pytest.raises(DatasetError, match="unpacks to much more"):
        crystal_set(tmp_path / "bomb.zip")
