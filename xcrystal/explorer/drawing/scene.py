"""From a structure to what is drawn: spheres, bonds and the edges of the cell, as plain arrays.

A cell looks like a crystal when atoms on its faces, edges and corners are repeated on the opposite side, and when bonds
that leave it are still seen to leave it: as thin stubs towards the atom outside. Bonds are drawn between the neighbours
of the endless crystal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.neighbours import between_metals, find_neighbours, main_elements
from xcrystal.crystal.radii import covalent_radii

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_DRAWN = 1000  # atoms; beyond, a supercell becomes smaller, and images and bonds of a cell are left out
_BOUNDARY = 0.15  # Å from a face within which an atom counts as on it
_SPHERE = 0.42  # drawn radius, in covalent radii
BOND_RADIUS = 0.11  # Å
STUB_RADIUS = 0.05  # Å, of bonds that leave the cell, and of contacts between metals
STUB = 0.3  # of their length is drawn
EDGE_RADIUS = 0.04  # Å


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
        (m,) thinner where the other end is not drawn, and between metals.
    bond_atoms
        (m,) index of the structure's atom whose colour the half bond has.
    edges
        (e, 2, 3) end points of the edges of all cells: 12 for one cell.
    repeat
        Cells drawn along each axis, which may be fewer than asked for.
    note
        What was left out because there would be too many atoms, in words; empty if nothing was.
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
    repeat: tuple[int, int, int] = (1, 1, 1)
    note: str = ""

    @property
    def extent(self) -> float:
        """Radius of the sphere around all that is drawn, Å."""
        atoms = np.linalg.norm(self.positions, axis=1) + self.radii
        return float(max(atoms.max(), np.linalg.norm(self.edges, axis=2).max()))


@cache
def element_colors() -> np.ndarray:
    """(119, 3) colour of each element, 0 to 1, as Jmol has them."""
    from ase.data.colors import jmol_colors

    colors = np.full((119, 3), 0.6)
    colors[: len(jmol_colors)] = jmol_colors
    return colors


def build_scene(
    structure: Structure, *, boundary: bool = True, bonds: bool = True, repeat: tuple[int, int, int] = (1, 1, 1)
) -> Scene:
    """Arrays to draw a structure from.

    Parameters
    ----------
    structure
        Any cell; a shared site is drawn as the most abundant of its elements.
    boundary
        Whether atoms on faces, edges and corners are repeated on the opposite side.
    bonds
        Whether bonds are drawn.
    repeat
        Cells along a, b and c; fewer are drawn if there would be more than ``MAX_DRAWN`` atoms.
    """
    matrix = np.asarray(structure.lattice.matrix, dtype=float)
    numbers = main_elements(structure)
    points = np.asarray(structure.frac_coords, dtype=float) % 1.0
    heights = 1 / np.linalg.norm(np.linalg.inv(matrix), axis=0)
    repeat, note = _affordable(len(points), repeat)
    large = len(points) > MAX_DRAWN
    near = _BOUNDARY / heights
    points = np.where(points > 1 - near, points - 1, points)  # what is just below a face counts as on it
    drawn = _drawn(points, near if boundary and not large else np.full(3, -np.inf), repeat)
    shifts = np.argwhere(drawn)
    shifts, atoms = shifts[:, :3], shifts[:, 3]
    shown = (points[atoms] + shifts) @ matrix
    centre = np.asarray(repeat) @ matrix / 2
    if bonds and not large:
        starts, ends, owners, thick = _half_bonds(matrix, points, numbers, drawn, shifts, atoms, shown)
    else:
        starts, ends, owners = np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0, dtype=int)
        thick = np.zeros(0)
    return Scene(
        shown - centre,
        atoms,
        _SPHERE * covalent_radii(numbers[atoms]),
        numbers[atoms],
        starts - centre,
        ends - centre,
        thick,
        owners,
        _edges(repeat) @ matrix - centre,
        repeat,
        note,
    )


def _affordable(count: int, repeat: tuple[int, int, int]) -> tuple[tuple[int, int, int], str]:
    """As many cells as can be drawn, and what is to be said of that."""
    if count > MAX_DRAWN:
        return (1, 1, 1), f"With {count} atoms, only one cell is drawn, without bonds."
    cells = list(repeat)
    while count * cells[0] * cells[1] * cells[2] > MAX_DRAWN:
        cells[cells.index(max(cells))] -= 1
    found = (cells[0], cells[1], cells[2])
    if found == tuple(repeat):
        return found, ""
    asked, given = (" x ".join(map(str, cells)) for cells in (repeat, found))
    atoms = count * int(np.prod(repeat))
    return found, f"{asked} cells would be {atoms} atoms; {given} are drawn."


def _drawn(points: np.ndarray, near: np.ndarray, repeat: tuple[int, int, int]) -> np.ndarray:
    """(n + 1, m + 1, k + 1, n_atoms) whether an atom is drawn in a cell; the last cells hold the boundary only."""
    axes = [
        (np.arange(count + 1)[:, None] < count) | (points[None, :, axis] < near[axis])
        for axis, count in enumerate(repeat)
    ]
    drawn: np.ndarray = axes[0][:, None, None] & axes[1][None, :, None] & axes[2][None, None, :]
    return drawn


@cache
def _edges(repeat: tuple[int, int, int]) -> np.ndarray:
    """(e, 2, 3) ends of the lines between cells, in cells."""
    lines = []
    for axis in range(3):
        others = [range(1) if k == axis else range(count + 1) for k, count in enumerate(repeat)]
        begins = np.array(list(product(*others)), dtype=float)
        ends = begins.copy()
        ends[:, axis] = repeat[axis]
        lines.append(np.stack([begins, ends], axis=1))
    return np.concatenate(lines)


def _half_bonds(
    matrix: np.ndarray,
    points: np.ndarray,
    numbers: np.ndarray,
    drawn: np.ndarray,
    shifts: np.ndarray,
    atoms: np.ndarray,
    shown: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Starts (m, 3), ends (m, 3), owners (m,) and radii (m,) of the half bonds of all drawn atoms; Å."""
    pairs = find_neighbours(matrix, points, numbers)
    counts = np.bincount(pairs.first, minlength=len(points))
    begins = np.cumsum(counts) - counts
    times = counts[atoms]
    ball = np.repeat(np.arange(len(atoms)), times)
    bond = np.arange(len(ball)) - np.repeat(np.cumsum(times) - times, times) + begins[atoms[ball]]
    cell = shifts[ball] + pairs.images[bond]
    last = np.array(drawn.shape[:3]) - 1
    inside = np.all((cell >= 0) & (cell <= last), axis=1)
    cell = np.where(inside[:, None], cell, 0)
    inside &= drawn[cell[:, 0], cell[:, 1], cell[:, 2], pairs.second[bond]]
    # contacts of metals are many: thin lines, which leave the cell only where an atom would otherwise have none
    metallic = between_metals(numbers, pairs)[bond]
    held = np.bincount(ball, inside, minlength=len(atoms)) > 0
    kept = inside | ~metallic | ~held[ball]
    ball, bond, inside, metallic = ball[kept], bond[kept], inside[kept], metallic[kept]
    starts = shown[ball]
    ends = starts + pairs.vectors[bond] * np.where(inside, 0.5, STUB)[:, None]
    return starts, ends, atoms[ball], np.where(inside & ~metallic, BOND_RADIUS, STUB_RADIUS)
