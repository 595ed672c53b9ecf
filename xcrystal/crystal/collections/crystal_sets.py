"""Sets of crystals to be measured: lists of Structures, folders and archives of crystal files, tables.

What is measured may be anything that a generator made, so atoms that overlap and cells without a volume are let in:
to find them is what the evaluation is for. What cannot be looked at as an ordered crystal at all is named, with the
reason, and stays in every denominator.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.sources.ase_files import FRAMES
from xcrystal.crystal.collections.sources.crystal_files import is_one
from xcrystal.crystal.collections.tables import (
    STRUCTURE_COLUMNS,
    identifiers,
    read_table,
    reduced_composition,
    structure_of,
)
from xcrystal.crystal.files import MAX_BYTES, ZIP_ERRORS, read_whole
from xcrystal.crystal.reading import parse_frames, parse_structure
from xcrystal.errors import DatasetError, InvalidCrystalError, ReadError, XCrystalError

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_ATOMS = 500  # a cell this large takes a tenth of a gigabyte while its contacts are searched
_PACKED = 200  # times smaller than they are: crystal files in an archive, at the very most
Formula = tuple[tuple[int, int], ...]
"""A reduced composition: (atomic number, count) in the order of atomic numbers, counts without a common divisor."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One crystal as plain arrays, small enough to be sent between processes by the thousand.

    Attributes
    ----------
    name
        Its file, its ``material_id``, or its place in the list.
    lattice
        (3, 3) cell vectors as rows, Å.
    frac
        (n, 3) fractional coordinates.
    numbers
        (n,) atomic numbers.
    formula
        The reduced composition; two crystals have the same one if and only if their reduced formulas are equal.
    """

    name: str
    lattice: np.ndarray
    frac: np.ndarray
    numbers: np.ndarray
    formula: Formula

    @property
    def volume(self) -> float:
        """Of the cell, Å3."""
        return float(abs(np.linalg.det(self.lattice)))

    def structure(self) -> Structure:
        """As a pymatgen Structure."""
        from pymatgen.core import Structure

        return Structure(self.lattice, self.numbers.tolist(), self.frac)


@dataclass(frozen=True, eq=False)
class CrystalSet:
    """Crystals, and why others of the same source could not be read, by their names."""

    cells: tuple[Cell, ...]
    unreadable: dict[str, str]

    def __len__(self) -> int:
        """How many there are, readable or not."""
        return len(self.cells) + len(self.unreadable)


def crystal_set(source: Any) -> CrystalSet:
    """Read a set of crystals.

    Parameters
    ----------
    source
        pymatgen Structures; the path of a folder with crystal files (also in folders inside it), of a zip archive of
        them, of one such file (extended XYZ with many frames, say), or of a table (see
        ``xcrystal.crystal.collections.tables``); or a CrystalSet, which is returned as it is.

    Raises
    ------
    DatasetError
        If there is no such folder or table, if it holds no crystal at all, or if the list is empty.
    """
    if isinstance(source, CrystalSet):
        return source
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if path.is_dir():
            named = _of_folder(path)
        elif path.is_file() and path.suffix.lower() == ".zip":
            named = _of_archive(path)
        else:
            named = _of_file(path, path.name) if path.is_file() and _is_read(path) else _of_table(path)
    else:
        named = _of_list(source)
    cells, unreadable = [], {}
    for name, found in named:
        try:
            if isinstance(found, XCrystalError):
                raise found
            cells.append(cell_of(found, name))
        except XCrystalError as error:
            unreadable[name] = str(error)
    if not cells and not unreadable:
        raise DatasetError("There is no crystal in this list.")
    return CrystalSet(tuple(cells), unreadable)


def joined(sets: Iterable[CrystalSet]) -> CrystalSet:
    """The crystals of some sets as one."""
    every = list(sets)
    unreadable = {name: reason for found in every for name, reason in found.unreadable.items()}
    return CrystalSet(tuple(cell for found in every for cell in found.cells), unreadable)


def cell_of(structure: Structure, name: str = "") -> Cell:
    """The plain arrays of a structure; isotopes and oxidation states are left out.

    Raises
    ------
    InvalidCrystalError
        If it has no atoms or too many, is disordered, holds something else than elements, or a number is not finite.
    """
    if not 1 <= len(structure) <= MAX_ATOMS:
        raise InvalidCrystalError(f"A crystal of {len(structure)} atoms is not measured (1 to {MAX_ATOMS} are).")
    if not structure.is_ordered:
        raise InvalidCrystalError("This structure is disordered: a site is not filled by one element.")
    numbers = np.array([getattr(site.specie, "Z", 0) for site in structure], dtype=int)
    if not ((numbers >= 1) & (numbers <= 118)).all():
        raise InvalidCrystalError("This structure holds something that is not a chemical element.")
    lattice = np.array(structure.lattice.matrix, dtype=float)
    frac = np.array(structure.frac_coords, dtype=float)
    if not (np.isfinite(lattice).all() and np.isfinite(frac).all()):
        raise InvalidCrystalError("This structure contains a number that is not finite (NaN or infinite).")
    return Cell(name, lattice, frac, numbers, reduced_composition(numbers.tolist()))


Named = tuple[str, "Structure | XCrystalError"]


def _of_list(structures: Any) -> Iterator[Named]:
    from pymatgen.core import IStructure

    if isinstance(structures, IStructure) or not isinstance(structures, Iterable):
        structures = [structures]
    for place, structure in enumerate(structures):
        known = isinstance(structure, IStructure)
        yield str(place), structure if known else ReadError(f"A {type(structure).__name__} is not a Structure.")


def _of_folder(folder: Path) -> Iterator[Named]:
    from tqdm.auto import tqdm

    files = sorted(path for path in folder.rglob("*") if _is_read(path) and path.is_file())
    if not files:
        tables = sorted(path.name for path in folder.glob("*.parquet"))
        hint = f" Did you mean {folder / tables[0]}?" if tables else ""
        raise DatasetError(f"There are no crystal files in {folder}.{hint}")
    for path in tqdm(files, desc="reading", unit="file", leave=False, disable=None):
        yield from _of_file(path, str(path.relative_to(folder)))


def _is_read(path: Path) -> bool:
    """Whether it is a file of one crystal, or of frames one after another, by its name."""
    return is_one(path) or path.suffix.lower() in FRAMES


def _of_file(path: Path, name: str) -> Iterator[Named]:
    try:
        content = read_whole(path)
    except ReadError as error:
        yield name, error
        return
    yield from _of_content(content, name)


def _of_archive(path: Path) -> Iterator[Named]:
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                member for member in archive.infolist() if not member.is_dir() and _is_read(Path(member.filename))
            ]
            if not members:
                raise DatasetError(f"There are no crystal files in {path.name}.")
            size = path.stat().st_size
            if sum(member.file_size for member in members) > MAX_BYTES + _PACKED * size:
                raise DatasetError(f"{path.name} unpacks to much more than crystal files can be packed into.")
            for member in members:
                with archive.open(member) as file:
                    yield from _of_content(file.read(MAX_BYTES + 1), member.filename)
    except XCrystalError:
        raise
    except ZIP_ERRORS as error:
        raise DatasetError(f"{path.name} cannot be read as a zip archive: {error}.") from error


def _of_content(content: bytes, name: str) -> Iterator[Named]:
    """The crystal of a file, or its frames."""
    try:
        if Path(name).suffix.lower() in FRAMES:
            for number, found in enumerate(parse_frames(content, Path(name).name), start=1):
                yield f"{name}#{number}", found
        else:
            yield name, parse_structure(content, Path(name).name)
    except XCrystalError as error:
        yield name, error


def _of_table(path: Path) -> Iterator[Named]:
    from tqdm.auto import tqdm

    table = read_table(path)
    records = table[list(STRUCTURE_COLUMNS)].to_dict("records")
    seen: dict[str, int] = {}
    rows = tqdm(records, desc="reading", unit="crystal", leave=False, disable=None)
    for name, record in zip(identifiers(table), rows, strict=True):
        seen[name] = seen.get(name, 0) + 1
        try:
            found: Structure | XCrystalError = structure_of(record)
        except XCrystalError as error:
            found = error
        yield name if seen[name] == 1 else f"{name} ({seen[name]})", found
