"""Which atoms of a crystal are neighbours: one rule, for pictures, coordination numbers and graphs.

Two atoms are neighbours if

1. their elements can be: up to 1.5 times the sum of their covalent radii, and two non-metals up to 1.25 times, beyond
   which they only touch, as across a van der Waals gap;
2. no third atom is clearly nearer to both of them, as in the relative neighbourhood graph (G. T. Toussaint, Pattern
   Recognition 12, 261, 1980): anions part cations, and the second shell of a metal lies behind the first;
3. they are not far beyond the mean distance of the shell, weighted as effective coordination numbers are (R. Hoppe, Z.
   Kristallogr. 150, 23, 1979). Of a cation and an anion, it is the cation's shell; of two of a kind, either's.

Cations that have anions are neighbours of each other only where they are clearly nearer than these. An atom that
has no neighbour by these rules gets its nearest, unless it is a noble gas. All this depends on distances alone: the
cell and its setting do not matter, and neighbours are mutual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xcrystal.crystal.geometry.radii import covalent_radii

if TYPE_CHECKING:
    from pymatgen.core import Structure

_LONGEST = 1.5  # sums of covalent radii
_COVALENT = 1.25  # of two non-metals
_PARTED = 0.885  # of the distance of two atoms: a third nearer than that to both parts them; it is sqrt(3)/2 in bcc
_SHELL = 1.17  # mean distances of a shell
_OPEN_SHELL = 1.28  # of a cation with fewer than six anions nearer than that: an octahedron may be long
_FEW = 6
_FARTHEST = 2.0  # sums of covalent radii: where atoms without neighbours look for them
_CLOSER = 0.95  # of the distance to the nearest anion: only then two cations are neighbours
_ROUNDS = 4  # of weighting
_ALIKE = 1.1  # shortest distances: what such an atom gets
_SAME = 1e-3  # Å: what is closer is the same atom
_NONMETALS = (1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 33, 34, 35, 36, 52, 53, 54, 85, 86)
_METALLOIDS = (32, 50, 51, 82, 83, 84)  # anions of metals where no non-metal is
_NOBLE = (2, 10, 18, 36, 54, 86)


class Pairs(NamedTuple):
    """Pairs of atoms, each seen from both ends and ordered by the first.

    ``first``, ``second`` (p,) indices; ``images`` (p, 3) int, the cell that the second is in; ``vectors`` (p, 3) from
    the first to the second and ``lengths`` (p,), in Å.
    """

    first: np.ndarray
    second: np.ndarray
    images: np.ndarray
    vectors: np.ndarray
    lengths: np.ndarray

    def of(self, chosen: np.ndarray) -> Pairs:
        """Some of the p pairs: those of a mask (p,), or of indices (q,)."""
        return Pairs(*(column[chosen] for column in self))


def pairs_within(matrix: np.ndarray, points: np.ndarray, reach: float) -> Pairs:
    """All pairs of atoms of an endless crystal that are nearer than ``reach`` (Å).

    Parameters
    ----------
    matrix
        (3, 3) lattice vectors, Å, one a row.
    points
        (n, 3) fractional coordinates.
    reach
        In Å.
    """
    from pymatgen.core.structure import Structure  # noqa: F401  (brings the compiled search)
    from pymatgen.optimization.neighbors import find_points_in_spheres

    if not len(points):  # which the search does not take
        none = np.zeros(0, dtype=int)
        return Pairs(none, none, np.zeros((0, 3), dtype=int), np.zeros((0, 3)), np.zeros(0))
    matrix = np.ascontiguousarray(matrix, dtype=float)
    places = np.ascontiguousarray(points @ matrix)
    first, second, images, lengths = find_points_in_spheres(
        places, places, r=reach, pbc=np.array([1, 1, 1]), lattice=matrix, tol=1e-8
    )
    kept = np.flatnonzero(lengths > _SAME)
    kept = kept[np.argsort(first[kept], kind="stable")]
    first, second, images, lengths = first[kept], second[kept], images[kept].astype(int), lengths[kept]
    return Pairs(first, second, images, (points[second] + images - points[first]) @ matrix, lengths)


def find_neighbours(matrix: np.ndarray, points: np.ndarray, numbers: np.ndarray) -> Pairs:
    """Find the neighbours of all atoms of a cell, in about a millisecond for 20 atoms.

    Parameters
    ----------
    matrix
        (3, 3) lattice vectors, Å, one a row.
    points
        (n, 3) fractional coordinates.
    numbers
        (n,) atomic numbers.
    """
    numbers = np.asarray(numbers, dtype=int)
    radii = covalent_radii(numbers)
    largest = 2 * float(radii.max(initial=0.0))
    pairs = pairs_within(matrix, points, _LONGEST * largest)
    found = pairs.of(_neighbours(pairs, numbers, radii))
    alone = np.bincount(found.first, minlength=len(numbers)) == 0
    alone &= ~np.isin(numbers, _NOBLE)
    if alone.any():
        # none of these was found before: one of the two had no neighbours at all
        added = _nearest(pairs_within(matrix, points, _FARTHEST * largest), radii, alone)
        found = Pairs(*(np.concatenate(columns) for columns in zip(found, added, strict=True)))
        found = found.of(np.argsort(found.first, kind="stable"))
    return found


def structure_neighbours(structure: Structure) -> Pairs:
    """Find the neighbours in a structure; a shared site counts as the most abundant of its elements."""
    return find_neighbours(structure.lattice.matrix, structure.frac_coords, main_elements(structure))


def main_elements(structure: Structure) -> np.ndarray:
    """(n,) atomic number of the most abundant element of each site."""
    return np.array([max(site.species.items(), key=lambda item: item[1])[0].Z for site in structure], dtype=int)


def is_nonmetal(numbers: np.ndarray) -> np.ndarray:
    """(n,) whether elements, given by atomic numbers, are non-metals."""
    return np.isin(numbers, _NONMETALS)


def between_metals(numbers: np.ndarray, pairs: Pairs) -> np.ndarray:
    """(p,) whether both atoms of a pair are metals, neither of them the anion of the other."""
    kind = _kinds(np.asarray(numbers))
    alike: np.ndarray = (kind[pairs.first] == kind[pairs.second]) & (kind[pairs.first] < 2)
    return alike


def _neighbours(pairs: Pairs, numbers: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """(q,) indices of the pairs that are neighbours by the three rules."""
    n = len(numbers)
    kind = _kinds(numbers)
    one, other = kind[pairs.first], kind[pairs.second]
    ratio = pairs.lengths / (radii[pairs.first] + radii[pairs.second])
    kept = np.flatnonzero(ratio < np.where((one == 2) & (other == 2), _COVALENT, _LONGEST))
    kept = kept[~_parted(pairs, kept, n)]
    pairs, ratio, one, other = pairs.of(kept), ratio[kept], one[kept], other[kept]
    first, second, lengths = pairs.first, pairs.second, pairs.lengths

    own = one < other  # as the cation sees it
    cation = np.where(own, first, second)
    scaled = ratio / _means(first[own], ratio[own], n)[cation]
    full = np.bincount(first[own & (scaled < _SHELL)], minlength=n) >= _FEW
    opposite = (one != other) & (scaled < np.where(full[cation], _SHELL, _OPEN_SHELL))
    nearest = np.full(n, np.inf)  # Å, of each cation's anions
    np.minimum.at(nearest, first[own & opposite], lengths[own & opposite])

    alike = (one == other) & (lengths < _CLOSER * np.minimum(nearest[first], nearest[second]))
    mean = _means(first[alike], ratio[alike], n)
    alike &= ratio < _SHELL * np.maximum(mean[first], mean[second])
    return kept[opposite | alike]


def _kinds(numbers: np.ndarray) -> np.ndarray:
    """(n,) 2 for non-metals, 1 for metalloids that are the most electronegative, 0 for metals: higher is the anion."""
    nonmetal = is_nonmetal(numbers)
    if nonmetal.any():
        return 2 * nonmetal.astype(int)
    return np.isin(numbers, _METALLOIDS).astype(int)


def _parted(pairs: Pairs, chosen: np.ndarray, n: int) -> np.ndarray:
    """(q,) whether a third atom is clearly nearer to both atoms of the chosen pairs than they are to each other."""
    reach = _PARTED * pairs.lengths[chosen]
    order = np.lexsort((pairs.lengths, pairs.first))
    counts = np.bincount(pairs.first, minlength=n)
    begins = np.cumsum(counts) - counts
    parted = np.zeros(len(chosen), dtype=bool)
    waiting = np.arange(len(chosen))
    # the nearest atoms part most pairs: one after the other, until none that is left is near enough
    for rank in range(int(counts.max(initial=0))):
        centre = pairs.first[chosen[waiting]]
        waiting = waiting[rank < counts[centre]]
        centre = pairs.first[chosen[waiting]]
        third = order[begins[centre] + rank]
        near = pairs.lengths[third] < reach[waiting]
        waiting, third = waiting[near], third[near]
        if not len(waiting):
            break
        between = pairs.vectors[third] - pairs.vectors[chosen[waiting]]
        parts = (between**2).sum(axis=1) < reach[waiting] ** 2
        parted[waiting[parts]] = True
        waiting = waiting[~parts]
    return parted


def _means(atoms: np.ndarray, ratio: np.ndarray, n: int) -> np.ndarray:
    """(n,) weighted mean ratios of the contacts of each atom; infinite where there are none."""
    mean = np.full(n, np.inf)
    np.minimum.at(mean, atoms, ratio)
    for _ in range(_ROUNDS):
        weight = np.exp(1 - (ratio / mean[atoms]) ** 6)
        total = np.bincount(atoms, weight, minlength=n)
        summed = np.bincount(atoms, weight * ratio, minlength=n)
        mean = np.divide(summed, total, out=mean, where=total > 0)
    return mean


def _nearest(pairs: Pairs, radii: np.ndarray, alone: np.ndarray) -> Pairs:
    """What atoms that are alone have around them, seen from both ends."""
    ratio = pairs.lengths / (radii[pairs.first] + radii[pairs.second])
    shortest = np.full(len(radii), np.inf)
    np.minimum.at(shortest, pairs.first, ratio)
    limit = np.where(alone, np.minimum(_ALIKE * shortest, _FARTHEST), 0.0)
    return pairs.of(ratio < np.maximum(limit[pairs.first], limit[pairs.second]))
