"""How well properties can be steered: from known crystals, in both ways, holding elements and space group or nothing.

What counts is the property of the crystal that a step decodes, predicted at that crystal's own code: the model judges
itself, so this tells whether steering moves its own opinion of real decodes, not whether a laboratory would agree.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import UNITS
from xcrystal.errors import CheckpointError, InvalidCrystalError
from xcrystal.evaluation.shared.statistics import wilson_interval
from xcrystal.latent.steering import HOLDS, steer
from xcrystal.reporting import Report, columns, share_text

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

WAYS = {"formation_energy_per_atom": "lower", "band_gap": "higher", "e_above_hull": "lower"}


@dataclass(frozen=True)
class SteeringFigures:
    """Of one property, steered one way, from all crystals.

    Attributes
    ----------
    improved
        Share of crystals from which a better one was reached, and its 95 % interval.
    median_change, quartiles
        Of the property between the first crystal and the last; 0 where no step was found.
    steps
        Mean number of steps.
    elements_kept, group_kept
        Shares of crystals whose last step has the elements, and the space group, of the first.
    quantile
        Median share of known crystals that lie nearer to the data than the last step.
    seconds
        Median time of a step.
    """

    target: str
    direction: str
    held: bool
    improved: float
    interval: tuple[float, float]
    median_change: float
    quartiles: tuple[float, float]
    steps: float
    elements_kept: float
    group_kept: float
    quantile: float
    seconds: float


@dataclass(frozen=True)
class SteeringReport(Report):
    """Figures of every property, held and free."""

    crystals: int
    most_steps: int
    figures: list[SteeringFigures]

    def table(self) -> str:
        """A table for reading."""
        head = ("property", "towards", "held", "improved", "median change", "quartiles", "steps", "same elements",
                "same group", "from the data", "a step")  # fmt: skip
        rows = [
            (
                f.target,
                f.direction,
                "elements, group" if f.held else "nothing",
                share_text(f.improved, f.interval, 0),
                f"{f.median_change:+.3f} {UNITS[f.target]}",
                f"{f.quartiles[0]:+.3f}, {f.quartiles[1]:+.3f}",
                f"{f.steps:.1f}",
                f"{f.elements_kept:.0%}",
                f"{f.group_kept:.0%}",
                f"{f.quantile:.2f}",
                f"{1000 * f.seconds:.0f} ms",
            )
            for f in self.figures
        ]
        return f"From {self.crystals} known crystals, at most {self.most_steps} steps.\n{columns([head, *rows])}"


def evaluate_steering(
    model: CrystalModel, atlas: Atlas, crystals: int = 100, steps: int = 10, seed: int = 0
) -> SteeringReport:
    """Steer every property that the model predicts, from crystals of the atlas drawn at random.

    Parameters
    ----------
    model, atlas
        What is steered.
    crystals
        From how many; all there are, if there are fewer.
    steps
        The most that each may take.
    seed
        Of the crystals, and of the search of each.

    Raises
    ------
    CheckpointError
        If the model predicts no properties.
    """
    from tqdm.auto import tqdm

    if not model.properties:
        raise CheckpointError(f"The model {model.name!r} has learned no properties, so there is nothing to steer.")
    rows = np.random.default_rng(seed).permutation(len(atlas))[:crystals]
    kinds = [(target, held) for target in model.properties for held in (False, True)]
    with tqdm(total=len(kinds) * len(rows), desc="steering", leave=False, disable=None) as bar:
        figures = [_figures(model, atlas, rows, target, held, steps, seed, bar.update) for target, held in kinds]
    return SteeringReport(len(rows), steps, figures)


def _figures(
    model: CrystalModel, atlas: Atlas, rows: np.ndarray, target: str, held: bool, steps: int, seed: int, done: Any
) -> SteeringFigures:
    changes, counts, times, quantiles, elements, groups = [], [], [], [], [], []
    for row in rows:
        try:
            steering = steer(
                model, atlas, atlas.z[row], target, WAYS[target], steps, frozenset(HOLDS if held else ()), seed
            )
        except InvalidCrystalError:  # a known crystal whose decode has no atoms counts as not improved
            changes.append(0.0)
            counts.append(0)
            done()
            continue
        first = last = steering.start
        started = time.perf_counter()
        for step in steering:
            last, now = step, time.perf_counter()
            times.append(now - started)
            started = now
        changes.append(last.value - first.value)
        counts.append(last.number)
        quantiles.append(last.quantile)
        elements.append(set(last.structure.composition) == set(first.structure.composition))
        groups.append(last.structure.properties["space_group"] == first.structure.properties["space_group"])
        done()
    improved = sum(count > 0 for count in counts)
    low, high = np.quantile(changes, [0.25, 0.75])
    return SteeringFigures(
        target=target,
        direction=WAYS[target],
        held=held,
        improved=improved / len(rows),
        interval=wilson_interval(improved, len(rows)),
        median_change=float(np.median(changes)),
        quartiles=(float(low), float(high)),
        steps=float(np.mean(counts)),
        elements_kept=float(np.mean(elements)),
        group_kept=float(np.mean(groups)),
        quantile=float(np.median(quantiles)),
        seconds=float(np.median(times)) if times else float("nan"),
    )
