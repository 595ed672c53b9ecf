"""Finding crystals of the atlas by what people type: formulas, elements, systems, ids, space groups, comparisons.

A query is a list of conditions that all hold, written one after another, with commas or "and" between them if one
likes: "perovskite, Ti, band gap > 2". ``understand`` gives them back in words, so that nobody has to guess how a query
was read.

============================  ====================================================================================
SrTiO3, TiSrO3, Sr2Ti2O6      this formula, reduced
Ti, contains Ti               contains the element; several, such as "Ti O": all of them
Sr-Ti-O                       exactly these elements
ABX3, ABC3, ABO3, M2X         so many elements in these proportions; the O is oxygen
mp-5986                       a material id
band gap > 2, 1 < gap < 2     also with energy, hull, space group, elements, or a column of the atlas
Fm-3m, sg 225, space group 2  space group by symbol or number
cubic                         crystal system
oxide, halide, metal, ...     ``CLASSES``
rock salt, layered, ...       ``CLASSES``, where the atlas has labels of motifs
binary, ternary, ...          number of elements
no Ti, without oxide          not so
============================  ====================================================================================

A crystal whose gap is not known has neither a gap of 0 nor none of 0: it is in no answer about gaps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from xcrystal.crystal.groups import CRYSTAL_SYSTEMS, crystal_system, space_group
from xcrystal.errors import ReadError
from xcrystal.latent.compositions import Formula, atlas_formulas, parse_formula
from xcrystal.latent.labelling import UNLABELLED, has_motif, is_labelled
from xcrystal.latent.prototypes import fits, numbers, parse_pattern

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas

EXAMPLE = "for example: SrTiO3, Ti O, Sr-Ti-O, ABX3, mp-5986, band gap > 2, cubic, Fm-3m, oxide"
LONGEST = 500
ZERO = 1e-3  # eV or eV/atom: gaps and hull distances up to here count as zero
_EQUAL = 0.005  # "gap = 2" holds up to here
_COLUMNS = {
    "formation energy": "formation_energy_per_atom",
    "formation energy per atom": "formation_energy_per_atom",
    "energy": "formation_energy_per_atom",
    "gap": "band_gap",
    "bandgap": "band_gap",
    "hull": "e_above_hull",
    "energy above hull": "e_above_hull",
    "e above hull": "e_above_hull",
    "spacegroup": "space_group",
    "sg": "space_group",
}
_ANY = {  # contains any of these elements
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
}
_MOTIFS = {"perovskite": "perovskite", "layered": "layered", "close-packed": "close_packed", "rock-salt": "rock_salt"}
_NUMBERS = {"elemental": 1, "unary": 1, "binary": 2, "ternary": 3, "quaternary": 4, "quinary": 5}
CLASSES = (*_ANY, "metal", "insulator", "stable", *_MOTIFS, *_NUMBERS)
_NUMBER = r"[-+]?(?:\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})(?:[eE][-+]?\d{1,2})?"
_NAME = r"[A-Za-z][A-Za-z_]*(?: [A-Za-z_]+){0,4}"
_OPERATOR = r"<=|>=|≤|≥|==|=|<|>|:"
_BETWEEN = re.compile(rf"({_NUMBER})\s*(<=|<|≤)\s*({_NAME})\s*(<=|<|≤)\s*({_NUMBER})")
_COMPARED = re.compile(rf"({_NAME})\s*({_OPERATOR})\s*({_NUMBER})(?:\s*(?:eV/atom|eV)\b)?")
_GROUP = re.compile(r"(?:space ?group|sg|s\.g\.)\s*[:=#]?\s*([A-Za-z0-9/_-]+)", re.IGNORECASE)
_NOT = re.compile(r"(?:without|not|no|excluding|except)\b\s*", re.IGNORECASE)
_FILLER = re.compile(
    r"(?:and|with|contains?|containing|crystals?|materials?|compounds?|the|an?|all|of|in)(?![\w-])", re.IGNORECASE
)
_TWO_WORDS = re.compile(r"(rock|close)[ -]?(salts?|packed)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\s,;&]+")
_GAP = re.compile(r"[\s,;&]+")


@dataclass(frozen=True)
class Condition:
    """A condition of a query in words, (N,) for which crystals it holds, and (N,) for which that is known."""

    words: str
    holds: np.ndarray
    known: np.ndarray | bool = True


def search(atlas: Atlas, query: str) -> np.ndarray:
    """Find the rows (k,) of the atlas that a query describes, sorted; see the module for what can be written.

    Raises
    ------
    ReadError
        If it is not understood.
    """
    return np.flatnonzero(np.logical_and.reduce([condition.holds for condition in understand(atlas, query)]))


def understand(atlas: Atlas, query: str) -> list[Condition]:
    """The conditions of a query, at least one.

    Raises
    ------
    ReadError
        If it is not understood; the sentence gives examples.
    """
    text = " ".join(str(query).split())
    if len(text) > LONGEST:
        raise ReadError(f"A query has at most {LONGEST} letters, not {len(text):,}.")
    names = atlas.table["material_id"].to_numpy()
    if text and (is_it := names.astype(str) == text).any():  # ids may be any text in an atlas of one's own
        return [Condition(f"material {text}", is_it)]
    found = list(_Reader(atlas, text).conditions())
    if not found:
        raise ReadError(f"Write what to look for, {EXAMPLE}.")
    return found


class _Reader:
    """Reads a query from left to right."""

    def __init__(self, atlas: Atlas, text: str) -> None:
        self.atlas, self.table, self.text, self.at = atlas, atlas.table, text, 0

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
            inner = self._condition()
            return Condition(f"not {inner.words}", ~inner.holds & inner.known, inner.known)
        if between := self._take(_BETWEEN):
            low, first, name, second, high = between.groups()
            one = self._compared(name, ">=" if first in ("<=", "≤") else ">", low)
            other = self._compared(name, second, high)
            return Condition(f"{one.words} and {other.words}", one.holds & other.holds, one.known)
        if group := self._take(_GROUP):
            number = _group_number(group[1])
            if number is None:
                raise ReadError(
                    f"There is no space group {group[1][:20]!r}; write 1 to 230, or a symbol such as Fm-3m."
                )
            return self._in_group(number)
        if compared := self._take(_COMPARED):
            return self._compared(*compared.groups())
        if named := self._take(_TWO_WORDS):
            return self._word("-".join(named.groups()))
        word = self._take(_WORD)
        assert word is not None  # there is more, and it is no gap
        return self._word(word[0])

    def _word(self, word: str) -> Condition:
        plain = word.lower()
        singular = next((w for w in (plain, plain.removesuffix("s")) if w in CLASSES), None)
        if singular is not None:
            return self._class(singular)
        if plain in CRYSTAL_SYSTEMS:
            groups = self._column("space_group")
            of_system = [number for number in range(1, 231) if crystal_system(number) == plain]
            return Condition(plain, np.isin(groups, of_system))
        number = _symbols().get(plain.replace("_", ""))
        pattern = parse_pattern(word)
        looks = pattern is None and _is_formula(word)
        # P2 or C2 are formulas as well as space groups, P222 or P1 hardly
        if number is not None and (not looks or len(word) > 2 or word.endswith("1")):
            return self._in_group(number)
        if word in numbers():
            return self._contains(f"contains {word}", [word])
        if looks:
            wanted = parse_formula(word)
            return self._formulas(f"formula {word}", lambda formula: formula == wanted)
        if (system := _system_of(word)) is not None:
            words = f"made of {', '.join(word.split('-'))} and nothing else"
            return self._formulas(words, lambda formula: {element for element, _ in formula} == system)
        if pattern is not None:
            return self._formulas(f"of the form {word}", lambda formula: fits(formula, pattern))
        if re.fullmatch(r"[a-z]+-\d+", plain):
            raise ReadError(f"The atlas {self.atlas.name} holds no material {word[:60]!r}.")
        capital = word.capitalize()
        hint = f"write elements as {capital}; or write" if capital != word and capital in numbers() else "write"
        raise ReadError(f"{word[:60]!r} is not understood; {hint} {EXAMPLE.removeprefix('for example: ')}.")

    def _contains(self, words: str, symbols: list[str]) -> Condition:
        wanted = frozenset(numbers()[symbol] for symbol in symbols)
        return self._formulas(words, lambda formula: any(element in wanted for element, _ in formula))

    def _class(self, name: str) -> Condition:
        if name in _ANY:
            symbols = _ANY[name].split()
            return self._contains(f"contains {' or '.join(symbols)}", symbols)
        if name in _NUMBERS:
            return self._formulas(
                f"made of {_NUMBERS[name]} elements" if _NUMBERS[name] > 1 else "made of 1 element",
                lambda formula: len(formula) == _NUMBERS[name],
            )
        if name in _MOTIFS:
            held = has_motif(self.atlas, _MOTIFS[name])
            if held is None:
                raise ReadError(f"Which crystals are {name} is not known: {UNLABELLED}")
            judged = "by its atoms" if is_labelled(self.atlas) else "by formula and space group alone"
            return Condition(f"{name.replace('rock-salt', 'rock salt')}, judged {judged}", held)
        if name == "stable":
            hull = self._column("e_above_hull")
            return Condition("on the convex hull", hull <= ZERO, np.isfinite(hull))
        gap = self._column("band_gap")
        holds, words = (gap <= ZERO, "gap 0") if name == "metal" else (gap > ZERO, "gap above 0")
        return Condition(words, holds, np.isfinite(gap))

    def _compared(self, name: str, operator: str, number: str) -> Condition:
        value, operator = float(number), {"≤": "<=", "≥": ">=", "==": "=", ":": "="}.get(operator, operator)
        plain = " ".join(name.lower().replace("_", " ").split())
        # "crystals with gap > 2": what stands before the name
        while (filler := _FILLER.match(plain)) and filler.end() < len(plain):
            plain = plain[filler.end() :].strip()
        if plain in ("elements", "number of elements"):
            numbers = self._index.kinds
            title = "number of elements"
        else:
            numbers, title = self._column(_COLUMNS.get(plain, plain.replace(" ", "_"))), plain
        with np.errstate(invalid="ignore"):
            holds = {
                "<": numbers < value,
                ">": numbers > value,
                "<=": numbers <= value,
                ">=": numbers >= value,
                "=": np.abs(numbers - value) <= _EQUAL,
            }[operator]
        return Condition(f"{title} {operator} {value:g}", holds, np.isfinite(numbers))

    def _in_group(self, number: int) -> Condition:
        return Condition(f"space group {number} ({space_group(number).symbol})", self._column("space_group") == number)

    def _column(self, name: str) -> np.ndarray:
        if name not in self.table or self.table[name].dtype.kind not in "iuf":
            known = [column for column in self.table.columns if self.table[column].dtype.kind in "iuf"]
            raise ReadError(f"The atlas has no numbers called {name[:60]!r}; it has: {', '.join(map(str, known))}.")
        return self.table[name].to_numpy(dtype=np.float64)

    def _formulas(self, words: str, holds: Callable[[Formula], bool]) -> Condition:
        index = self._index
        return Condition(words, np.array([holds(formula) for formula in index.formulas], dtype=bool)[index.which])

    @property
    def _index(self) -> _Formulas:
        found = _INDEX.get(self.atlas)
        if found is None:
            found = _INDEX[self.atlas] = _read_formulas(self.atlas)
        return found

    def _more(self) -> bool:
        self._take(_GAP)
        return self.at < len(self.text)

    def _take(self, wanted: re.Pattern[str]) -> re.Match[str] | None:
        found = wanted.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found


@dataclass(frozen=True)
class _Formulas:
    """The different formulas of an atlas; (N,) which of them each crystal has; (N,) its number of elements."""

    formulas: list[Formula]
    which: np.ndarray
    kinds: np.ndarray


_INDEX: WeakKeyDictionary[Atlas, _Formulas] = WeakKeyDictionary()


def _read_formulas(atlas: Atlas) -> _Formulas:
    of_rows = [formula or () for formula in atlas_formulas(atlas)]
    place = {formula: k for k, formula in enumerate(dict.fromkeys(of_rows))}
    which = np.array([place[formula] for formula in of_rows], dtype=int)
    return _Formulas(list(place), which, np.array([len(formula) for formula in of_rows], dtype=float))


def _is_formula(word: str) -> bool:
    """Whether it is one, also one of elements that are in no atlas."""
    if (symbols := re.findall(r"[A-Z][a-z]?", word)) and all(symbol in numbers() for symbol in symbols):
        try:
            parse_formula(word)
        except ReadError as error:
            return "is not a formula" not in str(error)
        return True
    return False


@cache
def _symbols() -> dict[str, int]:
    """Number of each space group by its symbol in small letters, without underscores."""
    return {space_group(number).symbol.replace("_", "").lower(): number for number in range(1, 231)}


def _group_number(text: str) -> int | None:
    """The space group that is called so, or has this number."""
    if text.isascii() and text.isdecimal():
        return int(text) if len(text) < 4 and 1 <= int(text) <= 230 else None
    return _symbols().get(text.replace("_", "").lower())


def _system_of(word: str) -> set[int] | None:
    """Atomic numbers of "Sr-Ti-O"; None if it is no chemical system."""
    parts = word.split("-")
    return {numbers()[part] for part in parts} if len(parts) > 1 and all(part in numbers() for part in parts) else None
