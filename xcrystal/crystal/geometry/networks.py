"""In how many dimensions the bonds of a crystal connect it: molecules, chains, layers or frameworks.

After P. M. Larsen, M. Pandey, M. Strange, K. W. Jacobsen, Phys. Rev. Materials 3, 034003 (2019). No single bond length
is right for all crystals, so bonds are added from the shortest on, in units of covalent radii, and the dimension that
holds over the widest range of lengths is taken. The dimension of a connected part is the rank of the lattice
translations that lead from one of its atoms to an image of it along bonds.

``ase.geometry.dimensionality`` finds the same dimensions, but tells parts of different dimension apart, and takes some
twenty times as long: seconds for a single crystal of many atoms.
"""

from __future__ import annotations

import numpy as np

from xcrystal.crystal.geometry.neighbours import pairs_within
from xcrystal.crystal.geometry.radii import covalent_radii

_LONGEST = 2.0  # sums of covalent radii: nothing is undecided beyond
_WIDTH = 0.15
Vector = tuple[int, int, int]


def likely_dimension(cell: np.ndarray, points: np.ndarray, numbers: np.ndarray) -> int:
    """The dimension, 0 to 3, of the network that a crystal most clearly is.

    Where parts of different dimension are held for each other, such as ions between layers, it is the largest.

    Parameters
    ----------
    cell
        (3, 3) cell vectors as rows, Å.
    points
        (n, 3) fractional coordinates.
    numbers
        (n,) atomic numbers.
    """
    scores = dimension_scores(cell, points, numbers)
    return max(scores, key=lambda d: (scores[d], d))


def dimension_scores(cell: np.ndarray, points: np.ndarray, numbers: np.ndarray) -> dict[int, float]:
    """Score how clearly a crystal is a network of each dimension, 0 to 3; the scores sum to 1.

    Parameters
    ----------
    cell
        (3, 3) cell vectors as rows, Å.
    points
        (n, 3) fractional coordinates.
    numbers
        (n,) atomic numbers.
    """
    scores = dict.fromkeys(range(4), 0.0)
    network = _Network(len(numbers))
    dimension, start = 0, 0.0
    for ratio, i, j, shift in _bonds(cell, points, numbers):
        if not network.bond(i, j, shift):
            continue
        found = network.dimension
        if found != dimension:
            scores[dimension] += _clearness(ratio) - _clearness(start)
            dimension, start = found, ratio
        if dimension == 3:
            break  # more bonds cannot connect it in more dimensions
    scores[dimension] += 1 - _clearness(start)
    return scores


def _clearness(ratio: float) -> float:
    """How far a bond length, in sums of covalent radii, is beyond what could still be a bond; 0 to 1."""
    beyond = (max(0.0, ratio - 1) / _WIDTH) ** 2
    return beyond / (1 + beyond)


class _Network:
    """Atoms that are joined one bond after the other; each part knows its atoms' cells and its translations."""

    def __init__(self, n: int) -> None:
        self.part = list(range(n))
        self.members = [[k] for k in range(n)]
        self.place: list[Vector] = [(0, 0, 0)] * n
        self.translations: list[list[Vector]] = [[] for _ in range(n)]

    @property
    def dimension(self) -> int:
        """The largest of all parts."""
        return max(len(self.translations[k]) for k in set(self.part))

    def bond(self, i: int, j: int, shift: Vector) -> bool:
        """Join atom i with atom j in the cell ``shift`` away; False if that connects nothing anew."""
        a, b = self.place[i], self.place[j]
        # where j's part lies as seen from i's
        offset = (a[0] + shift[0] - b[0], a[1] + shift[1] - b[1], a[2] + shift[2] - b[2])
        one, other = self.part[i], self.part[j]
        if one == other:
            return self._translate(one, offset)
        for k in self.members[other]:
            p = self.place[k]
            self.place[k] = (p[0] + offset[0], p[1] + offset[1], p[2] + offset[2])
            self.part[k] = one
        self.members[one] += self.members[other]
        for vector in self.translations[other]:
            self._translate(one, vector)
        return True

    def _translate(self, part: int, vector: Vector) -> bool:
        known = self.translations[part]
        if len(known) == 3 or not any(vector):
            return False
        if len(known) == 1:
            new = any(_cross(known[0], vector))
        elif len(known) == 2:
            x, y, z = _cross(known[0], known[1])
            new = x * vector[0] + y * vector[1] + z * vector[2] != 0
        else:
            new = True
        if new:
            known.append(vector)
        return new


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _bonds(cell: np.ndarray, points: np.ndarray, numbers: np.ndarray) -> list[tuple[float, int, int, Vector]]:
    """All pairs up to the longest length, shortest first: length in sums of radii, two atoms, the second's cell."""
    radii = covalent_radii(numbers)
    pairs = pairs_within(cell, points, _LONGEST * 2 * float(radii.max()))
    pairs = pairs.of(pairs.first <= pairs.second)
    ratios = pairs.lengths / (radii[pairs.first] + radii[pairs.second])
    order = np.flatnonzero(ratios < _LONGEST)
    order = order[np.argsort(ratios[order], kind="stable")]
    pairs = pairs.of(order)
    columns = ratios[order].tolist(), pairs.first.tolist(), pairs.second.tolist(), pairs.images.tolist()
    return [(ratio, one, other, (s[0], s[1], s[2])) for ratio, one, other, s in zip(*columns, strict=True)]
