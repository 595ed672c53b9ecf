"""Symmetry of a structure, idealized, in one canonical setting: one crystal, the same numbers however it is written.

spglib finds the space group and a standard setting. What it leaves open is settled here:

* positions and metric are averaged over *all* operations and *all* atoms of an orbit, so that they do not depend on
  which atom was listed first;
* of a crystal and its mirror image, in a pair of enantiomorphic space groups, the one in the lower group is taken: the
  two have the same energy, and programs that standardize cells exchange them;
* of all settings that the normalizer of the space group allows (axes, origins, the free origin of polar groups) the one
  with the smallest description is chosen, comparing first the cell, then Wyckoff letters and coordinates, and only last
  the elements. Exchanging elements therefore never changes the geometry of the description.

Comparisons are made on rounded numbers. Free coordinates are kept in steps of 1/960, which holds every simple fraction:
two idealizations of one crystal (ours, and spglib's, which looks at one atom of each orbit) mostly differ by less than
that. Which atom spglib looks at depends on their order, so the standard cells of two writings of one crystal differ by
as much as its atoms deviate from symmetry, and nothing but rounding can give all of them one form. Of the four writings
of each of 979 validation crystals (``xcrystal evaluate invariance``), supercells and turned, shifted and permuted cells
never differed; with rounding pymatgen's standard cells of 7 crystals did, without it those of 18.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.elements import chemical_scale
from xcrystal.crystal.mixed_sites import site_kinds
from xcrystal.crystal.symmetry.groups import SpaceGroup, space_group
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal, lattice_parameters
from xcrystal.errors import InvalidCrystalError

if TYPE_CHECKING:
    from pymatgen.core import IStructure, Structure

SYMPREC = 0.1
# negative: spglib judges an angle by how far it moves the ends of the cell's vectors, which symprec bounds as it bounds
# their lengths. A tolerance in degrees would take a cell distorted by several of them for one of higher symmetry
ANGLE_TOLERANCE = -1.0
# cells of 1/96 whose borders lie off every simple fraction, so that noise does not move such a coordinate across one
_COORDINATE_CELLS = 96
_CELL_OFFSET = 0.5731
_FINE_ROUNDING = 5000
_COORDINATE_STEPS = 960
_LENGTH_ROUNDING = 100
_ANGLE_ROUNDING = 1000
# of each pair of enantiomorphic space groups, the higher and the lower
_MIRRORED = {78: 76, 95: 91, 96: 92, 145: 144, 153: 151, 154: 152, 170: 169, 172: 171, 179: 178, 181: 180, 213: 212}
_MIRROR_OF = {lower: higher for higher, lower in _MIRRORED.items()}


@dataclass(frozen=True)
class Canonical:
    """A crystal in canonical form, and how the structure that it was found from belongs to it.

    Attributes
    ----------
    crystal
        The canonical form.
    orbit_of_atom
        (n_atoms,) orbit of each atom of the structure.
    mirrored
        Whether the form is the mirror image of the structure, which is then chiral: it has no symmetry that exchanges
        left and right, and cannot be laid upon its mirror image.
    """

    crystal: WyckoffCrystal
    orbit_of_atom: np.ndarray
    mirrored: bool = False

    @property
    def space_group(self) -> int:
        """Number of the structure's own space group, which of an enantiomorphic pair may be the higher one."""
        number = self.crystal.space_group
        return _MIRROR_OF.get(number, number) if self.mirrored else number


def canonicalize(structure: Structure) -> Canonical:
    """Find the symmetry of a structure and its canonical form.

    Parameters
    ----------
    structure
        Ordered structure of any cell size and setting.

    Returns
    -------
    Canonical
        The canonical crystal, and ``orbit_of_atom`` (n_atoms,) for the atoms of ``structure``.

    Raises
    ------
    InvalidCrystalError
        If no symmetry can be found (as happens when atoms overlap).
    """
    found = _find(structure)
    # idealizing a structure at the border of a tolerance may bring it to a higher symmetry: go on until it stays, so
    # that a crystal and its own canonical form are one crystal
    for _ in range(3):
        ideal = found.crystal.to_structure()
        if space_group_number(ideal) in (found.crystal.space_group, 0):
            break
        again = _find(ideal)
        first_atom = np.unique(ideal.site_properties["orbit"], return_index=True)[1]
        found = Canonical(
            again.crystal, again.orbit_of_atom[first_atom][found.orbit_of_atom], _other_hand(found, again)
        )
    return found


def _other_hand(first: Canonical, second: Canonical) -> bool:
    """Whether two steps together mirror a crystal; one that has become achiral in the second is its own image."""
    return space_group(second.crystal.space_group).chiral and first.mirrored != second.mirrored


def _find(structure: Structure) -> Canonical:
    lattice = np.asarray(structure.lattice.matrix)
    points = np.asarray(structure.frac_coords)
    elements = np.array([site.specie.Z for site in structure])
    for symprec in (SYMPREC, SYMPREC / 10, SYMPREC / 1000):
        dataset, inverted = _dataset(lattice, points, elements, symprec), 1.0
        if dataset is not None and dataset.number in _MIRRORED:
            inverted = -1.0
            dataset = _dataset(lattice, -points, elements, symprec)
        if dataset is None:
            continue
        found = _from_dataset(dataset, lattice, inverted * points, elements, inverted)
        if found is not None:
            return found
    raise InvalidCrystalError("The symmetry of this structure cannot be found: atoms may overlap or the cell be flat.")


def space_group_number(structure: Structure, handed: bool = False) -> int:
    """What spglib finds at symprec 0.1 Å; 0 if it finds nothing.

    Of a pair of enantiomorphic groups it is the lower, since mirror images are one crystal here; with ``handed`` it is
    the crystal's own.
    """
    dataset = symmetry_dataset(structure)
    number = 0 if dataset is None else int(dataset.number)
    return number if handed else _MIRRORED.get(number, number)


def symmetry_dataset(structure: IStructure, kinds: list[int] | None = None) -> Any:
    """spglib's dataset of a structure with the tolerances that crystals are encoded with; None if it finds nothing.

    ``kinds``, a number for each atom, tells atoms apart in place of what is on their sites.
    """
    elements = np.array(site_kinds(structure) if kinds is None else kinds, dtype=int)
    return _dataset(np.asarray(structure.lattice.matrix), np.asarray(structure.frac_coords), elements, SYMPREC)


def _dataset(lattice: np.ndarray, points: np.ndarray, elements: np.ndarray, symprec: float) -> Any:
    # spglib writes to stderr past Python each time that it tries again at a smaller tolerance
    os.environ.setdefault("SPGLIB_WARNING", "OFF")
    import spglib

    cell: Any = (lattice, points, elements)
    try:
        return spglib.get_symmetry_dataset(cell, symprec=symprec, angle_tolerance=ANGLE_TOLERANCE)
    except spglib.SpglibError:  # what spglib 3 will always raise, and spglib 2 unless it is told to return None
        return None


def _from_dataset(
    dataset: Any, lattice: np.ndarray, points: np.ndarray, elements: np.ndarray, hand: float
) -> Canonical | None:
    """The canonical form of what spglib found, or None; ``hand`` is -1 if the points were inverted before."""
    group = space_group(int(dataset.number))
    if dataset.hall_number != group.hall_number:
        return None
    standard = points @ dataset.transformation_matrix.T + dataset.origin_shift
    basis = np.linalg.inv(dataset.transformation_matrix).T @ lattice
    metric = _average_metric(group, basis @ basis.T)
    labels = np.unique(dataset.crystallographic_orbits, return_inverse=True)[1]
    letters = [p.letter for p in group.positions]
    representatives, kinds, orbit_elements = [], [], []
    for orbit in range(labels.max() + 1):
        members = np.flatnonzero(labels == orbit)
        position = letters.index(dataset.wyckoffs[members[0]])
        representatives.append(_average_position(group, position, standard[members], metric))
        kinds.append(position)
        orbit_elements.append(elements[members[0]])
    if any(r is None for r in representatives):
        return None
    crystal, order, axes = _choose_setting(
        group, metric, np.array(kinds), np.array(orbit_elements), np.array(representatives, dtype=float)
    )
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    mirrored = group.chiral and hand * np.linalg.det(basis) * np.linalg.det(axes) < 0
    return Canonical(crystal, rank[labels], bool(mirrored))


def _average_metric(group: SpaceGroup, metric: np.ndarray) -> np.ndarray:
    return np.einsum("gji,jk,gkl->il", group.rotations, metric, group.rotations) / len(group.rotations)


def _average_position(group: SpaceGroup, position: int, members: np.ndarray, metric: np.ndarray) -> np.ndarray | None:
    """Mean (3,) of all images of all atoms of an orbit that fall on one site, exactly on its Wyckoff position."""
    stabilizer = len(group.rotations) // group.positions[position].multiplicity
    images = np.einsum("gij,mj->mgi", group.rotations, members) + group.translations
    site = images[0, 0]
    shifts = images - site
    shifts -= np.rint(shifts)
    squared = np.einsum("mgi,ij,mgj->mg", shifts, metric, shifts)
    # of every atom's images, as many fall on the site as the site symmetry has operations
    nearest = np.argsort(squared, axis=1, kind="stable")[:, :stabilizer]
    mean = site + np.take_along_axis(shifts, nearest[:, :, None], axis=1).mean(axis=(0, 1))
    everywhere = group.rotations @ mean + group.translations
    residual = group.positions[position].project(everywhere)[1]
    best = int(residual.argmin())
    return everywhere[best] if residual[best] < 1e-4 else None


def _choose_setting(
    group: SpaceGroup, metric: np.ndarray, kinds: np.ndarray, elements: np.ndarray, points: np.ndarray
) -> tuple[WyckoffCrystal, np.ndarray, np.ndarray]:
    """The canonical crystal, its orbits' indices among those given, and the change of axes (3, 3) that leads to it."""
    cells, cell_keys = _cells(group, metric)
    axes_allowed = np.flatnonzero(np.all(cell_keys == min(map(tuple, cell_keys)), axis=1))
    settings = []
    for m in axes_allowed:
        positions = group.position_map[m, kinds]
        moved = points @ group.axes[m].T + group.origins[m]
        settings += [(m, positions, moved - shift) for shift in _polar_shifts(group, positions, moved)]
    coordinates = _representatives(group, np.array([s[1] for s in settings]), np.array([s[2] for s in settings]))
    rounded = _cell_of(coordinates)
    keyed = np.concatenate([np.array([s[1] for s in settings])[..., None], rounded], axis=2)
    orders = [np.lexsort(k.T[::-1]) for k in keyed]
    geometry = [tuple(k[o].ravel().tolist()) for k, o in zip(keyed, orders, strict=True)]
    smallest = min(geometry)
    tied = [i for i, key in enumerate(geometry) if key == smallest]
    fine = np.rint(coordinates * _FINE_ROUNDING).astype(int)
    tied.sort(key=lambda i: (element_key(elements[orders[i]]), fine[i, orders[i]].ravel().tolist()))
    best = tied[0]
    order, setting = orders[best], settings[best]
    slots = np.empty(len(order), dtype=int)
    slots[order] = np.arange(len(order))
    permutations = list(dict.fromkeys(tuple(slots[orders[i]].tolist()) for i in tied))
    crystal = WyckoffCrystal(
        group.number,
        cells[setting[0]],
        setting[1][order],
        elements[order],
        np.rint(coordinates[best][order] * _COORDINATE_STEPS) / _COORDINATE_STEPS,
        np.array(permutations),
    )
    return crystal, order, group.axes[setting[0]]


def _cell_of(coordinates: np.ndarray) -> np.ndarray:
    """The cell of 1/96 that each coordinate lies in."""
    return np.floor(coordinates * _COORDINATE_CELLS + _CELL_OFFSET).astype(int) % _COORDINATE_CELLS


def _cells(group: SpaceGroup, metric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cell parameters (m, 6) under each change of axes, and integer keys (m, 6) to choose the cell by."""
    inverse = np.linalg.inv(group.axes)
    metrics = np.einsum("mji,jk,mkl->mil", inverse, metric, inverse)
    cells = lattice_parameters(metrics)
    lengths = cells[:, :3]
    sums = np.rint(lengths.sum(axis=1) * _LENGTH_ROUNDING)
    keys = np.column_stack(
        [sums, np.rint(lengths * _LENGTH_ROUNDING), np.rint(np.cos(np.radians(cells[:, 3:])) * _ANGLE_ROUNDING)]
    )
    return cells, keys.astype(int)


def _polar_shifts(group: SpaceGroup, positions: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(k, 3) candidate origins along polar axes: on one of the orbits of the most special position."""
    if not group.polar.any():
        return np.zeros((1, 3))
    special = points[positions == positions.min()]
    anchors = np.where(group.polar, special, 0.0)
    glides = np.unique(np.round(np.where(group.polar, group.translations, 0.0), 6), axis=0)
    return (anchors[:, None] + glides[None]).reshape(-1, 3)


def _representatives(group: SpaceGroup, positions: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Free coordinates (s, n, 3) of the smallest point of each orbit on its Wyckoff position, for s settings."""
    result = np.zeros(points.shape)
    for kind in np.unique(positions):
        which = positions == kind
        images = np.einsum("gij,pj->pgi", group.rotations, points[which]) + group.translations
        free, residual = group.positions[kind].project(images)
        below = _CELL_OFFSET / _COORDINATE_CELLS
        free = (free + below) % 1.0 - below  # zero and slightly less than zero stay together
        code = _cell_of(free) @ np.array([_COORDINATE_CELLS**2, _COORDINATE_CELLS, 1])
        code[residual > 1e-3] = np.iinfo(np.int64).max
        smallest = code.argmin(axis=1)
        result[which] = free[np.arange(len(free)), smallest]
    return result


@cache
def _scale() -> np.ndarray:
    """(119,) place of each atomic number on the chemical scale; elements beyond it follow in their own order."""
    known = chemical_scale()
    return np.concatenate([known, np.arange(len(known), 119)])


def element_key(elements: np.ndarray) -> tuple[int, ...]:
    """What decides between descriptions that differ only in the order of their atomic numbers ``elements`` (n,)."""
    return tuple(_scale()[elements].tolist())
