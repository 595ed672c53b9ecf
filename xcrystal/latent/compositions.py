"""Compositions as counts of atoms: of formulas that people write, and of all crystals of an atlas at once."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.elements import MAX_Z
from xcrystal.errors import ReadError

if TYPE_CHECKING:
    import pandas as pd

Formula = tuple[tuple[int, int], ...]
"""A reduced composition: (atomic number, count) in the order of atomic numbers, counts without a common divisor."""

_TOKEN = re.compile(r"([A-Z][a-z]?)(\d*)|([(\[])|[)\]](\d*)")
_LONGEST = 60  # characters
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


@cache
def _numbers() -> dict[str, int]:
    from pymatgen.core import Element

    return {Element.from_Z(z).symbol: z for z in range(1, 119)}


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
    written = re.sub(r"\s", "", text).translate(_SUBSCRIPTS)
    shown = repr(text.strip()[:_LONGEST])
    counts = _count(written) if len(written) <= _LONGEST else None
    if counts is None:
        raise ReadError(f"{shown} is not a formula: write elements and whole numbers, such as SrTiO3 or Ca(OH)2.")
    unknown = sorted(symbol for symbol in counts if symbol not in _numbers())
    if unknown:
        raise ReadError(f"{shown} is not a formula: there is no element {unknown[0]}.")
    if heavy := sorted(symbol for symbol in counts if _numbers()[symbol] > MAX_Z):
        raise ReadError(f"The model knows the elements up to number {MAX_Z} (Pu), not {heavy[0]}.")
    divisor = gcd(*counts.values())
    formula = tuple(sorted((_numbers()[symbol], n // divisor) for symbol, n in counts.items()))
    atoms = sum(n for _, n in formula)
    if most is not None and atoms > most:
        raise ReadError(f"One formula unit of {shown} has {atoms} atoms; the model makes cells of up to {most}.")
    return formula


def _count(text: str) -> Counter[str] | None:
    """Atoms of each symbol; None if the text is no formula."""
    stack: list[Counter[str]] = [Counter()]
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            return None
        place = found.end()
        symbol, count, opening, times = found.groups()
        if symbol:
            stack[-1][symbol] += int((count or "1")[:6])
        elif opening:
            stack.append(Counter())
        else:
            if len(stack) == 1 or not stack[-1]:
                return None
            inner = stack.pop()
            for name, n in inner.items():
                stack[-1][name] += n * int((times or "1")[:6])
    total = stack[0]
    return total if len(stack) == 1 and total and min(total.values()) > 0 else None


def formula_text(formula: Formula) -> str:
    """ "SrTiO3" for a reduced composition, in pymatgen's order of elements."""
    from pymatgen.core import Composition

    symbols = {z: symbol for symbol, z in _numbers().items()}
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
