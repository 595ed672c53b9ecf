"""How well scores follow a truth: areas, rank correlations, and intervals of their means over crystals."""

from __future__ import annotations

import numpy as np

_DRAWS = 2000


def auroc(scores: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> float:
    """Probability that a thing of the truth scores above one that is not of it; ties count half.

    Parameters
    ----------
    scores, truth, weights
        (n,) scores, booleans, and how often each thing is there.

    Returns
    -------
    float
        NaN where all or none are of the truth, or a score is missing.
    """
    truth = np.asarray(truth, dtype=bool)
    if truth.all() or not truth.any() or not np.isfinite(scores).all():
        return float("nan")
    above = scores[truth][:, None] - scores[~truth][None]
    pairs = weights[truth][:, None] * weights[~truth][None]
    return float(((above > 0) + 0.5 * (above == 0)).ravel() @ pairs.ravel() / pairs.sum())


def tau_b(scores: np.ndarray, truth: np.ndarray) -> float:
    """Kendall's tau-b of scores and truth (n,) each; NaN where one of them is constant or a score is missing."""
    if not np.isfinite(scores).all():
        return float("nan")
    i, j = np.triu_indices(len(truth), 1)
    one, other = np.sign(scores[i] - scores[j]), np.sign(truth[i] - truth[j])
    norm = np.sqrt(float((one != 0).sum()) * float((other != 0).sum()))
    return float(one @ other / norm) if norm else float("nan")


def tau_b_ceiling(truth: np.ndarray) -> float:
    """The tau-b of perfect scores without ties with a truth (n,): below 1 where the truth has ties."""
    i, j = np.triu_indices(len(truth), 1)
    return float(np.sqrt((truth[i] != truth[j]).mean())) if len(i) else float("nan")


def pearson(scores: np.ndarray, truth: np.ndarray) -> float:
    """Pearson's r of scores and truth (n,) each; NaN where one of them is constant or a score is missing."""
    if not np.isfinite(scores).all() or np.ptp(scores) == 0 or np.ptp(truth) == 0:
        return float("nan")
    return float(np.corrcoef(scores, truth)[0, 1])


def mean_interval(values: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    """Mean of values (n,) and its 95 % interval by bootstrap (percentiles of 2,000 draws of the values)."""
    values = np.asarray(values, dtype=float)
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    drawn = np.random.default_rng(seed).integers(len(values), size=(_DRAWS, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return float(values.mean()), float(low), float(high)
