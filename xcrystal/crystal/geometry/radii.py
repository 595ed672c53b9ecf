"""Radii of the elements, in Å: a table of covalent ones, and those of ions and molecules from pymatgen and ASE."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np

# Å, by atomic number (0 is no element): B. Cordero et al., Dalton Trans. 2008, 2832, as in ase.data
COVALENT_RADII = np.array(
    [
        0.2, 0.31, 0.28, 1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58, 1.66, 1.41, 1.21, 1.11, 1.07, 1.05, 1.02, 1.06,
        2.03, 1.76, 1.7, 1.6, 1.53, 1.39, 1.39, 1.32, 1.26, 1.24, 1.32, 1.22, 1.22, 1.2, 1.19, 1.2, 1.2, 1.16,
        2.2, 1.95, 1.9, 1.75, 1.64, 1.54, 1.47, 1.46, 1.42, 1.39, 1.45, 1.44, 1.42, 1.39, 1.39, 1.38, 1.39, 1.4,
        2.44, 2.15, 2.07, 2.04, 2.03, 2.01, 1.99, 1.98, 1.98, 1.96, 1.94, 1.92, 1.92, 1.89, 1.9, 1.87, 1.87,
        1.75, 1.7, 1.62, 1.51, 1.44, 1.41, 1.36, 1.36, 1.32, 1.45, 1.46, 1.48, 1.4, 1.5, 1.5,
        2.6, 2.21, 2.15, 2.06, 2.0, 1.96, 1.9, 1.87,
    ]
)  # fmt: skip


def covalent_radii(numbers: np.ndarray) -> np.ndarray:
    """(n,) radii in Å of (n,) atomic numbers, or of any shape; beyond 94 that of the last element known is taken."""
    radii: np.ndarray = COVALENT_RADII[np.clip(numbers, 0, len(COVALENT_RADII) - 1)]
    return radii


@cache
def ionic_radii() -> np.ndarray:
    """(2, 119) mean radii in Å of each element as a cation and as an anion: R. D. Shannon, Acta Cryst. A 32, 751
    (1976), crystal radii. Where there is none, the covalent radius."""
    from pymatgen.core import Element

    found = np.tile(covalent_radii(np.arange(119)), (2, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of elements without
        for number in range(1, 119):
            element = Element.from_Z(number)
            for row, radius in enumerate((element.average_cationic_radius, element.average_anionic_radius)):
                if radius > 0:
                    found[row, number] = round(float(radius), 3)
    return found


@cache
def van_der_waals_radii() -> np.ndarray:
    """(119,) radii in Å of atoms in molecules: S. Alvarez, Dalton Trans. 42, 8617 (2013). Where there is none, the
    covalent radius."""
    from ase.data.vdw_alvarez import vdw_radii

    found = covalent_radii(np.arange(119)).copy()
    known = np.flatnonzero(np.isfinite(vdw_radii))
    found[known] = vdw_radii[known]
    return found
