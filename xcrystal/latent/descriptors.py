"""A crystal as numbers without learning anything: averages over its elements, and how its atoms are spaced.

The first part tells which elements and how much of each, the second, a radial distribution, how they are arranged. It
is a small relative of what matminer and SOAP compute, in numpy and pymatgen alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core import Structure

FACTS = ("electronegativity", "radius", "group", "row", "Mendeleev number")
"""Of an element; each gives its mean over the atoms, and the standard deviation."""
_CUTOFF = 2.6  # of the radial distribution, in units of the cube root of the volume of an atom
_SHELLS = 28
_WIDTH = 0.08  # by which a distance is smeared
SIZE = 2 * len(FACTS) + 1 + 2 * _SHELLS


def describe(structures: Sequence[Structure]) -> np.ndarray:
    """Descriptors of crystals, the same for every cell that one of them is written in.

    Returns
    -------
    ndarray
        (n, 11 + 56): the mean and standard deviation of each of ``FACTS``, the logarithm of the volume of an atom, and
        two radial distributions in 28 shells: all neighbours, and each by the difference in electronegativity.
    """
    return np.array([_of(structure) for structure in structures]).reshape(len(structures), SIZE)


def _of(structure: Structure) -> np.ndarray:
    facts = _elements()[np.array([site.specie.Z for site in structure])]
    length = float(np.cbrt(structure.volume / len(structure)))
    centres, others, _, distances = structure.get_neighbor_list(_CUTOFF * length)
    shells = np.linspace(0.6, _CUTOFF - _WIDTH, _SHELLS)
    near = np.exp(-0.5 * ((distances[:, None] / length - shells) / _WIDTH) ** 2)
    # per atom, and by the surface of a shell, so that a gas without structure is flat
    near /= len(structure) * 4 * np.pi * shells**2 * np.sqrt(2 * np.pi) * _WIDTH
    polar = np.abs(facts[centres, 0] - facts[others, 0])
    spacing = [near.sum(axis=0), (near * polar[:, None]).sum(axis=0)]
    return np.concatenate([facts.mean(axis=0), facts.std(axis=0), [np.log(length**3)], *spacing])


@cache
def _elements() -> np.ndarray:
    """(119, 5) ``FACTS`` of each atomic number; 0 where pymatgen knows none."""
    from pymatgen.core import Element

    found = np.zeros((119, len(FACTS)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # noble gases have no electronegativity
        for z in range(1, 119):
            element = Element.from_Z(z)
            radius = element.atomic_radius_calculated or element.atomic_radius or 0.0
            found[z] = [element.X, float(radius), element.group, element.row, element.mendeleev_no or 0.0]
    return np.nan_to_num(found)
