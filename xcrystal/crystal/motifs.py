"""What a crystal is built like, by fixed rules: rock salt, perovskite, layered, close-packed.

Distances are judged relative to covalent radii or to each other, so that the same rules hold for all elements. They
are rules of thumb for labels of thousands of crystals, not a classification of structures.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xcrystal.crystal.canonical import canonicalize
from xcrystal.crystal.contacts import COVALENT_RADII
from xcrystal.crystal.networks import likely_dimension
from xcrystal.crystal.wyckoff import WyckoffCrystal

if TYPE_CHECKING:
    from pymatgen.core import Structure

MOTIFS = ("rock_salt", "perovskite", "layered", "close_packed")
ALKALI = (3, 11, 19, 37, 55, 87)
# most electronegative first: the first one that a compound holds is its anion
_ANIONS = (9, 8, 17, 7, 35, 53, 16, 34, 52, 15, 33, 1)
_BOND = 1.3  # the longest bond of an octahedron, in sums of covalent radii
_STRETCH = 1.6  # its longest bond by its shortest: 1.5 in PbVO3
_GAP = 1.1  # the seventh neighbour is so many times farther than the sixth
_TRANS = np.cos(np.radians(145))
_UNEVEN = 1.15  # the farthest of 12 close-packed neighbours by the nearest: 1.09 in Zn, and 1.15 is bcc's second shell
_BEYOND = 1.2  # the 13th by the mean of the 12; sqrt(2) when they are all alike
_INSIDE = 0.9  # an A is not nearer to X than so many times the distance of B
_FAR = 4.0  # Å
_MOST_IMAGES = 8


class Sites(NamedTuple):
    """A primitive cell: ``cell`` (3, 3) Å, fractional ``points`` (n, 3), ``numbers`` (n,), ``orbit`` (n,) of each."""

    cell: np.ndarray
    points: np.ndarray
    numbers: np.ndarray
    orbit: np.ndarray


def motifs(crystal: WyckoffCrystal | Structure) -> dict[str, bool]:
    """Which of ``MOTIFS`` a crystal has, in a few milliseconds.

    Parameters
    ----------
    crystal
        In canonical form, or a Structure, whose symmetry is then looked for.

    Raises
    ------
    InvalidCrystalError, UnsupportedCrystalError
        If a Structure has no canonical form.
    """
    if not isinstance(crystal, WyckoffCrystal):
        crystal = canonicalize(crystal).crystal
    sites = _sites(crystal)
    return {
        "rock_salt": is_rock_salt(crystal),
        "perovskite": _perovskite(sites),
        "layered": likely_dimension(sites.cell, sites.points, sites.numbers) == 2,
        "close_packed": _close_packed(sites),
    }


def is_rock_salt(crystal: WyckoffCrystal) -> bool:
    """Whether two elements share the positions 4a and 4b of space group 225."""
    return (
        crystal.space_group == 225
        and sorted(crystal.letters) == ["a", "b"]
        and int(crystal.elements[0]) != int(crystal.elements[1])
    )


def is_perovskite(crystal: WyckoffCrystal) -> bool:
    """Whether an ABX3 with an anion X has octahedra BX6 that share corners only, however tilted or distorted.

    Each B has six neighbours X clearly nearer than a seventh, opposite ones nearly in line; each X has two B, and no
    two B share more than one X, so that chains and sheets of octahedra that share faces or edges are none.
    """
    return _perovskite(_sites(crystal))


def is_layered(crystal: WyckoffCrystal) -> bool:
    """Whether its bonds most clearly connect it in two dimensions; see ``networks.likely_dimension``."""
    sites = _sites(crystal)
    return likely_dimension(sites.cell, sites.points, sites.numbers) == 2


def is_close_packed(crystal: WyckoffCrystal) -> bool:
    """Whether all its sites, or those of its anion alone, each have 12 neighbours arranged as in fcc or hcp."""
    return _close_packed(_sites(crystal))


def has_alkali_metal(crystal: WyckoffCrystal) -> bool:
    """Whether one of its elements is Li, Na, K, Rb, Cs or Fr."""
    return bool(np.isin(crystal.elements, ALKALI).any())


def _sites(crystal: WyckoffCrystal) -> Sites:
    cell, points, orbit = crystal.atoms()
    return Sites(cell, points, np.asarray(crystal.elements)[orbit], orbit)


def _perovskite(sites: Sites) -> bool:
    elements, counts = np.unique(sites.numbers, return_counts=True)
    if len(elements) != 3 or sorted(counts * 5 // counts.sum()) != [1, 1, 3] or counts.sum() % 5:
        return False
    x = int(elements[counts.argmax()])
    if x not in _ANIONS:
        return False
    cations = [int(z) for z in elements if int(z) != x]
    nearest = {z: _nearest(sites, z, x) for z in cations}
    # calcite has octahedra that share corners too, but its carbon is no cation between them
    return any(nearest[a] > _INSIDE * nearest[b] and _corner_sharing(sites, b, x) for a, b in permutations(cations))


def _nearest(sites: Sites, one: int, other: int) -> float:
    """The shortest distance (Å) between two elements."""
    others = np.flatnonzero(sites.numbers == other)
    found = [_around(sites, int(k), others, _FAR)[2] for k in np.flatnonzero(sites.numbers == one)]
    return min((float(np.linalg.norm(vectors[0])) for vectors in found if len(vectors)), default=_FAR)


def _corner_sharing(sites: Sites, b: int, x: int) -> bool:
    """Whether each b is in an octahedron of x, each x in two of them, and no two share more than one x."""
    centres, corners = np.flatnonzero(sites.numbers == b), np.flatnonzero(sites.numbers == x)
    longest = _BOND * float(COVALENT_RADII[[b, x]].sum())
    shared: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for centre in centres:
        which, shift, vectors = _around(sites, int(centre), corners, longest * _GAP)
        lengths = np.linalg.norm(vectors, axis=1)
        if len(lengths) < 6 or lengths[5] > longest or lengths[5] > _STRETCH * lengths[0]:
            return False
        if len(lengths) > 6 and lengths[6] < _GAP * lengths[5]:
            return False
        unit = vectors[:6] / lengths[:6, None]
        cosines = unit @ unit.T
        if (cosines.min(axis=1) > _TRANS).any() or (np.sort(cosines, axis=1)[:, 1] < -0.75).any():
            return False
        for corner, cells in zip(which[:6], shift[:6], strict=True):
            # the octahedron as seen from its corner in the first cell
            shared.setdefault((int(corner),), []).append((int(centre), *(-cells).tolist()))
    pairs: set[tuple[int, ...]] = set()
    for around in (shared.get((int(corner),), []) for corner in corners):
        if len(around) != 2:
            return False
        (one, *at), (other, *to) = around
        for first, second, between in ((one, other, np.subtract(to, at)), (other, one, np.subtract(at, to))):
            pair = (first, second, *between.tolist())
            if pair in pairs:
                return False
            pairs.add(pair)
    return True


def _close_packed(sites: Sites) -> bool:
    every = np.arange(len(sites.numbers))
    if _twelvefold(sites, every):
        return True
    anion = next((x for x in _ANIONS if x in sites.numbers), None)
    own = every[sites.numbers == anion] if anion is not None else every
    return len(own) < len(every) and _twelvefold(sites, own)


def _twelvefold(sites: Sites, own: np.ndarray) -> bool:
    """Whether each of these sites has 12 of them around it as in fcc or hcp."""
    volume = abs(float(np.linalg.det(sites.cell))) / len(own)
    # twelve spheres that touch lie at 2^(1/6) V^(1/3)
    reach = 1.75 * 2 ** (1 / 6) * volume ** (1 / 3)
    _, firsts = np.unique(sites.orbit[own], return_index=True)
    for centre in own[firsts]:  # the others of an orbit have the same around them
        vectors = _around(sites, int(centre), own, reach)[2]
        lengths = np.linalg.norm(vectors, axis=1)
        if len(lengths) < 12 or lengths[11] > _UNEVEN * lengths[0]:
            return False
        mean = lengths[:12].mean()
        if len(lengths) > 12 and lengths[12] < _BEYOND * mean:
            return False
        near = vectors[:12]
        between = np.linalg.norm(near[:, None] - near[None], axis=2)
        touching = ((between < _BEYOND * mean) & (between > 0)).sum(axis=1)
        unit = near / lengths[:12, None]
        opposite = int(((unit @ unit.T).min(axis=1) < -0.95).sum())
        # an icosahedron has five that touch each, and fcc and hcp four; of the 12, hcp has 6 with an opposite one
        if (touching != 4).any() or opposite not in (6, 12):
            return False
    return True


def _around(sites: Sites, centre: int, others: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Neighbours of a site among others within ``reach`` (Å), nearest first.

    Returns
    -------
    tuple of ndarray
        Their site (m,), their cell (m, 3) relative to the centre's, and the vectors (m, 3) to them in Å.
    """
    between = sites.points[others] - sites.points[centre]
    images = _images(sites.cell, reach)
    shifts = images[None] - np.rint(between).astype(int)[:, None]
    vectors = ((between[:, None] + shifts) @ sites.cell).reshape(-1, 3)
    lengths = np.linalg.norm(vectors, axis=1)
    near = np.flatnonzero((lengths < reach) & (lengths > 1e-6))
    near = near[np.argsort(lengths[near], kind="stable")]
    return others[near // len(images)], shifts.reshape(-1, 3)[near], vectors[near]


def _images(cell: np.ndarray, reach: float) -> np.ndarray:
    """(m, 3) cells that can hold a neighbour within ``reach``, when differences are within half a cell."""
    faces = np.cross(cell[[1, 2, 0]], cell[[2, 0, 1]])
    heights = abs(np.linalg.det(cell)) / np.maximum(np.linalg.norm(faces, axis=1), 1e-9)
    most = np.clip(np.floor(reach / np.maximum(heights, 1e-9) + 0.5), 1, _MOST_IMAGES).astype(int)
    axes = [np.arange(-m, m + 1) for m in most]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
