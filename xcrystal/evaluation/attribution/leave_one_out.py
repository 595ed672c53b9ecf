"""Whether the crystals that ``influence`` shows are those that a prediction rests on: leave-one-out retraining.

On the toy model, which takes seconds: a head learns the mean electronegativity from the latent vectors of idealized
perovskites, and again without each of them in turn, always from the same weights and for as many steps. What leaving a
crystal out changes in the prediction for an unseen one is the truth. Compared with it are nearness in latent space,
which ``influence`` goes by, and influence functions (Koh & Liang, ICML 2017) in the Gauss-Newton approximation.

Shapes: M heads, n training crystals, t unseen crystals, Z latent dimension, W width, P parameters of a head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import DatasetError
from xcrystal.evaluation.shared.ranking import spearman
from xcrystal.evaluation.shared.statistics import bootstrap_interval, interval_text
from xcrystal.explanation.known_answers import ELECTRONEGATIVITY
from xcrystal.generator import CrystalModel
from xcrystal.reporting import Report, columns

_UNSEEN, _LEFT_OUT = 40, 80
_WIDTH = 16
STEPS, _RATE = 600, 0.01
_RIDGE = 3e-3  # of the squared weights in the loss, so that training ends where the loss alone decides
_METHODS = {
    "nearness in latent space": "size",
    "influence functions": "sign and size",
    "random numbers": "size",
}


@dataclass(frozen=True)
class LeaveOneOutReport(Report):
    """Rank correlations with the change that leaving a training crystal out makes.

    Attributes
    ----------
    crystals, left_out, unseen
        How many a head learned from, how many of them were left out in turn, and for how many others its predictions
        were compared.
    change
        Median absolute change of a prediction, in units of the target's standard deviation.
    correlations
        By method, mean over the unseen crystals and 95 % interval of Spearman's correlation over the training crystals.
    """

    crystals: int
    left_out: int
    unseen: int
    change: float
    correlations: dict[str, tuple[float, float, float]]

    def table(self) -> str:
        """The figures as lines of text."""
        rows = [["", "of the change's", "Spearman's correlation"]]
        for name, values in self.correlations.items():
            rows.append([name, _METHODS[name], interval_text(values)])
        return (
            f"{self.left_out} of {self.crystals} training crystals are left out in turn, {self.unseen} others are "
            f"predicted; a prediction changes by {self.change:.4f} standard deviations of the target (median).\n\n"
            f"{columns(rows)}"
        )


def evaluate_influence(
    model: CrystalModel,
    crystals: Sequence[WyckoffCrystal],
    seed: int = 0,
    progress: Callable[[], object] | None = None,
) -> LeaveOneOutReport:
    """Compare what is called influence with leave-one-out retraining.

    Parameters
    ----------
    model
        Whose latent vectors are learned from; a small one.
    crystals
        What is learned from, and predicted; some hundreds, in canonical form.
    seed
        Of the split, the first weights and the random numbers.
    progress
        Called after each step of the heads, which learn all at once.

    Raises
    ------
    DatasetError
        If there are too few crystals.
    """
    if len(crystals) < _UNSEEN + _LEFT_OUT:
        raise DatasetError(f"This needs at least {_UNSEEN + _LEFT_OUT} crystals, not {len(crystals)}.")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(crystals))
    z = torch.from_numpy(model.encode_canonical(list(crystals))).double()
    amounts = [c.multiplicities / c.multiplicities.sum() for c in crystals]
    target = np.array([a @ ELECTRONEGATIVITY[c.elements] for a, c in zip(amounts, crystals, strict=True)])
    seen, unseen = torch.from_numpy(order[_UNSEEN:]), torch.from_numpy(order[:_UNSEEN])
    z = (z - z[seen].mean(dim=0)) / z[seen].std(dim=0).clamp(min=1e-6)
    y = torch.from_numpy((target - target[seen].mean()) / target[seen].std())
    n = len(seen)
    used = torch.cat([torch.ones(1, n), 1 - torch.eye(n)[:_LEFT_OUT]]).double()  # the first head leaves out nothing
    heads = _trained(z[seen], y[seen], used, seed, progress)
    predicted = _predict(heads, z[unseen])
    change = (predicted[:1] - predicted[1:]).T.numpy()  # (t, those left out)
    near = -torch.cdist(z[unseen], z[seen[:_LEFT_OUT]]).numpy()
    functions = _influence_functions([part[0] for part in heads], z[seen], y[seen], z[unseen])[:, :_LEFT_OUT]
    found = {
        "nearness in latent space": [spearman(a, np.abs(b)) for a, b in zip(near, change, strict=True)],
        "influence functions": [spearman(a, b) for a, b in zip(functions, change, strict=True)],
        "random numbers": [spearman(rng.standard_normal(_LEFT_OUT), np.abs(b)) for b in change],
    }
    means = {name: bootstrap_interval(np.array(values), seed=seed) for name, values in found.items()}
    return LeaveOneOutReport(n, _LEFT_OUT, _UNSEEN, float(np.median(np.abs(change))), means)


def _trained(
    z: Tensor, y: Tensor, used: Tensor, seed: int, progress: Callable[[], object] | None = None
) -> list[Tensor]:
    """Heads that learn from crystals (n, Z) with targets (n,), each from those that it uses (M, n); all begin alike."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((z.shape[1], _WIDTH), (1, _WIDTH), (_WIDTH, 1), (1, 1))
    scales = (z.shape[1] ** -0.5, 0.0, _WIDTH**-0.5, 0.0)
    first = [torch.randn(shape, generator=generator).double() * s for shape, s in zip(shapes, scales, strict=True)]
    parameters = [part.expand(len(used), *part.shape).clone().requires_grad_() for part in first]
    optimizer = torch.optim.Adam(parameters, lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        loss = (used * (_predict(parameters, z) - y) ** 2).sum() / z.shape[0]
        loss = loss + _RIDGE * sum(part.square().sum() for part in parameters)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if progress is not None:
            progress()
    return [part.detach() for part in parameters]


def _predict(heads: list[Tensor], z: Tensor) -> Tensor:
    """(M, n) what heads say of latent vectors (n, Z)."""
    first, first_bias, second, second_bias = heads
    found: Tensor = (torch.tanh(z @ first + first_bias) @ second + second_bias)[..., 0]
    return found


def _influence_functions(head: list[Tensor], z: Tensor, y: Tensor, others: Tensor) -> np.ndarray:
    """(t, n) what training crystals (n, Z) with targets (n,) do to predictions for others (t, Z)."""

    def gradients(points: Tensor) -> Tensor:
        def predict(parts: tuple[Tensor, ...], point: Tensor) -> Tensor:
            return _predict([part[None] for part in parts], point[None])[0, 0]

        each = torch.func.vmap(torch.func.grad(predict), in_dims=(None, 0))(tuple(head), points)
        return torch.cat([part.flatten(1) for part in each], dim=1)  # (n, P)

    own = gradients(z)
    residual = y - _predict([part[None] for part in head], z)[0]
    curvature = own.T @ own / len(z)
    ridge = _RIDGE * torch.eye(len(curvature)).double()
    solved = torch.linalg.solve(curvature + ridge, (own * residual[:, None]).T)
    return np.asarray((gradients(others) @ solved).numpy())
