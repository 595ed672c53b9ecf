"""Compositions of a kind, such as ABX3: what the letters of such a word ask for, and what may be a perovskite."""

from __future__ import annotations

import re
from functools import cache
from math import gcd

from xcrystal.crystal.elements import atomic_numbers
from xcrystal.latent.compositions import Formula

Pattern = tuple[Formula, tuple[int, ...]]
"""Elements with their counts, and the sorted counts of all others."""

PEROVSKITE_GROUPS = (221, 127, 140, 99, 139, 62, 63, 74, 38, 167, 160, 161)
_LETTER = re.compile(r"([A-Z][a-z]?)(\d{0,3})")
_PLACEHOLDERS = frozenset("ADEGJLMQRTXZ")
_ANIONS = "O S Se F Cl Br I N H".split()
# beside these anions they make carbonates, nitrates, borates and the like
_NO_CATIONS = "B C N P As S Se Te O F Cl Br I H".split()


def parse_pattern(word: str) -> Pattern | None:
    """What "ABX3" or "ABO3" asks for; None if it has no placeholder or is no such word.

    Placeholders are the capital letters that are no elements; beside an A also B, and beside A and B also C. All others
    are elements: the O of ABO3 is oxygen.
    """
    parts: list[tuple[str, int]] = []
    at = 0
    while at < len(word):
        part = _LETTER.match(word, at)
        if part is None or part[2].startswith("0"):
            return None
        parts.append((part[1], int(part[2] or 1)))
        at = part.end()
    letters = {name for name, _ in parts}
    free = letters & _PLACEHOLDERS
    if "A" in free:
        free |= letters & {"B"}
    if {"A", "B"} <= free:
        free |= letters & {"C"}
    if not free or len(letters) < len(parts) or not letters - free <= atomic_numbers().keys():
        return None
    common = gcd(*(count for _, count in parts))
    named = tuple(sorted((atomic_numbers()[name], count // common) for name, count in parts if name not in free))
    return named, tuple(sorted(count // common for name, count in parts if name in free))


def fits(formula: Formula, wanted: Pattern) -> bool:
    """Whether a reduced composition is of a pattern."""
    named, others = wanted
    return (
        len(formula) == len(named) + len(others)
        and set(named) <= set(formula)
        and tuple(sorted(count for element, count in formula if (element, count) not in named)) == others
    )


def may_be_perovskite(formula: Formula) -> bool:
    """Whether a reduced composition is ABX3 with an anion X and two cations."""
    if sorted(count for _, count in formula) != [1, 1, 3]:
        return False
    anions, refused = _roles()
    return all((element in anions) if count == 3 else (element not in refused) for element, count in formula)


@cache
def _roles() -> tuple[frozenset[int], frozenset[int]]:
    anions, refused = (frozenset(atomic_numbers()[symbol] for symbol in symbols) for symbols in (_ANIONS, _NO_CATIONS))
    return anions, refused
