"""Which atoms of a picture are bonded: near in sums of covalent radii, and no cations that have anions to bond to."""

from __future__ import annotations

from functools import cache

import numpy as np

_LONGEST = 1.30  # bonds, in sums of covalent radii
_SPREAD = 1.22  # bonds of one atom, in units of its shortest
# what holds no metal-metal bonds once it has an anion to bond to
_NONMETALS = np.array([1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 33, 34, 35, 52, 53, 85])


@cache
def covalent_radii() -> np.ndarray:
    """(119,) in Å, by atomic number."""
    from ase.data import covalent_radii as known

    return np.nan_to_num(np.asarray(known, dtype=float), nan=1.5)


def find_bonds(
    matrix: np.ndarray, points: np.ndarray, numbers: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Find the bonds of the atoms in one cell.

    Parameters
    ----------
    matrix
        (3, 3) lattice vectors, Å, one a row.
    points
        (n, 3) fractional coordinates.
    numbers
        (n,) atomic numbers.

    Returns
    -------
    tuple
        Ordered by their first atom: (p,) first, (p,) second, (p, 3) int the cell that the second is in, (p, 3) vectors
        between them in Å.
    """
    from pymatgen.core.structure import Structure  # noqa: F401  (brings the compiled neighbour search)
    from pymatgen.optimization.neighbors import find_points_in_spheres

    radii = covalent_radii()[numbers]
    reach = _LONGEST * 2 * float(radii.max())
    places = np.ascontiguousarray(points @ matrix)
    first, second, images, lengths = find_points_in_spheres(
        places, places, r=reach, pbc=np.array([1, 1, 1]), lattice=np.ascontiguousarray(matrix), tol=1e-8
    )
    ratio = lengths / (radii[first] + radii[second])
    near = (ratio < _LONGEST) & (lengths > 1e-3)
    first, second, images, ratio = first[near], second[near], images[near], ratio[near]
    nonmetal = np.isin(numbers, _NONMETALS)
    # cations do not bond to each other where they have anions
    saturated = np.zeros(len(points), dtype=bool)
    saturated[first[nonmetal[second]]] = True
    bonded = nonmetal[first] | nonmetal[second] | ~(saturated[first] | saturated[second])
    first, second, images, ratio = first[bonded], second[bonded], images[bonded], ratio[bonded]
    shortest = np.full(len(points), np.inf)
    np.minimum.at(shortest, first, ratio)
    bonded = ratio < _SPREAD * np.minimum(shortest[first], shortest[second])
    order = np.flatnonzero(bonded)[np.argsort(first[bonded], kind="stable")]
    first, second, images = first[order], second[order], images[order].astype(int)
    return first, second, images, (points[second] + images - points[first]) @ matrix
