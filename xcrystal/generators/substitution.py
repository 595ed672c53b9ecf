"""The simple way to new crystals: known ones with their elements exchanged for similar ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tokens import Tokens
from xcrystal.crystal.elements import chemical_scale
from xcrystal.crystal.geometry.radii import covalent_radii
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal

if TYPE_CHECKING:
    from pymatgen.core import Structure

_REACH = 5.0  # spread of an exchange along the chemical scale
_SEEN = 3  # crystals that hold an element which may come in


class SubstitutionFamily:
    """Draws a known crystal and exchanges its elements; the cell grows with the atoms' covalent radii."""

    name = "substitution"

    def __init__(self, known: Tokens) -> None:
        self.crystals = known.crystals()
        count = np.bincount(known.element)
        scale = chemical_scale()
        self.pool = np.array(sorted(np.flatnonzero(count > _SEEN), key=lambda z: scale[z]))
        self.rank = {int(z): k for k, z in enumerate(self.pool)}

    def sample(
        self, n: int, seed: int = 0, wanted: object = None, on_step: Callable[[int], object] | None = None
    ) -> list[Structure]:
        """``n`` known crystals with exchanged elements."""
        rng = np.random.default_rng(seed)
        found = []
        for k in range(n):
            found.append(self._exchanged(self.crystals[rng.integers(len(self.crystals))], rng).to_structure())
            if on_step:
                on_step(k + 1)
        return found

    def _exchanged(self, crystal: WyckoffCrystal, rng: np.random.Generator) -> WyckoffCrystal:
        old = np.unique(crystal.elements)
        while True:
            place = np.array([self.rank.get(int(z), 0) for z in old])
            new = self.pool[(place + np.rint(rng.normal(0, _REACH, len(old))).astype(int)) % len(self.pool)]
            if len(np.unique(new)) == len(old) and not np.array_equal(new, old):
                break
        elements = new[np.searchsorted(old, crystal.elements)]
        before, after = ((crystal.multiplicities * covalent_radii(z) ** 3).sum() for z in (crystal.elements, elements))
        lattice = crystal.lattice.copy()
        lattice[:3] *= (after / before) ** (1 / 3)
        return replace(crystal, elements=elements, lattice=lattice)
