"""What is new about a novel crystal: its composition, its space group, or no more than its structure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xcrystal.crystal.collections.crystal_sets import Cell, CrystalSet
from xcrystal.crystal.symmetry.canonical import space_group_number
from xcrystal.evaluation.shared.set_matching import by_formula

KINDS = {
    "composition": "composition",
    "space_group": "space group of a known composition",
    "structure": "structure of a known composition and space group",
}
"""What may be new first of all, and how it is called."""


def novelty_kinds(cells: Sequence[Cell], groups: Sequence[int], known: CrystalSet, novel: np.ndarray) -> np.ndarray:
    """For each crystal the first of ``KINDS`` that is new, or "" for one that is not novel.

    Parameters
    ----------
    cells, groups
        n crystals, and their space group numbers.
    known
        The crystals that are known.
    novel
        (n,) booleans: which match none of them.

    Returns
    -------
    ndarray
        (n,) names.
    """
    of_formula = by_formula(known.cells)
    found = []
    for cell, group, new in zip(cells, groups, novel, strict=True):
        if not new:
            found.append("")
        elif cell.formula not in of_formula:
            found.append("composition")
        else:
            same = (known.cells[place].structure() for place in of_formula[cell.formula])
            seen = any(space_group_number(structure) == group for structure in same)
            found.append("structure" if seen else "space_group")
    return np.array(found, dtype="U11")
