"""A phase diagram of two or three elements as points and lines in the plane, for whoever draws it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymatgen.core import Composition

    from xcrystal.energetics.hull import Hull

SHOWN = 0.2  # eV/atom: known crystals farther above the hull are left out
_HEIGHT = math.sqrt(3) / 2  # of the triangle, whose sides are 1


@dataclass(frozen=True)
class DiagramPoint:
    """A known crystal in a diagram.

    Attributes
    ----------
    material_id, formula
        Its id, empty for an element that no entry stands for, and its reduced formula.
    place
        (x, y) from 0 to 1. Of two elements: the share of the second one, and nothing; of three: in a triangle whose
        corners are (0, 0), (1, 0) and (1/2, √3/2).
    formation_energy_per_atom, e_above_hull
        eV/atom.
    """

    material_id: str
    formula: str
    place: tuple[float, float]
    formation_energy_per_atom: float
    e_above_hull: float

    @property
    def stable(self) -> bool:
        """Whether it is on the hull."""
        return self.e_above_hull <= 1e-6


@dataclass(frozen=True)
class Diagram:
    """Points, those on the hull last, pairs of their numbers between which the hull has an edge, and where ours is."""

    elements: tuple[str, ...]
    points: tuple[DiagramPoint, ...]
    edges: tuple[tuple[int, int], ...]
    own: tuple[float, float]


def diagram(hull: Hull) -> Diagram | None:
    """The phase diagram of two or three elements; None of fewer or more, which no plane holds.

    Of several crystals of one composition above the hull the lowest is kept.
    """
    from pymatgen.core import Composition

    phases: Any = hull.diagram
    if phases.dim not in (2, 3):
        return None
    elements = tuple(element.symbol for element in phases.elements)
    lowest: dict[str, tuple[Any, float]] = {}
    for entry in phases.all_entries:
        above = max(0.0, float(entry.energy_per_atom - phases.get_hull_energy_per_atom(entry.composition)))
        formula = entry.composition.reduced_formula
        if above <= SHOWN and (formula not in lowest or above < lowest[formula][1]):
            lowest[formula] = entry, above
    ordered = sorted(lowest.items(), key=lambda item: -item[1][1])
    points = tuple(
        DiagramPoint(
            entry.attribute or "", formula, _place(entry.composition, elements), float(entry.energy_per_atom), above
        )
        for formula, (entry, above) in ordered
    )
    numbers = {formula: k for k, (formula, _) in enumerate(ordered)}
    corners = [[numbers[phases.qhull_entries[k].composition.reduced_formula] for k in facet] for facet in phases.facets]
    edges = {(min(pair), max(pair)) for facet in corners for pair in itertools.combinations(facet, 2)}
    return Diagram(elements, points, tuple(sorted(edges)), _place(Composition(hull.formula), elements))


def _place(composition: Composition, elements: tuple[str, ...]) -> tuple[float, float]:
    shares = composition.fractional_composition.get_el_amt_dict()
    second, third = (shares.get(element, 0.0) for element in (*elements, "")[1:3])
    return (second, 0.0) if len(elements) == 2 else (second + third / 2, _HEIGHT * third)
