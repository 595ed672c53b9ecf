"""The crystals of the benchmarks: classic structure types, made of other elements of the same charges.

They are toy crystals: charges balance and cells follow the elements' sizes, but nothing is relaxed. They are built from
space groups and Wyckoff positions, so that they may be given to anyone. With the pinned pymatgen
(its oxidation states) and NumPy (its random numbers) they are the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from xcrystal.crystal.gallery.types import entries
from xcrystal.crystal.geometry.radii import COVALENT_RADII
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import check_one_of
from xcrystal.explanation.known_answers import IS_METAL
from xcrystal.explanation.substitutions import same_charge_elements

if TYPE_CHECKING:
    from pymatgen.core import Structure

VERSION = "1"
"""Of crystals, splits and metrics: figures of one version can be compared."""

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
_DRAWS = 60  # of elements for each structure type
_SEED = 20260101
_KEPT = 0.5  # of the elements stay
_STRETCH = 0.04  # standard deviation of the cell's length
_SHARES = (0.7, 0.85)  # where validation and test crystals begin
_MOST_ATOMS = 24


@dataclass(frozen=True, eq=False)
class Example:
    """A crystal of the benchmark.

    Attributes
    ----------
    name
        Structure type and elements.
    structure
        Its primitive cell; ``site_properties["orbit"]`` tells which orbit of symmetry each atom is on.
    crystal
        Space group, cell and orbits.
    """

    name: str
    structure: Structure
    crystal: WyckoffCrystal


@cache
def examples(split: Split = "test") -> tuple[Example, ...]:
    """The crystals of a split, "train", "val" or "test"; no formula is in two of them.

    Raises
    ------
    TargetError
        If there is no such split.
    """
    check_one_of(split, SPLITS, "split")
    return tuple(example for example, place in _all() if place == split)


@cache
def _all() -> tuple[tuple[Example, Split], ...]:
    rng = np.random.default_rng(_SEED)
    place_of: dict[str, Split] = {}
    found, seen = [], set()
    for number, entry in enumerate(entries()):
        own = entry.crystal
        if len(own.elements) < 2 or own.multiplicities.sum() > _MOST_ATOMS:
            continue
        drawn = same_charge_elements(own.elements, own.multiplicities, {}, _DRAWS, _SEED + number)
        kept = rng.random((_DRAWS, len(IS_METAL))) < _KEPT
        for elements in np.where(kept[:, own.elements], own.elements, drawn):
            stretch = float(np.exp(_STRETCH * rng.standard_normal()))
            key = (number, *elements.tolist())
            if key in seen or len(set(elements.tolist())) < len(set(own.elements.tolist())):
                continue
            seen.add(key)
            size = own.multiplicities @ COVALENT_RADII[elements] / (own.multiplicities @ COVALENT_RADII[own.elements])
            example = _example(entry.name, own, elements, stretch * float(size))
            formula = example.structure.composition.reduced_formula
            share = float(rng.random())
            place: Split = "train" if share < _SHARES[0] else "val" if share < _SHARES[1] else "test"
            found.append((example, place_of.setdefault(formula, place)))
    return tuple(found)


def _example(name: str, own: WyckoffCrystal, elements: np.ndarray, scale: float) -> Example:
    lattice = own.lattice.copy()
    lattice[:3] *= scale
    crystal = replace(own, elements=elements, lattice=lattice)
    structure = crystal.to_structure()
    return Example(f"{name} {structure.composition.reduced_formula}", structure, crystal)
