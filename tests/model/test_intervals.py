"""Prediction intervals hold what they promise, at every level, of zero and of other values."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from xcrystal.model.intervals import ZERO, Calibration, Prediction, conformal_quantile, intervals, platt


def zero_inflated(n: int, seed: int, certain: float = 3.0) -> tuple[Prediction, torch.Tensor]:
    """Predictions of made-up crystals whose second and third property is zero for half of them."""
    rng = np.random.default_rng(seed)
    energy, scale = rng.normal(size=n), rng.uniform(0.1, 1.0, n)
    probability = 1 / (1 + np.exp(-rng.normal(0, certain, (n, 2))))
    median = rng.uniform(1, 5, (n, 2))
    # errors are skewed, and larger than the distances say
    size = np.maximum(median + 0.5 * median * (rng.gamma(2.0, 1.0, (n, 2)) - 1.68), 0.01)
    truth = np.where(rng.random((n, 2)) < probability, size, 0.0)
    values = np.column_stack([energy, probability * median])
    medians = np.column_stack([energy, median])
    below = np.column_stack([scale, 0.2 * median])
    above = np.column_stack([scale, 0.6 * median])
    arrays = (torch.from_numpy(a.astype(np.float32)) for a in (values, probability, medians, below, above))
    true = np.column_stack([energy + scale * rng.laplace(size=n), truth])
    return Prediction(*arrays), torch.from_numpy(true.astype(np.float32))


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.99])
def test_they_hold_their_share_of_unseen_crystals_zero_or_not(level: float) -> None:
    held_out, known = zero_inflated(6000, 0)
    calibrations = {k: Calibration.of(held_out, k, known[:, k]) for k in range(3)}
    found, truth = zero_inflated(6000, 1)
    ends = intervals(found, {k: c for k, c in calibrations.items() if c is not None}, level)
    inside = (ends[..., 0] <= truth) & (truth <= ends[..., 1])
    noise = 3 * (level * (1 - level) * 2 / 2500) ** 0.5
    assert float(inside[:, 0].float().mean()) == pytest.approx(level, abs=noise)
    for k in (1, 2):
        zero = truth[:, k] == 0
        assert float(inside[zero, k].float().mean()) > level - noise
        # the union bound gives away a little, but not much
        assert level - noise < float(inside[~zero, k].float().mean()) < level + 0.3 * (1 - level) + noise


def test_they_reach_zero_where_it_is_possible_and_are_zero_where_nothing_else_is() -> None:
    held_out, known = zero_inflated(4000, 0)
    calibration = Calibration.of(held_out, 1, known[:, 1])
    assert calibration is not None
    probability = torch.tensor([0.001, 0.5, 0.999])
    median = torch.full((3,), 3.0)
    stack = torch.stack([median] * 3, dim=1)
    sure = Prediction(stack * probability[:, None], probability[:, None].repeat(1, 2), stack, 0.1 * stack, 0.1 * stack)
    metal, doubtful, insulator = calibration.interval(sure, 1, 0.9).tolist()
    assert metal == pytest.approx([0, 0.003])  # the predicted value itself is never left out
    assert doubtful[0] == 0 and doubtful[1] > 3
    assert insulator[0] > 1 and insulator[1] == pytest.approx(doubtful[1])


def test_higher_levels_give_wider_intervals_around_the_value() -> None:
    held_out, known = zero_inflated(300, 0)
    found, _ = zero_inflated(300, 1)
    calibrations = {k: c for k in range(3) if (c := Calibration.of(held_out, k, known[:, k]))}
    levels = [intervals(found, calibrations, level) for level in (0.01, 0.3, 0.68, 0.9, 0.99, 0.9999)]
    for narrow, wide in pairwise(levels):
        assert (wide[..., 0] <= narrow[..., 0]).all() and (narrow[..., 1] <= wide[..., 1]).all()
    for ends in levels:
        assert torch.isfinite(ends).all()
        assert (ends[..., 0] <= found.values).all() and (found.values <= ends[..., 1]).all()
        assert (ends[:, 1:] >= 0).all()


def test_what_is_not_known_is_left_out() -> None:
    held_out, known = zero_inflated(50, 0)
    known[:, 1] = torch.nan
    known[:40, 0] = torch.nan
    assert Calibration.of(held_out, 1, known[:, 1]) is None
    energy = Calibration.of(held_out, 0, known[:, 0])
    assert energy is not None and len(energy.scores) == 10
    ends = intervals(held_out, {0: energy}, 0.9)
    assert torch.isfinite(ends[:, 0]).all() and torch.isnan(ends[:, 1:]).all()


def test_of_one_class_alone_the_other_is_still_possible() -> None:
    held_out, known = zero_inflated(50, 0)
    known[:, 1] = 0.5 * ZERO
    metals = Calibration.of(held_out, 1, known[:, 1])
    assert metals is not None and len(metals.zero) == 50 and not len(metals.scores)
    ends = metals.interval(held_out, 1, 0.9)
    assert torch.isfinite(ends).all() and (ends[held_out.nonzero[:, 0] >= 0.5, 1] > 0.5).all()


def test_conformal_quantiles() -> None:
    scores = torch.arange(1.0, 20.0)  # 19 scores: the 18th of 20 places
    assert conformal_quantile(scores, 0.9) == 18
    assert conformal_quantile(scores, 0.5) == 10
    assert conformal_quantile(scores, 0.99) == 19
    assert conformal_quantile(scores, 1e-6) == 1
    assert np.isnan(conformal_quantile(torch.zeros(0), 0.9))


def test_platt_scaling_moderates_what_is_too_sure() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 1, 5000)
    positive = torch.from_numpy(rng.random(5000) < 1 / (1 + np.exp(-logit)))
    slope, shift = platt(torch.from_numpy(4 * logit + 1), positive)
    assert slope == pytest.approx(0.25, abs=0.03) and shift == pytest.approx(-0.25, abs=0.1)
    assert platt(torch.from_numpy(logit), torch.ones(5000, dtype=torch.bool)) == (1.0, 0.0)
    assert platt(torch.from_numpy(-logit), positive) == (1.0, 0.0)


def made(probability: float) -> Prediction:
    """One crystal whose gap, if it has one, is 3 with distances of 1 and 2, and whose value is the likelier part."""
    value = 3.0 if probability > 0.5 else 0.0
    row = torch.tensor([[0.0, value, value]])
    median, below, above = (torch.full((1, 3), x) for x in (3.0, 1.0, 2.0))
    return Prediction(row, torch.full((1, 2), probability), median, below, above)


def test_p_values_count_the_held_out_crystals_and_the_new_one() -> None:
    calibration = Calibration(torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.6, 0.7, 0.8, 0.9]), torch.ones(4))
    zero, nonzero = calibration.plausible(torch.tensor([0.25, 0.75]))
    assert zero.tolist() == pytest.approx([1 - 2 / 4, 1 - 3 / 4])
    assert nonzero.tolist() == pytest.approx([1 - 4 / 5, 1 - 2 / 5])


def test_where_nothing_is_possible_the_part_that_a_higher_level_allows_first_is_taken() -> None:
    insulators = torch.linspace(0.9, 1.0, 9)
    # as unlikely for a metal as for an insulator: of these more are left out
    calibration = Calibration(torch.linspace(0.0, 0.1, 9), insulators, torch.full((9,), 0.5))
    assert calibration.interval(made(0.51), 1, 0.5).tolist() == [pytest.approx([2.5, 4.0])]
    # nearly half of the metals are as likely insulators
    calibration = Calibration(
        torch.cat([torch.linspace(0.0, 0.1, 11), torch.full((8,), 0.6)]), insulators, torch.ones(9)
    )
    assert calibration.interval(made(0.49), 1, 0.5).tolist() == [pytest.approx([0.0, 0.0])]


def test_scores_are_distances_in_the_direction_of_the_truth() -> None:
    rows = torch.full((4, 3), 3.0)
    found = Prediction(rows, torch.full((4, 2), 0.5), rows, torch.full((4, 3), 0.5), torch.full((4, 3), 2.0))
    calibration = Calibration.of(found, 0, torch.tensor([5.0, 2.0, 3.0, 7.0]))
    assert calibration is not None
    assert calibration.scores.tolist() == pytest.approx([0.0, 1.0, 2.0, 2.0])
