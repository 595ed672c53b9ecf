"""What a crystal is built like, by fixed rules: rock salt, perovskite, layered, close-packed.

Distances are judged relative to covalent radii or to each other, so that the same rules hold for all elements. They
are rules of thumb for labels of thousands of crystals, not a classification of structures.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xcrystal.crystal.geometry.neighbours import Pairs, find_neighbours, pairs_within
from xcrystal.crystal.geometry.networks import likely_dimension
from xcrystal.crystal.symmetry.canonical import canonicalize
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal

if TYPE_CHECKING:
    from pymatgen.core import Structure

MOTIFS = ("rock_salt", "perovskite", "layered", "close_packed")
ALKALI = (3, 11, 19, 37, 55, 87)
# most electronegative first: the first one that a compound holds is its anion
_ANIONS = (9, 8, 17, 7, 35, 53, 16, 34, 52, 15, 33, 1)
_TRANS = np.cos(np.radians(145))
_UNEVEN = 1.15  # the farthest of 12 close-packed neighbours by the nearest: 1.09 in Zn, and 1.15 is bcc's second shell
_BEYOND = 1.2  # the 13th by the mean of the 12; sqrt(2) when they are all alike
_INSIDE = 0.9  # an A is not nearer to X than so many times the distance of B
_FAR = 4.0  # Å


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
    pairs = pairs_within(sites.cell, sites.points, _FAR)
    to_x = sites.numbers[pairs.second] == x
    nearest = {z: pairs.lengths[to_x & (sites.numbers[pairs.first] == z)].min(initial=_FAR) for z in cations}
    around = find_neighbours(sites.cell, sites.points, sites.numbers)
    # calcite has octahedra that share corners too, but its carbon is no cation between them
    return any(
        nearest[a] > _INSIDE * nearest[b] and _corner_sharing(sites, around, b, x) for a, b in permutations(cations)
    )


def _corner_sharing(sites: Sites, around: Pairs, b: int, x: int) -> bool:
    """Whether each b is in an octahedron of x, each x in two of them, and no two share more than one x."""
    bonds = around.of((sites.numbers[around.first] == b) & (sites.numbers[around.second] == x))
    shared: dict[int, list[tuple[int, ...]]] = {}
    for centre in np.flatnonzero(sites.numbers == b).tolist():
        own = bonds.of(bonds.first == centre)
        if len(own.first) != 6:
            return False
        unit = own.vectors / own.lengths[:, None]
        cosines = unit @ unit.T
        if (cosines.min(axis=1) > _TRANS).any() or (np.sort(cosines, axis=1)[:, 1] < -0.75).any():
            return False
        for corner, cells in zip(own.second.tolist(), own.images, strict=True):
            # the octahedron as seen from its corner in the first cell
            shared.setdefault(corner, []).append((centre, *(-cells).tolist()))
    pairs: set[tuple[int, ...]] = set()
    for octahedra in (shared.get(corner, []) for corner in np.flatnonzero(sites.numbers == x).tolist()):
        if len(octahedra) != 2:
            return False
        (one, *at), (other, *to) = octahedra
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
    pairs = pairs_within(sites.cell, sites.points[own], reach)
    _, firsts = np.unique(sites.orbit[own], return_index=True)
    for centre in firsts:  # the others of an orbit have the same around them
        around = pairs.of(pairs.first == centre)
        order = np.argsort(around.lengths, kind="stable")
        vectors, lengths = around.vectors[order], around.lengths[order]
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
