"""Supercells of a crystal: as compact as a number of atoms allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core import Structure


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

    scale = (structure.volume * size) ** (1 / 3)
    found: dict[tuple[float, ...], Lattice] = {}
    for form in hermite_forms(size):
        lattice = Lattice(form @ structure.lattice.matrix)
        # the shape, not how the cell is written, says which comes first; those that the crystal's own symmetry makes
        # equal have one shape
        reduced = lattice.get_niggli_reduced_lattice()
        lengths = np.round(np.sort(reduced.abc) / scale, 4)
        angles = np.round(reduced.angles, 1)
        key = (*(-lengths).tolist(), float(abs(angles - 90).max()), *angles.tolist())
        found.setdefault(key, lattice)
    inverse = structure.lattice.inv_matrix
    # reduced like this, a lattice stays where it is in space
    short = [found[key].get_lll_reduced_lattice().matrix for key in sorted(found)[:count]]
    return [np.rint(matrix @ inverse).astype(int) for matrix in short]


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
