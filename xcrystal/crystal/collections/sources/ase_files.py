"""What ASE writes: extended XYZ with one frame after the other, and its databases (.db of SQLite, and .json)."""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcrystal.crystal.collections.sources.parts import FIRST, Found, failed, found_crystal, numbers_of
from xcrystal.crystal.formats.extended_xyz import atoms_of, check_periodic, check_repeats, frames_of
from xcrystal.errors import ReadError, XCrystalError

if TYPE_CHECKING:
    from ase import Atoms
    from ase.db.row import AtomsRow

FRAMES = (".xyz", ".extxyz")
_NAMES = ("material_id", "name")  # entries that tell what a crystal is called
_HEAD = 1_000_000  # characters, that hold the first frames


def read_frames(path: Path, name: str) -> Iterator[Found]:
    """The frames of an extended XYZ file; the numbers of its comment lines become properties."""
    number = 0
    try:
        for number, frame in enumerate(
            frames_of(path.read_text(encoding="utf-8-sig", errors="replace"), "It"), start=1
        ):
            own = f"{name}#{number}"
            try:
                atoms = _atoms_of(frame)
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


def numbers_of_frames(path: Path) -> Iterator[str]:
    """What the numbers of the first frames are called; no more of the file is read."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        head = file.read(_HEAD)
    with suppress(ReadError):  # where the head ends, within a frame
        for frame in islice(frames_of(head, "It"), FIRST):
            with suppress(XCrystalError):
                atoms = _atoms_of(frame)
                yield from _numbers(atoms, atoms.info)


def _atoms_of(frame: str) -> Atoms:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return atoms_of(frame, "It")


def is_database(path: Path) -> bool:
    """Whether a .json file is a database of ASE, not a structure as pymatgen writes it."""
    try:
        text = path.read_bytes()
        content = json.loads(text) if b"nextid" in text else None  # to parse those of pymatgen takes long
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and {"ids", "nextid"} <= content.keys()


def read_database(path: Path, name: str) -> Iterator[Found]:
    """The rows of a database of ASE; its numbers become properties. Nothing is written to it."""
    number = 0
    try:
        for row in _rows(path):
            yield _found(f"{name}#{row.id}", row.toatoms(), dict(row.key_value_pairs))
            number += 1
    except Exception as error:  # noqa: BLE001  (the database or ASE may raise anything over a damaged file)
        yield failed(name, f"Row {number + 1} cannot be read, nor what comes after it: {_said(error)}")
        return
    if not number:
        yield failed(name, "There is no row in this database.")


def numbers_of_database(path: Path) -> Iterator[str]:
    """What the numbers of the first rows are called; whatever ASE meets in a damaged file is raised."""
    for row in _rows(path, FIRST):
        yield from _numbers(row.toatoms(), dict(row.key_value_pairs))


def _rows(path: Path, most: int | None = None) -> Iterator[AtomsRow]:
    from ase.db import connect

    kind = "json" if path.suffix.lower() == ".json" else "db"
    if kind == "db":
        _check_sqlite(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from connect(path, type=kind, use_lock_file=False).select(limit=most, include_data=False)


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
        return found_crystal(name, AseAtomsAdaptor.get_structure(atoms), _numbers(atoms, told))
    except Exception as error:  # noqa: BLE001  (one bad frame must not end the reading of the others)
        return failed(name, error)


def _numbers(atoms: Atoms, told: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that come with atoms, those of a calculation included."""
    numbers = numbers_of(told) | numbers_of(getattr(atoms.calc, "results", None) or {})
    if "energy" in numbers and len(atoms):
        numbers["energy_per_atom"] = numbers["energy"] / len(atoms)
    return numbers
