"""Names of structure types and minerals, and what an atlas can tell of them: formulas and space groups.

A structure type of the gallery is recognised by the counts of its formula, its space group, and whether the anion of
its prototype is an anion in the same place; ``ONLY`` narrows down types that this does not tell apart. A mineral that
names no type is one compound in one space group. Both are judged without looking at atoms, which queries say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property

from xcrystal.crystal.elements import atomic_numbers
from xcrystal.crystal.gallery.types import entries, titles
from xcrystal.latent.compositions import Formula, parse_formula, pattern


@dataclass(frozen=True)
class StructureType:
    """What crystals that are called so have in common.

    Attributes
    ----------
    name
        As people call it.
    formula
        Of the compound that it is named after.
    groups
        Numbers of the space groups.
    entry
        Its name in the gallery; empty if the gallery has none.
    exact
        Whether it is this compound alone.
    elements
        Of which one must be there; empty for any.
    layered
        Whether it is made of layers, where that tells it from others of its formula and space group.
    """

    name: str
    formula: str
    groups: tuple[int, ...]
    entry: str = ""
    exact: bool = False
    elements: tuple[str, ...] = ()
    layered: bool | None = None

    @cached_property
    def reduced(self) -> Formula:
        """The composition of the compound that it is named after."""
        return parse_formula(self.formula)

    def fits(self, formula: Formula) -> bool:
        """Whether a composition can have it."""
        own = self.reduced
        if self.exact:
            return formula == own
        if pattern(formula) != pattern(own) or _anion(formula) != _anion(own):
            return False
        wanted = {atomic_numbers()[symbol] for symbol in self.elements}
        return not wanted or any(element in wanted for element, _ in formula)

    @property
    def words(self) -> str:
        """What is looked for, and by what it is judged."""
        groups = " or ".join(map(str, self.groups))
        if self.exact:
            return f"{self.name} ({self.formula}, space group {groups})"
        return f"structure type {self.name}, judged by formula and space group alone (as {self.formula}, {groups})"


_ANIONS = "F O Cl N Br I S Se Te H P As".split()  # the first that a compound holds is its anion
_EXACT = ("graphite", "niobium monoxide", "hexagonal boron nitride")
_LAYERED = {"graphite": True, "lonsdaleite": False}
_ELEMENTS = {"calcite": ("C", "N", "B"), "delafossite": ("Cu", "Ag", "Pd", "Pt")}
_SYNONYMS = {
    "sphalerite": "zinc blende",
    "zincblende": "zinc blende",
    "cesium chloride": "caesium chloride",
    "aluminum diboride": "aluminium diboride",
    "fcc": "face-centred cubic",
    "bcc": "body-centred cubic",
    "hcp": "hexagonal close-packed",
    "gray arsenic": "grey arsenic",
    "gray selenium": "grey selenium",
    "niccolite": "nickel arsenide",
    "nickeline": "nickel arsenide",
    "full heusler": "heusler",
    "sapphire": "corundum",
    "a15": "a15 phase",
    "h-bn": "hexagonal boron nitride",
}
# one compound in one or more space groups
_MINERALS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("alumina", "Al2O3", (167,)),
    ("anhydrite", "CaSO4", (63,)),
    ("aragonite", "CaCO3", (62,)),
    ("barite", "BaSO4", (62,)),
    ("beryl", "Be3Al2Si6O18", (192,)),
    ("brookite", "TiO2", (61,)),
    ("brucite", "Mg(OH)2", (164,)),
    ("cassiterite", "SnO2", (136,)),
    ("celestine", "SrSO4", (62,)),
    ("cinnabar", "HgS", (152, 154)),
    ("coesite", "SiO2", (15,)),
    ("cristobalite", "SiO2", (92, 96, 227)),
    ("diopside", "CaMgSi2O6", (15,)),
    ("dolomite", "CaMg(CO3)2", (148,)),
    ("fayalite", "Fe2SiO4", (62,)),
    ("forsterite", "Mg2SiO4", (62,)),
    ("galena", "PbS", (225,)),
    ("greenockite", "CdS", (186,)),
    ("halite", "NaCl", (225,)),
    ("hematite", "Fe2O3", (167,)),
    ("lonsdaleite", "C", (194,)),
    ("magnesite", "MgCO3", (167,)),
    ("magnetite", "Fe3O4", (227,)),
    ("periclase", "MgO", (225,)),
    ("pyrolusite", "MnO2", (136,)),
    ("scheelite", "CaWO4", (88,)),
    ("table salt", "NaCl", (225,)),
    ("siderite", "FeCO3", (167,)),
    ("stibnite", "Sb2S3", (62,)),
    ("stishovite", "SiO2", (136,)),
    ("sylvite", "KCl", (225,)),
    ("uraninite", "UO2", (225,)),
    ("zincite", "ZnO", (186,)),
    ("zircon", "ZrSiO4", (141,)),
)
_FAMILIES = (  # with other bounds than an entry of the gallery has
    StructureType("olivine", "Mg2SiO4", (62,), elements=("Si", "Ge")),
    StructureType("quartz", "SiO2", (152, 154), "quartz"),
)
_BY_ATOMS = ("cubic perovskite", "orthorhombic perovskite", "rock salt")  # an atlas has labels of these motifs


@cache
def structure_types() -> dict[str, StructureType]:
    """Every type by its name and synonyms, in small letters, with spaces for hyphens."""
    found = [
        StructureType(name, formula, (number,), name, name in _EXACT, _ELEMENTS.get(name, ()), _LAYERED.get(name))
        for name, formula, number in titles()
        if name not in _BY_ATOMS
    ]
    found += [
        StructureType(name, formula, groups, exact=True, layered=_LAYERED.get(name))
        for name, formula, groups in _MINERALS
    ]
    found += _FAMILIES
    named = {key_of(one.name): one for one in found}
    return named | {key_of(name): named[key_of(meant)] for name, meant in _SYNONYMS.items()}


@cache
def names() -> re.Pattern[str]:
    """What matches the longest name of a type that a text begins with; plurals, too."""
    every = sorted(structure_types(), key=len, reverse=True)
    either = "|".join(re.escape(name).replace(r"\ ", "[ -]").replace("centred", "cent(?:re|ere)d") for name in every)
    return re.compile(rf"({either})(?:s|es)?(?:[ -](?:types?|structures?|structured))?(?![\w-])", re.IGNORECASE)


def structure_type(name: str) -> StructureType:
    """The type that is called so."""
    return structure_types()[key_of(name)]


def gallery_of(formula: Formula) -> tuple[str, ...]:
    """Names of the gallery's entries that show a crystal of this composition."""
    return tuple(name for name, text, _ in titles() if parse_formula(text) == formula)


def atoms_of(entry: str) -> int:
    """Atoms in the primitive cell of an entry of the gallery."""
    return next(one.atoms for one in entries() if one.name == entry)


def key_of(name: str) -> str:
    """How a name is looked up."""
    return name.lower().replace("-", " ").replace("centered", "centred")


def _anion(formula: Formula) -> int:
    """How many atoms of its anion a formula unit holds; 0 without one, or if it is an element."""
    counts = dict(formula)
    if len(counts) < 2:
        return 0
    return next((counts[atomic_numbers()[symbol]] for symbol in _ANIONS if atomic_numbers()[symbol] in counts), 0)
