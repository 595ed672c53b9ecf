"""Formation energies and band gaps from atoms and distances: graph networks, a second opinion beside the latent vector.

What is predicted at a latent vector errs with the encoder; these networks read the crystal itself. Each atom gathers
messages from its nearest neighbours, as in CGCNN (T. Xie & J. C. Grossman, Phys. Rev. Lett. 120, 145301, 2018), and the
mean over atoms tells a distribution of each property: Laplace's, and for the gap the probability that there is one.
An ensemble's distribution is the mean of its members' (deep ensembles: Lakshminarayanan, Pritzel, Blundell, NeurIPS
2017).

Shapes: A atoms of B crystals, K neighbours, W width.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal, expand
from xcrystal.errors import CheckpointError
from xcrystal.model.checkpoint import write_tensors

FILE = "graph_network.safetensors"
PREDICTED = ("formation_energy_per_atom", "band_gap")
GAP = 0.05  # eV, from which a crystal has one
_ELEMENTS = 95
_NEIGHBOURS, _RADIUS, _BUMPS = 16, 7.0, 32  # Å
_OUTPUTS = 5  # energy and the logarithm of its spread, the logit of a gap, its size and the logarithm of its spread
_TOGETHER = 256


@dataclass(frozen=True)
class Graphs:
    """Crystals as atoms and their neighbours, one crystal after another.

    Attributes
    ----------
    start
        (B + 1,) where the atoms of each crystal begin.
    element
        (A,) atomic numbers.
    neighbour
        (A, K) which atom of the same crystal, counted from its first.
    distance
        (A, K) Å; beyond the radius where there are fewer.
    """

    start: np.ndarray
    element: np.ndarray
    neighbour: np.ndarray
    distance: np.ndarray

    def __len__(self) -> int:
        return len(self.start) - 1

    def tensors(self, rows: np.ndarray, device: torch.device | str = "cpu") -> tuple[Tensor, ...]:
        """Element (A,), neighbour (A, K), distance (A, K) and owner (A,) of the crystals ``rows``."""
        counts = self.start[rows + 1] - self.start[rows]
        first = np.concatenate([[0], np.cumsum(counts)])[:-1]
        owner = np.repeat(np.arange(len(rows)), counts)
        atoms = np.arange(len(owner)) - first[owner] + self.start[rows][owner]
        found = (
            self.element[atoms].astype(np.int64),
            self.neighbour[atoms].astype(np.int64) + first[owner][:, None],
            self.distance[atoms].astype(np.float32),
            owner,
        )
        return tuple(torch.from_numpy(each).to(device) for each in found)

    @classmethod
    def of(cls, crystals: Sequence[WyckoffCrystal]) -> Graphs:
        """The graphs of crystals."""
        parts = []
        for crystal, atoms in zip(crystals, expand(crystals), strict=True):
            parts.append((crystal.elements[atoms.orbit], *_neighbours(atoms.cell, atoms.points)))
        return cls.joined(parts)

    @classmethod
    def joined(cls, parts: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Graphs:
        """Of elements (n,), neighbours (n, K) and distances (n, K) of each crystal."""
        start = np.cumsum([0, *(len(element) for element, _, _ in parts)])
        none = (np.zeros(0), np.zeros((0, _NEIGHBOURS)), np.zeros((0, _NEIGHBOURS)))
        element, neighbour, distance = (np.concatenate(each) for each in zip(none, *parts, strict=True))
        return cls(start, element.astype(np.uint8), neighbour.astype(np.uint8), distance.astype(np.float32))


def _neighbours(cell: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, K) the nearest neighbours of n atoms, and their distances in Å."""
    n = len(points)
    between = points[None] - points[:, None]
    between -= np.rint(between)
    heights = abs(np.linalg.det(cell)) / np.linalg.norm(np.cross(cell[[1, 2, 0]], cell[[2, 0, 1]]), axis=1)
    reach = np.minimum(np.floor(_RADIUS / heights + 0.5), 8).astype(int)
    shifts = np.array(list(product(*(range(-r, r + 1) for r in reach))))
    squared = np.square((between @ cell)[:, :, None] + (shifts @ cell)).sum(axis=-1)
    squared[np.arange(n), np.arange(n), len(shifts) // 2] = np.inf
    distance = np.sqrt(squared.reshape(n, -1))
    # of equally far ones always the same, whatever rounding says
    order = np.argsort(distance.round(3), axis=1, kind="stable")[:, :_NEIGHBOURS]
    nearest = np.take_along_axis(distance, order, axis=1)
    lacking = ((0, 0), (0, _NEIGHBOURS - order.shape[1]))
    which, far = np.pad(order // len(shifts), lacking), np.pad(nearest, lacking, constant_values=np.inf)
    return np.where(far < _RADIUS, which, 0), np.minimum(far, 2 * _RADIUS)


class GraphNetwork(nn.Module):
    """What one member says of crystals."""

    centres: Tensor

    def __init__(self, width: int = 96, layers: int = 4) -> None:
        super().__init__()
        self.width, self.depth = width, layers
        self.embed = nn.Embedding(_ELEMENTS, width)
        self.own = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(layers))
        self.other = nn.ModuleList(nn.Linear(width, 2 * width, bias=False) for _ in range(layers))
        self.edge = nn.ModuleList(nn.Linear(_BUMPS, 2 * width, bias=False) for _ in range(layers))
        self.inner = nn.ModuleList(nn.LayerNorm(2 * width) for _ in range(layers))
        self.outer = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.leave = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Dropout(0.1), nn.Linear(width, _OUTPUTS)
        )
        self.register_buffer("centres", torch.linspace(0.8, _RADIUS, _BUMPS), persistent=False)
        self.float()  # whatever the process-wide default is

    def forward(self, element: Tensor, neighbour: Tensor, distance: Tensor, owner: Tensor) -> Tensor:
        """(B, 5) of atoms (A,), their neighbours (A, K) and distances (A, K), and the crystals (A,) they belong to."""
        near = (distance < _RADIUS).float()[..., None]
        step = self.centres[1] - self.centres[0]
        bumps = torch.exp(-0.5 * ((distance[..., None] - self.centres) / step) ** 2)
        h = self.embed(element)
        parts = (self.own, self.other, self.edge, self.inner, self.outer)
        for own, other, edge, inner, outer in zip(*parts, strict=True):
            gate, message = inner(own(h)[:, None] + other(h)[neighbour] + edge(bumps)).chunk(2, dim=-1)
            h = h + outer((near * torch.sigmoid(gate) * F.softplus(message)).sum(dim=1))
        count = int(owner[-1]) + 1
        atoms = torch.bincount(owner, minlength=count)[:, None]
        pooled = torch.zeros(count, self.width, device=h.device, dtype=h.dtype).index_add(0, owner, h) / atoms
        out: Tensor = self.leave(pooled)
        return out


def negative_log_likelihood(raw: Tensor, truth: Tensor, scale: Tensor) -> Tensor:
    """(2,) mean over the crystals of which energy and gap are known.

    Parameters
    ----------
    raw
        (B, 5) of a network.
    truth
        (B, 2) energy and gap, NaN where unknown.
    scale
        (2,) mean and standard deviation of energies.
    """
    energy = (truth[:, 0] - scale[0]) / scale[1]
    found = [_laplace(raw[:, 0], raw[:, 1], energy)[~energy.isnan()].mean()]
    gap = truth[:, 1]
    known, some = ~gap.isnan(), gap > GAP
    gate = F.binary_cross_entropy_with_logits(raw[known, 2], some[known].float())
    size = _laplace(F.softplus(raw[:, 3]), raw[:, 4], gap)
    return torch.stack([found[0], gate + torch.where(some, size, 0.0)[known].mean()])


def _laplace(value: Tensor, spread: Tensor, truth: Tensor) -> Tensor:
    spread = spread.clamp(-5, 2)
    return (value - truth.nan_to_num(0.0)).abs() * torch.exp(-spread) + spread


class GraphEnsemble:
    """Networks whose distributions are averaged.

    Attributes
    ----------
    members
        In evaluation mode.
    scale
        (2,) mean and standard deviation of energies.
    widened
        (2,) what spreads of energies and gaps are multiplied by, as held-out crystals tell.
    """

    def __init__(self, members: Sequence[GraphNetwork], scale: Tensor, widened: Tensor) -> None:
        self.members, self.scale, self.widened = list(members), scale, widened

    @torch.no_grad()
    def raw(self, graphs: Graphs) -> Tensor:
        """(M, B, 5) of the members, energies in eV/atom and gaps in eV, with the spreads themselves."""
        parts = [torch.zeros(len(self.members), 0, _OUTPUTS)]
        for first in range(0, len(graphs), _TOGETHER):
            batch = graphs.tensors(np.arange(first, min(first + _TOGETHER, len(graphs))))
            parts.append(torch.stack([member(*batch) for member in self.members]))
        raw = torch.cat(parts, dim=1)
        mean, std = self.scale
        energy, size = raw[..., 0] * std + mean, F.softplus(raw[..., 3])
        energy_spread, gap_spread = (raw[..., k].clamp(-5, 2).exp() * self.widened[j] for j, k in enumerate((1, 4)))
        return torch.stack([energy, energy_spread * std, torch.sigmoid(raw[..., 2]), size, gap_spread], dim=-1)

    def predict(self, graphs: Graphs) -> dict[str, np.ndarray]:
        """(B,) by property: medians of energies (eV/atom) and of gaps (eV), 0 of what is probably without one."""
        energy, _, gate, size, _ = self.raw(graphs).mean(dim=0).unbind(-1)
        return {PREDICTED[0]: energy.numpy(), PREDICTED[1]: torch.where(gate > 0.5, size, 0.0).numpy()}

    def within(self, graphs: Graphs, name: str, low: float, high: float) -> np.ndarray:
        """(B,) probabilities that a property lies between two values, which may be infinite."""
        energy, wide, gate, size, gap_wide = self.raw(graphs).unbind(-1)
        if name == PREDICTED[0]:
            found = _below(high, energy, wide) - _below(low, energy, wide)
        else:
            positive = 1 - _below(0.0, size, gap_wide)
            some = _below(max(high, 0.0), size, gap_wide) - _below(max(low, 0.0), size, gap_wide)
            found = gate * some / positive.clamp(min=1e-6) + (1 - gate) * float(low <= 0 <= high)
        return np.asarray(found.mean(dim=0).clamp(0, 1).numpy())


def _below(value: float, centre: Tensor, spread: Tensor) -> Tensor:
    """The share of Laplace distributions that lies below a value."""
    if math.isinf(value):
        return torch.full_like(centre, float(value > 0))
    away = (value - centre) / spread
    return torch.where(away < 0, 0.5 * away.clamp(max=0).exp(), 1 - 0.5 * (-away.clamp(min=0)).exp())


def save_graph_ensemble(ensemble: GraphEnsemble, folder: Path) -> Path:
    """Write ``graph_network.safetensors`` into a model's folder, in 16-bit floats."""
    state = {"scale": ensemble.scale, "widened": ensemble.widened}
    for k, member in enumerate(ensemble.members):
        state |= {f"{k}.{name}": value.detach().cpu().half() for name, value in member.state_dict().items()}
    sizes = {"width": ensemble.members[0].width, "layers": ensemble.members[0].depth}
    write_tensors(state, folder / FILE, {"sizes": json.dumps(sizes), "members": str(len(ensemble.members))})
    return folder / FILE


def load_graph_ensemble(folder: Path) -> GraphEnsemble | None:
    """The graph networks of a model's folder, None if there are none.

    Raises
    ------
    CheckpointError
        If the file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata()
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        members = []
        for k in range(int(facts["members"])):
            member = GraphNetwork(**json.loads(facts["sizes"]))
            own = f"{k}."
            member.load_state_dict({name[len(own) :]: value for name, value in state.items() if name.startswith(own)})
            members.append(member.eval().requires_grad_(False))
        return GraphEnsemble(members, state["scale"], state["widened"])
    except Exception as error:
        raise CheckpointError(f"No graph networks can be loaded from {path}: {error}") from error
