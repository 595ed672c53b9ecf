"""The shortest contact of a crystal: the first thing that tells a possible crystal from an impossible one."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

# Å, by atomic number (0 is no element): B. Cordero et al., Dalton Trans. 2008, 2832, as in ase.data
COVALENT_RADII = np.array(
    [
        0.2, 0.31, 0.28, 1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58, 1.66, 1.41, 1.21, 1.11, 1.07, 1.05, 1.02, 1.06,
        2.03, 1.76, 1.7, 1.6, 1.53, 1.39, 1.39, 1.32, 1.26, 1.24, 1.32, 1.22, 1.22, 1.2, 1.19, 1.2, 1.2, 1.16,
        2.2, 1.95, 1.9, 1.75, 1.64, 1.54, 1.47, 1.46, 1.42, 1.39, 1.45, 1.44, 1.42, 1.39, 1.39, 1.38, 1.39, 1.4,
        2.44, 2.15, 2.07, 2.04, 2.03, 2.01, 1.99, 1.98, 1.98, 1.96, 1.94, 1.92, 1.92, 1.89, 1.9, 1.87, 1.87,
        1.75, 1.7, 1.62, 1.51, 1.44, 1.41, 1.36, 1.36, 1.32, 1.45, 1.46, 1.48, 1.4, 1.5, 1.5,
        2.6, 2.21, 2.15, 2.06, 2.0, 1.96, 1.9, 1.87,
    ]
)  # fmt: skip
CLASH = 0.7  # a contact shorter than this share of the sum of covalent radii: 0.3 % of known crystals have one
_MOST_IMAGES = 6


class Contact(NamedTuple):
    """``distance`` (Å) of the two closest atoms; ``ratio``, the smallest distance by the sum of its covalent radii."""

    distance: float
    ratio: float


def shortest_contact(lattice: np.ndarray, frac: np.ndarray, numbers: np.ndarray) -> Contact:
    """The shortest contact between any two atoms, or an atom and its own periodic image.

    Parameters
    ----------
    lattice
        (3, 3) cell vectors as rows, Å.
    frac
        (n, 3) fractional coordinates.
    numbers
        (n,) atomic numbers; beyond 94 the radius of the last element known is taken.

    Returns
    -------
    Contact
        Infinite without atoms; both zero where the cell has no volume.
    """
    lattice = np.asarray(lattice, dtype=float)
    cartesian = np.asarray(frac, dtype=float) @ lattice
    if not len(cartesian):
        return Contact(np.inf, np.inf)
    cell = _reduced(lattice)
    volume = abs(np.linalg.det(cell))
    if not np.isfinite(cartesian).all() or volume < 1e-6:
        return Contact(0.0, 0.0)
    radii = COVALENT_RADII[np.minimum(np.asarray(numbers, dtype=int), len(COVALENT_RADII) - 1)]
    sums = radii[:, None] + radii[None]
    points = cartesian @ np.linalg.inv(cell)
    between = points[:, None] - points[None]
    between = (between - np.rint(between)) @ cell
    heights = volume / np.linalg.norm(np.cross(cell[[1, 2, 0]], cell[[2, 0, 1]]), axis=1)
    reach = np.ones(3, dtype=int)
    while True:
        distances = _distances(between, cell, reach)
        found = Contact(float(distances.min()), float((distances / sums).min()))
        # nothing farther than this can be shorter, or shorter relative to its radii, than what was found
        farthest = max(found.distance, found.ratio * sums.max())
        needed = np.minimum(np.ceil(farthest / heights - 0.5), _MOST_IMAGES).astype(int)
        if (needed <= reach).all():
            return found
        reach = np.maximum(needed, reach)


def _distances(between: np.ndarray, cell: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """(n, n) shortest distances over the images within ``reach``; of an atom to itself, to its nearest image."""
    shifts = np.array(list(product(*(range(-r, r + 1) for r in reach)))) @ cell
    squared = ((between[:, :, None] + shifts) ** 2).sum(axis=-1)
    atoms = np.arange(len(between))
    squared[atoms, atoms, len(shifts) // 2] = np.inf
    return np.sqrt(squared.min(axis=-1))


def _reduced(cell: np.ndarray) -> np.ndarray:
    """Another cell of the same lattice whose vectors are short against each other, so that few images are needed."""
    cell = cell.copy()
    for _ in range(20):
        before = cell.copy()
        for i, j in ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)):
            square = cell[j] @ cell[j]
            if square > 1e-12:
                cell[i] -= np.rint(np.clip(cell[i] @ cell[j] / square - 1e-9, -1e6, 1e6)) * cell[j]
        if np.array_equal(cell, before):
            break
    return cell
