"""Crystals of one's own, from all kinds of files, become one table; what cannot be read is listed."""

from __future__ import annotations

from pathlib import Path

import ase.db
import ase.io
import numpy as np
import pandas as pd
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from tests.crystals import CRYSTALS, structures
from xcrystal.crystal.collections.datasets import read_dataset
from xcrystal.crystal.collections.tables import row_of
from xcrystal.errors import DatasetError

SALT, DIAMOND, PEROVSKITE = structures()[:3]


def frames() -> list[ase.Atoms]:
    """Two periodic frames with numbers, and a molecule."""
    made = []
    for k, structure in enumerate((SALT, PEROVSKITE)):
        atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
        atoms.info = {"temperature": 300.0 + k, "note": "hot", "done": True}
        atoms.calc = SinglePointCalculator(atoms, energy=-2.0 * len(atoms))
        made.append(atoms)
    return [*made, ase.Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]])]


def test_a_folder_of_crystal_files_is_read_with_its_folders(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    SALT.to(str(tmp_path / "salt.cif"))
    PEROVSKITE.to(str(tmp_path / "sub/POSCAR"), fmt="poscar")
    DIAMOND.to(str(tmp_path / "sub/c.json"))
    (tmp_path / "notes.txt").write_text("nothing to read here")
    (tmp_path / "broken.cif").write_text("data_x\nthis is no crystal")
    found = read_dataset(tmp_path)
    assert list(found.table["material_id"]) == ["salt", "sub/POSCAR", "sub/c"]
    assert list(found.table["formula"]) == ["NaCl", "SrTiO3", "C"]
    assert list(found.table["source"]) == ["salt.cif", "sub/POSCAR", "sub/c.json"]
    assert list(found.skipped["name"]) == ["broken"]
    assert found.skipped["reason"].str.len().min() > 10
    assert found.files == 4
    pd.testing.assert_frame_equal(found.table, read_dataset(tmp_path).table)


def test_frames_bring_their_numbers(tmp_path: Path) -> None:
    ase.io.write(tmp_path / "run.extxyz", frames(), format="extxyz")
    found = read_dataset(tmp_path)
    assert list(found.table["material_id"]) == ["run#1", "run#2"]
    assert set(found.properties) == {"temperature", "energy", "energy_per_atom"}
    assert np.allclose(found.table["energy_per_atom"], -2.0)
    assert np.allclose(found.table["temperature"], [300.0, 301.0])
    assert list(found.skipped["name"]) == ["run#3"]
    assert "periodic" in found.skipped["reason"][0]


@pytest.mark.parametrize("name", ["crystals.db", "crystals.json"])
def test_a_database_of_ase(tmp_path: Path, name: str) -> None:
    base = ase.db.connect(tmp_path / name)
    for k, atoms in enumerate(frames()):
        base.write(atoms, key_value_pairs={"band_gap": 0.5 * k, "name": f"mine {k}", "family": "salt"})
    before = (tmp_path / name).read_bytes()
    found = read_dataset(tmp_path / name)
    assert (tmp_path / name).read_bytes() == before
    assert list(found.table["material_id"]) == ["mine 0", "mine 1"]
    assert set(found.properties) == {"band_gap", "energy", "energy_per_atom"}
    assert list(found.skipped["name"]) == ["mine 2"]


def test_a_database_of_others_is_left_alone(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "books.db") as base:
        base.execute("CREATE TABLE books (title TEXT)")
    SALT.to(str(tmp_path / "salt.cif"))
    before = (tmp_path / "books.db").read_bytes()
    found = read_dataset(tmp_path)
    assert (tmp_path / "books.db").read_bytes() == before
    assert list(found.skipped["name"]) == ["books"]
    assert "ASE" in found.skipped["reason"][0]


def test_tables(tmp_path: Path) -> None:
    SALT.to(str(tmp_path / "salt.cif"))
    text = (tmp_path / "salt.cif").read_text()
    rows = [
        {"id": "one", "cif": text, "hardness": 2.5, "x": 1.0},
        {"id": "two", "cif": "salt.cif", "hardness": None, "x": 2.0},
        {"id": "two", "cif": "../elsewhere.cif", "hardness": 1.0, "x": 3.0},
        {"id": "four", "cif": None, "hardness": 1.0, "x": 4.0},
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "own.csv", index=False)
    found = read_dataset(tmp_path / "own.csv")
    assert list(found.table["material_id"]) == ["one", "two"]
    assert set(found.properties) == {"hardness", "given_x"}  # x is a place on the map
    assert np.isnan(found.table["hardness"][1])
    assert list(found.skipped["name"]) == ["two", "four"]

    table = pd.DataFrame(
        [row_of(s, name) | {"bulk_modulus": 10.0} for name, s in zip(CRYSTALS, structures(), strict=True)]
    )
    table.to_parquet(tmp_path / "own.parquet")
    found = read_dataset(tmp_path / "own.parquet")
    assert list(found.table["material_id"]) == list(CRYSTALS)
    assert found.properties == ("bulk_modulus",)


def test_names_differ(tmp_path: Path) -> None:
    SALT.to(str(tmp_path / "a.cif"))
    SALT.to(str(tmp_path / "a.vasp"), fmt="poscar")
    assert list(read_dataset(tmp_path).table["material_id"]) == ["a", "a (2)"]


def test_a_dataset_in_our_format_is_its_training_split(tmp_path: Path) -> None:
    pd.DataFrame([row_of(SALT, "salt")]).to_parquet(tmp_path / "train.parquet")
    pd.DataFrame([row_of(DIAMOND, "diamond")]).to_parquet(tmp_path / "val.parquet")
    assert list(read_dataset(tmp_path).table["material_id"]) == ["salt"]


def test_what_is_no_dataset_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a.txt").write_text("x")
    disordered = Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]])
    (tmp_path / "bad").mkdir()
    disordered.to(str(tmp_path / "bad/mixed.cif"))
    for name, words in (
        ("empty", "empty"),
        ("other", "none of its 1 files"),
        ("other/a.txt", "not a kind of file"),
        ("nowhere", "no dataset"),
        ("bad", "disordered"),
    ):
        with pytest.raises(DatasetError, match=words) as caught:
            read_dataset(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_many_crystals_of_one_name_are_told_apart_at_once(tmp_path: Path) -> None:
    pd.DataFrame([row_of(SALT, "same")] * 20_000).to_parquet(tmp_path / "own.parquet")
    found = read_dataset(tmp_path).table["material_id"]  # it took minutes when each was counted from the beginning
    assert found.is_unique
    assert list(found[:2]) == ["same", "same (2)"]


def test_an_at_sign_in_a_name_is_no_frame(tmp_path: Path) -> None:
    with (tmp_path / "run@300.xyz").open("w") as file:
        ase.io.write(file, frames()[:2], format="extxyz")
    assert list(read_dataset(tmp_path).table["material_id"]) == ["run@300#1", "run@300#2"]


def test_the_index_of_a_table_is_no_property(tmp_path: Path) -> None:
    SALT.to(str(tmp_path / "salt.cif"))
    pd.DataFrame({"cif": ["salt.cif"], "hardness": [2.5]}).to_csv(tmp_path / "own.csv")
    assert read_dataset(tmp_path / "own.csv").properties == ("hardness",)
