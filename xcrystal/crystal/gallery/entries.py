"""Entries of the gallery of classic structure types, each built from its space group and Wyckoff positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.elements import number_of
from xcrystal.crystal.symmetry.conventional import conventional
from xcrystal.crystal.symmetry.groups import crystal_system, space_group
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal

if TYPE_CHECKING:
    from pymatgen.core import Structure


@dataclass(frozen=True, eq=False, repr=False)
class Entry:
    """A classic structure type, shown by one crystal that has it.

    Attributes
    ----------
    name
        What people call it, such as "rock salt".
    prototype
        The compound that it is named after, such as "NaCl"; unique in the gallery.
    strukturbericht
        Its Strukturbericht symbol, such as "B1"; empty if it has none.
    formula
        Of the crystal that is shown, as people write it.
    space_group
        Its number.
    crystal
        Space group, cell (Å, degrees) and orbits.
    structure
        The conventional cell.
    source
        Where lattice parameters and free coordinates are from.
    """

    name: str
    prototype: str
    strukturbericht: str
    formula: str
    space_group: int
    crystal: WyckoffCrystal
    structure: Structure
    source: str

    def __repr__(self) -> str:
        return f"Entry({self.name!r}, {self.formula}, {self.symbol})"

    @property
    def symbol(self) -> str:
        """Short symbol of the space group, such as "Fm-3m"."""
        return space_group(self.space_group).symbol

    @property
    def atoms(self) -> int:
        """Number of atoms in the primitive cell."""
        return int(self.crystal.multiplicities.sum())


def crystal_of(number: int, lengths: tuple[float, ...], orbits: str) -> WyckoffCrystal:
    """A crystal from a space group, its free cell lengths and its orbits.

    Parameters
    ----------
    number
        Space group, in spglib's standard setting.
    lengths
        The lengths (Å) that symmetry leaves free, in the order a, b, c; orthorhombic and higher only.
    orbits
        Such as "Ti a, O f 0.305": element, Wyckoff letter, and the coordinates that are free on that position.
    """
    group = space_group(number)
    letters = [position.letter for position in group.positions]
    elements, positions, coordinates = [], [], []
    for orbit in orbits.split(","):
        element, letter, *free = orbit.split()
        k = letters.index(letter)
        point = np.zeros(3)
        axes = np.flatnonzero(group.positions[k].free)
        if len(free) != len(axes):
            raise ValueError(f"{orbit.strip()!r}: position {letter} of group {number} has {len(axes)} free coordinates")
        point[axes] = [float(value) for value in free]
        elements.append(number_of(element))
        positions.append(k)
        coordinates.append(point)
    n = len(elements)
    return WyckoffCrystal(
        number,
        _cell(number, lengths),
        np.array(positions),
        np.array(elements),
        np.array(coordinates),
        np.arange(n)[None],
    )


def _cell(number: int, lengths: tuple[float, ...]) -> np.ndarray:
    system = crystal_system(number)
    which = {"cubic": (0, 0, 0), "orthorhombic": (0, 1, 2)}.get(system, (0, 0, 1))
    if system in ("triclinic", "monoclinic") or len(lengths) != len(set(which)):
        raise ValueError(f"{lengths} is no cell of the space group {number}")
    angles = (90.0, 90.0, 120.0 if system in ("trigonal", "hexagonal") else 90.0)
    return np.array([*(lengths[k] for k in which), *angles])


def entry(
    name: str,
    prototype: str,
    strukturbericht: str,
    formula: str,
    number: int,
    lengths: tuple[float, ...],
    orbits: str,
    source: str,
) -> Entry:
    """Build an entry; ``number``, ``lengths`` and ``orbits`` are those of ``crystal_of``."""
    crystal = crystal_of(number, lengths, orbits)
    cell = conventional(crystal.to_structure())
    return Entry(name, prototype, strukturbericht, formula, number, crystal, cell, source)
