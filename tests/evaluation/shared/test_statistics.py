"""Intervals of shares against published values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from xcrystal.evaluation.shared.statistics import bootstrap_interval, wilson_interval


@pytest.mark.parametrize(
    ("successes", "trials", "expected"),
    [(0, 10, (0.0, 0.2775)), (10, 10, (0.7225, 1.0)), (50, 100, (0.4038, 0.5962)), (0, 0, (0.0, 1.0))],
)
def test_wilson_intervals(successes: int, trials: int, expected: tuple[float, float]) -> None:
    assert wilson_interval(successes, trials) == pytest.approx(expected, abs=1e-4)


def test_bootstrap_intervals_of_a_normal_sample() -> None:
    values = np.random.default_rng(0).normal(3, 2, size=400)
    mean, low, high = bootstrap_interval(values)
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx((mean - 1.96 * 0.1, mean + 1.96 * 0.1), abs=0.03)
    median, low, high = bootstrap_interval(np.append(values, np.nan), "median")
    assert low < median < high
    assert median == pytest.approx(np.median(values))
    assert all(math.isnan(number) for number in bootstrap_interval(np.array([np.nan])))
    assert bootstrap_interval(np.ones(5)) == bootstrap_interval(np.ones(1)) == (1, 1, 1)
