"""How well scores follow a truth: areas under curves, and correlations."""

from __future__ import annotations

import numpy as np


def auroc(scores: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Area under the ROC curve: the probability that a thing of the truth scores above another one; ties count half.

    Parameters
    ----------
    scores, truth
        (n,) scores and booleans.
    weights
        (n,) how often each thing is there; once if None.

    Returns
    -------
    float
        NaN where all or none are of the truth, or a score is missing.
    """
    from sklearn.metrics import roc_auc_score

    truth = np.asarray(truth, dtype=bool)
    if truth.all() or not truth.any() or not np.isfinite(scores).all():
        return float("nan")
    return float(roc_auc_score(truth, scores, sample_weight=weights))


def tau_b(scores: np.ndarray, truth: np.ndarray) -> float:
    """Kendall's tau-b of scores and truth (n,) each; NaN where one of them is constant or a score is missing."""
    from scipy.stats import kendalltau

    if len(truth) < 2 or not np.isfinite(scores).all():
        return float("nan")
    return float(kendalltau(scores, truth).statistic)


def tau_b_ceiling(truth: np.ndarray) -> float:
    """The tau-b of perfect scores without ties with a truth (n,): below 1 where the truth has ties."""
    i, j = np.triu_indices(len(truth), 1)
    return float(np.sqrt((truth[i] != truth[j]).mean())) if len(i) else float("nan")


def pearson(scores: np.ndarray, truth: np.ndarray) -> float:
    """Pearson's r of scores and truth (n,) each; NaN where one of them is constant or a score is missing."""
    if not np.isfinite(scores).all() or np.ptp(scores) == 0 or np.ptp(truth) == 0:
        return float("nan")
    return float(np.corrcoef(scores, truth)[0, 1])


def spearman(scores: np.ndarray, truth: np.ndarray) -> float:
    """Spearman's rank correlation of scores and truth (n,) each; NaN where one of them is constant."""
    from scipy.stats import rankdata

    return pearson(rankdata(scores), rankdata(truth))
