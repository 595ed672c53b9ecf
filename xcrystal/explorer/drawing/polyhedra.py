"""Coordination polyhedra: around which cations they are drawn, and their faces.

A cation has one where textbooks draw one:

1. its 4 to 7 neighbours are all anions (N, O, S, Se, Te or a halogen), each more electronegative than it, and none of
   them bonded to another anion, as in the dumbbells of pyrite;
2. it lies inside of what they span, which leaves out squares and the pyramids of lone pairs;
3. it is none of the large ions that fill the space between the others (alkali metals, Ca, Sr, Ba, Ra, and rare earths
   but Sc), and not H, C, N, O or F, whose bonds say more;
4. all of them together are fewer than the anions: in rock salt or zinc blende they would leave nothing else to see.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np

from xcrystal.crystal.geometry.neighbours import Pairs, is_nonmetal

_CORNERS = (4, 7)
_ANIONS = (7, 8, 9, 16, 17, 34, 35, 52, 53)
_LARGE = (3, 11, 19, 37, 55, 87, 20, 38, 56, 88, 39, *range(57, 72), 89)
_LIGHT = (1, 6, 7, 8, 9)
_MANY = 7  # neighbours of an ion between polyhedra
_INSIDE = 0.05  # Å from each face
_SLIM = 0.1  # Å², twice the area of triangles that span no plane
_FLAT = 0.08  # Å from the plane of a face that a corner of it may be


@cache
def electronegativities() -> np.ndarray:
    """(119,) Pauling's; 0 where there is none."""
    import warnings

    from pymatgen.core import Element

    found = np.zeros(119)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # noble gases have none
        for number in range(1, 119):
            found[number] = np.nan_to_num(Element.from_Z(number).X)
    return found


def cations_of(numbers: np.ndarray, pairs: Pairs) -> np.ndarray:
    """(p,) whether the first atom of a pair is a cation of the second: a metal of a non-metal, or the less
    electronegative of two non-metals."""
    metal = ~is_nonmetal(numbers)
    negativity = electronegativities()[numbers]
    one, other = pairs.first, pairs.second
    found: np.ndarray = ~metal[other] & (metal[one] | (negativity[one] < negativity[other]))
    return found


def polyhedron_faces(numbers: np.ndarray, pairs: Pairs) -> dict[int, list[np.ndarray]]:
    """Find the faces of the polyhedra around the atoms of a cell.

    Parameters
    ----------
    numbers
        (n,) atomic numbers.
    pairs
        Neighbours of these atoms.

    Returns
    -------
    dict
        Atom in the centre to its faces: of each, (k,) indices of pairs, whose second atoms are its corners, in order
        and counterclockwise as seen from outside.
    """
    n = len(numbers)
    as_cation = cations_of(numbers, pairs)
    as_anion = np.isin(numbers, _ANIONS)
    # an anion that something other than a cation is bonded to
    reverse = np.zeros(n, dtype=bool)
    reverse[pairs.second[~as_cation & as_anion[pairs.second]]] = True
    counts = np.bincount(pairs.first, minlength=n)
    good = np.bincount(pairs.first, as_cation & as_anion[pairs.second] & ~reverse[pairs.second], minlength=n)
    chosen = (counts == good) & (counts >= _CORNERS[0]) & (counts <= _CORNERS[1])
    chosen &= ~np.isin(numbers, (*_LARGE, *_LIGHT))
    begins = np.cumsum(counts) - counts
    found = {}
    for atom in np.flatnonzero(chosen).tolist():
        faces = _faces(pairs.vectors[begins[atom] : begins[atom] + counts[atom]])
        if faces:
            found[atom] = [begins[atom] + face for face in faces]
    corners = np.isin(pairs.first, list(found))
    return found if len(found) < len(np.unique(pairs.second[corners])) else {}


def completed(numbers: np.ndarray, pairs: Pairs, centres: list[int]) -> np.ndarray:
    """Find which atoms are drawn with all their neighbours, also with those outside of the cell.

    Those are the centres of polyhedra, and atoms of chains and layers of one element; and inside of the cell, but not
    on its boundary, all cations, as a cation on a corner would take the picture far beyond the cell.

    Parameters
    ----------
    numbers, pairs, centres
        Atomic numbers (n,), neighbours, and the centres of polyhedra.

    Returns
    -------
    np.ndarray
        (2, n) of atoms on the boundary, and of those inside.
    """
    n = len(numbers)
    nonmetal = is_nonmetal(numbers)
    lonely = between_polyhedra(numbers, pairs, centres)
    counts = np.bincount(pairs.first, minlength=n)
    alike = np.bincount(pairs.first, numbers[pairs.first] == numbers[pairs.second], minlength=n)
    always = (
        nonmetal
        & ((alike == 2) | (alike == 3))
        & (alike == np.bincount(pairs.first, ~lonely[pairs.second], minlength=n))
    )
    always[centres] = True
    cation = (np.bincount(pairs.first, cations_of(numbers, pairs), minlength=n) == counts) & (counts > 0)
    return np.stack([always, always | (cation & ~lonely)])


def between_polyhedra(numbers: np.ndarray, pairs: Pairs, centres: list[int]) -> np.ndarray:
    """(n,) whether an atom is a large cation between polyhedra, or between non-metals that are bonded to each other:
    drawn without its bonds, which are many and long."""
    n = len(numbers)
    nonmetal = is_nonmetal(numbers)
    if not centres and not (nonmetal[pairs.first] & nonmetal[pairs.second]).any():
        return np.zeros(n, dtype=bool)
    large = np.isin(numbers, _LARGE) | (np.bincount(pairs.first, minlength=n) > _MANY)
    found: np.ndarray = large & ~nonmetal
    return found


def _faces(corners: np.ndarray) -> list[np.ndarray]:
    """Faces of the convex hull of (m, 3) corners, each as indices; none if the origin is not well inside."""
    triples = _triples(len(corners))
    a, b, c = (corners[triples[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1)
    normals /= np.maximum(lengths, 1e-9)[:, None]
    distance = (normals * a).sum(axis=1)  # Å from the origin, along the normal
    away = normals @ corners.T - distance[:, None]  # (t, m)
    wide = lengths > _SLIM
    above, below = wide & (away > -_FLAT).all(axis=1), wide & (away < _FLAT).all(axis=1)
    outer = above | below
    if not outer.any() or (np.where(above, -distance, distance)[outer] < _INSIDE).any() or (above & below).any():
        return []
    members = np.unique(np.abs(away[outer]) < _FLAT, axis=0)
    faces = [np.flatnonzero(row) for row in members if not _within(row, members)]
    return [_in_order(face, corners) for face in faces]


@cache
def _triples(m: int) -> np.ndarray:
    """(t, 3) all triples of m corners."""
    return np.array(list(combinations(range(m), 3)), dtype=int)


def _within(row: np.ndarray, members: np.ndarray) -> bool:
    """Whether a face (m,) is a part of another of (f, m)."""
    larger = members[members.sum(axis=1) > row.sum()]
    return bool((larger[:, row]).all(axis=1).any())


def _in_order(face: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The corners (k,) of a face, counterclockwise as seen from outside."""
    points = corners[face]
    middle = points.mean(axis=0)
    along = points[0] - middle
    across = np.cross(middle, along)  # the middle is outwards from the origin
    across *= np.linalg.norm(along) / max(float(np.linalg.norm(across)), 1e-9)
    angles = np.arctan2((points - middle) @ across, (points - middle) @ along)
    return np.asarray(face[np.argsort(angles)])
