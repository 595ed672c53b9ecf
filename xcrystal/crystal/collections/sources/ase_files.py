"""What ASE writes: extended XYZ with one frame after the other, and its databases (.db of SQLite, and .json)."""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcrystal.crystal.collections.sources.parts import Found, failed, found_crystal, numbers_of
from xcrystal.crystal.formats.extended_xyz import atoms_of, check_periodic, check_repeats, frames_of
from xcrystal.errors import ReadError, XCrystalError

if TYPE_CHECKING:
    from ase import Atoms

FRAMES = (".xyz", ".extxyz")
_NAMES = ("material_id", "name")  # entries that tell what a crystal is called


def read_frames(path: Path, name: str) -> Iterator[Found]:
    """The frames of an extended XYZ file; the numbers of its comment lines become properties."""
    number = 0
    try:
        for number, frame in enumerate(
            frames_of(path.read_text(encoding="utf-8-sig", errors="replace"), "It"), start=1
        ):
            own = f"{name}#{number}"
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    atoms = atoms_of(frame, "It")
                    check_repeats(atoms, "It")
            except XCrystalError as error:
                yield failed(own, error)
            else:
                yield _found(own, atoms, atoms.info)
    except (OSError, ReadError) as error:
        yield failed(f"{name}#{number + 1}", f"Cannot be read, nor what comes after it: {_said(error)}")
        return
    if not number:
        yield failed(name, "There is no frame in this file.")


def is_database(path: Path) -> bool:
    """Whether a .json file is a database of ASE, not a structure as pymatgen writes it."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and {"ids", "nextid"} <= content.keys()


def read_database(path: Path, name: str) -> Iterator[Found]:
    """The rows of a database of ASE; its numbers become properties. Nothing is written to it."""
    from ase.db import connect

    number = 0
    try:
        if path.suffix.lower() != ".json":
            _check_sqlite(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = connect(path, type="json" if path.suffix.lower() == ".json" else "db", use_lock_file=False)
            for row in rows.select(include_data=False):
                yield _found(f"{name}#{row.id}", row.toatoms(), dict(row.key_value_pairs))
                number += 1
    except Exception as error:  # noqa: BLE001  (the database or ASE may raise anything over a damaged file)
        yield failed(name, f"Row {number + 1} cannot be read, nor what comes after it: {_said(error)}")
        return
    if not number:
        yield failed(name, "There is no row in this database.")


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _check_sqlite(path: Path) -> None:
    """Raises ReadError for what is no database of ASE: opening one of others, ASE would write its tables into it."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
            tables = {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        raise ReadError(f"{path.name} is not a database: {error}.") from error
    if not {"systems", "information"} <= tables:
        raise ReadError(f"{path.name} is not a database of ASE.")


def _found(name: str, atoms: Atoms, told: Mapping[str, Any]) -> Found:
    from pymatgen.io.ase import AseAtomsAdaptor

    name = next((told[key] for key in _NAMES if isinstance(told.get(key), str) and told[key].strip()), name)
    try:
        check_periodic(atoms.pbc, "It")
        numbers = numbers_of(told) | numbers_of(getattr(atoms.calc, "results", None) or {})
        if "energy" in numbers and len(atoms):
            numbers["energy_per_atom"] = numbers["energy"] / len(atoms)
        return found_crystal(name, AseAtomsAdaptor.get_structure(atoms), numbers)
    except Exception as error:  # noqa: BLE001  (one bad frame must not end the reading of the others)
        return failed(name, error)
