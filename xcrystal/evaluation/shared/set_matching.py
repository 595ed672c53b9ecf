"""Which crystals of a set are crystals of another one, or of the same one again.

Two crystals are one if their reduced formulas are equal and StructureMatcher finds them alike (see
``xcrystal.crystal.geometry.matching``). Only crystals of equal formula are ever built and compared, so that a thousand
are held against tens of thousands in seconds.

A matcher is neither transitive nor, at the edge of its tolerances, symmetric; how many are counted as unique may then
depend on the order, by a few in a thousand.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xcrystal.crystal.collections.crystal_sets import Cell, CrystalSet, Formula
from xcrystal.crystal.geometry.matching import STOL, match_rms
from xcrystal.evaluation.shared.parallel import Workers
from xcrystal.evaluation.shared.statistics import wilson_interval

_PAIRS = 256  # that one job compares: crystals of one formula may be many, and all workers shall share them


@dataclass(frozen=True)
class Coverage:
    """How much of one set another set covers, formula by formula.

    METRe and cRMSE are from M. M. Martirossyan et al., "All that structure matches does not glitter",
    arXiv:2509.12178 (2025). There, every reference structure is held against all that was generated for its
    composition; here, "its composition" is the reduced formula, and a formula that was never generated counts as not
    matched, since a generator that is free to choose its formulas may miss them.

    Attributes
    ----------
    crystals
        How many there are to be covered.
    of_shared_formula
        Of these, how many have a formula that the other set has, too.
    matched
        How many match at least one crystal of the other set.
    share, interval
        ``matched / crystals`` and its 95 % Wilson interval: METRe where the reference is to be covered.
    rms
        cRMSE: the mean, over all crystals to be covered, of the smallest RMS displacement to a crystal of the other
        set, in units of (V / N)^(1/3), those not matched counted at the matcher's limit, ``stol`` = 0.5.
    """

    crystals: int
    of_shared_formula: int
    matched: int
    share: float
    interval: tuple[float, float]
    rms: float


def matches_earlier(cells: Sequence[Cell], workers: Workers | None = None) -> np.ndarray:
    """(n,) booleans: whether each crystal matches one before it in the list."""
    groups = [group for group in by_formula(cells).values() if len(group) > 1]
    parts = [(group[: part.stop], part.start) for group in groups for part in _parts(len(group), len(group))]
    jobs = [([cells[i] for i in group], start) for group, start in parts]
    found = (workers or Workers()).map(_repeats, jobs, "comparing samples")
    repeated = np.zeros(len(cells), dtype=bool)
    for (group, start), repeats in zip(parts, found, strict=True):
        repeated[group[start:]] = repeats
    return repeated


def matches_any(cells: Sequence[Cell], others: Sequence[Cell], workers: Workers | None = None) -> np.ndarray:
    """(n,) booleans: whether each crystal matches one of ``others``."""
    known = by_formula(others)
    shared = [i for i, cell in enumerate(cells) if cell.formula in known]
    jobs = [(cells[i], [others[k] for k in known[cells[i].formula]]) for i in shared]
    matched = np.zeros(len(cells), dtype=bool)
    matched[shared] = (workers or Workers()).map(_is_among, jobs, "comparing with the training set")
    return matched


def coverage(generated: CrystalSet, reference: CrystalSet, workers: Workers | None = None) -> tuple[Coverage, Coverage]:
    """How much of the reference the generated crystals cover (recall), and the other way round (precision).

    What could not be read is to be covered as well, and never is.
    """
    one, other = by_formula(generated.cells), by_formula(reference.cells)
    shared = [formula for formula in other if formula in one]
    parts = [(f, one[f][part]) for f in shared for part in _parts(len(one[f]), len(other[f]))]
    jobs = [([generated.cells[i] for i in some], [reference.cells[k] for k in other[f]]) for f, some in parts]
    best_generated, best_reference = np.full(len(generated), np.nan), np.full(len(reference), np.nan)
    found = (workers or Workers()).map(_rms_matrix, jobs, "comparing with the reference")
    for (formula, some), rms in zip(parts, found, strict=True):
        best_generated[some] = rms.min(axis=1)
        best_reference[other[formula]] = np.fmin(best_reference[other[formula]], rms.min(axis=0))
    return _coverage(best_reference), _coverage(best_generated)


def by_formula(cells: Sequence[Cell]) -> dict[Formula, list[int]]:
    """Places in the list, by reduced composition."""
    groups: dict[Formula, list[int]] = defaultdict(list)
    for place, cell in enumerate(cells):
        groups[cell.formula].append(place)
    return dict(groups)


def _parts(count: int, others: int) -> list[slice]:
    """Places of ``count`` crystals, cut so that a job holds each part against ``others`` in seconds."""
    rows = max(1, _PAIRS // others)
    return [slice(start, min(start + rows, count)) for start in range(0, count, rows)]


def _coverage(best: np.ndarray) -> Coverage:
    """From each crystal's smallest RMS: infinite if it is not matched, NaN if its formula is not shared."""
    matched = np.isfinite(best)
    count = int(matched.sum())
    return Coverage(
        crystals=len(best),
        of_shared_formula=int((~np.isnan(best)).sum()),
        matched=count,
        share=count / len(best) if len(best) else math.nan,
        interval=wilson_interval(count, len(best)),
        rms=float(np.where(matched, best, STOL).mean()) if len(best) else math.nan,
    )


def _repeats(job: tuple[list[Cell], int]) -> list[bool]:
    """For each crystal from some place on: whether it matches one before it."""
    cells, start = job
    structures = [cell.structure() for cell in cells]
    return [
        any(_rms(structures[i], earlier) is not None for earlier in structures[:i]) for i in range(start, len(cells))
    ]


def _is_among(job: tuple[Cell, list[Cell]]) -> bool:
    cell, others = job
    structure = cell.structure()
    return any(_rms(structure, other.structure()) is not None for other in others)


def _rms_matrix(job: tuple[list[Cell], list[Cell]]) -> np.ndarray:
    ones, others = ([cell.structure() for cell in side] for side in job)
    found = [[_rms(one, other) for other in others] for one in ones]
    return np.array([[np.inf if rms is None else rms for rms in row] for row in found])


def _rms(one: object, other: object) -> float | None:
    try:
        return match_rms(one, other)  # type: ignore[arg-type]
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return None  # of a cell so flat that it cannot be reduced
