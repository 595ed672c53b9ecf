"""Compositions as counts of atoms: of formulas that people write, and of all crystals of an atlas at once."""

from __future__ import annotations

import re
from functools import lru_cache
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.elements import MAX_Z, atomic_numbers
from xcrystal.errors import ReadError

if TYPE_CHECKING:
    import pandas as pd

Formula = tuple[tuple[int, int], ...]
"""A reduced composition: (atomic number, count) in the order of atomic numbers, counts without a common divisor."""

_TOKEN = re.compile(r"[A-Z][a-z]?[0-9]*|[(\[](?=[A-Z(\[])|[)\]][0-9]*")
_LONGEST = 60  # characters
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def parse_formula(text: str, most: int | None = None) -> Formula:
    """The reduced composition of a formula such as "SrTiO3", "Ca(OH)2" or "Sr2Ti2O6".

    Parameters
    ----------
    text
        What somebody wrote.
    most
        The most atoms of a primitive cell that a model makes, if one shall make the crystal.

    Raises
    ------
    ReadError
        If it is no formula, or holds an element that models do not know, or more than ``most`` atoms.
    """
    if not isinstance(text, str) or not text.strip():
        raise ReadError("Give a formula such as SrTiO3.")
    written = "".join(text.split())
    written = written if written.isascii() else written.translate(_SUBSCRIPTS)
    counts, number = _count(written) if len(written) <= _LONGEST else None, atomic_numbers()
    if counts is None:
        raise ReadError(
            f"{_shown(text)} is not a formula: write elements and whole numbers, such as SrTiO3 or Ca(OH)2."
        )
    if not counts.keys() <= number.keys():
        raise ReadError(f"{_shown(text)} is not a formula: there is no element {min(counts.keys() - number.keys())}.")
    divisor = gcd(*counts.values())
    formula = tuple(sorted([(number[symbol], n // divisor) for symbol, n in counts.items()]))
    if formula[-1][0] > MAX_Z:
        heavy = min(symbol for symbol in counts if number[symbol] > MAX_Z)
        raise ReadError(f"The model knows the elements up to number {MAX_Z} (Pu), not {heavy}.")
    if most is not None and (atoms := sum(n for _, n in formula)) > most:
        raise ReadError(f"One formula unit of {_shown(text)} has {atoms} atoms; the model makes cells of up to {most}.")
    return formula


def _shown(text: str) -> str:
    return repr(text.strip()[:_LONGEST])


def _count(text: str) -> dict[str, int] | None:
    """Atoms of each symbol; None if the text is no formula."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text:
        return None
    counts, factors = dict[str, int](), [1]
    for token in reversed(tokens):  # how often a group counts stands behind it
        symbol, count = _symbol_and_count(token)
        if symbol.isalpha():
            counts[symbol] = counts.get(symbol, 0) + count * factors[-1]
        elif symbol in ")]":
            factors.append(factors[-1] * count)
        elif len(factors) > 1:
            factors.pop()
        else:  # never closed
            return None
    return counts if len(factors) == 1 and counts and min(counts.values()) > 0 else None


@lru_cache(maxsize=4096)
def _symbol_and_count(token: str) -> tuple[str, int]:
    """ "O" and 3 of "O3"; 1 if there is no number."""
    symbol = token.rstrip("0123456789")
    return symbol, int(token[len(symbol) :][:6] or 1)


def formula_text(formula: Formula) -> str:
    """ "SrTiO3" for a reduced composition, in pymatgen's order of elements."""
    from pymatgen.core import Composition

    symbols = {z: symbol for symbol, z in atomic_numbers().items()}
    return str(Composition({symbols[z]: n for z, n in formula}).reduced_formula)


def pattern(formula: Formula) -> tuple[int, ...]:
    """The counts alone, sorted: (1, 1, 3) of every perovskite ABX3."""
    return tuple(sorted(n for _, n in formula))


def distinct_formulas(written: pd.Series) -> tuple[list[Formula | None], np.ndarray]:
    """The different reduced compositions of formulas (N,), and (N,) which of them each has.

    None stands for formulas that are not readable.
    """
    import pandas as pd

    text_of, texts = pd.factorize(written, use_na_sentinel=False)
    place: dict[Formula | None, int] = {}
    which = np.array([place.setdefault(_readable(str(text)), len(place)) for text in texts], dtype=int)
    return list(place), which[text_of]


def _readable(text: str) -> Formula | None:
    try:
        return parse_formula(text)
    except ReadError:
        return None
