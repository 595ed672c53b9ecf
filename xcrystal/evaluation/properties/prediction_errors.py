"""How well properties are predicted from z, and how honest their intervals are: ``xcrystal evaluate properties``.

Errors stand beside those of the best constants (mean and median of these very crystals, and zero). Gap and hull
distance are zero for many crystals: whether a crystal is on the right side is measured by the area under the ROC curve
of the predicted value, and by the share of crystals for which the predicted probability of not being zero is on the
right side of one half. A 90 % interval shall hold 90 % of the true values, of zero and of other values separately.

Of a model's own validation crystals, those of the half that neither chose it nor calibrated its intervals are measured
(``xcrystal.evaluation.shared.halves``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES, UNITS, read_table
from xcrystal.crystal.collections.tokens import Tokens, load_tokens, tokenize
from xcrystal.errors import DatasetError
from xcrystal.evaluation.properties.comparisons import forest_values, neighbour_values, unsqueezed_values
from xcrystal.evaluation.shared.encoding import encodable_of, sources_of
from xcrystal.evaluation.shared.halves import half_of
from xcrystal.evaluation.shared.parallel import workers_of
from xcrystal.evaluation.shared.ranking import auroc
from xcrystal.model.intervals import ZERO
from xcrystal.reporting import Report, aligned

if TYPE_CHECKING:
    import pandas as pd

    from xcrystal.generator import CrystalModel

# what makes a crystal positive for the ROC curve: an insulator, and one that is clearly not stable
POSITIVE = {"band_gap": 0.001, "e_above_hull": 0.05}
WHICH = {
    "report": "the half that chose nothing",
    "selection": "the half that chose and calibrated",
    "all": "all of the table",
}
COMPARISONS = {
    "nearest_neighbours": neighbour_values,
    "random_forest": forest_values,
    "without_bottleneck": unsqueezed_values,
}


@dataclass(frozen=True)
class Coverage:
    """Of some crystals with intervals: how many, the share of true values inside, and the median width.

    The last two are None of no crystals.
    """

    crystals: int
    inside: float | None
    width: float | None

    @classmethod
    def of(cls, bounds: np.ndarray, true: np.ndarray) -> Coverage:
        """Of intervals (n, 2) and true values (n,)."""
        if not len(true):
            return cls(0, None, None)
        inside = (bounds[:, 0] <= true) & (true <= bounds[:, 1])
        return cls(len(true), float(inside.mean()), float(np.median(bounds[:, 1] - bounds[:, 0])))


@dataclass(frozen=True)
class PropertyScore:
    """One property over the crystals for which it is known.

    Attributes
    ----------
    crystals
        How many.
    mae, mae_of_mean, mae_of_median, mae_of_zero
        Mean absolute errors of the prediction and of three constants, in the property's unit.
    auroc
        Area under the ROC curve of the predicted value for the true one being above ``POSITIVE``; None where that
        makes no sense.
    right_side
        Share of crystals whose value is zero if and only if the probability of not being zero is at most one half;
        None where that makes no sense, or is not known.
    coverage, coverage_zero, coverage_others
        Of the 90 % intervals: all crystals, those whose value is zero, those whose is not; None without intervals, and
        the second for a property that is never zero.
    """

    crystals: int
    mae: float
    mae_of_mean: float
    mae_of_median: float
    mae_of_zero: float
    auroc: float | None = None
    right_side: float | None = None
    coverage: Coverage | None = None
    coverage_zero: Coverage | None = None
    coverage_others: Coverage | None = None


@dataclass(frozen=True)
class PropertyReport(Report):
    """Scores by property.

    Attributes
    ----------
    crystals, not_encoded
        How many were measured, and why others could not be encoded.
    properties
        For the columns that the table has.
    which
        Which crystals of the table they are, in words.
    comparisons
        Mean absolute error by property of other models that were fitted to the training crystals:
        ``nearest_neighbours`` in latent space; ``random_forest`` sees the composition alone; ``without_bottleneck`` is
        the same encoder's state before it is squeezed into z (the encoder was trained with the bottleneck), under the
        same heads, fitted further in the same way.
    """

    crystals: int
    not_encoded: dict[str, str]
    properties: dict[str, PropertyScore]
    which: str
    comparisons: dict[str, dict[str, float]] = field(default_factory=dict)

    def table(self) -> str:
        """The figures as lines of text."""
        rows = [("crystals", f"{self.crystals}, {self.which}"), ("could not be encoded", f"{len(self.not_encoded)}")]
        for name, score in self.properties.items():
            unit = UNITS[name]
            best = min(score.mae_of_zero, score.mae_of_median, score.mae_of_mean)
            rows += [
                (name, f"{score.crystals} crystals with a known value"),
                ("  MAE", f"{score.mae:.4f} {unit}, {_ratio(score.mae, best)} of the best constant's"),
                (
                    "  MAE of constants",
                    f"mean {score.mae_of_mean:.4f}, median {score.mae_of_median:.4f}, zero {score.mae_of_zero:.4f}",
                ),
            ]
            rows += [(f"  MAE {model.replace('_', ' ')}", f"{maes[name]:.4f} {unit}")
                     for model, maes in self.comparisons.items() if name in maes]  # fmt: skip
            if score.auroc is not None:
                rows.append((f"  AUROC > {POSITIVE[name]:g} {unit}", f"{score.auroc:.3f}"))
            if score.right_side is not None:
                rows.append(("  zero or not, right", f"{score.right_side:.1%}"))
            for title, found in (
                ("  in 90 % intervals", score.coverage),
                ("    of those at zero", score.coverage_zero),
                ("    of the others", score.coverage_others),
            ):
                if found is not None and found.inside is not None:
                    rows.append(
                        (title, f"{found.inside:.1%} of {found.crystals}, median width {found.width:.3f} {unit}")
                    )
        if all(score.coverage is None for score in self.properties.values()):
            rows.append(("intervals", "none: this model's properties are not fitted (xcrystal fit-properties)"))
        return aligned(rows)


def evaluate_properties(
    model: CrystalModel,
    table: Path,
    train: Sequence[Path] = (),
    workers: int = 1,
    seed: int = 0,
    tokens: Path | None = None,
    half: str | None = None,
) -> PropertyReport:
    """Predict the properties of crystals of a table from their codes, and compare with the table's.

    Parameters
    ----------
    model
        The model, as ``xcrystal.load`` gives it.
    table
        A parquet file with some of the columns ``PROPERTIES``.
    train
        Others with the crystals that the model was trained on, for the three comparisons (minutes).
    workers
        Processes that read crystals.
    seed
        Of the fits.
    tokens
        A folder that keeps the canonical forms of the crystals of ``train``, which saves making them again.
    half
        "report", "selection" or "all", as for ``xcrystal.evaluation.shared.halves.half_of``.

    Raises
    ------
    DatasetError
        If a table cannot be read or knows none of the properties, there is no such half, or no crystal is left.
    """
    sources, half = half_of(model, sources_of(Path(table)), half)
    # what cannot be used shall be said before minutes of work
    truth = known_properties(sources.table, table)
    for path in train:
        known_properties(read_table(Path(path)), path)
    with workers_of(workers) as pool:
        found = encodable_of(sources, pool, model.limits)
    if not found.crystals:
        raise DatasetError(f"No crystal of {table} can be encoded, of {WHICH[half]}.")
    truth = truth[found.places]
    comparisons = {}
    if train:
        material = (
            load_tokens(Path(one), tokens) if tokens else tokenize(read_table(Path(one)), workers) for one in train
        )
        learned = Tokens.joined(list(material))
        for name, predict in COMPARISONS.items():
            values = predict(model, learned.crystals(), learned.properties, found.crystals, seed)
            comparisons[name] = mean_absolute_errors(values, truth)
    scores = scores_of(model, found.codes(model), truth)
    return PropertyReport(len(found.crystals), found.not_encoded, scores, WHICH[half], comparisons)


def known_properties(table: pd.DataFrame | None, path: Path) -> np.ndarray:
    """(n, 3) ``PROPERTIES`` of a table, NaN where unknown.

    Raises
    ------
    DatasetError
        If none is known of any crystal.
    """
    if table is None:
        raise DatasetError(f"{path} is no parquet file, so it holds no properties.")
    unknown = np.full(len(table), np.nan)
    found = np.column_stack([table[p].to_numpy(dtype=float) if p in table else unknown for p in PROPERTIES])
    if not np.isfinite(found).any():
        raise DatasetError(f"{path} holds none of the properties {', '.join(PROPERTIES)}.")
    return found


def scores_of(model: CrystalModel, z: np.ndarray, truth: np.ndarray) -> dict[str, PropertyScore]:
    """Scores by property of what a model predicts from codes (n, latent_dim), where the truth (n, 3) is known."""
    values, bounds, nonzero = model.predict(z), model.known_intervals(z), model.known_nonzero(z)
    scores = {}
    for k, name in enumerate(PROPERTIES):
        known = np.isfinite(truth[:, k])
        if name in values and known.any():
            told = (found.get(name) for found in (bounds, nonzero))
            rows = (None if array is None else array[known] for array in told)
            scores[name] = _score(name, truth[known, k], values[name][known], *rows)
    return scores


def _score(
    name: str, true: np.ndarray, predicted: np.ndarray, bounds: np.ndarray | None, nonzero: np.ndarray | None
) -> PropertyScore:
    guesses = (predicted, true.mean(), np.median(true), 0.0)
    mae, of_mean, of_median, of_zero = (float(np.abs(guess - true).mean()) for guess in guesses)
    can_be_zero = name in POSITIVE
    true = np.where(true <= ZERO, 0.0, true) if can_be_zero else true
    zero = true == 0 if can_be_zero else np.zeros(len(true), dtype=bool)
    parts = (slice(None), zero, ~zero)
    area = auroc(predicted, true > POSITIVE[name]) if can_be_zero else math.nan
    every, at_zero, others = (None if bounds is None else Coverage.of(bounds[part], true[part]) for part in parts)
    return PropertyScore(
        crystals=len(true),
        mae=mae,
        mae_of_mean=of_mean,
        mae_of_median=of_median,
        mae_of_zero=of_zero,
        auroc=None if math.isnan(area) else area,
        right_side=None if nonzero is None else float(((nonzero > 0.5) == ~zero).mean()),
        coverage=every,
        coverage_zero=at_zero if can_be_zero else None,
        coverage_others=others if can_be_zero else None,
    )


def mean_absolute_errors(values: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """By property, of values (n, 3); those that are not finite are left out."""
    error = np.abs(values - truth)
    known = np.isfinite(error)
    return {p: float(error[known[:, k], k].mean()) for k, p in enumerate(PROPERTIES) if known[:, k].any()}


def _ratio(a: float, b: float) -> str:
    return f"{a / b:.2f}" if b > 0 and math.isfinite(a) else "-"
