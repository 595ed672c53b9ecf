"""What labels, type symbols and formulas of CIF files say of the elements."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

_HYDROXIDE = re.compile(r"o-?h|wat", re.IGNORECASE)  # an oxygen atom that stands for its hydrogens, too
_WATER = {"ow": "O", "hw": "H", "no3": "N"}  # the position is that of the element
_TERM = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)\s*")
_SHARE = re.compile(r"\s*(0?\.\d+)(?:\(\d*\))?\s*([A-Z][a-z]?)(?![a-z]).*")


class Species(NamedTuple):
    """Shares of elements at a site, isotopes as their element; whether hydrogens without a position are meant, too."""

    shares: dict[str, float]
    hydrogens: bool = False


@cache
def _elements() -> dict[str, str]:
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
        return _mixture(kind) or _species(kind, formula, exact=True)
    return _species(label.strip(), formula, exact=False)


def _species(text: str, formula: Mapping[str, float], exact: bool) -> Species | None:
    letters = re.match(r"[A-Za-z]*", text)
    word = letters.group().capitalize() if letters else ""
    elements = _elements()
    if _HYDROXIDE.match(text):
        return Species({"O": 1.0}, hydrogens=True)
    group = next((element for begin, element in _WATER.items() if text.lower().startswith(begin)), None)
    if group is not None:
        return Species({group: 1.0})
    if word in elements:
        found = [word]
    elif exact or word.startswith("Vac"):
        return None
    else:
        found = []
    if not exact:
        # a label "T1" is a tetrahedral site, not tritium
        found = [symbol for symbol in dict.fromkeys((word[:2], word[:1])) if symbol in elements and symbol != "T"]
    likely = [symbol for symbol in found if elements[symbol] in formula]
    return Species({elements[(likely or found)[0]]: 1.0}) if found else None


def _mixture(text: str) -> Species | None:
    """A site that is described in words, "0.8Nb + 0.2Zr"; None if it is not."""
    parts = [_SHARE.fullmatch(part) for part in text.split(" + ")]
    shares: dict[str, float] = {}
    for part in parts:
        if part is None or len(parts) < 2 or part[2] not in _elements():
            return None
        element = _elements()[part[2]]
        shares[element] = shares.get(element, 0.0) + float(part[1])
    return Species(shares)


def formula_of(text: str) -> dict[str, float]:
    """Atoms of each element in a sum formula such as "Mg1 H2 O2"; empty if it is not understood."""
    found: dict[str, float] = {}
    at = 0
    while at < len(text):
        term = _TERM.match(text, at)
        if not term or term[1] not in _elements() or term[2] in (".", "0"):
            return {}
        element = _elements()[term[1]]
        found[element] = found.get(element, 0.0) + float(term[2] or 1)
        at = term.end()
    return found
