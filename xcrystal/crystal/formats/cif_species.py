"""What labels, type symbols and formulas of CIF files say of the elements."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from xcrystal.crystal.symmetry.space_group_settings import plain

_LONGEST = 60  # characters of a type symbol that is looked at
_TERM = re.compile(r"([A-Z][a-z]?)(\d*(?:\.\d*)?)\s*")
_SHARE = re.compile(r"\s*(0?\.\d+)(?:\(\d*\))?\s*([A-Z][a-z]?)(?![a-z]).*")


class Species(NamedTuple):
    """Shares of elements at a site, isotopes as their element; whether hydrogens without a position are meant, too."""

    shares: dict[str, float]
    hydrogens: bool = False


# how files call groups of atoms; the position is that of the heavy one
_GROUPS = (
    (re.compile("o-?h|wat", re.IGNORECASE), Species({"O": 1.0}, hydrogens=True)),
    (re.compile("n[hd]4", re.IGNORECASE), Species({"N": 1.0}, hydrogens=True)),
    (re.compile("ow", re.IGNORECASE), Species({"O": 1.0})),
    (re.compile("hw", re.IGNORECASE), Species({"H": 1.0})),
    (re.compile("no3", re.IGNORECASE), Species({"N": 1.0})),
)
# as type symbols only: a label "H2O" may be that of a hydrogen atom
_GROUPS_OF_TYPES = (
    *_GROUPS,
    (re.compile("[hd][23]o(?![a-z])", re.IGNORECASE), Species({"O": 1.0}, hydrogens=True)),
    (re.compile("n[hd][23]", re.IGNORECASE), Species({"N": 1.0}, hydrogens=True)),
    (re.compile("cval$", re.IGNORECASE), Species({"C": 1.0})),  # two entries of tables of scattering factors
    (re.compile("siva$", re.IGNORECASE), Species({"Si": 1.0})),
)
_VACANCY = re.compile("vac|va(?![a-z])|\u25a1", re.IGNORECASE)
_TYPE = re.compile(
    r"([A-Za-z]{1,2})(\d*(?:\.\d*)?[+-]?|[+-]\d*(?:\.\d*)?)(?:\([IVX\d+-]+\))?(?:, ?spin=\S*)?", re.IGNORECASE
)


@cache
def elements() -> dict[str, str]:
    """Symbols, and isotopes of hydrogen, to the elements that they are."""
    from pymatgen.core import Element

    return {element.symbol: element.symbol for element in Element} | {"D": "H", "T": "H"}


def species_of(kind: str, label: str, formula: Mapping[str, float]) -> Species | None:
    """What is at an atom by its type symbol, or by its label if there is none; None if that is no element.

    A label may begin with the symbol of two elements ("CO1"): the formula of the file decides, and without it two
    letters come before one.
    """
    kind = kind.strip()
    if kind and kind not in (".", "?"):
        return _mixture(kind) or _of_type(plain(kind))
    return _of_label(label.strip(), formula)


def _of_type(text: str) -> Species | None:
    """An element with its charge, or a known group; part of a word is none."""
    group = _group(text, _GROUPS_OF_TYPES)
    if group is not None or _VACANCY.match(text):
        return group
    found = _TYPE.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None or (found[1] in "Tt" and found[2][-1:].isdigit() and found[2][0] not in "+-"):
        return None  # "T1" is a tetrahedral site, not tritium
    element = elements().get(found[1].capitalize())
    return Species({element: 1.0}) if element else None


def _of_label(text: str, formula: Mapping[str, float]) -> Species | None:
    group = _group(text, _GROUPS)
    if group is not None or _VACANCY.match(text):
        return group
    letters = re.match("[A-Za-z]{0,2}", text)
    word = letters.group().capitalize() if letters else ""
    found = [symbol for symbol in dict.fromkeys((word, word[:1])) if symbol in elements() and symbol != "T"]
    likely = [symbol for symbol in found if elements()[symbol] in formula]
    return Species({elements()[(likely or found)[0]]: 1.0}) if found else None


def _group(text: str, groups: Sequence[tuple[re.Pattern[str], Species]]) -> Species | None:
    return next((species for begin, species in groups if begin.match(text)), None)


def _mixture(text: str) -> Species | None:
    """A site that is described in words, "0.8Nb + 0.2Zr"; None if it is not."""
    parts = [_SHARE.fullmatch(part) for part in text.split(" + ")]
    shares: dict[str, float] = {}
    for part in parts:
        if part is None or len(parts) < 2 or part[2] not in elements():
            return None
        element = elements()[part[2]]
        shares[element] = shares.get(element, 0.0) + float(part[1])
    return Species(shares)


def formula_of(text: str) -> dict[str, float]:
    """Atoms of each element in a sum formula such as "Mg1 H2 O2"; empty if it is not understood."""
    found: dict[str, float] = {}
    at = 0
    while at < len(text):
        term = _TERM.match(text, at)
        if not term or term[1] not in elements() or term[2] == ".":
            return {}
        element = elements()[term[1]]
        found[element] = found.get(element, 0.0) + float(term[2] or 1)
        at = term.end()
    return found if all(0 < amount < math.inf for amount in found.values()) else {}
