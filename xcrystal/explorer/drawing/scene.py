"""From a structure to what is drawn: spheres, bonds and the edges of the cell, as plain arrays.

A cell looks like a crystal when atoms on its faces, edges and corners are repeated on the opposite side, when
cations have all their neighbours, those outside of the cell too, and when molecules are in one piece, in the cell that
their centre is in. Bonds are drawn between all neighbours of the endless crystal that are drawn, but for those
of large cations between polyhedra.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.elements import number_of
from xcrystal.crystal.geometry.neighbours import Pairs, between_metals, find_neighbours, is_nonmetal, main_elements
from xcrystal.crystal.geometry.radii import covalent_radii, ionic_radii, van_der_waals_radii
from xcrystal.explorer.drawing.molecules import finite_groups
from xcrystal.explorer.drawing.polyhedra import between_polyhedra, cations_of, completed, polyhedron_faces

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_DRAWN = 1000  # atoms; beyond, a supercell becomes smaller, and images and bonds of a cell are left out
STYLES = ("ball-and-stick", "space-filling")
_BOUNDARY = 0.15  # Å from a face within which an atom counts as on it
_SPHERE = 0.42  # drawn radius, in covalent radii
BOND_RADIUS = 0.11  # Å
CONTACT_RADIUS = 0.05  # Å, of contacts between metals
EDGE_RADIUS = 0.04  # Å


@dataclass(frozen=True)
class Scene:
    """What is drawn; Å, the cell's centre at the origin.

    Attributes
    ----------
    positions
        (n, 3) centres of spheres, images at the boundary and neighbours outside of the cell included.
    atoms
        (n,) index of the structure's atom that each sphere is.
    radii
        (n,) of spheres.
    numbers
        (n,) atomic numbers.
    bond_starts, bond_ends
        (m, 3) half bonds: from an atom to the middle of a bond.
    bond_radii
        (m,) thinner between metals.
    bond_atoms
        (m,) index of the structure's atom whose colour the half bond has.
    corners
        (c, 3) corners of the faces of polyhedra, face by face, counterclockwise as seen from outside.
    face_sizes
        (f,) corners of each face.
    face_atoms
        (f,) index of the structure's atom in the centre.
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
    corners: np.ndarray
    face_sizes: np.ndarray
    face_atoms: np.ndarray
    edges: np.ndarray
    repeat: tuple[int, int, int] = (1, 1, 1)
    note: str = ""

    @property
    def extent(self) -> float:
        """Radius of the sphere around all that is drawn, Å."""
        atoms = np.linalg.norm(self.positions, axis=1) + self.radii
        return float(max(atoms.max(initial=0.0), np.linalg.norm(self.edges, axis=2).max()))


@cache
def element_colors(palette: str = "jmol") -> np.ndarray:
    """(119, 3) colour of each element, 0 to 1.

    Parameters
    ----------
    palette
        "jmol" for the colours of Jmol, but for the lanthanides, which it has in nearly one green; "vesta" for those of
        VESTA (K. Momma and F. Izumi, J. Appl. Crystallogr. 44, 1272, 2011), as pymatgen lists them.
    """
    from ase.data import atomic_numbers
    from ase.data.colors import jmol_colors

    colors = np.full((119, 3), 0.6)
    colors[: len(jmol_colors)] = jmol_colors
    if palette == "vesta":
        from pymatgen.vis.structure_vtk import EL_COLORS

        for symbol, color in EL_COLORS["VESTA"].items():
            if symbol in atomic_numbers:
                colors[atomic_numbers[symbol]] = np.array(color) / 255
        return colors
    for k, number in enumerate(range(57, 72)):  # from blue to green, neighbours apart in lightness
        colors[number] = colorsys.hls_to_rgb((200 - 6 * k) / 360, (0.82, 0.66, 0.48)[k % 3], 0.75)
    return colors


def build_scene(
    structure: Structure,
    *,
    boundary: bool = True,
    bonds: bool = True,
    polyhedra: bool = True,
    repeat: tuple[int, int, int] = (1, 1, 1),
    style: str = STYLES[0],
    hidden: Sequence[str] = (),
) -> Scene:
    """Arrays to draw a structure from.

    Parameters
    ----------
    structure
        Any cell; a shared site is drawn as the most abundant of its elements.
    boundary
        Whether atoms on faces, edges and corners are repeated on the opposite side, and neighbours outside of the cell
        added, as of ``polyhedra.completed``.
    bonds
        Whether bonds are drawn.
    polyhedra
        Whether coordination polyhedra are drawn.
    repeat
        Cells along a, b and c; fewer are drawn if there would be more than ``MAX_DRAWN`` atoms.
    style
        "ball-and-stick"; or "space-filling" for spheres of the size of atoms, without bonds and polyhedra.
    hidden
        Symbols of elements that are left out, with their bonds and the polyhedra around them.
    """
    matrix = np.asarray(structure.lattice.matrix, dtype=float)
    numbers = main_elements(structure)
    points = np.asarray(structure.frac_coords, dtype=float) % 1.0
    heights = 1 / np.linalg.norm(np.linalg.inv(matrix), axis=0)
    repeat, note = _affordable(len(points), repeat)
    large = len(points) > MAX_DRAWN
    near = _BOUNDARY / heights
    centre = np.asarray(repeat) @ matrix / 2
    pairs = _none() if large else find_neighbours(matrix, points, numbers)
    points, anchors, pairs = _placed(points, numbers, pairs, near)
    cells, atoms = _drawn(anchors, near if boundary and not large else np.full(3, -np.inf), repeat)
    faces = polyhedron_faces(numbers, pairs)
    if boundary and (bonds or polyhedra):
        inside = ((points[atoms] + cells > near) & (points[atoms] + cells < repeat - near)).all(axis=1)
        wanted = completed(numbers, pairs, list(faces))[inside.astype(int), atoms]
        cells, atoms = _with_neighbours(cells, atoms, pairs, wanted)
    shown = (points[atoms] + cells) @ matrix - centre
    seen = _Seen(cells, atoms)
    absent = np.isin(numbers, [number_of(symbol) for symbol in hidden])
    filled = style == STYLES[1]
    radii = _filling_radii(numbers, pairs) if filled else _SPHERE * covalent_radii(numbers)
    lonely = absent | between_polyhedra(numbers, pairs, list(faces))
    bonded = pairs.of(~(lonely[pairs.first] | lonely[pairs.second])) if bonds and not filled else _none()
    drawn = {atom: own for atom, own in faces.items() if polyhedra and not filled and not absent[atom]}
    kept = ~absent[atoms]
    return Scene(
        shown[kept],
        atoms[kept],
        radii[atoms[kept]],
        numbers[atoms[kept]],
        *_half_bonds(bonded, numbers, seen, shown),
        *_polyhedra(pairs, drawn, seen, shown),
        _edges(repeat) @ matrix - centre,
        repeat,
        note,
    )


def _filling_radii(numbers: np.ndarray, pairs: Pairs) -> np.ndarray:
    """(n,) Å: of ions where there are metals and non-metals, of molecules where all of it is non-metals that end, and
    otherwise covalent."""
    n = len(numbers)
    nonmetal = is_nonmetal(numbers)
    if nonmetal.any() and not nonmetal.all():
        cation = np.bincount(pairs.first, ~cations_of(numbers, pairs), minlength=n) == 0
        return np.where(cation, *ionic_radii()[:, numbers])
    molecules, _ = finite_groups(pairs, n)
    single = np.bincount(pairs.first, minlength=n) == 0
    if nonmetal.all() and sum(map(len, molecules)) + single.sum() == n:
        return van_der_waals_radii()[numbers]
    return covalent_radii(numbers)


def _none() -> Pairs:
    none = np.zeros(0, dtype=int)
    return Pairs(none, none, np.zeros((0, 3), dtype=int), np.zeros((0, 3)), np.zeros(0))


def _placed(
    points: np.ndarray, numbers: np.ndarray, pairs: Pairs, near: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Pairs]:
    """Points (n, 3) where they are drawn; the points (n, 3) that must be in the cell for that, which for molecules are
    their centres; and the pairs between the points as they are now. What is just below a face counts as on it."""
    n = len(points)
    shift = -(points > 1 - near).astype(int)
    anchors = points + shift
    nonmetal = is_nonmetal(numbers)
    molecules, cells = finite_groups(pairs, n)
    ions, of_ions = finite_groups(pairs.of(nonmetal[pairs.first] & nonmetal[pairs.second]), n)
    done = {atom for members in molecules for atom in members}
    found = [(members, cells) for members in molecules]
    found += [(members, of_ions) for members in ions if members[0] not in done]
    for members, own in found:
        middle = (points[members] + own[members]).mean(axis=0)
        down = np.floor(middle).astype(int)
        down += middle - down > 1 - near
        shift[members] = own[members] - down
        anchors[members] = middle - down
    images = pairs.images + shift[pairs.first] - shift[pairs.second]
    return points + shift, anchors, pairs._replace(images=images)


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


def _drawn(points: np.ndarray, near: np.ndarray, repeat: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Cells (m, 3) and atoms (m,) that are drawn; the cells after the last hold the boundary only."""
    axes = [
        (np.arange(count + 1)[:, None] < count) | (points[None, :, axis] < near[axis])
        for axis, count in enumerate(repeat)
    ]
    drawn = np.argwhere(axes[0][:, None, None] & axes[1][None, :, None] & axes[2][None, None, :])
    return drawn[:, :3], drawn[:, 3]


def _with_neighbours(
    cells: np.ndarray, atoms: np.ndarray, pairs: Pairs, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Cells (m, 3) and atoms (m,) that are drawn, with the neighbours of those that are wanted (m,) at the end."""
    ball, pair = _around(pairs, atoms[wanted])
    ends = np.unique(np.column_stack([cells[wanted][ball] + pair.images, pair.second]), axis=0)
    new = ends[_Seen(cells, atoms).find(ends[:, :3], ends[:, 3]) < 0]
    drawn = np.concatenate([np.column_stack([cells, atoms]), new])
    return drawn[:, :3], drawn[:, 3]


def _around(pairs: Pairs, atoms: np.ndarray) -> tuple[np.ndarray, Pairs]:
    """Of drawn atoms (m,) all pairs that they have, together (k): which of the drawn it is (k,), and the pair."""
    counts = np.bincount(pairs.first, minlength=int(atoms.max(initial=-1)) + 1)
    begins = np.cumsum(counts) - counts
    times = counts[atoms]
    ball = np.repeat(np.arange(len(atoms)), times)
    chosen = np.arange(len(ball)) - np.repeat(np.cumsum(times) - times, times) + begins[atoms[ball]]
    return ball, pairs.of(chosen)


class _Seen:
    """Finds what is drawn of an atom in a cell."""

    def __init__(self, cells: np.ndarray, atoms: np.ndarray) -> None:
        self.cells, self.atoms = cells, atoms
        self._low = cells.min(axis=0, initial=0) - 1
        self._size = cells.max(axis=0, initial=0) - self._low + 2
        self._keys = self._key(cells, atoms)
        self._order = np.argsort(self._keys)

    def find(self, cells: np.ndarray, atoms: np.ndarray) -> np.ndarray:
        """(k,) index of the drawn atom for cells (k, 3) and atoms (k,); -1 where it is not drawn."""
        keys = self._key(cells, atoms)
        place = np.searchsorted(self._keys, keys, sorter=self._order)
        index = self._order[np.minimum(place, len(self._order) - 1)]
        return np.where(self._keys[index] == keys, index, -1)

    def _key(self, cells: np.ndarray, atoms: np.ndarray) -> np.ndarray:
        # what is farther outside is all one cell, in which nothing is drawn
        inside = np.clip(cells - self._low, 0, self._size - 1)
        key = (inside[:, 0] * self._size[1] + inside[:, 1]) * self._size[2] + inside[:, 2]
        return np.asarray(key * (int(self.atoms.max(initial=0)) + 1) + atoms)


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
    pairs: Pairs, numbers: np.ndarray, seen: _Seen, shown: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Starts (m, 3), ends (m, 3), radii (m,) and owners (m,) of the half bonds between drawn atoms; Å."""
    ball, pair = _around(pairs, seen.atoms)
    both = seen.find(seen.cells[ball] + pair.images, pair.second) >= 0
    ball, pair = ball[both], pair.of(both)
    starts = shown[ball]
    radii = np.where(between_metals(numbers, pair), CONTACT_RADIUS, BOND_RADIUS)
    return starts, starts + pair.vectors / 2, radii, seen.atoms[ball]


def _polyhedra(
    pairs: Pairs, faces: dict[int, list[np.ndarray]], seen: _Seen, shown: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners (c, 3), sizes (f,) and centres (f,) of the faces of all polyhedra that have all their corners; Å."""
    corners, sizes, centres = [np.zeros((0, 3))], list[int](), list[int]()
    for atom, own in faces.items():
        around = np.unique(np.concatenate(own))
        order = np.concatenate(own)
        for ball in np.flatnonzero(seen.atoms == atom):
            if (seen.find(seen.cells[ball] + pairs.images[around], pairs.second[around]) >= 0).all():
                corners.append(shown[ball] + pairs.vectors[order])
                sizes += [len(face) for face in own]
                centres += [atom] * len(own)
    return np.concatenate(corners), np.array(sizes, dtype=int), np.array(centres, dtype=int)
