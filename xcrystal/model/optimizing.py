"""Learning rates and averaged weights, the same in every fit.

Budgets are shares that are used, in steps or in minutes, where torch's schedulers count steps.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


def set_learning_rate(
    optimizer: torch.optim.Optimizer, highest: float, used: float, warmed: float, lowest: float = 0.0
) -> None:
    """Set the learning rate: linear up to the highest, then down along half a cosine.

    Parameters
    ----------
    optimizer
        All of its groups get the same rate.
    highest
        The learning rate that is warmed up to.
    used
        Share of the budget that is used, 0 to 1.
    warmed
        Share of the warm-up that is over; 1 or more once it is.
    lowest
        Share of the highest rate below which the cosine does not fall.
    """
    cosine = 0.5 * (1 + math.cos(math.pi * used))
    for group in optimizer.param_groups:
        group["lr"] = highest * min(1.0, warmed) * max(cosine, lowest)


def update_average(averaged: nn.Module, model: nn.Module, step: int, decay: float) -> None:
    """Move averaged weights towards those of a model, faster in the first steps, when there is little to average.

    Parameters
    ----------
    averaged
        Has the parameters of ``model``; it is changed.
    step
        How many steps there have been.
    decay
        Share of the average that stays, once there have been many.
    """
    update = get_ema_multi_avg_fn(min(decay, (1 + step) / (10 + step)))
    update(list(averaged.parameters()), list(model.parameters()), step)
