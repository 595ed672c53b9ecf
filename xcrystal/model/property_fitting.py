"""Fit an ensemble of property heads to the latent vectors of crystals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from xcrystal.model.intervals import ZERO
from xcrystal.model.properties import NONZERO, PropertyEnsemble

_ENTROPY, _SIZE = 0.3, 0.3  # weights in the loss, beside 1 for the errors themselves


@dataclass(frozen=True)
class FitSettings:
    """How the members are fitted.

    Attributes
    ----------
    members, epochs, batch_size, learning_rate, weight_decay, dropout
        As everywhere.
    noise
        How many standard deviations of the posterior the latent vectors are moved by, drawn anew at every step.
    """

    members: int = 5
    epochs: int = 12
    batch_size: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    dropout: float = 0.1
    noise: float = 1.0


def fit_ensemble(
    ensemble: PropertyEnsemble,
    inputs: Tensor,
    spread: Tensor | None,
    properties: Tensor,
    settings: FitSettings | None = None,
    seed: int = 0,
    progress: Callable[[], object] | None = None,
) -> PropertyEnsemble:
    """Fit the members, each on draws of its own; gap and hull distance by their absolute error.

    Parameters
    ----------
    ensemble
        Where the fit begins; it is changed.
    inputs, spread
        (n, I) means and standard deviations of the posteriors; without the second nothing is drawn.
    properties
        (n, 3), NaN where unknown.
    progress
        Is called after each of the ``steps`` steps.

    Returns
    -------
    PropertyEnsemble
        The same, in evaluation mode, its weights rounded to the half precision that they are stored in.
    """
    how = settings or FitSettings()
    total = steps(len(inputs), how)
    size = min(how.batch_size, len(inputs))
    generator = torch.Generator().manual_seed(seed)
    ensemble.train()
    ensemble.dropout = how.dropout
    optimizer = torch.optim.AdamW(ensemble.parameters(), lr=how.learning_rate, weight_decay=how.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, how.learning_rate, total_steps=total, pct_start=0.1)
    orders: list[Tensor] = []
    # dropout knows no generator of its own
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(total):
            if not orders:
                # as many orders as members, cut into batches alike
                every = torch.stack([torch.randperm(len(inputs), generator=generator) for _ in range(ensemble.members)])
                orders = [every[:, i : i + size] for i in range(0, len(inputs) - size + 1, size)]
            rows = orders.pop()
            x = inputs[rows]
            if spread is not None and how.noise:
                x = x + how.noise * spread[rows] * torch.randn(x.shape, generator=generator)
            loss = ensemble_loss(ensemble, x, properties[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if progress is not None:
                progress()
    ensemble.dropout = 0.0
    with torch.no_grad():
        for parameter in ensemble.parameters():
            parameter.copy_(parameter.half())
    return ensemble.eval()


def steps(crystals: int, settings: FitSettings) -> int:
    """How many steps a fit takes."""
    return settings.epochs * max(1, crystals // settings.batch_size)


def ensemble_loss(ensemble: PropertyEnsemble, x: Tensor, properties: Tensor) -> Tensor:
    """Sum over the members of their losses on inputs (M, B, I) with properties (M, B, 3).

    Absolute errors in the properties' units; cross-entropy for whether gap and hull distance are zero; and pinball
    losses (Koenker and Bassett, Econometrica 46, 33, 1978) of the quantiles of the energy, and of gap and hull distance
    where they are not zero. Those at 5 and 95 % teach the last layer alone.
    """
    hidden = ensemble.hidden(x)
    raw = ensemble.last(hidden)
    units = ensemble.units()
    known = (~properties.isnan()).to(x.dtype)
    truth = torch.nan_to_num(properties)
    positive = (truth[..., 1:] > ZERO).to(x.dtype)
    inside = torch.cat([known[..., :1], known[..., 1:] * positive], dim=-1)  # where quantiles mean something
    medians = ensemble.member_medians(raw)
    error = (ensemble.member_values(raw) - truth).abs() / units
    entropy = F.binary_cross_entropy_with_logits(raw[..., NONZERO], positive, reduction="none")
    below, above = ensemble.member_distances(ensemble.last(hidden.detach()))
    away = truth - medians.detach()
    tails = (pinball(away + below, 0.05) + pinball(away - above, 0.95)) / units
    return (
        _mean(error, known).sum()
        + _ENTROPY * _mean(entropy, known[..., 1:]).sum()
        + _SIZE * _mean((medians - truth)[..., 1:].abs() / units[1:], inside[..., 1:]).sum()
        + _mean(tails, inside).sum()
    )


def pinball(away: Tensor, level: float) -> Tensor:
    """(...,) loss of a quantile, from how far the truth lies above it (...,)."""
    return torch.maximum(level * away, (level - 1) * away)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """(M, k) over the batch of values (M, B, k), where the weights are 1."""
    return (values * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
