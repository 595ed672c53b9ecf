"""Symmetry operations as files write them, "x-y, -y, z+1/3", and the images of atoms under them."""

from __future__ import annotations

import re

import numpy as np

from xcrystal.crystal.symmetry.space_group_settings import plain

COPY = 0.05  # Å; images of one atom that are closer are one: three digits of a coordinate leave less between them
_LARGEST = 9  # whole number in a rotation
_MOST_SHIFTS = 32  # translations of one rotation: those of a face-centred cell that is doubled along each axis
_SHIFT = 0.01  # of an axis; translations of three digits that are closer are the same
_TERM = re.compile(r"([+-]?)(\d+(?:\.\d*)?|\.\d+)?(?:/(\d+(?:\.\d*)?))?\*?([xyz])?(?:/(\d+))?")


def parse_operation(text: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Rotation (3, 3) and translation (3,) of an operation; None if it is none.

    A fourth part, as of magnetic operations, is passed over.
    """
    parts = re.sub(r"[\s'\"]", "", plain(text)).lower().split(",")
    if len(text) > 200 or len(parts) not in (3, 4):
        return None
    rows = [_row(part) for part in parts[:3]]
    found = [row for row in rows if row is not None]
    if len(found) != 3:
        return None
    matrix = np.array(found)
    if abs(abs(np.linalg.det(matrix[:, :3])) - 1) > 1e-3:
        return None  # "x,x,z" turns no crystal into itself
    return matrix[:, :3], matrix[:, 3]


def _row(text: str) -> list[float] | None:
    """Factors of x, y and z and the translation in one coordinate, as "1/2+x-2y"; None if it is none."""
    row = [0.0, 0.0, 0.0, 0.0]
    at = 0
    while at < len(text):
        found = _TERM.match(text, at)
        if not found or found.end() == at or (at and not found[1]):
            return None
        sign, number, divisor, letter, below = found.groups()
        if number is None and letter is None:
            return None
        if 0.0 in (float(divisor or 1), float(below or 1)):
            return None
        size = float(number or 1) / float(divisor or 1) / float(below or 1)
        row["xyz".index(letter) if letter else 3] += -size if sign == "-" else size
        at = found.end()
    return row if text else None


def are_group(rotations: np.ndarray, translations: np.ndarray) -> bool:
    """Whether operations (n, 3, 3) and (n, 3) turn a lattice into itself, and products of any two are among them."""
    whole = np.rint(rotations).astype(np.int64)
    if np.abs(rotations - whole).max() > 1e-3 or np.abs(whole).max() > _LARGEST:
        return False
    products = np.einsum("aij,bjk->abik", whole, whole)
    shifts = np.einsum("aij,bj->abi", whole, translations) + translations[:, None]
    if np.abs(products).max() > _LARGEST:
        return False
    places = (2 * _LARGEST + 1) ** np.arange(9)  # a rotation as one number
    keys = (whole + _LARGEST).reshape(-1, 9) @ places
    wanted = (products + _LARGEST).reshape(-1, 9) @ places
    shifts = shifts.reshape(-1, 3)
    order = np.argsort(keys, kind="stable")
    kinds, begins, counts = np.unique(keys[order], return_index=True, return_counts=True)
    if counts.max() > _MOST_SHIFTS:
        return False
    kind = np.minimum(np.searchsorted(kinds, wanted), len(kinds) - 1)
    if (kinds[kind] != wanted).any():
        return False
    found = np.zeros(len(wanted), dtype=bool)
    for rank in range(int(counts.max())):
        steps = shifts - translations[order[begins[kind] + np.minimum(rank, counts[kind] - 1)]]
        found |= (np.abs(steps - np.rint(steps)) < _SHIFT).all(axis=1)
    return bool(found.all())


def keep_lengths(rotations: np.ndarray, lattice: np.ndarray) -> bool:
    """Whether rotations (n, 3, 3) keep lengths and angles of a cell (3, 3), as far as these are written."""
    lattice = lattice / np.abs(lattice).max()
    metric = lattice @ lattice.T
    lengths = np.sqrt(np.diag(metric))
    turned = np.einsum("gji,jk,gkl->gil", rotations, metric, rotations)
    return bool((np.abs(turned - metric) < 0.01 * lengths[:, None] * lengths).all())


def images(point: np.ndarray, rotations: np.ndarray, translations: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """The images (m, 3) of a point (3,) in the cell, in the order of the operations, each once.

    Parameters
    ----------
    point
        Fractional coordinates.
    rotations, translations
        (n, 3, 3) and (n, 3).
    lattice
        (3, 3), rows in Å: images that are closer than ``COPY`` are one.
    """
    moved = np.mod(rotations @ point + translations, 1.0)
    left = np.arange(len(moved))
    kept = []
    while len(left):
        kept.append(left[0])
        left = left[distances(moved[left], moved[left[0]], lattice) > COPY]
    return moved[kept]


def distances(points: np.ndarray, point: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """(n,) distances in Å from fractional points (n, 3) to the nearest image of another, if that is much less than the
    cell is wide."""
    steps = points - point
    steps -= np.rint(steps)
    return np.linalg.norm(steps @ lattice, axis=1)
