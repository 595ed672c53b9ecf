"""Whether two structures are the same crystal, by pymatgen's StructureMatcher with the field's tolerances."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymatgen.core import Structure

STOL, LTOL, ANGLE_TOL = 0.5, 0.3, 10.0
SEEN = 0.02  # displacement in units of (V / N)^(1/3), and relative change of volume, that a picture shows


@cache
def matcher(scale: bool = True) -> Any:
    """The StructureMatcher of the benchmarks: stol 0.5, ltol 0.3, angle_tol 10; ``scale`` rescales volumes."""
    from pymatgen.analysis.structure_matcher import StructureMatcher

    return StructureMatcher(stol=STOL, ltol=LTOL, angle_tol=ANGLE_TOL, scale=scale)


def match_rms(one: Structure, other: Structure, scale: bool = True) -> float | None:
    """RMS displacement in units of (V / N)^(1/3) if the two structures match, otherwise None."""
    if one.composition.reduced_formula != other.composition.reduced_formula:
        return None
    found = matcher(scale).get_rms_dist(one, other)
    return None if found is None else float(found[0])


def looks_the_same(one: Structure, other: Structure) -> bool:
    """Whether two structures match so closely that a picture shows no difference between them."""
    if one == other:
        return True
    per_atom = [s.volume / len(s) for s in (one, other)]
    if abs(per_atom[0] / per_atom[1] - 1) > SEEN:
        return False
    rms = match_rms(one, other)
    return rms is not None and rms <= SEEN
