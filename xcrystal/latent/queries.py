"""What people type to find crystals, and what it means: words become a ``Query``, a tuple of conditions that all hold.

Nothing here knows of an atlas, except for the names of its columns; ``xcrystal.latent.searching`` applies a query.

============================  ====================================================================================
SrTiO3, TiSrO3, Sr2Ti2O6      this formula, reduced
Ti, titanium, contains Ti     contains the element; several, such as "Ti O": all of them
Sr-Ti-O                       exactly these elements
ABX3, ABC3, ABO3, M2X         so many elements in these proportions; the O is oxygen
band gap > 2, 1 < gap < 2     also with energy, hull, space group, elements, or a column of the atlas
gap between 1 and 2           also "gap above 2", "gap at least 2", "gap 1 to 2"
Fm-3m, sg 225, 225            space group by symbol or number
cubic                         crystal system
oxide, halide, metal, ...     ``CLASSES``
rock salt, layered, ...       ``CLASSES``, where the atlas has labels of motifs
spinel, graphite, calcite     structure types of the gallery, and minerals (``xcrystal.latent.structure_types``)
binary, ternary, ...          number of elements
no Ti, without lead, Pb-free  not so
============================  ====================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from xcrystal.crystal.elements import atomic_numbers
from xcrystal.crystal.symmetry.groups import CRYSTAL_SYSTEMS, space_group
from xcrystal.errors import ReadError
from xcrystal.latent.compositions import Formula, parse_formula
from xcrystal.latent.prototypes import Pattern, parse_pattern
from xcrystal.latent.structure_types import StructureType, gallery_of, names, structure_type

EXAMPLE = "for example: SrTiO3, Ti O, Sr-Ti-O, ABX3, mp-5986, band gap > 2, cubic, Fm-3m, oxide, spinel"
LONGEST = 500
COLUMNS = {
    "formation energy": "formation_energy_per_atom",
    "formation energy per atom": "formation_energy_per_atom",
    "energy": "formation_energy_per_atom",
    "gap": "band_gap",
    "bandgap": "band_gap",
    "band gap": "band_gap",
    "hull": "e_above_hull",
    "energy above hull": "e_above_hull",
    "e above hull": "e_above_hull",
    "spacegroup": "space_group",
    "space group": "space_group",
    "sg": "space_group",
    "elements": "elements",
    "number of elements": "elements",
}
_TITLES = {
    "formation_energy_per_atom": ("formation energy", " eV/atom"),
    "band_gap": ("gap", " eV"),
    "e_above_hull": ("energy above hull", " eV/atom"),
    "space_group": ("space group number", ""),
    "elements": ("number of elements", ""),
}
ELEMENTS_OF = {  # classes that contain any of these elements
    "oxide": "O",
    "fluoride": "F",
    "chloride": "Cl",
    "bromide": "Br",
    "iodide": "I",
    "halide": "F Cl Br I",
    "sulfide": "S",
    "sulphide": "S",
    "selenide": "Se",
    "telluride": "Te",
    "chalcogenide": "S Se Te",
    "nitride": "N",
    "phosphide": "P",
    "carbide": "C",
    "hydride": "H",
    "boride": "B",
    "silicide": "Si",
    "alkali": "Li Na K Rb Cs Fr",
    "transition-metal": ("Sc Ti V Cr Mn Fe Co Ni Cu Zn Y Zr Nb Mo Tc Ru Rh Pd Ag Cd Hf Ta W Re Os Ir Pt Au Hg"),
    "alkaline-earth": "Be Mg Ca Sr Ba Ra",
    "lanthanide": "La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu",
    "actinide": "Ac Th Pa U Np Pu",
    "rare-earth": "Sc Y La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu",
}
MOTIFS_OF = {"perovskite": "perovskite", "layered": "layered", "close-packed": "close_packed", "rock-salt": "rock_salt"}
_NUMBERS = {"elemental": 1, "unary": 1, "binary": 2, "ternary": 3, "quaternary": 4, "quinary": 5}
_ELECTRONIC = ("metal", "insulator", "semiconductor")
CLASSES = (*ELEMENTS_OF, *_ELECTRONIC, "stable", *MOTIFS_OF, *_NUMBERS)


class Condition:
    """What a crystal has to be."""

    @property
    def words(self) -> str:
        """In words, so that nobody has to guess how a query was read."""
        raise NotImplementedError


@dataclass(frozen=True)
class HasFormula(Condition):
    """This reduced formula, as it was written."""

    text: str
    formula: Formula

    @property
    def words(self) -> str:
        """Of the formula."""
        return f"formula {self.text}"


@dataclass(frozen=True)
class Contains(Condition):
    """Any of these elements."""

    symbols: tuple[str, ...]

    @property
    def words(self) -> str:
        """Names up to six elements."""
        shown = [*self.symbols[:5], f"{len(self.symbols) - 5} others"] if len(self.symbols) > 6 else [*self.symbols]
        return f"contains {' or '.join(shown)}"


@dataclass(frozen=True)
class MadeOf(Condition):
    """Exactly these elements."""

    symbols: tuple[str, ...]

    @property
    def words(self) -> str:
        """Names the elements."""
        return f"made of {', '.join(self.symbols)} and nothing else"


@dataclass(frozen=True)
class OfForm(Condition):
    """A formula with placeholders, such as ABX3."""

    text: str
    pattern: Pattern

    @property
    def words(self) -> str:
        """The form."""
        return f"of the form {self.text}"


@dataclass(frozen=True)
class InGroup(Condition):
    """A space group."""

    number: int

    @property
    def words(self) -> str:
        """Number and symbol."""
        return f"space group {self.number} ({space_group(self.number).symbol})"


@dataclass(frozen=True)
class InSystem(Condition):
    """A crystal system."""

    name: str

    @property
    def words(self) -> str:
        """Its name."""
        return self.name


@dataclass(frozen=True)
class Compared(Condition):
    """A number of the atlas: ``operator`` is one of <, >, <=, >=, =."""

    column: str
    operator: str
    value: float

    @property
    def words(self) -> str:
        """With its unit."""
        title, unit = title_of(self.column)
        return f"{title} {self.operator} {self.value:g}{unit}"


@dataclass(frozen=True)
class Between(Condition):
    """A number of the atlas between two others."""

    column: str
    first: str
    low: float
    second: str
    high: float

    @property
    def words(self) -> str:
        """Both ends, with its unit."""
        title, unit = title_of(self.column)
        if (self.first, self.second) == (">=", "<="):
            return f"{title} from {self.low:g} to {self.high:g}{unit}"
        return f"{title} {self.first} {self.low:g} and {self.second} {self.high:g}{unit}"


@dataclass(frozen=True)
class Electronic(Condition):
    """A "metal", an "insulator" or a "semiconductor", by the gap that the atlas has."""

    kind: str

    @property
    def words(self) -> str:
        """What gap counts as such."""
        return {"metal": "gap 0", "insulator": "gap above 0", "semiconductor": "gap above 0 and up to 3 eV"}[self.kind]


@dataclass(frozen=True)
class Stable(Condition):
    """On the convex hull."""

    @property
    def words(self) -> str:
        """That it is."""
        return "on the convex hull"


@dataclass(frozen=True)
class HasElements(Condition):
    """So many elements."""

    count: int

    @property
    def words(self) -> str:
        """How many."""
        return f"made of {self.count} element{'s' * (self.count > 1)}"


@dataclass(frozen=True)
class HasMotif(Condition):
    """A motif, by its name in ``CLASSES``."""

    name: str

    @property
    def words(self) -> str:
        """Its name."""
        return self.name.replace("rock-salt", "rock salt")


@dataclass(frozen=True)
class OfType(Condition):
    """A structure type or a mineral."""

    type: StructureType

    @property
    def words(self) -> str:
        """What it is judged by."""
        return self.type.words


@dataclass(frozen=True)
class IsMaterial(Condition):
    """One material id."""

    material_id: str

    @property
    def words(self) -> str:
        """The id."""
        return f"material {self.material_id}"


@dataclass(frozen=True)
class Not(Condition):
    """The opposite, where it is known."""

    condition: Condition

    @property
    def words(self) -> str:
        """The opposite in words."""
        inner = self.condition.words
        return f"without {inner.removeprefix('contains ')}" if inner.startswith("contains ") else f"not {inner}"


@dataclass(frozen=True)
class Query:
    """Conditions that all hold, at least one."""

    conditions: tuple[Condition, ...]

    @property
    def words(self) -> str:
        """All of them, separated by commas."""
        return ", ".join(condition.words for condition in self.conditions)

    @property
    def formula(self) -> HasFormula | None:
        """The formula that is asked for, if one is."""
        return next((one for one in self.conditions if isinstance(one, HasFormula)), None)

    @property
    def gallery(self) -> tuple[str, ...]:
        """Names of the gallery's entries that show what is asked for."""
        found: list[str] = []
        for one in self.conditions:
            if isinstance(one, OfType) and one.type.entry:
                found.append(one.type.entry)
            elif isinstance(one, HasMotif):
                found += _SHOWN_BY.get(one.name, ())
            elif isinstance(one, HasFormula):
                found += gallery_of(one.formula)
        return tuple(found)


_SHOWN_BY = {"perovskite": ("cubic perovskite", "orthorhombic perovskite"), "rock-salt": ("rock salt",)}


def title_of(column: str) -> tuple[str, str]:
    """What a column is called in words, and its unit with a space before it."""
    return _TITLES.get(column) or (column.replace("_", " "), "")


def parse_query(text: str, columns: Collection[str] = ()) -> Query:
    """Read what somebody typed.

    Parameters
    ----------
    text
        See the module for what can be written.
    columns
        Names of the numbers that an atlas has besides the usual ones.

    Raises
    ------
    ReadError
        If it is not understood; the sentence gives examples.
    """
    text = " ".join(str(text).split())
    if len(text) > LONGEST:
        raise ReadError(f"A query has at most {LONGEST} letters, not {len(text):,}.")
    found = tuple(_Reader(text, columns).conditions())
    if not found:
        raise ReadError(f"Write what to look for, {EXAMPLE}.")
    return Query(found)


# -- reading -----------------------------------------------------------------------------------------------------------

_NUMBER = r"[-+−]?(?:\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})(?:[eE][-+]?\d{1,2})?"
_NAME = r"[A-Za-z][A-Za-z_]*(?: [A-Za-z_]+){0,4}?"
_PHRASES = {
    "at least": ">=",
    "no less than": ">=",
    "not less than": ">=",
    "at most": "<=",
    "up to": "<=",
    "no more than": "<=",
    "above": ">",
    "over": ">",
    "more than": ">",
    "larger than": ">",
    "greater than": ">",
    "bigger than": ">",
    "higher than": ">",
    "wider than": ">",
    "below": "<",
    "under": "<",
    "less than": "<",
    "smaller than": "<",
    "lower than": "<",
    "equal to": "=",
    "equals": "=",
    "is": "=",
    "of": "=",
    "≤": "<=",
    "≥": ">=",
    "==": "=",
    ":": "=",
}
_SYMBOLS = r"<=|>=|≤|≥|==|=|<|>|:"
_OPERATOR = rf"(?:(?:is|are|of) )?(?:{_SYMBOLS}|(?:{'|'.join(w for w in _PHRASES if w[0].isalpha())})(?= ?[-+−.\d]))"
_UNIT = r"(?:\s*(?:eV/atom|eV)\b)?"
_INSIDE = re.compile(rf"({_NUMBER})\s*(<=|<|≤)\s*({_NAME})\s*(<=|<|≤)\s*({_NUMBER}){_UNIT}")
_RANGE = re.compile(
    rf"({_NAME})\s*(?:[:=]|of|is)?\s*(?:between|from|in)?\s*({_NUMBER}){_UNIT}\s*(?:and|to|\.\.\.?|…|–|-)\s*({_NUMBER}){_UNIT}",
    re.IGNORECASE,
)
_COMPARED = re.compile(rf"({_NAME})\s*({_OPERATOR})\s*({_NUMBER}){_UNIT}", re.IGNORECASE)
_GROUP = re.compile(r"(?:space ?group|sg|s\.g\.)\s*(?:number|no\.?|nr\.?)?\s*[:=#]?\s*([A-Za-z0-9/_-]+)", re.IGNORECASE)
_NOT = re.compile(r"(?:without|not|no|non|excluding|except|free of)\b[\s-]*", re.IGNORECASE)
_FREE = re.compile(r"([A-Za-z]+)-free\b", re.IGNORECASE)
_FILLER = re.compile(
    r"(?:and|with|contains?|containing|has|have|having|made|that|which|are|is|any|from|on|some|show|find|me|"
    r"crystals?|structures?|materials?|compounds?|minerals?|the|an?|all|of|in)(?![\w-])",
    re.IGNORECASE,
)
_TWO_WORDS = re.compile(r"(rock|close|rare|alkaline|transition)[ -]?(salt|packed|earth|metal)s?\b", re.IGNORECASE)
_WORD = re.compile(r"[^\s,;&]+")
_SEPARATORS = re.compile(r"[\s,;&]+")


class _Reader:
    """Reads a query from left to right."""

    def __init__(self, text: str, columns: Collection[str]) -> None:
        self.text, self.columns, self.at = text, columns, 0

    def conditions(self) -> Iterator[Condition]:
        while self._more():
            if not self._take(_FILLER):
                yield self._condition()

    def _condition(self) -> Condition:
        if (taken := self._take(_NOT)) is not None:
            while self._more() and self._take(_FILLER):
                pass
            if not self._more():
                raise ReadError(f"Write after {taken[0].strip()!r} what the crystals are not to be, {EXAMPLE}.")
            return Not(self._condition())
        if free := self._take(_FREE):
            return Not(_word(free[1]))
        if inside := self._take(_INSIDE):
            low, first, name, second, high = inside.groups()
            ends = (">=" if first in ("<=", "≤") else ">", "<=" if second in ("<=", "≤") else "<")
            return Between(self._column(name), ends[0], _float(low), ends[1], _float(high))
        if (found := self._numeric()) is not None:
            return found
        if group := self._take(_GROUP):
            number = _group_number(group[1])
            if number is None:
                raise ReadError(
                    f"There is no space group {group[1][:20]!r}; write 1 to 230, or a symbol such as Fm-3m."
                )
            return InGroup(number)
        if named := self._take(names()):
            return OfType(structure_type(named[1]))
        if pair := self._take(_TWO_WORDS):
            return _word("-".join(pair.groups()))
        word = self._take(_WORD)
        assert word is not None  # there is more, and it is no separator
        return _word(word[0])

    def _numeric(self) -> Condition | None:
        """A comparison, if the words before its number are the name of one; else its first word is read alone."""
        between, compared = _RANGE.match(self.text, self.at), _COMPARED.match(self.text, self.at)
        if between is not None and self._is_column(between[1]):
            self.at = between.end()
            low, high = sorted(map(_float, between.groups()[1:]))
            return Between(self._column(between[1]), ">=", low, "<=", high)
        if compared is not None and (self._is_column(compared[1]) or " " not in compared[1]):
            if not self._is_column(compared[1]) and _is_word(compared[1]):
                return None
            self.at = compared.end()
            operator = compared[2].lower().split(" ", 1)
            plain = operator[1] if len(operator) > 1 and operator[0] in ("is", "are", "of") else compared[2].lower()
            return Compared(self._column(compared[1]), _PHRASES.get(plain, plain), _float(compared[3]))
        return None

    def _is_column(self, name: str) -> bool:
        plain = _plain(name)
        return plain in COLUMNS or plain.replace(" ", "_") in {str(one).lower() for one in self.columns}

    def _column(self, name: str) -> str:
        plain = _plain(name)
        if plain in COLUMNS:
            return COLUMNS[plain]
        wanted = plain.replace(" ", "_")
        return next((str(one) for one in self.columns if str(one).lower() == wanted), wanted)

    def _more(self) -> bool:
        self._take(_SEPARATORS)
        return self.at < len(self.text)

    def _take(self, wanted: re.Pattern[str]) -> re.Match[str] | None:
        found = wanted.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found


def _word(word: str) -> Condition:
    """What one word asks for."""
    plain = word.lower().rstrip(".?!")
    for name in (plain, plain.removesuffix("s")):
        if name in ELEMENTS_OF:
            return Contains(tuple(ELEMENTS_OF[name].split()))
        if name in _NUMBERS:
            return HasElements(_NUMBERS[name])
        if name in MOTIFS_OF:
            return HasMotif(name)
        if name in _ELECTRONIC:
            return Electronic(name)
        if name == "stable":
            return Stable()
        if name in _element_names():
            return Contains((_element_names()[name],))
    if plain in CRYSTAL_SYSTEMS:
        return InSystem(plain)
    if plain.isascii() and plain.isdecimal():
        if (number := _group_number(plain)) is not None:
            return InGroup(number)
        raise ReadError(f"There is no space group {plain[:20]!r}; a number alone is a space group, 1 to 230.")
    number = _symbols().get(plain.replace("_", ""))
    pattern = parse_pattern(word)
    looks = pattern is None and _is_formula(word)
    # P2 or C2 are formulas as well as space groups, P222 or P1 hardly
    if number is not None and (not looks or len(word) > 2 or word.endswith("1")):
        return InGroup(number)
    if word in atomic_numbers():
        return Contains((word,))
    if looks:
        return HasFormula(word, parse_formula(word))
    parts = re.split("[-–]", word)
    if len(parts) > 1 and all(part in atomic_numbers() for part in parts):
        return MadeOf(tuple(parts))
    if pattern is not None:
        return OfForm(word, pattern)
    if re.fullmatch(r"[a-z]+-\d+", plain):
        return IsMaterial(word[:60])
    raise _refusal(word)


def _refusal(word: str) -> ReadError:
    """Why a word means nothing."""
    if re.fullmatch(r"(?:[A-Z][a-z]?\d*){2,}|[A-Z][a-z]\d+", word):
        unknown = [symbol for symbol in re.findall(r"[A-Z][a-z]?", word) if symbol not in atomic_numbers()]
        if unknown:
            return ReadError(f"{word[:60]!r} is no formula: there is no element {unknown[0]}.")
    capital = word.capitalize()
    hint = f"write elements as {capital}; or write" if capital != word and capital in atomic_numbers() else "write"
    return ReadError(f"{word[:60]!r} is not understood; {hint} {EXAMPLE.removeprefix('for example: ')}.")


def _is_word(name: str) -> bool:
    """Whether a word means something without what follows."""
    try:
        _word(name)
    except ReadError:
        return False
    return True


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())


def _float(text: str) -> float:
    return float(text.replace("−", "-"))


def _is_formula(word: str) -> bool:
    """Whether it is one, also one of elements that are in no atlas."""
    if (symbols := re.findall(r"[A-Z][a-z]?", word)) and all(symbol in atomic_numbers() for symbol in symbols):
        try:
            parse_formula(word)
        except ReadError as error:
            return "is not a formula" not in str(error)
        return True
    return False


@cache
def _element_names() -> dict[str, str]:
    """Symbols of the elements by their English names, in small letters."""
    from pymatgen.core import Element

    named = {Element(symbol).long_name.lower(): symbol for symbol in atomic_numbers()}
    return named | {"aluminium": "Al", "caesium": "Cs", "sulphur": "S"}


@cache
def _symbols() -> dict[str, int]:
    """Number of each space group by its symbol in small letters, without underscores."""
    return {space_group(number).symbol.replace("_", "").lower(): number for number in range(1, 231)}


def _group_number(text: str) -> int | None:
    """The space group that is called so, or has this number."""
    if text.isascii() and text.isdecimal():
        return int(text) if len(text) < 4 and 1 <= int(text) <= 230 else None
    return _symbols().get(text.replace("_", "").lower())
