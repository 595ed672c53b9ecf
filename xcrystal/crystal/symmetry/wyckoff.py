"""A crystal as space group, lattice and Wyckoff orbits: what the generator reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xcrystal.crystal.symmetry.groups import space_group

if TYPE_CHECKING:
    from pymatgen.core import Structure


@dataclass(frozen=True)
class WyckoffCrystal:
    """A crystal in its canonical symmetry-factorised form.

    Attributes
    ----------
    space_group
        Number, 1 to 230.
    lattice
        (6,) conventional cell: a, b, c in Å, alpha, beta, gamma in degrees.
    positions
        (n,) index of each orbit's Wyckoff position in the space group's table (0 is letter a).
    elements
        (n,) atomic numbers.
    coordinates
        (n, 3) free fractional coordinates of the representatives; 0 along bound axes.
    permutations
        (m, n) orders of the elements over the same positions and coordinates that describe the same crystal with
        another origin or other axes; the first row is the identity. They tell which crystal stays the same when
        elements are exchanged.
    """

    space_group: int
    lattice: np.ndarray
    positions: np.ndarray
    elements: np.ndarray
    coordinates: np.ndarray
    permutations: np.ndarray

    @property
    def letters(self) -> list[str]:
        """Wyckoff letter of each orbit."""
        group = space_group(self.space_group)
        return [group.positions[k].letter for k in self.positions]

    @property
    def multiplicities(self) -> np.ndarray:
        """(n,) number of atoms of each orbit in the primitive cell."""
        group = space_group(self.space_group)
        return np.array([group.primitive_multiplicity(k) for k in self.positions])

    def atoms(self) -> Atoms:
        """The standardized primitive cell as arrays."""
        return expand([self])[0]

    def to_structure(self) -> Structure:
        """The standardized primitive cell.

        Returns
        -------
        Structure
            With ``properties["space_group"]`` (number), and ``site_properties`` ``"wyckoff"`` (multiplicity in the
            conventional cell and letter, such as "4a") and ``"orbit"`` (index of the orbit).
        """
        from pymatgen.core import Element, Lattice, Structure

        cell, points, orbit = self.atoms()
        positions = [space_group(self.space_group).positions[k] for k in self.positions]
        labels = [f"{p.multiplicity}{p.letter}" for p in positions]
        species = [Element.from_Z(int(z)) for z in self.elements]
        return Structure(
            Lattice(cell),
            [species[k] for k in orbit],
            points,
            site_properties={"wyckoff": [labels[k] for k in orbit], "orbit": orbit.tolist()},
            properties={"space_group": self.space_group},
        )


class Atoms(NamedTuple):
    """A primitive cell: ``cell`` (3, 3) vectors as rows in Å, fractional ``points`` (n, 3), ``orbit`` (n,) of each."""

    cell: np.ndarray
    points: np.ndarray
    orbit: np.ndarray


def expand(crystals: Sequence[WyckoffCrystal]) -> list[Atoms]:
    """The standardized primitive cells of many crystals at once."""
    tables = [_images(c.space_group, int(k)) for c in crystals for k in c.positions]
    counts = np.array([len(offsets) for _, offsets in tables], dtype=int)
    maps = np.concatenate([np.zeros((0, 3, 3)), *(maps for maps, _ in tables)])
    offsets = np.concatenate([np.zeros((0, 3)), *(offsets for _, offsets in tables)])
    free = np.concatenate([np.zeros((0, 3)), *(c.coordinates for c in crystals)])
    points = (np.einsum("nij,nj->ni", maps, np.repeat(free, counts, axis=0)) + offsets) % 1.0
    cells = lattice_matrix(np.array([c.lattice for c in crystals]).reshape(-1, 6))
    found, orbits, atoms = [], 0, 0
    for crystal, conventional in zip(crystals, cells, strict=True):
        own = counts[orbits : orbits + len(crystal.positions)]
        n = int(own.sum())
        cell = space_group(crystal.space_group).primitive.T @ conventional
        found.append(Atoms(cell, points[atoms : atoms + n], np.repeat(np.arange(len(own)), own)))
        orbits, atoms = orbits + len(own), atoms + n
    return found


@cache
def _images(group: int, position: int) -> tuple[np.ndarray, np.ndarray]:
    return space_group(group).images(position)


def lattice_matrix(parameters: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rows a, b, c (Å) of cells (..., 6), lengths and angles in degrees: a along x, b in the xy plane."""
    parameters = np.asarray(parameters, dtype=float)
    a, b, c = np.moveaxis(parameters[..., :3], -1, 0)
    cos_alpha, cos_beta, cos_gamma = np.moveaxis(np.cos(np.radians(parameters[..., 3:])), -1, 0)
    sin_gamma = np.sqrt(1 - cos_gamma**2)
    y = (cos_alpha - cos_beta * cos_gamma) / sin_gamma
    z = np.sqrt(np.maximum(1 - cos_beta**2 - y**2, 1e-12))
    zero = np.zeros_like(a)
    rows = [np.stack(row, axis=-1) for row in ((a, zero, zero), (b * cos_gamma, b * sin_gamma, zero))]
    return np.stack([*rows, np.stack([c * cos_beta, c * y, c * z], axis=-1)], axis=-2)


def lattice_parameters(metric: np.ndarray) -> np.ndarray:
    """(..., 6) lengths (Å) and angles (degrees) of metric tensors (..., 3, 3)."""
    lengths = np.sqrt(np.diagonal(metric, axis1=-2, axis2=-1))
    cosines = np.stack(
        [
            metric[..., 1, 2] / (lengths[..., 1] * lengths[..., 2]),
            metric[..., 0, 2] / (lengths[..., 0] * lengths[..., 2]),
            metric[..., 0, 1] / (lengths[..., 0] * lengths[..., 1]),
        ],
        axis=-1,
    )
    return np.concatenate([lengths, np.degrees(np.arccos(np.clip(cosines, -1, 1)))], axis=-1)
