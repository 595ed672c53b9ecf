"""Crystals for tests, built by our own code from space group and Wyckoff positions."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Element, Structure

from xcrystal.crystal.symmetry.groups import crystal_system, space_group
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal

Orbit = tuple[str, str, tuple[float, float, float]]


def build(number: int, cell: tuple[float, ...], *orbits: Orbit) -> WyckoffCrystal:
    """A crystal from its conventional cell and orbits, each (element, Wyckoff letter, free coordinates)."""
    letters = [p.letter for p in space_group(number).positions]
    return WyckoffCrystal(
        number,
        np.array(cell, dtype=float),
        np.array([letters.index(letter) for _, letter, _ in orbits]),
        np.array([Element(symbol).Z for symbol, _, _ in orbits]),
        np.array([point for _, _, point in orbits], dtype=float),
        np.arange(len(orbits))[None],
    )


def _cubic(a: float) -> tuple[float, ...]:
    return (a, a, a, 90, 90, 90)


def _tetragonal(a: float, c: float) -> tuple[float, ...]:
    return (a, a, c, 90, 90, 90)


def _hexagonal(a: float, c: float) -> tuple[float, ...]:
    return (a, a, c, 90, 90, 120)


_FIXED = (0.0, 0.0, 0.0)

CRYSTALS: dict[str, WyckoffCrystal] = {
    "rock salt NaCl": build(225, _cubic(5.64), ("Na", "a", _FIXED), ("Cl", "b", _FIXED)),
    "diamond C": build(227, _cubic(3.57), ("C", "a", _FIXED)),
    "perovskite SrTiO3": build(221, _cubic(3.91), ("Sr", "a", _FIXED), ("Ti", "b", _FIXED), ("O", "c", _FIXED)),
    "fluorite CaF2": build(225, _cubic(5.46), ("Ca", "a", _FIXED), ("F", "c", _FIXED)),
    "wurtzite ZnO": build(186, _hexagonal(3.25, 5.2), ("Zn", "b", (0, 0, 0.0)), ("O", "b", (0, 0, 0.382))),
    "rutile TiO2": build(136, _tetragonal(4.59, 2.96), ("Ti", "a", _FIXED), ("O", "f", (0.305, 0, 0))),
    "spinel MgAl2O4": build(
        227, _cubic(8.08), ("Mg", "a", _FIXED), ("Al", "d", _FIXED), ("O", "e", (0.3874, 0, 0))
    ),
    "hcp Mg": build(194, _hexagonal(3.21, 5.21), ("Mg", "c", _FIXED)),
    "bcc W": build(229, _cubic(3.165), ("W", "a", _FIXED)),
    "quartz SiO2": build(
        152, _hexagonal(4.91, 5.40), ("Si", "a", (0.47, 0, 0)), ("O", "c", (0.413, 0.267, 0.214))
    ),
    "baddeleyite ZrO2": build(
        14,
        (5.15, 5.21, 5.32, 90, 99.2, 90),
        ("Zr", "e", (0.275, 0.040, 0.208)),
        ("O", "e", (0.070, 0.332, 0.345)),
        ("O", "e", (0.450, 0.757, 0.479)),
    ),
    "polar BaTiO3": build(
        99, _tetragonal(3.99, 4.22), ("Ba", "a", (0, 0, 0.0)), ("Ti", "b", (0, 0, 0.54)),
        ("O", "b", (0, 0, 0.04)), ("O", "c", (0, 0, 0.46)),
    ),
    "monoclinic polar LiFeF3": build(
        8,
        (8.3, 5.1, 4.4, 90, 112.0, 90),
        ("Li", "a", (0.05, 0, 0.31)),
        ("Fe", "a", (0.37, 0, 0.83)),
        ("F", "a", (0.21, 0, 0.12)),
        ("F", "b", (0.40, 0.27, 0.38)),
    ),
    "triclinic P1": build(
        1,
        (4.3, 5.2, 6.1, 82, 97, 105),
        ("K", "a", (0.02, 0.05, 0.03)),
        ("V", "a", (0.51, 0.46, 0.27)),
        ("S", "a", (0.22, 0.71, 0.55)),
        ("S", "a", (0.69, 0.18, 0.81)),
    ),
    "triclinic P-1": build(
        2,
        (4.9, 5.6, 6.6, 76, 84, 71),
        ("Cu", "i", (0.21, 0.33, 0.14)),
        ("P", "i", (0.62, 0.11, 0.71)),
        ("Ag", "a", _FIXED),
    ),
}  # fmt: skip
"""By name: all can be encoded (at most 20 atoms in the primitive cell), none has atoms that overlap."""


def structures() -> list[Structure]:
    """All of them as primitive cells."""
    return [crystal.to_structure() for crystal in CRYSTALS.values()]


def random_crystal(number: int, rng: np.random.Generator, max_atoms: int = 24) -> WyckoffCrystal:
    """A random crystal in a space group: atoms well apart on random positions, different elements."""
    group = space_group(number)
    fitting = [k for k in range(len(group.positions)) if group.primitive_multiplicity(k) <= max_atoms]
    kinds = sorted(int(k) for k in rng.choice(fitting, size=rng.integers(1, 4)))
    kinds = [k for i, k in enumerate(kinds) if group.positions[k].free.any() or k not in kinds[:i]]
    points = np.array([np.where(group.positions[k].free, rng.random(3), 0.0) for k in kinds])
    elements = rng.choice([3, 8, 13, 17, 26, 38, 47, 56, 74], size=len(kinds), replace=False)
    crystal = WyckoffCrystal(
        number, _random_cell(number, rng), np.array(kinds), elements, points, np.arange(len(kinds))[None]
    )
    atoms = crystal.multiplicities.sum()
    volume = crystal.to_structure().volume
    grown = crystal.lattice * np.array([np.cbrt(18.0 * atoms / volume)] * 3 + [1.0] * 3)
    return WyckoffCrystal(number, grown, crystal.positions, elements, points, crystal.permutations)


def _random_cell(number: int, rng: np.random.Generator) -> np.ndarray:
    a, b, c = rng.uniform(4, 9, 3)
    alpha, beta, gamma = rng.uniform(75, 110, 3)
    system = crystal_system(number)
    if system == "cubic":
        b = c = a
    elif system in ("tetragonal", "trigonal", "hexagonal"):
        b = a
    if system == "monoclinic":
        alpha = gamma = 90.0
    elif system != "triclinic":
        alpha = beta = gamma = 90.0
    if system in ("trigonal", "hexagonal"):
        gamma = 120.0
    return np.array([a, b, c, alpha, beta, gamma])
