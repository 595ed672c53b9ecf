"""Tokens: a table of crystals in canonical form, as a folder of plain arrays.

They are made once, some thousands of crystals at a time; training itself then needs neither pymatgen nor spglib, and
reads of the arrays what it uses (memory maps), so that there may be more crystals than fit into the memory.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np
from numpy.lib.format import write_array_header_1_0

from xcrystal.crystal.collections.tables import PROPERTIES, STRUCTURE_COLUMNS, read_parts, structure_of
from xcrystal.crystal.processes import worker_processes
from xcrystal.crystal.reading import MAX_ATOMS, MAX_ORBITS
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import DatasetError, XCrystalError

if TYPE_CHECKING:
    import pandas as pd

_PART = 20_000  # crystals of a table that are in memory at once
_FEW = 500  # crystals that are done before other processes have started


@dataclass(frozen=True)
class Tokens:
    """All crystals of a split in canonical form, orbits and permutations concatenated.

    Attributes
    ----------
    row
        (N,) row of each crystal in its table (crystals that cannot be encoded are left out).
    group, cell, atoms
        (N,) space group, (N, 6) conventional cell, (N,) atoms in the primitive cell.
    start
        (N + 1,) where each crystal's orbits begin.
    letter, element, coordinates
        (M,), (M,), (M, 3) of all orbits.
    permutation_start, permutations
        (N + 1,) where each crystal's equivalent orders begin, and the orders, flat; one crystal's k orders of its n
        orbits take k * n numbers.
    properties
        (N, 3) ``PROPERTIES``, NaN where unknown.
    """

    row: np.ndarray
    group: np.ndarray
    cell: np.ndarray
    atoms: np.ndarray
    start: np.ndarray
    letter: np.ndarray
    element: np.ndarray
    coordinates: np.ndarray
    permutation_start: np.ndarray
    permutations: np.ndarray
    properties: np.ndarray

    def __len__(self) -> int:
        return len(self.group)

    def crystals(self) -> list[WyckoffCrystal]:
        """The crystals themselves, each with one of its equivalent orders."""
        orbits = (np.split(a, self.start[1:-1]) for a in (self.letter, self.element, self.coordinates))
        return [
            WyckoffCrystal(int(group), cell, letters, elements, points, np.arange(len(letters))[None])
            for group, cell, letters, elements, points in zip(self.group, self.cell, *orbits, strict=True)
        ]

    @classmethod
    def joined(cls, parts: Sequence[Tokens]) -> Tokens:
        """The crystals of several tables one after another; ``row`` is that of each crystal in its own table."""
        if len(parts) == 1:  # which may be a memory map
            return parts[0]
        arrays = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)}
        for name in ("start", "permutation_start"):
            lengths = np.concatenate([np.diff(getattr(p, name)) for p in parts])
            arrays[name] = np.concatenate([[0], np.cumsum(lengths)])
        return cls(**arrays)

    def take(self, rows: np.ndarray) -> Tokens:
        """The crystals at some places (k,), in that order."""
        flat = _DIVIDED
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        taken = {name: a[rows] for name, a in arrays.items() if name not in {*flat, *sum(flat.values(), ())}}
        for start, names in flat.items():
            begin, end = arrays[start][:-1][rows], arrays[start][1:][rows]
            parts = np.concatenate([np.zeros(0, dtype=int), *map(np.arange, begin, end)])
            taken |= {name: arrays[name][parts] for name in names}
            taken[start] = np.concatenate([[0], np.cumsum(end - begin)])
        return Tokens(**taken)

    def within(self, most: int, most_orbits: int) -> Tokens:
        """The crystals with at most so many atoms in the primitive cell and so many orbits.

        Raises
        ------
        DatasetError
            If there are none.
        """
        small = (self.atoms <= most) & (np.diff(self.start) <= most_orbits)
        if not small.any():
            raise DatasetError(
                f"No crystal of this dataset has at most {most} atoms in its primitive cell on {most_orbits} orbits."
            )
        return self if small.all() else self.take(np.flatnonzero(small))

    def save(self, folder: Path) -> None:
        """Write as a folder, atomically."""
        with TokenWriter(folder) as writer:
            writer.add(self)

    @classmethod
    def load(cls, folder: Path) -> Tokens:
        """What was written into a folder, as memory maps.

        Raises
        ------
        DatasetError
            If a file of it is missing or damaged.
        """
        try:
            found = cls(**{f.name: _mapped(folder / f"{f.name}.npy") for f in fields(cls)})
            n, lengths = len(found.group), {name: len(getattr(found, name)) for name in _OF_EACH}
            sizes = [(start, len(getattr(found, name))) for start, names in _DIVIDED.items() for name in names]
            ends = {start: (len(getattr(found, start)), int(getattr(found, start)[-1])) for start in _DIVIDED}
            if set(lengths.values()) != {n} or any(ends[start] != (n + 1, size) for start, size in sizes):
                raise ValueError("the arrays do not fit together")
        except Exception as error:  # numpy raises whatever it meets
            raise DatasetError(f"The tokens in {folder} are missing or damaged: {error}") from error
        return found


_DIVIDED = {"start": ("letter", "element", "coordinates"), "permutation_start": ("permutations",)}
_OF_EACH = ("row", "group", "cell", "atoms", "properties")


def _mapped(path: Path) -> np.ndarray:
    """The array of a file; one of no numbers cannot be mapped."""
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))  # plain arrays are quicker to index
    except ValueError:
        array = np.load(path, allow_pickle=False)
        if array.size:
            raise
        return array


class TokenWriter:
    """Writes tokens of many parts one after another into a folder, which is there once all are written.

    Parameters
    ----------
    folder
        Takes the place of one of that name, which stays if anything fails.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._files = folder, ExitStack()
        self._part = folder.with_name(f"{folder.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
        self._written: dict[str, tuple[BinaryIO, tuple[int, ...], np.dtype]] = {}
        self._last = dict.fromkeys(_DIVIDED, 0)

    def __enter__(self) -> Self:
        self._part.mkdir()
        return self

    def add(self, tokens: Tokens) -> None:
        """Write the crystals of a part behind those that are there."""
        for name in (f.name for f in fields(tokens)):
            array = getattr(tokens, name)
            if name in _DIVIDED:  # offsets go on where the last ones ended
                array = np.asarray(array)[1 if name in self._written else 0 :] + self._last[name]
                self._last[name] = int(array[-1]) if len(array) else self._last[name]
            self._append(name, array)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            with self._files:
                for file, shape, dtype in self._written.values():
                    file.seek(0)
                    write_array_header_1_0(file, {"descr": dtype.str, "fortran_order": False, "shape": shape})
                    file.flush()
                    os.fsync(file.fileno())
            if kind is None:
                self._put()
        finally:
            shutil.rmtree(self._part, ignore_errors=True)

    def _put(self) -> None:
        """Put the new folder in the place of an older one, which comes back if that fails."""
        older = self._part.with_suffix(".old")
        with suppress(FileNotFoundError):
            self._folder.rename(older)
        try:
            self._part.rename(self._folder)
        except OSError:
            if not self._folder.is_dir():  # or another process has just made the same
                with suppress(FileNotFoundError):
                    older.rename(self._folder)
                raise
        finally:
            if self._folder.is_dir():  # or the older one, if it could not come back, is all there is
                shutil.rmtree(older, ignore_errors=True)

    def _append(self, name: str, array: np.ndarray) -> None:
        if name not in self._written:
            opened = self._files.enter_context((self._part / f"{name}.npy").open("wb"))
            shape = (0, *array.shape[1:])
            # numpy leaves room in a header for the length to grow
            write_array_header_1_0(opened, {"descr": array.dtype.str, "fortran_order": False, "shape": shape})
            self._written[name] = opened, shape, array.dtype
        file, shape, dtype = self._written[name]
        file.write(np.ascontiguousarray(array, dtype=dtype).tobytes())
        self._written[name] = file, (shape[0] + len(array), *shape[1:]), dtype


def _tokenize(record: tuple[int, Any], most: int, most_orbits: int) -> tuple[int, Any]:
    """The row with its crystal, or with the reason why there is none."""
    from xcrystal.crystal.reading import check_structure, encodable

    row, columns = record
    try:
        return row, encodable(check_structure(structure_of(columns)), most, most_orbits).crystal
    except XCrystalError as error:
        return row, str(error)


def tokenize(
    table: pd.DataFrame,
    workers: int = 1,
    failed: dict[int, str] | None = None,
    most: int = MAX_ATOMS,
    most_orbits: int = MAX_ORBITS,
) -> Tokens:
    """Canonicalize every crystal of a table (6 ms each and worker), with a progress bar.

    Parameters
    ----------
    workers
        Processes, for larger tables; more than one only where the caller's script has a main guard.
    failed
        Gets the reason for each row that cannot be encoded. These are left out; ``Tokens.row`` tells which are there.
    most, most_orbits
        The largest numbers of atoms in the primitive cell and of orbits.

    Raises
    ------
    DatasetError
        If none can be encoded.
    """
    reasons: dict[int, str] = {}
    found = _canonical(table, workers, reasons, most, most_orbits)
    if failed is not None:
        failed.update(reasons)
    if not found:
        raise _none_of(reasons)
    return _tokens_of(table, found)


def _canonical(
    table: pd.DataFrame, workers: int, failed: dict[int, str], most: int = MAX_ATOMS, most_orbits: int = MAX_ORBITS
) -> list[tuple[int, WyckoffCrystal]]:
    """The rows that can be encoded, each with its crystal; ``failed`` gets the reasons for the others."""
    from tqdm.auto import tqdm

    work = partial(_tokenize, most=most, most_orbits=most_orbits)
    records = ((i, row) for i, row in enumerate(table[list(STRUCTURE_COLUMNS)].to_dict("records")))
    with ExitStack() as stack:
        if workers <= 1 or len(table) < _FEW:
            done: Iterator[tuple[int, Any]] = map(work, records)
        else:
            pool = stack.enter_context(worker_processes(workers))
            done = pool.map(work, records, chunksize=64)
        every = list(tqdm(done, total=len(table), desc="canonicalizing", unit="crystal", disable=None))
    failed.update((r, c) for r, c in every if isinstance(c, str))
    return [(r, c) for r, c in every if not isinstance(c, str)]


def _none_of(reasons: Mapping[int, str]) -> DatasetError:
    first = f" The first: {next(iter(reasons.values()))}" if reasons else ""
    return DatasetError(f"No crystal of this dataset can be encoded.{first}")


def _tokens_of(table: pd.DataFrame, found: Sequence[tuple[int, WyckoffCrystal]]) -> Tokens:
    """The tokens of crystals, of which there is one at least, with their rows in the table."""
    rows = np.array([r for r, _ in found])
    crystals = [c for _, c in found]
    lengths = [len(c.positions) for c in crystals]
    known = [table[p].to_numpy(dtype=float)[rows] if p in table else np.full(len(rows), np.nan) for p in PROPERTIES]
    return Tokens(
        row=rows,
        group=np.array([c.space_group for c in crystals], dtype=np.int16),
        cell=np.array([c.lattice for c in crystals]),
        atoms=np.array([c.multiplicities.sum() for c in crystals], dtype=np.int16),
        start=np.concatenate([[0], np.cumsum(lengths)]),
        letter=np.concatenate([c.positions for c in crystals]).astype(np.int16),
        element=np.concatenate([c.elements for c in crystals]).astype(np.int16),
        coordinates=np.concatenate([c.coordinates for c in crystals]).astype(np.float32),
        permutation_start=np.concatenate([[0], np.cumsum([c.permutations.size for c in crystals])]),
        permutations=np.concatenate([c.permutations.ravel() for c in crystals]).astype(np.int8),
        properties=np.column_stack(known),
    )


def load_tokens(source: Path, folder: Path, workers: int = 1) -> Tokens:
    """Tokens of a table, made on the first call and kept in ``folder`` under a name that tells the table's content.

    However large the table is, a part of it is in memory at a time. What is given are memory maps.

    Raises
    ------
    DatasetError
        If there is no such table, or none of its crystals can be encoded.
    """
    if not source.is_file():
        raise DatasetError(f"There is no dataset file {source}.")
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    kept = folder / f"tokens-{source.stem}-{digest}"
    if kept.is_dir():
        with suppress(DatasetError):  # damaged ones are made again
            return Tokens.load(kept)
    folder.mkdir(parents=True, exist_ok=True)
    reasons: dict[int, str] = {}
    with TokenWriter(kept) as writer:
        begin, some = 0, False
        for part in read_parts(source, _PART):
            failed: dict[int, str] = {}
            if found := _canonical(part, workers, failed):
                tokens = _tokens_of(part, found)
                writer.add(replace(tokens, row=tokens.row + begin))
                some = True
            reasons = reasons or failed
            begin += len(part)
        if not some:
            raise _none_of(reasons)
    return Tokens.load(kept)
