"""Properties from a latent vector with their uncertainty: an ensemble of heads that replaces the jointly trained one.

The members start from the head that was trained with the autoencoder and are fitted further, each on its own draws of
the posterior (deep ensembles: Lakshminarayanan, Pritzel, Blundell, NeurIPS 2017). Their mean is the prediction. The
shape of its uncertainty is a learned scale and the members' disagreement for the formation energy, and follows from
the probability of not being zero for gap and hull distance; ``calibrate`` gives its size.

Shapes: M members, B crystals, I inputs (the latent dimension), W width.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xcrystal.errors import CheckpointError
from xcrystal.model.checkpoint import weights_digest, write_tensors
from xcrystal.model.vae import N_PROPERTY_OUTPUTS, PropertyHead

FILE = "properties.safetensors"
Z90 = 1.6448536269514722  # half of a normal distribution's central 90 %, in standard deviations
ZERO = 1e-3  # eV or eV/atom: gaps and hull distances up to here count as zero
HULL_UNIT = 0.1
_OUTPUTS = N_PROPERTY_OUTPUTS + 2 + 1
_FLOOR = 0.02
_INSIDE = 0.99
# coverage that is aimed at: where zero and other values compete for one symmetric interval, a little more of the zeros
# and a little less of the others makes intervals several times narrower
_LEVEL, _LEVEL_ZERO, _LEVEL_OTHERS = 0.90, 0.93, 0.88


@dataclass(frozen=True)
class Prediction:
    """What an ensemble says of B crystals.

    Attributes
    ----------
    values
        (B, 3) formation energy (eV/atom), band gap (eV), energy above hull (eV/atom); the last two never negative.
    nonzero
        (B, 2) probability that gap and hull distance are above ``ZERO``.
    scales
        (B, 3) uncalibrated sizes of the error, in the properties' units.
    """

    values: Tensor
    nonzero: Tensor
    scales: Tensor


class Layer(nn.Module):
    """A linear layer for each member."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(M, B, outputs) of (M, B, inputs)."""
        return torch.baddbmm(self.bias, x, self.weight)


class PropertyEnsemble(nn.Module):
    """Properties (B, 3) of inputs (B, I), with their standard deviations once it is calibrated.

    The value is smooth in the input (a probability of not being zero times a positive size, for gap and hull
    distance), so that the value that is reported is the one that is attributed.
    """

    target: Tensor
    factor: Tensor
    threshold: Tensor

    def __init__(self, members: int, inputs: int, width: int, mean: float = 0.0, std: float = 1.0) -> None:
        super().__init__()
        self.first, self.second = Layer(members, inputs, width), Layer(members, width, width)
        self.last = Layer(members, width, _OUTPUTS)
        self.dropout = 0.0
        self.register_buffer("target", torch.tensor([mean, std]))
        self.register_buffer("factor", torch.full((3,), math.nan))
        self.register_buffer("threshold", torch.zeros(2))

    @classmethod
    def from_head(cls, head: PropertyHead, members: int) -> PropertyEnsemble:
        """An ensemble whose members all say what a jointly trained head says."""
        one, two, three = (cast(nn.Linear, head.net[i]) for i in (0, 2, 4))
        made = cls(members, one.in_features, one.out_features, head.mean, head.std)
        with torch.no_grad():
            for layer, linear in ((made.first, one), (made.second, two)):
                layer.weight.copy_(linear.weight.T.expand_as(layer.weight))
                layer.bias.copy_(linear.bias.expand_as(layer.bias))
            n = N_PROPERTY_OUTPUTS
            # whether a property is zero is at first what the head multiplies its size with
            rows = [*range(n), 1, 3]
            made.last.weight[..., : n + 2] = three.weight[rows].T
            made.last.bias[..., : n + 2] = three.bias[rows]
            made.last.weight[..., n + 2 :] = 0
            made.last.bias[..., n + 2 :] = -2.0
        return made

    def after(self, linear: nn.Linear) -> PropertyEnsemble:
        """An ensemble that says of x what this one says of ``linear(x)``; it is not calibrated."""
        members, _, width = self.first.weight.shape
        made = PropertyEnsemble(members, linear.in_features, width, *self.target.tolist())
        made.load_state_dict({k: v for k, v in self.state_dict().items() if not k.startswith("first.")}, strict=False)
        with torch.no_grad():
            made.factor.fill_(math.nan)
            made.first.weight.copy_(linear.weight.T @ self.first.weight)
            made.first.bias.copy_(self.first.bias + linear.bias[None] @ self.first.weight)
        return made

    @property
    def members(self) -> int:
        """How many there are."""
        return self.first.weight.shape[0]

    @property
    def calibrated(self) -> bool:
        """Whether standard deviations mean something."""
        return bool(torch.isfinite(self.factor).all())

    def hidden(self, x: Tensor) -> Tensor:
        """(M, B, W) last hidden layer of inputs (B, I) or (M, B, I)."""
        x = x.expand(self.members, *x.shape) if x.dim() == 2 else x
        for layer in (self.first, self.second):
            x = F.dropout(F.gelu(layer(x)), self.dropout, self.training)
        return x

    def member_values(self, raw: Tensor) -> Tensor:
        """(M, B, 3) properties of outputs (M, B, 8)."""
        mean, std = self.target
        energy = raw[..., 0] * std + mean
        gap = torch.sigmoid(raw[..., 1]) * F.softplus(raw[..., 2])
        hull = torch.sigmoid(raw[..., 3]) * F.softplus(raw[..., 4]) * HULL_UNIT
        return torch.stack([energy, gap, hull], dim=-1)

    def units(self) -> Tensor:
        """(3,) typical sizes of the properties."""
        return torch.stack([self.target[1], self.target.new_tensor(1.0), self.target.new_tensor(HULL_UNIT)])

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3) properties."""
        return self.member_values(self.last(self.hidden(x))).mean(dim=0)

    def predict(self, x: Tensor) -> Prediction:
        """Values, probabilities of not being zero, and uncalibrated sizes of the error."""
        raw = self.last(self.hidden(x))
        each = self.member_values(raw)
        nonzero = torch.sigmoid(raw[..., 5:7]).mean(dim=0)
        disagreement = (each[..., 0] - each[..., 0].mean(dim=0)).square().mean(dim=0).sqrt()
        energy = raw[..., 7].clamp(-6, 3).exp().mean(dim=0) * self.target[1] + disagreement
        scales = torch.cat([energy[:, None] + _FLOOR, (nonzero.sqrt() + _FLOOR) * self.units()[1:]], dim=1)
        return Prediction(each.mean(dim=0), nonzero, scales)

    def deviations(self, found: Prediction) -> Tensor:
        """(B, 3) standard deviations: value ± 1.645 of them, cut at 0, holds the truth in about 90 %.

        Gap and hull distance are exactly zero for many crystals, so that their intervals are made to hold 93 % of the
        crystals whose value is zero and 88 % of the others, which is about 90 % of all (label-conditional conformal
        prediction: Vovk, ACML 2012): an interval reaches down to zero if and only if the value is at most
        ``threshold``.
        """
        half = found.scales * self.factor
        values = found.values[:, 1:]
        down, above = torch.maximum(half[:, 1:], 1.0001 * values), torch.minimum(half[:, 1:], _INSIDE * values)
        conditional = torch.where(values <= self.threshold, down, above)
        return torch.cat([half[:, :1], conditional], dim=1) / Z90


@torch.no_grad()
def calibrate(ensemble: PropertyEnsemble, found: Prediction, truth: Tensor) -> None:
    """Set the constants that turn sizes of the error into standard deviations.

    They are quantiles of split conformal prediction (Papadopoulos et al., ECML 2002) over held-out crystals: the
    encoder has seen the crystals it was trained on together with their properties, so their errors are too small.

    Parameters
    ----------
    ensemble
        Gets the constants.
    found, truth
        What it says of B held-out crystals, and their properties (B, 3), NaN where unknown.
    """
    known = ~truth.isnan()
    error = (truth - found.values).abs()
    ensemble.factor[0] = conformal_quantile((error / found.scales)[known[:, 0], 0], _LEVEL)
    for column in (1, 2):
        rows = known[:, column]
        zero = truth[rows, column] <= ZERO
        v, e, scale = (a[rows, column] for a in (found.values, error, found.scales))
        threshold = conformal_quantile(v[zero], _LEVEL_ZERO) if zero.any() else v.new_tensor(0.0)
        reaches = v <= threshold
        # the factor at which each crystal comes to lie in its interval
        needed = torch.where(reaches & (e <= v), 0.0, e / scale)
        needed = torch.where(~reaches & (e > _INSIDE * v), math.inf, needed)
        ensemble.threshold[column - 1] = threshold
        ensemble.factor[column] = conformal_quantile(needed[~zero], _LEVEL_OTHERS)


def conformal_quantile(scores: Tensor, level: float) -> Tensor:
    """The ceil((n + 1) level)-th smallest of n scores, or the largest finite one; 1 if none is finite."""
    finite = scores[torch.isfinite(scores)]
    if not len(finite):
        return scores.new_tensor(1.0)
    place = min(math.ceil((len(scores) + 1) * level), len(finite))
    return finite.sort().values[place - 1]


def save_ensemble(ensemble: PropertyEnsemble, folder: Path, figures: dict[str, Any] | None = None) -> None:
    """Write ``properties.safetensors`` beside the weights that the ensemble was fitted to, atomically."""
    parameters = {name: p.detach().half() for name, p in ensemble.named_parameters()}
    state = parameters | {name: b.detach() for name, b in ensemble.named_buffers()}
    metadata = {"weights": weights_digest(folder), "figures": json.dumps(figures or {})}
    write_tensors({name: value.cpu().contiguous() for name, value in state.items()}, folder / FILE, metadata)


def load_ensemble(folder: Path) -> PropertyEnsemble | None:
    """The ensemble of a model's folder, in evaluation mode; None if it has none.

    Raises
    ------
    CheckpointError
        If it is damaged, or was fitted to other weights than the folder holds.
    """
    from safetensors import safe_open
    from safetensors.torch import load_file

    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        state = {name: value.float() for name, value in load_file(path).items()}
        members, inputs, width = state["first.weight"].shape
        ensemble = PropertyEnsemble(members, inputs, width)
        ensemble.load_state_dict(state)
    except Exception as error:
        raise CheckpointError(f"The properties' ensemble {path} cannot be loaded: {error}") from error
    if metadata.get("weights") != weights_digest(folder):
        raise CheckpointError(
            f"{path} was fitted to other weights; fit it anew with xcrystal fit-properties, or remove it."
        )
    return ensemble.eval()
