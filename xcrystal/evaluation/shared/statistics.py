"""How sure a measured share, mean or median is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

_DRAWS = 1000
Interval = tuple[float, float, float]  # a figure, and the lower and upper end of its interval
Quartiles = tuple[float, float, float]  # 25th, 50th and 75th percentile


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % Wilson score interval (J. Am. Stat. Assoc. 22, 209, 1927) of a share (scalars); (0, 1) without trials."""
    from scipy.stats import binomtest

    if trials == 0:
        return 0.0, 1.0
    interval = binomtest(successes, trials).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Share:
    """``count`` of ``total`` crystals: their share, and its 95 % Wilson interval."""

    count: int
    total: int
    share: float
    interval: tuple[float, float]

    @classmethod
    def of(cls, count: int, total: int) -> Share:
        return cls(count, total, count / total if total else math.nan, wilson_interval(count, total))


def bootstrap_interval(
    values: np.ndarray, statistic: Literal["mean", "median"] = "mean", seed: int = 0, draws: int = _DRAWS
) -> Interval:
    """The mean or median of values (n,) and its 95 % percentile bootstrap interval (Efron, Ann. Stat. 7, 1, 1979).

    Values that are not finite are left out; NaN three times if none is left.
    """
    from scipy.stats import bootstrap

    of = np.mean if statistic == "mean" else np.median
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if len(finite) < 2:  # of which SciPy makes no interval
        only = float(finite[0]) if len(finite) else math.nan
        return only, only, only
    rng = np.random.default_rng(seed)
    found = bootstrap((finite,), of, n_resamples=draws, vectorized=True, method="percentile", random_state=rng)
    return float(of(finite)), float(found.confidence_interval.low), float(found.confidence_interval.high)


def interval_text(interval: Sequence[float], digits: int = 3) -> str:
    """A figure and its interval: "0.501 (0.425 to 0.581)"."""
    value, low, high = (f"{number:.{digits}f}" for number in interval)
    return f"{value} ({low} to {high})"


def quartiles(values: np.ndarray) -> Quartiles | None:
    """25th, 50th and 75th percentile of values (n,), some of which may be infinite; None of none."""
    if not len(values):
        return None
    low, middle, high = (float(np.quantile(values, q, method="lower")) for q in (0.25, 0.5, 0.75))
    return low, middle, high
