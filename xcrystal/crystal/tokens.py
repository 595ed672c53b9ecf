"""Tokens: a table of crystals in canonical form, as plain arrays in one ``.npz`` file.

They are made once; training itself then needs neither pymatgen nor spglib.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.files import replacing
from xcrystal.crystal.processes import worker_processes
from xcrystal.crystal.reading import MAX_ATOMS, MAX_ORBITS
from xcrystal.crystal.tables import PROPERTIES, STRUCTURE_COLUMNS, read_table, structure_of
from xcrystal.crystal.wyckoff import WyckoffCrystal
from xcrystal.errors import DatasetError, XCrystalError

if TYPE_CHECKING:
    import pandas as pd

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
        arrays = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)}
        for name in ("start", "permutation_start"):
            lengths = np.concatenate([np.diff(getattr(p, name)) for p in parts])
            arrays[name] = np.concatenate([[0], np.cumsum(lengths)])
        return cls(**arrays)

    def take(self, rows: np.ndarray) -> Tokens:
        """The crystals at some places (k,), in that order."""
        flat = {"start": ("letter", "element", "coordinates"), "permutation_start": ("permutations",)}
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

    def save(self, path: Path) -> None:
        """Write as ``.npz``, atomically."""
        with replacing(path) as part, part.open("wb") as file:
            np.savez_compressed(file, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Tokens:
        """Read what ``save`` wrote.

        Raises
        ------
        DatasetError
            If the file is missing or damaged.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:  # which it would leave open
                return cls(**{f.name: archive[f.name] for f in fields(cls)})
        except Exception as error:  # numpy and zipfile raise whatever they meet
            raise DatasetError(f"The tokens in {path} are missing or damaged: {error}") from error


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
    reasons = {r: c for r, c in every if isinstance(c, str)}
    found = [(r, c) for r, c in every if not isinstance(c, str)]
    if failed is not None:
        failed.update(reasons)
    if not found:
        first = f" The first: {next(iter(reasons.values()))}" if reasons else ""
        raise DatasetError(f"No crystal of this dataset can be encoded.{first}")
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
    """Tokens of a table, made on the first call and kept in ``folder`` under a name that tells the table's content."""
    if not source.is_file():
        raise DatasetError(f"There is no dataset file {source}.")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    cache = folder / f"tokens-{source.stem}-{digest}.npz"
    if cache.is_file():
        with suppress(DatasetError):  # a damaged one is made again
            return Tokens.load(cache)
    folder.mkdir(parents=True, exist_ok=True)
    tokenize(read_table(source), workers).save(cache)
    return Tokens.load(cache)
