"""Whether scores sum to what they explain: the target for the crystal minus that for the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.evaluation.shared.statistics import wilson_interval
from xcrystal.explanation.batches import score_crystals
from xcrystal.explanation.targets import Target, target_of
from xcrystal.reporting import Report, columns, share_text

if TYPE_CHECKING:
    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel

RELATIVE, ABSOLUTE = 0.01, 0.002  # of the difference, or in the target's unit, whichever is more
GOAL = 0.99
_LEVELS = ("orbits", "latent")


@dataclass(frozen=True)
class Complete:
    """A method at a level.

    Attributes
    ----------
    method, level
        Which.
    share, low, high
        Of crystals whose error is within the tolerance, with its 95 % Wilson interval.
    median, worst
        Of the errors, in the target's unit.
    worst_difference
        Target minus baseline of the crystal with the worst error.
    """

    method: str
    level: str
    share: float
    low: float
    high: float
    median: float
    worst: float
    worst_difference: float


@dataclass(frozen=True)
class CompletenessReport(Report):
    """Every method that is complete by construction, at its default steps.

    Attributes
    ----------
    target, unit, crystals
        What was explained, and for how many crystals.
    relative, absolute
        The tolerance: the larger of this share of the difference, and this number in the target's unit.
    rows
        Each method and level.
    """

    target: str
    unit: str
    crystals: int
    relative: float
    absolute: float
    rows: tuple[Complete, ...]

    def table(self) -> str:
        """The figures as lines of text."""
        head = (
            f"{self.target}, {self.crystals} crystals; |sum of scores - difference| within {self.relative:.0%} of the "
            f"difference or {self.absolute:g} {self.unit}, whichever is more"
        )
        rows = [("", "level", "share within", "median error", "worst error", "of a difference of")]
        for r in self.rows:
            share = share_text(r.share, (r.low, r.high))
            errors = (f"{r.median:.2g}", f"{r.worst:.2g}", f"{r.worst_difference:.3g}")
            rows.append((r.method, r.level, share, *errors))
        return f"{head}\n{columns(rows)}"


def evaluate_completeness(
    model: CrystalModel,
    crystals: Sequence[WyckoffCrystal],
    target: str | Target = "formation_energy_per_atom",
    levels: Sequence[str] = _LEVELS,
    seed: int = 0,
) -> CompletenessReport:
    """Measure the error of every complete method at each level that it goes with.

    Shapley values are measured at "orbits" and "elements" only: of more players their orders are sampled, and their
    sum is exact in any order.

    Raises
    ------
    TargetError
        If there is no such target, or it depends on the crystal.
    """
    from tqdm.auto import tqdm

    from xcrystal.explanation.methods import METHODS

    of = target_of(model, target)
    pairs = [
        (name, level)
        for name, method in METHODS.items()
        for level in levels
        if method.complete and level in method.levels and (name != "shapley" or level in ("orbits", "elements"))
    ]
    rows = []
    for method, level in tqdm(pairs, desc="completeness", leave=False, disable=None):
        found = score_crystals(model, crystals, of, method, level, seed=seed)
        differences = found.target_values - found.baseline_values
        rows.append(_row(method, level, found.errors, differences))
    return CompletenessReport(of.name, of.unit, len(crystals), RELATIVE, ABSOLUTE, tuple(rows))


def within(errors: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Whether errors (n,) of sums that should be differences (n,) are within the tolerance."""
    return np.asarray(errors <= np.maximum(RELATIVE * np.abs(differences), ABSOLUTE))


def _row(method: str, level: str, errors: np.ndarray, differences: np.ndarray) -> Complete:
    good = within(errors, differences)
    low, high = wilson_interval(int(good.sum()), len(good))
    worst = int(np.argmax(errors))
    return Complete(
        method,
        level,
        float(good.mean()),
        low,
        high,
        float(np.median(errors)),
        float(errors[worst]),
        float(differences[worst]),
    )
