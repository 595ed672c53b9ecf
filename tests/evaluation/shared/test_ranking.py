"""Figures of constructed scores and truths."""

from __future__ import annotations

import numpy as np
import pytest

from xcrystal.evaluation.shared.ranking import auroc, pearson, tau_b, tau_b_ceiling
from xcrystal.evaluation.shared.statistics import bootstrap_interval

ONES = np.ones(4)


def test_auroc() -> None:
    truth = np.array([True, True, False, False])
    assert auroc(np.array([4.0, 3, 2, 1]), truth, ONES) == 1
    assert auroc(np.array([1.0, 2, 3, 4]), truth, ONES) == 0
    assert auroc(np.zeros(4), truth, ONES) == 0.5
    assert auroc(np.array([4.0, 1, 2, 0]), truth, ONES) == 0.75
    # the one pair in the wrong order has atoms 1 x 3 of 4 x 4
    assert auroc(np.array([4.0, 1, 2, 0]), truth, np.array([3, 1, 3, 1])) == pytest.approx(13 / 16)
    assert np.isnan(auroc(np.arange(4.0), np.ones(4, dtype=bool), ONES))
    assert np.isnan(auroc(np.array([1, 2, 3, np.nan]), truth, ONES))
    assert auroc(np.array([0.1, 0.4, 0.35, 0.8]), ~truth) == pytest.approx(0.75)


def test_tau_b_counts_pairs_and_leaves_out_ties() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores, truth = rng.integers(0, 5, 7).astype(float), rng.integers(0, 4, 7).astype(float)
        one, other = (np.sign(x[:, None] - x) for x in (scores, truth))
        expected = (one * other).sum() / np.sqrt((one != 0).sum() * (other != 0).sum())
        assert tau_b(scores, truth) == pytest.approx(expected)
    assert np.isnan(tau_b(np.ones(3), np.arange(3.0)))
    assert np.isnan(tau_b(np.array([1.0, np.nan]), np.arange(2.0)))
    assert np.isnan(tau_b(np.ones(1), np.ones(1)))


def test_the_ceiling_is_reached_by_perfect_scores_without_ties() -> None:
    truth = np.array([1.0, 1, 2, 3, 3])
    assert tau_b(np.array([0.9, 1, 2, 3, 3.1]), truth) == pytest.approx(tau_b_ceiling(truth))
    assert tau_b_ceiling(np.arange(4)) == 1


def test_pearson() -> None:
    x = np.array([1.0, 2, 4])
    assert pearson(2 * x - 3, x) == pytest.approx(1)
    assert np.isnan(pearson(np.ones(3), x))


def test_intervals_hold_the_mean_and_shrink() -> None:
    values = np.random.default_rng(0).normal(3, 1, 400)
    mean, low, high = bootstrap_interval(values, draws=2000)
    assert low < mean < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.15)
    assert bootstrap_interval(values, draws=2000) == (mean, low, high)
    assert np.isnan(bootstrap_interval(np.zeros(0))).all()
