"""How sure a measured share, mean or median is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

_DRAWS = 1000
Interval = tuple[float, float, float]  # a figure, and the lower and upper end of its interval


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % Wilson score interval (J. Am. Stat. Assoc. 22, 209, 1927) of a share; (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    z = 1.959963984540054
    share = successes / trials
    middle = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def bootstrap_interval(
    values: np.ndarray, statistic: Literal["mean", "median"] = "mean", seed: int = 0, draws: int = _DRAWS
) -> Interval:
    """The mean or median of values (n,) and its 95 % percentile bootstrap interval (Efron, Ann. Stat. 7, 1, 1979).

    Values that are not finite are left out; NaN three times if none is left.
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return math.nan, math.nan, math.nan
    of = np.mean if statistic == "mean" else np.median
    drawn = np.random.default_rng(seed).integers(len(finite), size=(draws, len(finite)))
    low, high = np.quantile(of(finite[drawn], axis=1), [0.025, 0.975])
    return float(of(finite)), float(low), float(high)


def interval_text(interval: Sequence[float], digits: int = 3) -> str:
    """A figure and its interval: "0.501 (0.425 to 0.581)"."""
    value, low, high = (f"{number:.{digits}f}" for number in interval)
    return f"{value} ({low} to {high})"
