"""Whether a crystal could exist: distances, volume, and charges that balance.

The distance rule of 0.5 Å is that of Xie et al., "Crystal diffusion variational autoencoder", ICLR 2022, and lets pass
much that no chemist would; the rule on covalent radii is stricter. The composition rule is SMACT's (D. W. Davies et
al., J. Open Source Softw. 4, 1361, 2019): some combination of known oxidation states is neutral, and the more
electronegative elements take the negative ones.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from xcrystal.crystal.collections.crystal_sets import Cell, Formula, cell_of
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contact
from xcrystal.crystal.reading import MIN_DISTANCE, MIN_VOLUME

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_ELEMENTS = 9


@dataclass(frozen=True)
class CompositionValidity:
    """What SMACT says of a composition.

    Attributes
    ----------
    smact
        ``smact_validity`` with its defaults: elements, and alloys of metals alone, pass whatever their charges.
    smact_without_alloys
        With ``include_alloys=False``: alloys have to balance as well.
    metals_only
        Whether every element is a metal (SMACT's list, which counts Ge, Sb and Po).
    too_many_elements
        There are more than 9, so that charges were not balanced: only an alloy passes, and only by the defaults.
    """

    smact: bool
    smact_without_alloys: bool
    metals_only: bool
    too_many_elements: bool = False


@dataclass(frozen=True)
class Validity:
    """The verdicts on one crystal, and the numbers that they rest on.

    Attributes
    ----------
    shortest_distance
        Between any two atoms, periodic images included, Å.
    contact_ratio
        The smallest distance divided by the sum of the two covalent radii.
    volume
        Of the cell, Å3.
    composition
        SMACT's verdicts.
    """

    shortest_distance: float
    contact_ratio: float
    volume: float
    composition: CompositionValidity

    @property
    def apart(self) -> bool:
        """No pair closer than 0.5 Å, and more than 0.1 Å3 of volume."""
        return self.shortest_distance >= MIN_DISTANCE and self.volume > MIN_VOLUME

    @property
    def no_overlap(self) -> bool:
        """No pair closer than 0.7 of the sum of its covalent radii."""
        return self.contact_ratio >= SHORT_CONTACT

    @property
    def no_clash(self) -> bool:
        """Deprecated: ``no_overlap``."""
        warnings.warn("no_clash is now no_overlap.", DeprecationWarning, stacklevel=2)
        return self.no_overlap

    @property
    def valid(self) -> bool:
        """Apart, without an overlap, and with a composition that SMACT passes by its defaults."""
        return self.apart and self.no_overlap and self.composition.smact


def validity(crystal: Structure | Cell) -> Validity:
    """Judge one crystal.

    Raises
    ------
    InvalidCrystalError
        If a Structure is disordered, empty, or holds numbers that are not finite.
    """
    cell = crystal if isinstance(crystal, Cell) else cell_of(crystal)
    contact = shortest_contact(cell.lattice, cell.frac, cell.numbers)
    return Validity(contact.distance, contact.ratio, cell.volume, composition_validity(cell.formula))


@lru_cache(maxsize=100_000)
def composition_validity(formula: Formula) -> CompositionValidity:
    """SMACT's verdicts on a reduced composition; compositions with an element that it has no data of do not pass.

    SMACT tries all combinations of oxidation states: milliseconds for most compositions, but seconds for ten elements
    and minutes for more; those of more than 9 are not tried, and marked by ``too_many_elements``.
    """
    import smact
    from pymatgen.core import Composition, Element
    from smact.screening import smact_validity

    counts = {Element.from_Z(z).symbol: n for z, n in formula}
    composition = Composition(counts)
    metals_only = all(symbol in smact.metals for symbol in counts)
    if len(formula) > MAX_ELEMENTS:
        return CompositionValidity(metals_only, False, metals_only, too_many_elements=True)
    try:
        passes = bool(smact_validity(composition))
        # the option concerns metals only, and the others may take long
        balances = bool(smact_validity(composition, include_alloys=False)) if metals_only else passes
    except KeyError:
        passes = balances = False
    return CompositionValidity(passes, balances, metals_only)
