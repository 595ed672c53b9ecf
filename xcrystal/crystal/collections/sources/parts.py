"""What every kind of file gives: crystals with their names and numbers, and for what cannot be read the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.errors import one_sentence

if TYPE_CHECKING:
    from pymatgen.core import IStructure

FIRST = 100
"""So many crystals of a file tell which numbers come with those in it, where that is asked before it is read."""


@dataclass(frozen=True)
class Found:
    """One crystal of a source, or why it is none.

    Attributes
    ----------
    name
        What it is called; in the end the names in a table differ.
    row
        Its row in a table in our format (see ``xcrystal.crystal.collections.tables``); empty if it cannot be read.
    properties
        Numbers that came with it.
    problem
        Why it cannot be read; empty if it can.
    """

    name: str
    row: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, float] = field(default_factory=dict)
    problem: str = ""


def found_crystal(name: str, structure: IStructure, properties: Mapping[str, float] | None = None) -> Found:
    """A structure that is checked here.

    Raises
    ------
    InvalidCrystalError
        If it is not an ordered, possible crystal.
    """
    from xcrystal.crystal.collections.tables import row_of
    from xcrystal.crystal.reading import check_structure

    return Found(name, row_of(check_structure(structure), name), dict(properties or {}))


def failed(name: str, error: Exception | str) -> Found:
    """What cannot be read, and why, in one sentence."""
    said = str(error).strip() or type(error).__name__
    return Found(name, problem=one_sentence(said.splitlines()[0]))


def numbers_of(values: Mapping[str, Any]) -> dict[str, float]:
    """The single numbers of a mapping: no text, no yes and no, no arrays; NaN stays for what is not known."""
    kept = {}
    for name, value in values.items():
        single = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
        if isinstance(single, (int, float, np.integer, np.floating)) and not isinstance(single, (bool, np.bool_)):
            kept[str(name)] = float(single)
    return kept
