"""The orbits of a crystal as they can be edited: their atoms, and along which axes they are free to move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.elements import MAX_Z, symbol
from xcrystal.crystal.limits import MAX_SEARCHED
from xcrystal.crystal.symmetry.canonical import canonicalize
from xcrystal.crystal.symmetry.groups import crystal_system, space_group
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import TargetError, UnsupportedCrystalError

if TYPE_CHECKING:
    from pymatgen.core import Structure

AXES = ("x", "y", "z")
PARAMETERS = ("a", "b", "c", "alpha", "beta", "gamma")
ISOTROPIC = "all"
_FREE = {
    "triclinic": PARAMETERS,
    "monoclinic": ("a", "b", "c", "beta"),
    "orthorhombic": ("a", "b", "c"),
    "tetragonal": ("a", "c"),
    "trigonal": ("a", "c"),
    "hexagonal": ("a", "c"),
    "cubic": ("a",),
}


@dataclass(frozen=True, eq=False)
class Site:
    """An orbit as it can be edited.

    Attributes
    ----------
    orbit
        Its number.
    element
        Symbol.
    wyckoff
        Multiplicity in the conventional cell and letter, such as "4a".
    atoms
        Indices of its atoms in the structure that was given.
    free
        The axes of the conventional cell along which its coordinates are free, of "x", "y", "z".
    coordinates
        (3,) free fractional coordinates; 0 along the other axes.
    """

    orbit: int
    element: str
    wyckoff: str
    atoms: tuple[int, ...]
    free: tuple[str, ...]
    coordinates: np.ndarray


@dataclass(frozen=True, eq=False)
class Opened:
    """A crystal whose orbits are known: its structure, canonical or given form, and (n_atoms,) orbit of each atom."""

    structure: Structure
    crystal: WyckoffCrystal
    orbit_of_atom: np.ndarray

    def sites(self) -> list[Site]:
        """Its orbits."""
        group, crystal = space_group(self.crystal.space_group), self.crystal
        found = []
        for k, (kind, z) in enumerate(zip(crystal.positions, crystal.elements, strict=True)):
            position = group.positions[int(kind)]
            found.append(
                Site(
                    k,
                    symbol(int(z)) if z <= MAX_Z else self.structure[self._atoms(k)[0]].specie.symbol,
                    f"{position.multiplicity}{position.letter}",
                    tuple(self._atoms(k)),
                    tuple(axis for axis, free in zip(AXES, position.free, strict=True) if free),
                    np.array(crystal.coordinates[k], dtype=float),
                )
            )
        return found

    def site(self, orbit: int) -> Site:
        """One orbit; raises TargetError if there is no such one."""
        count = len(self.crystal.positions)
        if isinstance(orbit, bool) or not isinstance(orbit, (int, np.integer)) or not 0 <= orbit < count:
            raise TargetError(f"There is no orbit {str(orbit)[:20]}; this crystal has the orbits 0 to {count - 1}.")
        return self.sites()[int(orbit)]

    def _atoms(self, orbit: int) -> list[int]:
        return np.flatnonzero(self.orbit_of_atom == orbit).tolist()


def open_crystal(source: Any) -> Opened:
    """A crystal with its orbits, to be edited.

    Parameters
    ----------
    source
        A checked Structure, a WyckoffCrystal, or what was opened before.

    Raises
    ------
    InvalidCrystalError, UnsupportedCrystalError
        If its symmetry cannot be found, or the cell is too large to look for it.
    """
    if isinstance(source, Opened):
        return source
    if isinstance(source, WyckoffCrystal):
        structure = source.to_structure()
        return Opened(structure, source, np.array(structure.site_properties["orbit"]))
    if len(source) > MAX_SEARCHED:
        raise UnsupportedCrystalError(f"This cell of {len(source)} atoms is too large to be edited.")
    found = canonicalize(source)
    return Opened(source, found.crystal, found.orbit_of_atom)


def free_parameters(number: int) -> tuple[str, ...]:
    """The lattice parameters that the symmetry of a space group leaves free: ("a", "c") for a tetragonal one."""
    return _FREE[crystal_system(number)]
