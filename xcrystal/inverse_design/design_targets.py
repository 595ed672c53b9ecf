"""What is wanted of crystals: ranges of properties, elements, symmetry, structure type, size.

Ranges of properties are judged by predictions, so a crystal may miss them; all else is a constraint that a crystal has
or has not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES, UNITS
from xcrystal.crystal.elements import MAX_Z, is_element, number_of, symbol
from xcrystal.crystal.symmetry.groups import CRYSTAL_SYSTEMS, crystal_system, space_group
from xcrystal.errors import ReadError, TargetError
from xcrystal.inverse_design.conditions import known_conditions
from xcrystal.latent.proposing import composition_of
from xcrystal.latent.queries import MOTIFS_OF, HasMotif, InGroup, OfType, parse_query
from xcrystal.latent.searching import understand

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas
    from xcrystal.model.decoded import Decoded

ELEMENT_RULES = ("require", "exclude", "only")
TITLES = {
    "formation_energy_per_atom": "formation energy",
    "band_gap": "band gap",
    "e_above_hull": "energy above hull",
    "n_atoms": "number of atoms",
}
NEVER_NEGATIVE = ("band_gap", "e_above_hull")
Range = tuple[float, float]


@dataclass(frozen=True)
class Targets:
    """What is wanted; ``read_targets`` makes one of what people write, and refuses what nothing can fulfil.

    Attributes
    ----------
    properties
        Property name to (lowest, highest), infinite where open.
    require, exclude, only
        Atomic numbers that must be there, that must not, and (if any are named) beside which there is no other.
    group
        Space group number; 0 for any.
    system
        Crystal system; "" for any.
    prototype
        A structure type, mineral or motif; "" for any.
    n_atoms
        Fewest and most atoms of the primitive cell.
    """

    properties: Mapping[str, Range] = field(default_factory=dict)
    require: frozenset[int] = frozenset()
    exclude: frozenset[int] = frozenset()
    only: frozenset[int] = frozenset()
    group: int = 0
    system: str = ""
    prototype: str = ""
    n_atoms: Range = (1, math.inf)

    @property
    def words(self) -> str:
        """In words: "band gap 1.8 to 2.2 eV, with O, without Pb and Cd, cubic"."""
        parts = [f"{TITLES[name]} {range_words(bounds, UNITS[name])}" for name, bounds in self.properties.items()]
        for title, numbers in (("with", self.require), ("without", self.exclude), ("of nothing but", self.only)):
            if numbers:
                parts.append(f"{title} {' and '.join(symbol(z) for z in sorted(numbers))}")
        if self.group:
            parts.append(f"space group {space_group(self.group).symbol} ({self.group})")
        parts += [word for word in (self.system, self.prototype) if word]
        if self.n_atoms != (1, math.inf):
            parts.append(f"{range_words(self.n_atoms, 'atoms')}")
        return ", ".join(parts)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of ``design`` that mean the same, of plain types."""
        found: dict[str, Any] = {name: _open(bounds) for name, bounds in self.properties.items()}
        rules = {rule: [symbol(z) for z in sorted(getattr(self, rule))] for rule in ELEMENT_RULES}
        if any(rules.values()):
            found["elements"] = {rule: symbols for rule, symbols in rules.items() if symbols}
        named = {"space_group": self.group, "crystal_system": self.system, "prototype": self.prototype}
        found |= {name: value for name, value in named.items() if value}
        if self.n_atoms != (1, math.inf):
            found["n_atoms"] = _open(self.n_atoms)
        return found

    def known(self, atlas: Atlas) -> np.ndarray:
        """(N,) which crystals of an atlas fit.

        One whose property is not known fits no range of it. Atlases do not say how many atoms a primitive cell has; a
        crystal fits if one formula unit is not too large.
        """
        known = known_conditions(atlas)
        fit = self.fits(dict(zip(PROPERTIES, known.properties.T, strict=True)))
        for z in self.require:
            fit &= known.elements[:, z] > 0
        for z in self.unwanted:
            fit &= known.elements[:, z] <= 0
        if self.group:
            fit &= known.group == self.group
        if self.system:
            fit &= known.system == CRYSTAL_SYSTEMS.index(self.system)
        if self.prototype:
            for condition in understand(atlas, self.prototype):
                fit &= condition.holds
        if self.n_atoms[1] < math.inf:
            fit &= _atoms_of_formulas(atlas) <= self.n_atoms[1]
        return fit

    def count(self, atlas: Atlas) -> int:
        """How many crystals of an atlas fit."""
        return int(self.known(atlas).sum())

    def fits(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) for which crystals the values (n,) of all properties lie in their ranges."""
        fit = np.ones(len(next(iter(values.values()))), dtype=bool)
        for name, (low, high) in self.properties.items():
            fit &= (values[name] >= low) & (values[name] <= high)
        return fit

    @property
    def of_cells(self) -> bool:
        """Whether there is a constraint that depends on how symmetric a crystal is found to be."""
        return bool(self.group or self.system or self.prototype) or self.n_atoms != (1, math.inf)

    @property
    def unwanted(self) -> frozenset[int]:
        """Atomic numbers that must not be there."""
        return self.exclude | (frozenset(range(1, MAX_Z + 1)) - self.only if self.only else frozenset())

    def accepts(self, crystal: Decoded) -> bool:
        """Whether a decoded crystal holds every constraint; ranges of properties are none."""
        elements = frozenset(crystal.element.tolist())
        if not elements or not self.require <= elements or elements & self.unwanted:
            return False
        if self.group not in (0, crystal.group) or self.system not in ("", crystal_system(crystal.group)):
            return False
        low, high = self.n_atoms
        return low <= crystal.atoms <= high and (not self.prototype or _has_prototype(crystal, self.prototype))


def read_targets(
    *,
    band_gap: Any = None,
    formation_energy_per_atom: Any = None,
    e_above_hull: Any = None,
    elements: Mapping[str, Any] | None = None,
    space_group: int | str | None = None,
    crystal_system: str | None = None,
    prototype: str | None = None,
    n_atoms: Any = None,
) -> Targets:
    """What people write, checked.

    Parameters
    ----------
    band_gap, formation_energy_per_atom, e_above_hull
        (lowest, highest) in eV, eV/atom and eV/atom; None for an open end.
    elements
        Symbols under "require", "exclude" and "only".
    space_group
        Number or symbol.
    crystal_system
        Such as "cubic".
    prototype
        A structure type, mineral or motif that the search knows: "spinel", "perovskite", "layered".
    n_atoms
        (fewest, most) atoms of the primitive cell, or one number.

    Raises
    ------
    TargetError
        With what contradicts itself, or is not known.
    """
    given = {"formation_energy_per_atom": formation_energy_per_atom, "band_gap": band_gap, "e_above_hull": e_above_hull}
    properties = {name: _range(name, value) for name, value in given.items() if value is not None}
    properties = {name: bounds for name, bounds in properties.items() if bounds != (-math.inf, math.inf)}
    atoms = (1.0, math.inf)
    if n_atoms is not None:
        atoms = _range("n_atoms", (n_atoms, n_atoms) if isinstance(n_atoms, Integral) else n_atoms)
        atoms = (max(1.0, atoms[0]), atoms[1])
    system = str(crystal_system or "").lower()
    if system and system not in CRYSTAL_SYSTEMS:
        raise TargetError(f"There is no crystal system {crystal_system!r}; there are: {', '.join(CRYSTAL_SYSTEMS)}.")
    found = Targets(
        properties=properties,
        **_elements(elements or {}),
        group=_group(space_group),
        system=system,
        prototype=" ".join(str(prototype or "").split()),
        n_atoms=atoms,
    )
    _check(found)
    return found


def beyond(targets: Targets, atlas: Atlas) -> list[str]:
    """A sentence for each range that no known crystal reaches; it says how far the data reach."""
    sentences = []
    for name, (low, high) in targets.properties.items():
        values = known_conditions(atlas).properties[:, PROPERTIES.index(name)]
        values = values[np.isfinite(values)]
        if len(values) and (low > values.max() or high < values.min()):
            above = low > values.max()
            end, gap = (values.max(), low - values.max()) if above else (values.min(), values.min() - high)
            sentences.append(
                f"The {TITLES[name]} of the known crystals ends at {end:.2f} {UNITS[name]}, {gap:.2f} {UNITS[name]} "
                f"{'below' if above else 'above'} what is asked for: what is found there is an extrapolation."
            )
    return sentences


def range_words(bounds: Range, unit: str) -> str:
    """ "1.8 to 2.2 eV", "at most -1 eV/atom"."""
    low, high = bounds
    if low == high:
        return f"{low:g} {unit}"
    if math.isinf(high):
        return f"at least {low:g} {unit}"
    return f"at most {high:g} {unit}" if math.isinf(low) else f"{low:g} to {high:g} {unit}"


def _open(bounds: Range) -> tuple[float | None, float | None]:
    low, high = (None if math.isinf(end) else end for end in bounds)
    return low, high


def _range(name: str, value: Any) -> Range:
    title = TITLES[name]
    try:
        low, high = value
        low, high = -math.inf if low is None else float(low), math.inf if high is None else float(high)
    except (TypeError, ValueError):
        raise TargetError(
            f"The {title} is wanted as (lowest, highest), with None for an open end, not {str(value)[:60]!r}."
        ) from None
    if math.isnan(low) or math.isnan(high) or low > high or low == math.inf or high == -math.inf:
        raise TargetError(f"The range of the {title} is empty: {low:g} is not below {high:g}.")
    if (name in NEVER_NEGATIVE and high < 0) or (name == "n_atoms" and high < 1):
        raise TargetError(f"The range of the {title} is empty: it is never {high:g}.")
    return low, high


def _elements(given: Mapping[str, Any]) -> dict[str, frozenset[int]]:
    if not isinstance(given, Mapping) or (set(given) - set(ELEMENT_RULES)):
        raise TargetError('Elements are wanted as {"require": [...], "exclude": [...], "only": [...]}.')
    return {rule: frozenset(_numbers(given.get(rule) or ())) for rule in ELEMENT_RULES}


def _numbers(symbols: str | Iterable[str]) -> list[int]:
    if not isinstance(symbols, Iterable):
        raise TargetError(f'Elements are wanted by their symbols, such as ["O"], not {str(symbols)[:20]!r}.')
    names = symbols.replace(",", " ").split() if isinstance(symbols, str) else list(symbols)
    for name in names:
        if not is_element(name):
            raise TargetError(f"There is no element {str(name)[:20]!r}; write symbols such as O or Pb.")
        if number_of(name) > MAX_Z:
            raise TargetError(f"The model knows the elements up to number {MAX_Z} (Pu), not {name}.")
    return [number_of(name) for name in names]


def _group(given: int | str | None) -> int:
    if given is None or given == "" or given == 0:
        return 0
    text = str(given).strip()
    try:
        (found,) = parse_query(f"sg {text}" if text.isdigit() else text).conditions
    except (ReadError, ValueError):
        found = None
    if not isinstance(found, InGroup):
        raise TargetError(
            f"There is no space group {text[:20]!r}: write a number from 1 to 230 or a symbol like Fm-3m."
        )
    return found.number


def _check(targets: Targets) -> None:
    """Refuse what contradicts itself."""
    if targets == Targets():
        raise TargetError("Say what the crystals shall be like: a range of a property, elements, or a symmetry.")

    def names(numbers: Iterable[int]) -> str:
        return " and ".join(symbol(z) for z in sorted(numbers))

    if both := targets.require & targets.exclude:
        raise TargetError(f"{names(both)} cannot be both required and excluded.")
    if targets.only and (others := targets.require - targets.only):
        raise TargetError(f"{names(others)} cannot be required if there shall be nothing but {names(targets.only)}.")
    if targets.only and targets.only <= targets.exclude:
        raise TargetError(f"Nothing is left if there shall be only {names(targets.only)}, which is excluded.")
    if targets.group and targets.system and crystal_system(targets.group) != targets.system:
        raise TargetError(
            f"Space group {targets.group} is {crystal_system(targets.group)}, so no crystal in it is {targets.system}."
        )
    if not targets.prototype:
        return
    kind = _prototype(targets.prototype)
    if isinstance(kind, OfType):
        groups = [g for g in kind.type.groups if targets.system in ("", crystal_system(g))]
        if not groups or (targets.group and targets.group not in groups):
            known = " or ".join(map(str, kind.type.groups))
            raise TargetError(f"{targets.prototype!r} has the space group {known}, which contradicts the symmetry.")


def _prototype(name: str) -> OfType | HasMotif:
    try:
        (found,) = parse_query(name).conditions
    except (ReadError, ValueError):
        found = None
    if not isinstance(found, (OfType, HasMotif)):
        raise TargetError(f"There is no prototype {name[:40]!r}; write a structure type such as spinel or perovskite.")
    return found


def _has_prototype(crystal: Decoded, name: str) -> bool:
    from xcrystal.crystal.geometry.motifs import motifs

    kind = _prototype(name)
    if isinstance(kind, HasMotif):
        return motifs(crystal.crystal)[MOTIFS_OF[kind.name]]
    if crystal.group not in kind.type.groups or not kind.type.fits(composition_of(crystal)):
        return False
    return kind.type.layered is None or motifs(crystal.crystal)["layered"] == kind.type.layered


def _atoms_of_formulas(atlas: Atlas) -> np.ndarray:
    """(N,) atoms of one formula unit; many where the formula cannot be read. Counted once an atlas."""
    if "_formula_atoms" not in vars(atlas):
        counts = [sum(n for _, n in formula) if formula else 10**6 for formula in atlas.row_formulas]
        vars(atlas)["_formula_atoms"] = np.array(counts)
    found: np.ndarray = vars(atlas)["_formula_atoms"]
    return found
