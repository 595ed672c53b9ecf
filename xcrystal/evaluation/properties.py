"""How well properties are predicted from z, and how honest their uncertainties are: ``xcrystal evaluate properties``.

Errors stand beside those of the best constants (mean and median of these very crystals, and zero). Gap and hull
distance are zero for many crystals: whether a crystal is on the right side is measured by the area under the ROC curve.
An interval is value ± 1.645 standard deviations, cut at 0 for gap and hull distance, and shall hold 90 % of the true
values, of zero and of other values separately. The model's own calibration may have used the very crystals that are
measured here; so the constants are also set anew on a random half of them and measured on the other half (both ways,
10 draws): that is the honest figure, whatever the crystals.
"""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.elements import MAX_Z, element_features
from xcrystal.crystal.tables import PROPERTIES, UNITS, read_table
from xcrystal.errors import DatasetError
from xcrystal.evaluation.encoding import encodable_of, sources_of
from xcrystal.evaluation.layout import aligned
from xcrystal.evaluation.parallel import workers_of

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from xcrystal.crystal.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel
    from xcrystal.model.properties import PropertyEnsemble

# what makes a crystal positive for the ROC curve: an insulator, and one that is clearly not stable
POSITIVE = {"band_gap": 0.001, "e_above_hull": 0.05}
_DRAWS = 10
_TREES = 60
_CHUNK = 256


@dataclass(frozen=True)
class IntervalCoverage:
    """Shares of true values inside their 90 % intervals: all, those that are zero, the others; None if there are none.

    ``half_width`` is the median of 1.645 standard deviations, in the property's unit.
    """

    every: float | None
    zero: float | None
    others: float | None
    half_width: float


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
    coverage
        With the model's own standard deviations.
    coverage_halves
        With constants set on one half of these crystals and measured on the other.
    """

    crystals: int
    mae: float
    mae_of_mean: float
    mae_of_median: float
    mae_of_zero: float
    auroc: float | None
    coverage: IntervalCoverage | None = None
    coverage_halves: IntervalCoverage | None = None


@dataclass(frozen=True)
class PropertyReport:
    """Scores by property.

    Attributes
    ----------
    crystals, not_encoded
        How many were measured, and why others could not be encoded.
    properties
        For the columns that the table has.
    comparisons
        Mean absolute error by property of other models that were fitted to the training crystals: ``random_forest``
        sees the composition alone; ``without_bottleneck`` is the same encoder's state before it is squeezed into z
        (the encoder was trained with the bottleneck), under the same heads, fitted further in the same way.
    """

    crystals: int
    not_encoded: dict[str, str]
    properties: dict[str, PropertyScore]
    comparisons: dict[str, dict[str, float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    def table(self) -> str:
        """The figures as lines of text."""
        rows = [("crystals", f"{self.crystals}"), ("could not be encoded", f"{len(self.not_encoded)}")]
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
            for title, found in (
                ("  in 90 % intervals", score.coverage),
                ("  same, two halves", score.coverage_halves),
            ):
                if found is not None:
                    rows.append((title, _shares(found, name in POSITIVE, unit)))
        if all(score.coverage is None for score in self.properties.values()):
            rows.append(("intervals", "none: this model's properties are not fitted (xcrystal fit-properties)"))
        return aligned(rows)


def evaluate_properties(
    model: CrystalModel, table: Path, train: Path | None = None, workers: int = 2, seed: int = 0
) -> PropertyReport:
    """Predict the properties of every crystal of a table from its code, and compare with the table's.

    Parameters
    ----------
    model
        The model, as ``xcrystal.load`` gives it.
    table
        A parquet file with some of the columns ``PROPERTIES``.
    train
        Another with the crystals that the model was trained on, for the two comparisons (some minutes).
    workers
        Processes that read crystals.
    seed
        Of the halves and of the fits.

    Raises
    ------
    DatasetError
        If a table cannot be read or knows none of the properties.
    """
    sources = sources_of(Path(table))
    # what cannot be used shall be said before minutes of work
    truth = known_properties(sources.table, table)
    learned = None if train is None else known_properties(read_table(Path(train)), train)
    with workers_of(workers) as pool:
        found = encodable_of(sources, pool, model.limits)
        if not found.crystals:
            raise DatasetError(f"No crystal of {table} can be encoded.")
        material = None if train is None else encodable_of(sources_of(Path(train)), pool, model.limits)
    truth = truth[found.places]
    comparisons = {}
    if material is not None and learned is not None:
        learned = learned[material.places]
        for name, predict in (("random_forest", forest_values), ("without_bottleneck", unsqueezed_values)):
            values = predict(model, material.crystals, learned, found.crystals, seed)
            comparisons[name] = mean_absolute_errors(values, truth)
    return PropertyReport(
        len(found.crystals), found.not_encoded, scores_of(model, found.codes(model), truth, seed), comparisons
    )


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


def scores_of(model: CrystalModel, z: np.ndarray, truth: np.ndarray, seed: int = 0) -> dict[str, PropertyScore]:
    """Scores by property of what a model predicts from codes (n, latent_dim), where the truth (n, 3) is known."""
    from xcrystal.model.properties import PropertyEnsemble

    head: torch.nn.Module = model.network.properties
    values = _columns(model.predict(z), len(z))
    own, halves = {}, {}
    if isinstance(head, PropertyEnsemble) and head.calibrated:
        deviations = _columns(model.predict(z, return_std=True)[1], len(z))
        own = coverage_of(values, deviations, truth)
        halves = coverage_of_halves(head, z, truth, seed)
    scores = {}
    for k, name in enumerate(PROPERTIES):
        known = np.isfinite(truth[:, k]) & np.isfinite(values[:, k])
        if not known.any():
            continue
        true, predicted = truth[known, k], values[known, k]
        guesses = (predicted, true.mean(), np.median(true), 0.0)
        mae, of_mean, of_median, of_zero = (float(np.abs(guess - true).mean()) for guess in guesses)
        area = roc_area(predicted, true > POSITIVE[name]) if name in POSITIVE else None
        scores[name] = PropertyScore(len(true), mae, of_mean, of_median, of_zero, area, own.get(name), halves.get(name))
    return scores


def _columns(predicted: dict[str, np.ndarray], n: int) -> np.ndarray:
    """(n, 3) ``PROPERTIES``, NaN where the model learned none."""
    return np.column_stack([predicted.get(name, np.full(n, np.nan)) for name in PROPERTIES])


def coverage_of(values: np.ndarray, deviations: np.ndarray, truth: np.ndarray) -> dict[str, IntervalCoverage]:
    """Coverage by property of the 90 % intervals of values (n, 3) with standard deviations (n, 3)."""
    from xcrystal.model.properties import Z90, ZERO

    found = {}
    for k, name in enumerate(PROPERTIES):
        known = np.isfinite(truth[:, k])
        if not known.any():
            continue
        true, half = truth[known, k], Z90 * deviations[known, k]
        inside = np.abs(true - values[known, k]) <= half
        zero = true <= ZERO if name in POSITIVE else np.zeros(len(true), dtype=bool)
        shares = (_mean(inside), _mean(inside[zero]), _mean(inside[~zero]))
        found[name] = IntervalCoverage(*shares, float(np.median(half)))
    return found


def coverage_of_halves(
    ensemble: PropertyEnsemble, z: np.ndarray, truth: np.ndarray, seed: int = 0
) -> dict[str, IntervalCoverage]:
    """As ``coverage_of``, with the calibration made on one random half and measured on the other; a mean of 20."""
    import torch

    from xcrystal.model.properties import Prediction, calibrate

    trial = copy.deepcopy(ensemble).cpu()
    with torch.no_grad():
        found = trial.predict(torch.from_numpy(z))
    true, rng = torch.from_numpy(truth.astype(np.float32)), np.random.default_rng(seed)
    measured: dict[str, list[IntervalCoverage]] = {}
    for _ in range(_DRAWS):
        order = rng.permutation(len(z))
        one, other = order[: len(z) // 2], order[len(z) // 2 :]
        for a, b in ((one, other), (other, one)):
            here, there = (Prediction(found.values[i], found.nonzero[i], found.scales[i]) for i in (a, b))
            calibrate(trial, here, true[a])
            each = coverage_of(there.values.numpy(), trial.deviations(there).numpy(), truth[b])
            for name, value in each.items():
                measured.setdefault(name, []).append(value)
    means = {}
    for name, every in measured.items():
        columns = zip(*((c.every, c.zero, c.others) for c in every), strict=True)
        shares = [_mean(np.array([x for x in column if x is not None], dtype=float)) for column in columns]
        means[name] = IntervalCoverage(shares[0], shares[1], shares[2], float(np.mean([c.half_width for c in every])))
    return means


def roc_area(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """Area under the ROC curve of scores (n,) for labels (n,): the Mann-Whitney statistic; None with one class only."""
    from scipy.stats import rankdata

    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return None
    return float((rankdata(scores)[positive].sum() - n * (n + 1) / 2) / (n * m))


def mean_absolute_errors(values: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """By property, of values (n, 3); those that are not finite are left out."""
    error = np.abs(values - truth)
    known = np.isfinite(error)
    return {p: float(error[known[:, k], k].mean()) for k, p in enumerate(PROPERTIES) if known[:, k].any()}


def composition_features(crystals: list[WyckoffCrystal]) -> np.ndarray:
    """(n, 95 + 20): fractions of the elements; mean, spread, least and largest of the five features of elements."""
    table, rows = element_features().astype(float), []
    for crystal in crystals:
        amount = np.bincount(crystal.elements, crystal.multiplicities, MAX_Z + 1)[: MAX_Z + 1]
        amount = amount / amount.sum()
        there = table[amount > 0]
        mean = amount @ table
        spread = np.sqrt(np.clip(amount @ table**2 - mean**2, 0, None))
        rows.append(np.concatenate([amount, mean, spread, there.min(axis=0), there.max(axis=0)]))
    return np.array(rows)


def forest_values(
    model: CrystalModel,
    crystals: list[WyckoffCrystal],
    properties: np.ndarray,
    asked: list[WyckoffCrystal],
    seed: int,
) -> np.ndarray:
    """(n, 3) of the asked crystals by random forests (Breiman, Machine Learning 45, 5, 2001) on compositions."""
    from sklearn.ensemble import RandomForestRegressor
    from tqdm.auto import tqdm

    inputs, questions = composition_features(crystals), composition_features(asked)
    values = np.full((len(asked), len(PROPERTIES)), np.nan)
    for k in tqdm(range(len(PROPERTIES)), desc="random forests", unit="property", leave=False, disable=None):
        known = np.isfinite(properties[:, k])
        if known.any():
            forest = RandomForestRegressor(_TREES, max_features=0.33, random_state=seed)
            values[:, k] = forest.fit(inputs[known], properties[known, k]).predict(questions)
    return values


def unsqueezed_values(
    model: CrystalModel,
    crystals: list[WyckoffCrystal],
    properties: np.ndarray,
    asked: list[WyckoffCrystal],
    seed: int,
) -> np.ndarray:
    """(n, 3) of the asked crystals from the encoder's state before the posterior, with the model's own kind of head."""
    import torch
    from torch import nn
    from tqdm.auto import tqdm

    from xcrystal.model.device import one_thread
    from xcrystal.model.properties import PropertyEnsemble
    from xcrystal.model.property_fitting import FitSettings, fit_ensemble, steps

    how = FitSettings()
    head: nn.Module = model.network.properties
    if not isinstance(head, PropertyEnsemble):
        head = PropertyEnsemble.from_head(model.network.properties, how.members)
    posterior = model.network.encoder.posterior
    mean = nn.Linear(posterior.in_features, model.latent_dim)
    with torch.no_grad():
        mean.weight.copy_(posterior.weight[: model.latent_dim])
        mean.bias.copy_(posterior.bias[: model.latent_dim])
    ensemble = copy.deepcopy(head).cpu().after(mean)
    states = unsqueezed(model, crystals)
    with one_thread(), tqdm(total=steps(len(states), how), desc="fitting", leave=False, disable=None) as bar:
        learned = torch.from_numpy(properties.astype(np.float32))
        fit_ensemble(ensemble, states, None, learned, how, seed, bar.update)
        with torch.no_grad():
            values: np.ndarray = ensemble(unsqueezed(model, asked)).double().numpy()
    return values


def unsqueezed(model: CrystalModel, crystals: list[WyckoffCrystal]) -> torch.Tensor:
    """(n, 3 W) state of the encoder before the linear layer that gives the posterior."""
    import torch

    states: list[torch.Tensor] = []
    handle = model.network.encoder.posterior.register_forward_pre_hook(lambda _, x: states.append(x[0].float().cpu()))
    try:
        with torch.no_grad():
            for i in range(0, len(crystals), _CHUNK):
                model.network.posterior(model.batch(crystals[i : i + _CHUNK]))
    finally:
        handle.remove()
    return torch.cat(states)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _ratio(a: float, b: float) -> str:
    return f"{a / b:.2f}" if b > 0 and math.isfinite(a) else "-"


def _shares(found: IntervalCoverage, has_zeros: bool, unit: str) -> str:
    percent = ["-" if x is None else f"{x:.1%}" for x in (found.every, found.zero, found.others)]
    split = f" (zero {percent[1]}, others {percent[2]})" if has_zeros else ""
    return f"{percent[0]}{split}, median half width {found.half_width:.3f} {unit}"
