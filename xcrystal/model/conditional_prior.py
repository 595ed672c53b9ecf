"""A prior under conditions: a flow to the latent vectors of crystals with given properties, elements and symmetry.

As in ``prior``, a velocity field carries draws of the standard normal distribution to latent vectors; here it also
reads a condition. In training every part of a condition is hidden now and then, and all of it sometimes, so one network
knows all partial conditions and the unconditional flow; going from the latter beyond the former strengthens a
condition (classifier-free guidance: J. Ho & T. Salimans, arXiv:2207.12598).

Shapes: B latent vectors, Z latent dimension, C numbers of an encoded condition.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

from xcrystal.errors import CheckpointError
from xcrystal.model.checkpoint import write_tensors
from xcrystal.model.flow_conditions import ELEMENTS, Conditions
from xcrystal.model.optimizing import set_learning_rate, update_average
from xcrystal.model.prior import carried, load_fitted, save_fitted

FILE = "conditional_prior.safetensors"
_GROUPS, _SYSTEMS = 231, 7
_TIMES = 16
_STEPS = 16
_CHUNK = 1024
# properties in the order of xcrystal.crystal.collections.tables.PROPERTIES, where bumps lie (of square roots for gap
# and hull)
_BUMPS = 16
_RANGES = ((-4.5, 1.0), (0.0, 3.0), (0.0, 1.0))
_ROOTS = (False, True, True)
_KEPT = 0.998  # of the averaged weights, each step
_SAVED_EVERY = 500  # steps


CONDITION = 3 * (_BUMPS + 1) + 2 * ELEMENTS + (_GROUPS - 1) + _SYSTEMS + 2


def encoded(conditions: Conditions) -> Tensor:
    """(B, C) float32: bumps along each property, flags of presence and absence, symmetry as one of many."""
    parts = []
    for k, ((low, high), root) in enumerate(zip(_RANGES, _ROOTS, strict=True)):
        value = torch.from_numpy(conditions.properties[:, k].astype(np.float32))
        known = ~value.isnan()
        value = value.nan_to_num(0.0)
        value = (value.clamp(min=0).sqrt() if root else value).clamp(low, high)
        centres = torch.linspace(low, high, _BUMPS)
        bumps = torch.exp(-0.5 * ((value[:, None] - centres) * ((_BUMPS - 1) / (high - low))) ** 2)
        parts += [bumps * known[:, None], known[:, None].float()]
    elements = torch.from_numpy(conditions.elements)
    parts += [(elements > 0).float(), (elements < 0).float()]
    parts.append(F.one_hot(torch.from_numpy(conditions.group), _GROUPS)[:, 1:].float())
    parts.append(F.one_hot(torch.from_numpy(conditions.system) + 1, _SYSTEMS + 1)[:, 1:].float())
    source = torch.from_numpy(conditions.source)[:, None]
    parts += [(source > 0).float(), (source < 0).float()]
    return torch.cat(parts, dim=1)


class ConditionalFlow(nn.Module):
    """Velocities of latent vectors under a condition, from the normal distribution (time 0) to crystals (time 1)."""

    frequency: Tensor

    def __init__(self, latent_dim: int, width: int = 384, blocks: int = 3) -> None:
        super().__init__()
        self.latent_dim, self.width, self.depth = latent_dim, width, blocks
        self.enter = nn.Linear(latent_dim, width)
        self.time = nn.Linear(2 * _TIMES, width)
        self.condition = nn.Sequential(nn.Linear(CONDITION, width), nn.SiLU(), nn.Linear(width, width))
        self.modulate = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(blocks))
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(blocks))
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width)) for _ in range(blocks)
        )
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, latent_dim))
        self.register_buffer("frequency", torch.exp(torch.linspace(0.0, math.log(200.0), _TIMES)), persistent=False)
        self.float()  # whatever the process-wide default is

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """(B, Z) velocities at x (B, Z) and times (B,) under encoded conditions (B, C)."""
        angle = time[:, None] * self.frequency
        given = F.silu(self.time(torch.cat([angle.sin(), angle.cos()], dim=1)) + self.condition(condition))
        h = self.enter(x)
        for norm, modulate, block in zip(self.norms, self.modulate, self.blocks, strict=True):
            scale, shift = modulate(given).chunk(2, dim=1)
            h = h + block(norm(h) * (1 + scale) + shift)
        return self.leave(h)

    def sample(
        self,
        conditions: Conditions,
        guidance: float = 2.0,
        seed: int = 0,
        temperature: float = 0.95,
        around: np.ndarray | None = None,
        freedom: float = 1.0,
    ) -> np.ndarray:
        """One draw (B, Z) float32 for each of B conditions.

        Parameters
        ----------
        guidance
            0 ignores the conditions, 1 obeys them, more strengthens them at the cost of variety.
        temperature
            The spread of the normal distribution that draws begin from.
        around
            (B, Z) latent vectors that draws stay near to.
        freedom
            How near: 0 gives these latent vectors themselves, 1 ignores them.
        """
        rng = np.random.default_rng(seed)
        begin = (temperature * rng.standard_normal((len(conditions), self.latent_dim))).astype(np.float32)
        time = 0.0
        if around is not None:
            time = 1.0 - freedom
            begin = (time * around + freedom * begin).astype(np.float32)
        device = self.enter.weight.device
        parts = []
        for i in range(0, len(conditions), _CHUNK):
            rows = conditions.rows(np.arange(i, min(i + _CHUNK, len(conditions))))
            wanted, free = encoded(rows).to(device), encoded(rows.nothing()).to(device)

            def velocity(x: Tensor, time: Tensor, wanted: Tensor = wanted, free: Tensor = free) -> Tensor:
                under = self(x, time, wanted)
                return under if guidance == 1 else torch.lerp(self(x, time, free), under, guidance)

            x = torch.from_numpy(begin[i : i + _CHUNK]).to(device)
            parts.append(carried(velocity, x, time, steps=max(1, round(_STEPS * (1 - time)))))
        return torch.cat(parts).cpu().numpy() if parts else begin


def fit_conditional_flow(
    means: np.ndarray,
    deviations: np.ndarray,
    conditions: Conditions,
    steps: int = 15000,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    noise: float = 0.5,
    width: int = 384,
    blocks: int = 3,
    seed: int = 0,
    device: torch.device | str = "cpu",
    unfinished: Path | None = None,
    progress: Callable[[int], object] | None = None,
) -> ConditionalFlow:
    """Fit a flow to posteriors (n, Z) and what is known of their crystals.

    Parameters
    ----------
    deviations
        (Z,) or (n, Z) standard deviations.
    noise
        How many standard deviations the latent vectors are moved by, drawn anew at every step.
    width, blocks
        Of the network.
    device
        Where it is fitted; the flow that is returned is on the CPU.
    unfinished
        A file that keeps the state of the fit now and then; if it is there, the fit goes on from it.
    progress
        Is called with the number of steps that are done.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        flow = ConditionalFlow(means.shape[1], width, blocks)
    device = torch.device(device)
    flow.to(device)
    averaged = copy.deepcopy(flow).requires_grad_(False)
    optimizer = torch.optim.AdamW(flow.parameters(), lr=0.0, weight_decay=0.01, fused=True)
    first = _resume(unfinished, flow, averaged, optimizer) if unfinished else 0
    spread = np.broadcast_to(noise * deviations, means.shape)
    for step in range(first, steps):
        set_learning_rate(optimizer, learning_rate, step / steps, (step + 1) / 100)
        rng = np.random.default_rng((seed, step))  # of each step its own, so that a resumed fit is the same
        rows = rng.integers(len(means), size=batch_size)
        drawn = rng.standard_normal((2, batch_size, means.shape[1])).astype(np.float32)
        end = torch.from_numpy((means[rows] + spread[rows] * drawn[0]).astype(np.float32))
        start, time = torch.from_numpy(drawn[1]), torch.from_numpy(rng.random(batch_size).astype(np.float32))
        condition = encoded(conditions.rows(rows).hidden(rng))
        end, start, time, condition = (each.to(device) for each in (end, start, time, condition))
        with torch.autocast(device.type, torch.bfloat16):
            velocity = flow(start + time[:, None] * (end - start), time, condition)
        loss = ((velocity.float() - (end - start)) ** 2).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        update_average(averaged, flow, step, _KEPT)
        if unfinished and (step + 1) % _SAVED_EVERY == 0:
            _keep(unfinished, flow, averaged, optimizer, step + 1)
        if progress:
            progress(step + 1)
    return averaged.cpu().eval()


@torch.no_grad()
def held_out_loss(
    flow: ConditionalFlow, z: np.ndarray, conditions: Conditions, draws: int = 16, seed: int = 0
) -> float:
    """The loss of the fit on crystals (n, Z) that it did not see: mean squared error of a velocity's component.

    Parameters
    ----------
    conditions
        What the flow is told of the crystals, all of it.
    draws
        How often each crystal is looked at, at other times and from other beginnings.
    """
    device = flow.enter.weight.device
    rng = np.random.default_rng(seed)
    end, condition = torch.from_numpy(z).float().to(device), encoded(conditions).to(device)
    losses = []
    for _ in range(draws):
        start = torch.from_numpy(rng.standard_normal(z.shape).astype(np.float32)).to(device)
        time = torch.from_numpy(rng.random(len(z)).astype(np.float32)).to(device)
        velocity = flow(start + time[:, None] * (end - start), time, condition)
        losses.append(float(((velocity - (end - start)) ** 2).mean()))
    return float(np.mean(losses))


def _keep(
    path: Path, flow: ConditionalFlow, averaged: ConditionalFlow, optimizer: torch.optim.Optimizer, done: int
) -> None:
    state = {f"flow.{k}": v.detach().clone() for k, v in flow.state_dict().items()}
    state |= {f"averaged.{k}": v.clone() for k, v in averaged.state_dict().items()}
    for k, kept in optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{k}.{name}": value.clone() for name, value in kept.items()}
    write_tensors(state, path, {"done": str(done)})


def _resume(path: Path, flow: ConditionalFlow, averaged: ConditionalFlow, optimizer: torch.optim.Optimizer) -> int:
    """Take up the state that a file keeps; the number of steps that were done."""
    if not path.is_file():
        return 0
    try:
        with safe_open(path, framework="pt") as file:
            done = int(file.metadata()["done"])
            kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        for name, part in (("flow.", flow), ("averaged.", averaged)):
            part.load_state_dict({k.removeprefix(name): v for k, v in kept.items() if k.startswith(name)})
        content = optimizer.state_dict()
        moments: dict[int, dict[str, Tensor]] = {}
        for name in [name for name in kept if name.startswith("optimizer.")]:
            _, k, moment = name.split(".")
            moments.setdefault(int(k), {})[moment] = kept[name]
        optimizer.load_state_dict({**content, "state": moments})
    except Exception as error:
        raise CheckpointError(f"The fit cannot go on from {path}: {error}; remove it to begin anew.") from error
    return done


def save_conditional_flow(flow: ConditionalFlow, folder: Path) -> None:
    """Write ``conditional_prior.safetensors`` into a model's folder, in 16-bit floats."""
    save_fitted(flow, folder / FILE, latent_dim=flow.latent_dim, width=flow.width, blocks=flow.depth)


def load_conditional_flow(folder: Path) -> ConditionalFlow | None:
    """The flow of a model's folder, None if there is none.

    Raises
    ------
    CheckpointError
        If the file is damaged, or belongs to other weights.
    """
    return load_fitted(ConditionalFlow, folder / FILE, "conditional prior", "fit-design-prior")
