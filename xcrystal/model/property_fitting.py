"""Fit an ensemble of property heads to the codes of crystals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from xcrystal.model.properties import ZERO, PropertyEnsemble


@dataclass(frozen=True)
class FitSettings:
    """How the members are fitted.

    Attributes
    ----------
    members, epochs, batch_size, learning_rate, weight_decay, dropout
        As everywhere.
    noise
        How many standard deviations of the posterior the codes are moved by, drawn anew at every step.
    """

    members: int = 5
    epochs: int = 8
    batch_size: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    dropout: float = 0.05
    noise: float = 0.5


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

    Absolute errors in the properties' units, cross-entropy for whether gap and hull distance are zero, and the
    likelihood of the formation energy's errors under a Laplace distribution, which teaches its scale alone.
    """
    hidden = ensemble.hidden(x)
    raw = ensemble.last(hidden)
    known = (~properties.isnan()).to(x.dtype)
    count = known.sum(dim=1).clamp(min=1)
    truth = torch.nan_to_num(properties)
    error = (ensemble.member_values(raw) - truth).abs() / ensemble.units()
    positive = (truth[..., 1:] > ZERO).to(x.dtype)
    entropy = F.binary_cross_entropy_with_logits(raw[..., 5:7], positive, reduction="none")
    scale = ensemble.last(hidden.detach())[..., 7].clamp(-6, 3)
    likelihood = (error[..., 0].detach() * (-scale).exp() + scale) * known[..., 0]
    error = (error * known).sum(dim=1) / count
    entropy = (entropy * known[..., 1:]).sum(dim=1) / count[:, 1:]
    return error.sum() + 0.3 * entropy.sum() + 0.1 * (likelihood.sum(dim=1) / count[:, 0]).sum()
