"""From a structure to what is drawn: spheres, bonds and the edges of the cell, as plain arrays.

A cell looks like a crystal when atoms on its faces, edges and corners are repeated on the opposite side, and when bonds
that leave it are still seen to leave it: as thin stubs towards the atom outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_DRAWN = 2000  # atoms; beyond, images and bonds are left out
_BOUNDARY = 0.15  # Å from a face within which an atom counts as on it
_LONGEST = 1.30  # bonds, in sums of covalent radii
_SPREAD = 1.22  # bonds of one atom, in units of its shortest
_SPHERE = 0.42  # drawn radius, in covalent radii
BOND_RADIUS = 0.11  # Å
STUB_RADIUS = 0.05  # Å, of bonds that leave the cell
STUB = 0.3  # of their length is drawn
EDGE_RADIUS = 0.04  # Å
_CORNERS = np.array(list(product((0, 1), repeat=3)))
_EDGES = [(a, b) for a, b in product(range(8), repeat=2) if a < b and np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1]
# what holds no metal-metal bonds once it has an anion to bond to
_NONMETALS = np.array([1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 33, 34, 35, 52, 53, 85])


@dataclass(frozen=True)
class Scene:
    """What is drawn; Å, the cell's centre at the origin.

    Attributes
    ----------
    positions
        (n, 3) centres of spheres, images at the boundary included.
    atoms
        (n,) index of the structure's atom that each sphere is.
    radii
        (n,) of spheres.
    numbers
        (n,) atomic numbers.
    bond_starts, bond_ends
        (m, 3) half bonds: from an atom to the middle of a bond, or less far where the other end is not drawn.
    bond_radii
        (m,) thinner where the other end is not drawn.
    bond_atoms
        (m,) index of the structure's atom whose colour the half bond has.
    edges
        (12, 2, 3) end points of the cell's edges.
    """

    positions: np.ndarray
    atoms: np.ndarray
    radii: np.ndarray
    numbers: np.ndarray
    bond_starts: np.ndarray
    bond_ends: np.ndarray
    bond_radii: np.ndarray
    bond_atoms: np.ndarray
    edges: np.ndarray


@cache
def _covalent_radii() -> np.ndarray:
    from ase.data import covalent_radii

    return np.nan_to_num(np.asarray(covalent_radii, dtype=float), nan=1.5)


@cache
def element_colors() -> np.ndarray:
    """(119, 3) colour of each element, 0 to 1, as Jmol has them."""
    from ase.data.colors import jmol_colors

    colors = np.full((119, 3), 0.6)
    colors[: len(jmol_colors)] = jmol_colors
    return colors


def build_scene(structure: Structure) -> Scene:
    """Arrays to draw a structure from.

    Parameters
    ----------
    structure
        Ordered, any cell.
    """
    matrix = np.asarray(structure.lattice.matrix, dtype=float)
    numbers = np.array([site.specie.Z for site in structure])
    points = np.asarray(structure.frac_coords, dtype=float) % 1.0
    heights = 1 / np.linalg.norm(np.linalg.inv(matrix), axis=0)
    centre = matrix.sum(axis=0) / 2
    if len(points) > MAX_DRAWN:
        shown, atoms = points, np.arange(len(points))
        starts, ends, owners = np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0, dtype=int)
        inside = np.zeros(0, dtype=bool)
    else:
        points, shown, atoms = _complete(points, _BOUNDARY / heights)
        starts, ends, owners, inside = _half_bonds(matrix, heights, points, numbers, shown, atoms)
    corners = _CORNERS @ matrix - centre
    return Scene(
        shown @ matrix - centre,
        atoms,
        _SPHERE * _covalent_radii()[numbers[atoms]],
        numbers[atoms],
        starts - centre,
        ends - centre,
        np.where(inside, BOND_RADIUS, STUB_RADIUS),
        owners,
        np.array([[corners[a], corners[b]] for a, b in _EDGES]),
    )


def _complete(points: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points in the cell, all points drawn, and the index of each drawn one."""
    points = np.where(points > 1 - near, points - 1, points)  # what is just below a face counts as on it
    shifts = _CORNERS[:, None, :] + points[None]
    inside = np.all((_CORNERS[:, None, :] == 0) | (points[None] < near), axis=2)
    which, atoms = np.nonzero(inside)
    return points, shifts[which, atoms], atoms


def _half_bonds(
    matrix: np.ndarray,
    heights: np.ndarray,
    points: np.ndarray,
    numbers: np.ndarray,
    shown: np.ndarray,
    atoms: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Starts (m, 3), ends (m, 3) in Å, owners (m,) of the bonds of all drawn atoms, and (m,)
    whether the other end is drawn too."""
    radii = _covalent_radii()[numbers]
    first, second, vectors, ratio = _pairs(matrix, heights, points, radii)
    bonded = ratio < _LONGEST
    nonmetal = np.isin(numbers, _NONMETALS)
    # cations do not bond to each other where they have anions
    saturated = np.zeros(len(points), dtype=bool)
    saturated[first[bonded & nonmetal[second]]] = True
    metallic = ~nonmetal[first] & ~nonmetal[second]
    bonded &= ~(metallic & (saturated[first] | saturated[second]))
    shortest = np.full(len(points), np.inf)
    np.minimum.at(shortest, first[bonded], ratio[bonded])
    bonded &= (ratio < _SPREAD * shortest[first]) & (ratio < _SPREAD * shortest[second])
    first, vectors = first[bonded], vectors[bonded]
    order = np.argsort(first, kind="stable")
    first, vectors = first[order], vectors[order]
    counts = np.bincount(first, minlength=len(points))
    begins = np.cumsum(counts) - counts
    repeat = counts[atoms]
    owners = np.repeat(atoms, repeat)
    within = np.arange(repeat.sum()) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    starts = np.repeat(shown @ matrix, repeat, axis=0)
    whole = vectors[begins[owners] + within]
    drawn = {tuple(place) for place in np.rint(shown @ matrix * 20).astype(int).tolist()}
    inside = np.array([tuple(end) in drawn for end in np.rint((starts + whole) * 20).astype(int).tolist()], dtype=bool)
    return starts, starts + whole * np.where(inside, 0.5, STUB)[:, None], owners, inside


def _pairs(
    matrix: np.ndarray, heights: np.ndarray, points: np.ndarray, radii: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of an atom (p,) and an image of an atom (p,), vectors (p, 3) between them, and length in sums of radii."""
    reach = _LONGEST * 2 * radii.max()
    if len(points) > 100:  # a dense table of all images would be too large
        from pymatgen.core.structure import Structure  # noqa: F401  (brings the compiled neighbour search)
        from pymatgen.optimization.neighbors import find_points_in_spheres

        cart = np.ascontiguousarray(points @ matrix)
        first, second, images, _ = find_points_in_spheres(
            cart, cart, r=float(reach), pbc=np.array([1, 1, 1]), lattice=np.ascontiguousarray(matrix), tol=1e-8
        )
        vectors = (points[second] + images - points[first]) @ matrix
    else:
        counts = np.ceil(reach / heights).astype(int)
        images = np.array(list(product(*(range(-n, n + 1) for n in counts))), dtype=float)
        delta = points[None, :, None] - points[:, None, None] + images[None, None]
        vectors = delta @ matrix
        near = np.einsum("abic,abic->abi", vectors, vectors) < reach**2
        first, second, image = np.nonzero(near)
        vectors = vectors[first, second, image]
    lengths = np.linalg.norm(vectors, axis=1)
    real = lengths > 1e-3
    first, second, vectors, lengths = first[real], second[real], vectors[real], lengths[real]
    return first, second, vectors, lengths / (radii[first] + radii[second])
