"""The learned prior: a flow from the standard normal distribution to the latent vectors of crystals.

The latent vectors of known crystals fill a small part of latent space, and a draw from the standard normal distribution
mostly misses it. A velocity field, learned by flow matching with straight paths (Y. Lipman et al., ICLR 2023; X. Liu et
al., ICLR 2023), carries such a draw to where latent vectors are.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn

from xcrystal.errors import CheckpointError
from xcrystal.model.checkpoint import write_tensors
from xcrystal.model.digests import weights_digest
from xcrystal.model.optimizing import set_learning_rate, update_average

FILE = "prior.safetensors"
_FREQUENCIES = 16
_STEPS = 32
_CHUNK = 4096
_PROBES = 16  # directions in which the divergence is measured
_LIKELIHOOD_STEPS = 16
Flow = TypeVar("Flow", bound=nn.Module)


class LatentFlow(nn.Module):
    """Velocities of latent vectors on their way from the normal distribution (time 0) to latent vectors (time 1)."""

    frequency: Tensor

    def __init__(self, latent_dim: int, width: int = 512, blocks: int = 3) -> None:
        super().__init__()
        self.latent_dim, self.width, self.depth = latent_dim, width, blocks
        self.enter = nn.Linear(latent_dim, width)
        self.time = nn.Sequential(nn.Linear(2 * _FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
            for _ in range(blocks)
        )
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, latent_dim))
        frequency = torch.exp(torch.linspace(0.0, math.log(200.0), _FREQUENCIES, dtype=torch.float32))
        self.register_buffer("frequency", frequency, persistent=False)
        self.float()  # whatever the process-wide default is

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """(B, Z) velocities at x (B, Z) and times (B,)."""
        angle = time[:, None] * self.frequency
        h = self.enter(x) + self.time(torch.cat([angle.sin(), angle.cos()], dim=1))
        for block in self.blocks:
            h = h + block(h)
        return self.leave(h)

    def carry(self, x: Tensor, start: float = 0.0, end: float = 1.0, steps: int = _STEPS) -> Tensor:
        """Where points (B, Z) at time ``start`` are at time ``end``, which may be the earlier one (Heun's method)."""
        return carried(self, x, start, end, steps)

    def sample(self, n: int, seed: int = 0, temperature: float = 1.0) -> np.ndarray:
        """(n, Z) float32 draws; ``temperature`` is the spread of the normal distribution that they begin from."""
        rng = np.random.default_rng(seed)
        return self.arrive((temperature * rng.standard_normal((n, self.latent_dim))).astype(np.float32))

    def arrive(self, normal: np.ndarray) -> np.ndarray:
        """Latent vectors (n, Z) float32 to which draws (n, Z) float32 from a normal distribution are carried."""
        device = self.enter.weight.device
        parts = [self.carry(torch.from_numpy(normal[i : i + _CHUNK]).to(device)) for i in range(0, len(normal), _CHUNK)]
        return torch.cat(parts).cpu().numpy() if parts else normal

    def log_likelihood(self, z: Tensor, seed: int = 0) -> Tensor:
        """The natural logarithm (B,) of the density of latent vectors (B, Z) under this prior.

        By the change of variables along the flow. In many dimensions its divergence is estimated in seeded random
        directions (M. F. Hutchinson, Commun. Stat. Simul. Comput. 18, 1059, 1989), the same for all vectors.
        """
        generator = torch.Generator().manual_seed(seed)
        if self.latent_dim <= _PROBES:
            probes = torch.eye(self.latent_dim) * math.sqrt(self.latent_dim)
        else:
            probes = torch.randint(0, 2, (_PROBES, self.latent_dim), generator=generator) * 2.0 - 1.0
        probes = probes.to(z)
        x, gained = z.detach().clone(), torch.zeros(len(z), device=z.device, dtype=z.dtype)
        h = -1.0 / _LIKELIHOOD_STEPS
        with torch.inference_mode(False), torch.enable_grad():
            for step in range(_LIKELIHOOD_STEPS):
                time = torch.full((len(z),), 1.0 + (step + 0.5) * h, device=z.device, dtype=z.dtype)
                middle = (x + h / 2 * self(x, time - h / 2)).detach().requires_grad_()
                slope = self(middle, time)
                for probe in probes:
                    along = torch.autograd.grad((slope @ probe).sum(), middle, retain_graph=True)[0]
                    gained += h * (along @ probe).detach() / len(probes)
                x = x + h * slope.detach()
        normal = -0.5 * (x.square().sum(dim=1) + self.latent_dim * math.log(2 * math.pi))
        return normal + gained

    @torch.no_grad()
    def snap(self, z: Tensor, strength: float) -> Tensor:
        """Latent vectors (B, Z) pulled towards latent vectors: what z, taken for a noisy latent vector, is without
        noise.

        ``strength`` (0 to 1) is the share of noise: 0 changes nothing, 1 gives the mean of all latent vectors.
        """
        time = 1.0 - strength
        here = time * z
        return here + strength * self(here, torch.full((len(z),), time, device=z.device, dtype=z.dtype))


@torch.no_grad()
def carried(
    velocity: Callable[[Tensor, Tensor], Tensor], x: Tensor, start: float = 0.0, end: float = 1.0, steps: int = _STEPS
) -> Tensor:
    """Where velocities of (B, Z) points at times (B,) take points (B, Z) from one time to another (Heun's method)."""
    h = (end - start) / steps
    for step in range(steps):
        now = torch.full((len(x),), start + step * h, device=x.device, dtype=x.dtype)
        slope = velocity(x, now)
        x = x + h / 2 * (slope + velocity(x + h * slope, now + h))
    return x


def fit_flow(
    means: Tensor,
    deviations: Tensor,
    steps: int = 15000,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    noise: float = 0.5,
    seed: int = 0,
    progress: Callable[[], object] | None = None,
) -> LatentFlow:
    """Fit a flow to posteriors with means and standard deviations (n, Z).

    Parameters
    ----------
    noise
        How many standard deviations the latent vectors are moved by, drawn anew at every step, so that the flow does
        not learn the latent vectors by heart.
    progress
        Is called after each step.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        flow = LatentFlow(means.shape[1])
    averaged = copy.deepcopy(flow).requires_grad_(False)
    optimizer = torch.optim.AdamW(flow.parameters(), lr=0.0, weight_decay=0.01, fused=True)
    for step in range(steps):
        set_learning_rate(optimizer, learning_rate, step / steps, (step + 1) / 100)
        rows = torch.randint(len(means), (batch_size,), generator=generator)
        end = means[rows] + noise * deviations[rows] * torch.randn(batch_size, means.shape[1], generator=generator)
        start = torch.randn(batch_size, means.shape[1], generator=generator)
        time = torch.rand(batch_size, generator=generator)
        with torch.autocast("cpu", torch.bfloat16):
            velocity = flow(start + time[:, None] * (end - start), time)
        loss = ((velocity.float() - (end - start)) ** 2).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        update_average(averaged, flow, step, 0.998)
        if progress:
            progress()
    return averaged.eval()


def save_flow(flow: LatentFlow, folder: Path) -> None:
    """Write ``prior.safetensors`` into a model's folder, in 16-bit floats."""
    save_fitted(flow, folder / FILE, latent_dim=flow.latent_dim, width=flow.width, blocks=flow.depth)


def load_flow(folder: Path) -> LatentFlow | None:
    """The flow of a model's folder, None if there is none.

    Raises
    ------
    CheckpointError
        If the file is damaged, or belongs to other weights.
    """
    return load_fitted(LatentFlow, folder / FILE, "prior", "fit-prior")


def save_fitted(flow: nn.Module, path: Path, **sizes: int) -> None:
    """Write a flow in 16-bit floats, with its sizes and the weights of the folder: ``load_fitted`` reads it."""
    state = {name: value.detach().half() for name, value in flow.state_dict().items()}
    write_tensors(state, path, {"weights": weights_digest(path.parent), "sizes": json.dumps(sizes)})


def load_fitted(kind: Callable[..., Flow], path: Path, name: str, command: str) -> Flow | None:
    """A flow that was fitted to the weights of the folder it lies in, None if there is none.

    Parameters
    ----------
    kind
        Makes the flow from the sizes that the file tells.
    path
        Of the file.
    name, command
        What it is called, and the command that fits it.

    Raises
    ------
    CheckpointError
        If the file is damaged, or belongs to other weights.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            flow = kind(**json.loads(metadata["sizes"]))
            flow.load_state_dict({key: file.get_tensor(key).float() for key in file.keys()})  # noqa: SIM118
    except Exception as error:
        raise CheckpointError(f"No {name} can be loaded from {path}: {error}") from error
    if metadata.get("weights") != weights_digest(path.parent):
        raise CheckpointError(f"{path} was fitted to other weights; fit it again with: xcrystal {command}")
    return flow.eval().requires_grad_(False)
