"""Whether scores tell what the model does: deletion, insertion, infidelity, sensitivity; each method beside random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.evaluation.attribution.captum_metrics import RADIUS, free_axes, infidelity, max_sensitivity
from xcrystal.evaluation.attribution.deletion_curves import MOST_ORBITS, best_gains, curve_gains, orbit_games
from xcrystal.evaluation.attribution.method_scores import is_signed, methods_with_random, orbit_scores
from xcrystal.evaluation.shared.statistics import Interval, bootstrap_interval, interval_text
from xcrystal.explanation.targets import Target, target_of
from xcrystal.reporting import Report, columns

if TYPE_CHECKING:
    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel

_SMALL = 0.1


@dataclass(frozen=True)
class Faithful:
    """One method's figures, each with its 95 % bootstrap interval.

    Attributes
    ----------
    deletion, insertion
        Mean area by which the curve is better than the mean of random orders, in units of the difference between
        crystal and baseline; above 0 is better than random.
    infidelity
        Median of captum's infidelity, in the target's unit squared.
    unexplained
        Median of the infidelity as a share of the target's mean squared change: 0 foretells every change, 1 none.
    sensitivity
        Median of captum's max-sensitivity: largest relative change of the scores when free coordinates move by 0.01.
    """

    deletion: Interval
    insertion: Interval
    infidelity: Interval
    unexplained: Interval
    sensitivity: Interval


@dataclass(frozen=True)
class FaithfulnessReport(Report):
    """Every method on the same crystals.

    Attributes
    ----------
    target, unit
        What was explained.
    crystals, crystals_moved
        How many were used for curves and infidelity (2 to 10 orbits, and a difference from the baseline that is not
        small), and for the sensitivity (2 or more orbits, and a free coordinate).
    many_orbits, small_differences
        How many crystals were passed over, for these reasons.
    best
        Deletion and insertion of the best of all orders.
    methods
        Figures by method, with "random".
    """

    target: str
    unit: str
    crystals: int
    crystals_moved: int
    many_orbits: int
    small_differences: int
    best: dict[str, Interval]
    methods: dict[str, Faithful]

    def table(self) -> str:
        """The figures as lines of text."""
        rows: list[tuple[str, ...]] = [("", "deletion", "insertion", "unexplained", "infidelity", "max-sensitivity")]
        for name, m in self.methods.items():
            figures = (m.deletion, m.insertion, m.unexplained)
            rows.append((name, *map(interval_text, figures), f"{m.infidelity[0]:.3g}", interval_text(m.sensitivity)))
        rows.append(
            ("best order", interval_text(self.best["deletion"]), interval_text(self.best["insertion"]), "", "", "")
        )
        head = (
            f"{self.target}, {self.crystals} crystals; areas beyond random orders, in units of the difference; "
            f"sensitivity on {self.crystals_moved} crystals whose free coordinates move by {RADIUS:g}"
        )
        return f"{head}\n{columns(rows)}"


def evaluate_faithfulness(
    model: CrystalModel,
    crystals: Sequence[WyckoffCrystal],
    target: str | Target = "formation_energy_per_atom",
    n: int = 200,
    seed: int = 0,
) -> FaithfulnessReport:
    """Measure every method at the level "orbits" on the first ``n`` of ``crystals`` that each measure can use.

    Curves and infidelity go to the mean crystal, whatever a method's own baseline is.

    Raises
    ------
    TargetError
        If there is no such target, or it depends on the crystal.
    """
    from tqdm.auto import tqdm

    of = target_of(model, target)
    several = [c for c in crystals if len(c.elements) >= 2]
    few = [c for c in several if len(c.elements) <= MOST_ORBITS]
    games = orbit_games(model, few[: 2 * n], of)
    differences = np.abs([game.difference for game in games])
    # areas are in units of the difference, so one that is nearly zero would outweigh all others
    enough = differences >= _SMALL * np.median(differences) if len(games) else np.zeros(0, dtype=bool)
    kept = np.flatnonzero(enough)[:n]
    looked = int(kept[-1]) + 1 if len(kept) else 0
    used, games = [few[i] for i in kept], [games[i] for i in kept]
    movable = [c for c in several if free_axes(c).any()][:n]
    methods = {}
    for method in tqdm(methods_with_random(), desc="faithfulness", leave=False, disable=None):
        scores = orbit_scores(model, used, of, method, seed)
        deletion, insertion = curve_gains(games, scores, is_signed(method))
        wrong, change = infidelity(model, used, of, scores, seed)
        moved = max_sensitivity(model, movable, of, method, seed)
        methods[method] = Faithful(
            deletion,
            insertion,
            bootstrap_interval(wrong, "median"),
            bootstrap_interval(wrong / change, "median"),
            bootstrap_interval(moved, "median"),
        )
    best = dict(zip(("deletion", "insertion"), best_gains(games), strict=True))
    return FaithfulnessReport(
        target=of.name,
        unit=of.unit,
        crystals=len(used),
        crystals_moved=len(movable),
        many_orbits=len(several) - len(few),
        small_differences=int((~enough[:looked]).sum()),
        best=best,
        methods=methods,
    )
