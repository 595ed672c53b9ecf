"""Supercells of a crystal: as compact as a number of atoms allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core import Structure

_SHAPES = 400


def hermite_forms(size: int) -> Iterator[np.ndarray]:
    """All sublattices of an index, as lower triangular (3, 3) integers (Santoro and Mighell, Acta Cryst. A 28, 284)."""
    for a in range(1, size + 1):
        if size % a:
            continue
        for b in range(1, size // a + 1):
            if (size // a) % b:
                continue
            c = size // a // b
            for d in range(a):
                for e in range(a):
                    for f in range(b):
                        yield np.array([[a, 0, 0], [d, b, 0], [e, f, c]])


def compact_cells(structure: Structure, size: int, count: int) -> list[np.ndarray]:
    """The ``count`` most compact supercells of ``size`` cells: (3, 3) integers, the largest shortest period first."""
    from pymatgen.core import Lattice

    ranked, seen = [], set()
    for number, form in enumerate(hermite_forms(size)):
        if number == _SHAPES:
            break
        lattice = Lattice(form @ structure.lattice.matrix)
        # sublattices that the crystal's own symmetry makes equal have equal parameters
        reduced = lattice.get_niggli_reduced_lattice()
        alike = tuple(np.round(reduced.parameters, 3).tolist())
        if alike in seen:
            continue
        seen.add(alike)
        short = lattice.get_lll_reduced_lattice().matrix  # which stays where it is in space
        matrix = np.rint(short @ np.linalg.inv(structure.lattice.matrix)).astype(int)
        ranked.append((-min(reduced.abc), number, matrix))
    ranked.sort(key=lambda item: item[:2])
    return [matrix for _, _, matrix in ranked[:count]]


def diagonal_cell(structure: Structure, most_atoms: int) -> tuple[int, int, int]:
    """Repeats along a, b, c of the largest supercell with at most so many atoms, as nearly a cube as possible."""
    lengths = np.array(structure.lattice.abc)
    repeats = np.ones(3, dtype=int)
    while True:
        sides = lengths * repeats
        # sides of one length grow together, which keeps the symmetry
        grown = repeats + (sides < sides.min() * 1.01)
        if len(structure) * np.prod(grown) > most_atoms:
            return int(repeats[0]), int(repeats[1]), int(repeats[2])
        repeats = grown
