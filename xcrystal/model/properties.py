"""Properties from a latent vector with their uncertainty: an ensemble of heads that replaces the jointly trained one.

The members start from the head that was trained with the autoencoder and are fitted further, each on its own draws of
the posterior (deep ensembles: Lakshminarayanan, Pritzel, Blundell, NeurIPS 2017). Their mean is the prediction, with
the probability that gap and hull distance are not zero and quantiles of those that are not. Held-out crystals turn
these into intervals (``xcrystal.model.intervals``).

Shapes: M members, B crystals, I inputs (the latent dimension), W width.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xcrystal.errors import CheckpointError
from xcrystal.model.checkpoint import write_tensors
from xcrystal.model.digests import weights_digest
from xcrystal.model.intervals import ZERO, Calibration, Prediction, intervals, platt
from xcrystal.model.vae import N_PROPERTY_OUTPUTS, PropertyHead, PropertyModel

FILE = "properties.safetensors"
HULL_UNIT = 0.1
# what each member gives: energy, then a gate and a size of gap and of hull distance, as the joint head does; ...
NONZERO = slice(N_PROPERTY_OUTPUTS, N_PROPERTY_OUTPUTS + 2)  # ... logits of not being zero
_BELOW = slice(NONZERO.stop, NONZERO.stop + 3)  # ... logarithms of the distances to the 5 % quantiles
_ABOVE = slice(_BELOW.stop, _BELOW.stop + 3)  # ... and to the 95 % quantiles
_OUTPUTS = _ABOVE.stop
_FLOOR = 0.02
_CALIBRATION = "calibration."


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


class PropertyEnsemble(PropertyModel):
    """Properties (B, 3) of inputs (B, I), with their intervals once it is calibrated.

    The value is smooth in the input (a gate between 0 and 1 times a positive size, for gap and hull distance), so that
    the value that is reported is the one that is attributed.
    """

    target: Tensor
    platt: Tensor

    def __init__(self, members: int, inputs: int, width: int, mean: float = 0.0, std: float = 1.0) -> None:
        super().__init__()
        self.first, self.second = Layer(members, inputs, width), Layer(members, width, width)
        self.last = Layer(members, width, _OUTPUTS)
        self.dropout = 0.0
        self.register_buffer("target", torch.tensor([mean, std]))
        self.register_buffer("platt", torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
        self.float()  # whatever the process-wide default is

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
            made.last.bias[..., n + 2 :] = -1.0
        return made

    def after(self, linear: nn.Linear) -> PropertyEnsemble:
        """An ensemble that says of x what this one says of ``linear(x)``; it is not calibrated."""
        members, _, width = self.first.weight.shape
        made = PropertyEnsemble(members, linear.in_features, width, *self.target.tolist())
        made.load_state_dict({k: v for k, v in self.state_dict().items() if not k.startswith("first.")}, strict=False)
        with torch.no_grad():
            made.first.weight.copy_(linear.weight.T @ self.first.weight)
            made.first.bias.copy_(self.first.bias + linear.bias[None] @ self.first.weight)
        return made

    def first_members(self, count: int) -> PropertyEnsemble:
        """An ensemble of the first ``count`` members alone; it is not calibrated."""
        _, inputs, width = self.first.weight.shape
        made = PropertyEnsemble(min(count, self.members), inputs, width)
        state = {k: v if k in ("target", "platt") else v[:count] for k, v in self.state_dict().items()}
        made.load_state_dict(state)
        return made

    @property
    def members(self) -> int:
        """How many there are."""
        return self.first.weight.shape[0]

    def untrained(self) -> PropertyEnsemble:
        """An ensemble of the same sizes with random weights."""
        return PropertyEnsemble(*self.first.weight.shape)

    def hidden(self, x: Tensor) -> Tensor:
        """(M, B, W) last hidden layer of inputs (B, I) or (M, B, I)."""
        x = x.expand(self.members, *x.shape) if x.dim() == 2 else x
        for layer in (self.first, self.second):
            x = F.dropout(F.gelu(layer(x)), self.dropout, self.training)
        return x

    def member_values(self, raw: Tensor) -> Tensor:
        """(M, B, 3) properties of outputs (M, B, 13)."""
        gates = torch.sigmoid(raw[..., 1:N_PROPERTY_OUTPUTS:2])
        medians = self.member_medians(raw)
        return torch.cat([medians[..., :1], gates * medians[..., 1:]], dim=-1)

    def member_medians(self, raw: Tensor) -> Tensor:
        """(M, B, 3) energy, and the sizes of gap and hull distance if these are not zero."""
        mean, std = self.target
        energy = raw[..., :1] * std + mean
        return torch.cat([energy, F.softplus(raw[..., 2:N_PROPERTY_OUTPUTS:2]) * self.units()[1:]], dim=-1)

    def member_distances(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """(M, B, 3) distances from the medians down to the 5 % and up to the 95 % quantiles."""
        units = self.units()
        return tuple(raw[..., at].clamp(-6, 3).exp() * units for at in (_BELOW, _ABOVE))  # type: ignore[return-value]

    def units(self) -> Tensor:
        """(3,) typical sizes of the properties."""
        return torch.stack([self.target[1], self.target.new_tensor(1.0), self.target.new_tensor(HULL_UNIT)])

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3) properties."""
        return self.member_values(self.last(self.hidden(x))).mean(dim=0)

    def predict(self, x: Tensor) -> Prediction:
        """Values (B, 3) at inputs (B, I), probabilities of not being zero, and what intervals are made of."""
        raw = self.last(self.hidden(x))
        medians = self.member_medians(raw)
        disagreement = (medians - medians.mean(dim=0)).square().mean(dim=0).sqrt()
        below, above = (each.mean(dim=0) + disagreement + _FLOOR * self.units() for each in self.member_distances(raw))
        slope, shift = self.platt.T
        nonzero = torch.sigmoid(slope * raw[..., NONZERO].mean(dim=0) + shift)
        return Prediction(self.member_values(raw).mean(dim=0), nonzero, medians.mean(dim=0), below, above)

    def intervals(self, x: Tensor, level: float = 0.9) -> Tensor:
        """(B, 3, 2) smallest and largest possible values at a level; NaN for what is not calibrated."""
        return intervals(self.predict(x), self.calibrations, level)


@torch.no_grad()
def calibrate(ensemble: PropertyEnsemble, x: Tensor, truth: Tensor) -> None:
    """Let held-out crystals set the sizes of the intervals, and how much the probabilities have to be moderated.

    They have to be held out: the encoder has seen the crystals it was trained on together with their properties, so
    its errors on them are too small.

    Parameters
    ----------
    ensemble
        Gets the calibrations; it is to be on the CPU.
    x, truth
        Inputs (B, I) of B held-out crystals, and their properties (B, 3), NaN where unknown.
    """
    ensemble.platt.copy_(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    logits = torch.logit(ensemble.predict(x).nonzero, eps=1e-6)
    for k in (0, 1):
        known = ~truth[:, k + 1].isnan()
        ensemble.platt[k] = torch.tensor(platt(logits[known, k], truth[known, k + 1] > ZERO))
    found = ensemble.predict(x)
    each = {k: Calibration.of(found, k, truth[:, k]) for k in range(truth.shape[1])}
    ensemble.calibrations = {k: calibration for k, calibration in each.items() if calibration is not None}


def save_ensemble(ensemble: PropertyEnsemble, folder: Path, figures: dict[str, Any] | None = None) -> None:
    """Write ``properties.safetensors`` beside the weights that the ensemble was fitted to, atomically."""
    parameters = {name: p.detach().half() for name, p in ensemble.named_parameters()}
    state = parameters | {name: b.detach() for name, b in ensemble.named_buffers()}
    for k, calibration in ensemble.calibrations.items():
        state |= {f"{_CALIBRATION}{k}.{name}": value for name, value in vars(calibration).items()}
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
        calibrations: dict[int, dict[str, Tensor]] = {}
        for key in [key for key in state if key.startswith(_CALIBRATION)]:
            column, name = key.removeprefix(_CALIBRATION).split(".")
            calibrations.setdefault(int(column), {})[name] = state.pop(key)
        members, inputs, width = state["first.weight"].shape
        ensemble = PropertyEnsemble(members, inputs, width)
        ensemble.load_state_dict(state)
        ensemble.calibrations = {k: Calibration(**each) for k, each in sorted(calibrations.items())}
    except Exception as error:
        raise CheckpointError(f"The properties' ensemble {path} cannot be loaded: {error}") from error
    if metadata.get("weights") != weights_digest(folder):
        raise CheckpointError(
            f"{path} was fitted to other weights; fit it anew with xcrystal fit-properties, or remove it."
        )
    return ensemble.eval()
