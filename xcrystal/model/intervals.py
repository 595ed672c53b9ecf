"""Prediction intervals of properties that hold what they promise: split conformal prediction over held-out crystals.

Gap and hull distance are exactly zero for many crystals, so a prediction is a mixture: the probability that the value
is not zero and, given that, a median with two learned distances to the 5 % and the 95 % quantile. The set of possible
values at a level 1 - a has the two parts of the mixture, and each is right for 1 - a of the crystals it is about
(label-conditional, or Mondrian, conformal prediction: Vovk, ACML 2012):

* zero belongs to the set unless the probability of not being zero exceeds that of all but a share a of the held-out
  crystals whose value is zero;
* other values belong to it unless that probability is lower than those of a share ``EXCLUDED`` a of the held-out
  crystals whose value is not zero; then they are those between the median minus and plus the distances, times the
  factor that holds all but a share (1 - ``EXCLUDED``) a of these crystals (conformalized quantile regression: Romano,
  Patterson and Candès, NeurIPS 2019, in the scaled form of Kivaranovic, Johnson and Leeb, AISTATS 2020).

The interval is the smallest that holds the set and the predicted value; so it reaches down to zero whenever zero is
possible. For new crystals like the held-out ones it holds the truth with a probability of at least 1 - a: of those
whose value is zero and of those whose value is not, separately (for the second by the union bound). The formation
energy is never exactly zero and has the second part alone, with nothing excluded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

ZERO = 1e-3  # eV or eV/atom: gaps and hull distances up to here count as zero
EXCLUDED = 0.3  # share of the misses of values that are not zero which goes to intervals that are zero alone
_SMALL = 1e-6


@dataclass(frozen=True)
class Prediction:
    """What is predicted of B crystals: formation energy (eV/atom), band gap (eV), energy above hull (eV/atom).

    Attributes
    ----------
    values
        (B, 3) of the properties; the last two are never negative.
    nonzero
        (B, 2) probability that gap and hull distance are above ``ZERO``.
    medians
        (B, 3) of the values that are not zero.
    below, above
        (B, 3) uncalibrated distances, positive, from the median to the 5 % and the 95 % quantile.
    """

    values: Tensor
    nonzero: Tensor
    medians: Tensor
    below: Tensor
    above: Tensor


@dataclass(frozen=True)
class Calibration:
    """What held-out crystals teach of the errors of one property.

    Attributes
    ----------
    zero, nonzero
        Sorted probabilities of not being zero, of held-out crystals whose value is zero and of those whose is not;
        both empty for a property that is never exactly zero.
    scores
        Sorted factors by which the distances to the quantiles have to be multiplied to reach the true value, of the
        held-out crystals whose value is not zero.
    """

    zero: Tensor
    nonzero: Tensor
    scores: Tensor

    @classmethod
    def of(cls, found: Prediction, column: int, truth: Tensor) -> Calibration | None:
        """From predictions of n held-out crystals and their true values (n,), NaN where unknown; None if all are."""
        known = ~truth.isnan()
        if not bool(known.any()):
            return None
        true = truth[known]
        away = true - found.medians[known, column]
        needed = torch.maximum(away / found.above[known, column], -away / found.below[known, column])
        if column == 0:
            return cls(true[:0], true[:0], needed.sort().values)
        probability, zero = found.nonzero[known, column - 1], true <= ZERO
        return cls(*(x.sort().values for x in (probability[zero], probability[~zero], needed[~zero])))

    def interval(self, found: Prediction, column: int, level: float) -> Tensor:
        """(B, 2) smallest and largest possible value at a level between 0 and 1."""
        missed = 1 - level
        value, median = found.values[:, column], found.medians[:, column]
        excluded = EXCLUDED * missed if column else 0.0
        factor = conformal_quantile(self.scores, 1 - (missed - excluded)) if len(self.scores) else 1.0
        low, high = median - factor * found.below[:, column], median + factor * found.above[:, column]
        if column:
            zero, other = self.plausible(found.nonzero[:, column - 1].contiguous())
            # where neither is left, that which comes first as the level rises
            first = EXCLUDED * zero >= other
            neither = (zero <= missed) & (other <= excluded)
            zero, other = (zero > missed) | (neither & first), (other > excluded) | (neither & ~first)
            low = torch.where(zero, torch.zeros_like(low), low.clamp(min=ZERO))
            high = torch.where(other, high, torch.zeros_like(high))
        return torch.stack([torch.minimum(low, value), torch.maximum(high, value)], dim=1)

    def plausible(self, probability: Tensor) -> tuple[Tensor, Tensor]:
        """Conformal p-values (B,) of zero and of not being zero, from probabilities (B,) of the latter."""
        zero, nonzero = self.zero.to(probability.device), self.nonzero.to(probability.device)
        more_likely = torch.searchsorted(zero, probability)
        less_likely = len(nonzero) - torch.searchsorted(nonzero, probability, right=True)
        return 1 - more_likely / (len(zero) + 1), 1 - less_likely / (len(nonzero) + 1)


def conformal_quantile(scores: Tensor, level: float) -> float:
    """The ceil((n + 1) level)-th smallest of sorted scores (n,), at most the largest; NaN of none.

    For levels above n / (n + 1) split conformal prediction asks for an infinite interval. The largest score stands
    for it, so that no more than n / (n + 1) is promised then.
    """
    n = len(scores)
    # rounding must not make a place out of 0.1 + 0.2
    return float(scores[min(max(math.ceil((n + 1) * level - 1e-9), 1), n) - 1]) if n else math.nan


def intervals(found: Prediction, calibrations: dict[int, Calibration], level: float) -> Tensor:
    """(B, 3, 2) intervals at a level between 0 and 1; NaN for properties that are not calibrated."""
    result = found.values.new_full((*found.values.shape, 2), math.nan)
    for column, calibration in calibrations.items():
        result[:, column] = calibration.interval(found, column, level)
    return result


def platt(logits: Tensor, positive: Tensor) -> tuple[float, float]:
    """Slope and shift that turn scores of n held-out crystals into logits of true probabilities (Platt, 1999).

    (1, 0) where they cannot be told: of one class alone, or if the scores say nothing of it.
    """
    from sklearn.linear_model import LogisticRegression

    if positive.all() or not positive.any():
        return 1.0, 0.0
    found = LogisticRegression().fit(logits.double().numpy()[:, None], positive.numpy())
    slope, shift = float(found.coef_[0, 0]), float(found.intercept_[0])
    return (slope, shift) if slope > 0 else (1.0, 0.0)
