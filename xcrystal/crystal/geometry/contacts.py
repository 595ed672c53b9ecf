"""The shortest contact of a crystal: the first thing that tells a possible crystal from an impossible one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from xcrystal.crystal.geometry.radii import covalent_radii

SHORT_CONTACT = 0.7  # a contact shorter than this share of the sum of covalent radii: 0.3 % of known crystals have one
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
    return shortest_contacts([np.asarray(lattice)], [np.asarray(frac)], [np.asarray(numbers)])[0]


def shortest_contacts(
    lattices: Sequence[np.ndarray], fracs: Sequence[np.ndarray], numbers: Sequence[np.ndarray]
) -> list[Contact]:
    """``shortest_contact`` of many crystals at once: cells (3, 3) in Å, points (n, 3), atomic numbers (n,) of each."""
    found = [Contact(np.inf, np.inf)] * len(fracs)
    lengths = np.array([len(points) for points in fracs], dtype=int)
    for n in np.unique(lengths[lengths > 0]):
        rows = np.flatnonzero(lengths == n)
        step = max(1, 400_000 // (n * n * 27))
        for i in range(0, len(rows), step):
            part = rows[i : i + step]
            cells = np.array([lattices[k] for k in part], dtype=float)
            points = np.array([fracs[k] for k in part], dtype=float)
            kinds = np.array([numbers[k] for k in part], dtype=int)
            for k, contact in zip(part, _contacts(cells, points, kinds), strict=True):
                found[k] = contact
    return found


def distances_between(lattice: np.ndarray, frac: np.ndarray) -> np.ndarray:
    """(n, n) shortest distances in Å between the atoms of a cell (3, 3) at points (n, 3), of an atom to itself to its
    nearest image; up to half of the shortest cell vector they are exact, and beyond that seldom too large."""
    cell = _reduced(np.asarray(lattice, dtype=float)[None])
    points = np.asarray(frac) @ lattice @ np.linalg.inv(cell[0])
    between = points[:, None] - points[None]
    between -= np.rint(between)
    found: np.ndarray = _distances((between @ cell[0])[None], cell, np.ones(3, dtype=int))[0]
    return found


def _contacts(lattices: np.ndarray, fracs: np.ndarray, numbers: np.ndarray) -> list[Contact]:
    """Of crystals (b, 3, 3), (b, n, 3), (b, n) with n atoms each."""
    given = lattices, fracs
    cells = _reduced(lattices)
    volumes = np.abs(np.linalg.det(cells))
    sound = np.isfinite(lattices).all(axis=(1, 2)) & np.isfinite(fracs).all(axis=(1, 2)) & (volumes > 1e-6)
    found = [Contact(0.0, 0.0)] * len(cells)
    if not sound.any():
        return found
    rows = np.flatnonzero(sound)
    lattices, fracs, cells, volumes = lattices[rows], fracs[rows], cells[rows], volumes[rows]
    radii = covalent_radii(numbers[rows])
    sums = radii[:, :, None] + radii[:, None]
    points = fracs @ lattices @ np.linalg.inv(cells)
    between = points[:, :, None] - points[:, None]
    between -= np.rint(between)
    between = np.einsum("bnmi,bij->bnmj", between, cells)
    faces = np.cross(cells[:, [1, 2, 0]], cells[:, [2, 0, 1]])
    heights = volumes[:, None] / np.linalg.norm(faces, axis=2)
    reach = np.ones(3, dtype=int)
    waiting = np.arange(len(rows))
    while len(waiting):
        distances = _distances(between[waiting], cells[waiting], reach)
        shortest = distances.min(axis=(1, 2))
        ratios = (distances / sums[waiting]).min(axis=(1, 2))
        # nothing farther than this can be shorter, or shorter relative to its radii, than what was found
        farthest = np.maximum(shortest, ratios * sums[waiting].max(axis=(1, 2)))
        needed = np.minimum(np.ceil(farthest[:, None] / heights[waiting] - 0.5), _MOST_IMAGES).astype(int)
        done = (needed <= reach).all(axis=1)
        for k in np.flatnonzero(done):
            found[rows[waiting[k]]] = Contact(float(shortest[k]), float(ratios[k]))
        if done.all():
            break
        if len(waiting) > 1:  # one by one, so that a flat cell does not make all others look at as many images
            for k in np.flatnonzero(~done):
                row = rows[waiting[k]]
                found[row] = _contacts(given[0][row : row + 1], given[1][row : row + 1], numbers[row : row + 1])[0]
            break
        reach = np.maximum(needed[0], reach)
    return found


def _distances(between: np.ndarray, cells: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """(b, n, n) shortest distances over the images within ``reach``; of an atom to itself, to its nearest image."""
    shifts = np.array(list(product(*(range(-r, r + 1) for r in reach)))) @ cells
    # |d + s|2 = |d|2 + 2 d.s + |s|2: one matrix product instead of a large array of vectors
    b, n = between.shape[:2]
    squared = 2 * between.reshape(b, n * n, 3) @ shifts.transpose(0, 2, 1)
    squared += (shifts**2).sum(axis=2)[:, None]
    squared = squared.reshape(b, n, n, -1)
    atoms = np.arange(n)
    squared[:, atoms, atoms, shifts.shape[1] // 2] = np.inf
    return np.sqrt(np.maximum(squared.min(axis=3) + (between**2).sum(axis=3), 0.0))


def _reduced(cells: np.ndarray) -> np.ndarray:
    """Other cells (b, 3, 3) of the same lattices whose vectors are short against each other: few images are needed."""
    cells = np.nan_to_num(cells.copy())
    for _ in range(20):
        before = cells.copy()
        for i, j in ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)):
            square = np.maximum((cells[:, j] ** 2).sum(axis=1), 1e-12)
            along = (cells[:, i] * cells[:, j]).sum(axis=1) / square
            cells[:, i] -= np.rint(np.clip(along - 1e-9, -1e6, 1e6))[:, None] * cells[:, j]
        if np.array_equal(cells, before):
            break
    return cells
