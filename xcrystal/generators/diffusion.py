"""A diffusion generator: elements, coordinates and cell come out of noise together, in many small steps.

Space group and Wyckoff letters are those of a known crystal, drawn as often as they occur; what noise is turned into is
which element sits on each orbit, where it sits, and the cell (after DiffCSP++, R. Jiao et al., ICLR 2024). Elements are
points in a space of their own, and the network says which one a noisy point may be (S. Dieleman et al.,
arXiv:2211.15089, 2022); the noise of coordinates is wrapped around the cell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xcrystal.generators.free_lattice import FreeLattice
from xcrystal.model.tensors import LATTICE_SIZE, Batch
from xcrystal.model.vae import N_ELEMENTS, Block, Embeddings, mlp
from xcrystal.model.wyckoff_tables import N_GROUPS

_NARROW, _WIDE = 0.003, 0.5  # spread of the coordinates' noise, fractional, at the end and at the beginning
_IMAGES = 3  # cells on each side that a wrapped normal distribution is summed over
_WAVES = 16


@dataclass(frozen=True)
class DiffusionConfig:
    """Sizes of the network, the largest crystal it makes, and the scale of its lattice numbers.

    ``element_size`` is the number of dimensions in which elements are points; ``sources`` counts the collections of
    crystals that it was trained on.
    """

    width: int = 128
    layers: int = 4
    heads: int = 4
    element_size: int = 24
    sources: int = 2
    max_orbits: int = 20
    max_atoms: int = 20
    lattice_mean: tuple[float, ...] = (0.0,) * LATTICE_SIZE
    lattice_std: tuple[float, ...] = (1.0,) * LATTICE_SIZE


@dataclass
class Noisy:
    """What B crystals of T orbits are at some time between crystal (0) and noise (1).

    Attributes
    ----------
    element, coordinates, lattice
        (B, T, E) points of the elements, (B, T, 3) fractional coordinates, (B, 7) standardized free lattice numbers.
    """

    element: Tensor
    coordinates: Tensor
    lattice: Tensor


@dataclass
class Guess:
    """What the network takes noisy crystals for.

    Attributes
    ----------
    element
        (B, T, 95) logits of the elements.
    score
        (B, T, 3) direction of the coordinates towards likelier ones, times the spread of their noise.
    lattice
        (B, 7) velocity of the lattice numbers.
    """

    element: Tensor
    score: Tensor
    lattice: Tensor


def signal(time: Tensor) -> tuple[Tensor, Tensor]:
    """Shares of the crystal and of the noise, (...,) each, in elements and cell at times (...,)."""
    return torch.cos(time * math.pi / 2), torch.sin(time * math.pi / 2)


def spread(time: Tensor) -> Tensor:
    """Spread (...,) of the noise of the coordinates, fractional, at times (...,)."""
    return _NARROW * (_WIDE / _NARROW) ** time


def wrapped_score(moved: Tensor, width: Tensor) -> Tensor:
    """Slope (...,) of the log of wrapped normal densities at moves (...,), times their widths (...,)."""
    images = torch.arange(-_IMAGES, _IMAGES + 1, device=moved.device, dtype=moved.dtype)
    off = (moved - moved.round())[..., None] + images
    weight = (-0.5 * (off / width[..., None]).square()).softmax(dim=-1)
    return -(weight * off).sum(dim=-1) / width


class DiffusionNetwork(nn.Module):
    """What noisy crystals are without noise, given space group and Wyckoff letters; a transformer over the orbits."""

    waves: Tensor
    element_points: Tensor

    def __init__(self, config: DiffusionConfig) -> None:
        super().__init__()
        W, E = config.width, config.element_size
        self.config = config
        self.embed = Embeddings(W)
        self.cell = FreeLattice(config.lattice_mean, config.lattice_std)
        self.source = nn.Embedding(config.sources, W)
        self.time = mlp(2 * _WAVES, W, W)
        self.noisy_element = nn.Linear(E, W)
        self.guessed_element = nn.Linear(N_ELEMENTS, W, bias=False)
        self.noisy_lattice = mlp(LATTICE_SIZE, W, W)
        self.multiplicity = nn.Linear(2, W)
        self.blocks = nn.ModuleList(Block(W, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(W)
        self.element, self.score = mlp(W, W, N_ELEMENTS), mlp(W, W, 3)
        self.velocity = mlp(W, W, LATTICE_SIZE)
        self.register_buffer("waves", torch.exp(torch.linspace(0.0, math.log(200.0), _WAVES)), persistent=False)
        points = np.random.default_rng(0).standard_normal((N_ELEMENTS, E))
        points *= math.sqrt(E) / np.linalg.norm(points, axis=1, keepdims=True)
        self.register_buffer("element_points", torch.from_numpy(points.astype(np.float32)), persistent=False)
        self.float()  # whatever the process-wide default is

    def forward(
        self, noisy: Noisy, time: Tensor, group: Tensor, letter: Tensor, source: Tensor, guessed: Tensor | None = None
    ) -> Guess:
        """What the crystals are taken for.

        Parameters
        ----------
        time
            (B,) 0 for crystals, 1 for noise.
        group, letter
            (B,) space groups and (B, T) Wyckoff letters, -1 where there is no orbit.
        source
            (B,) which collection they are to be like.
        guessed
            (B, T, 95) probabilities of the elements by an earlier guess.
        """
        embed, mask = self.embed, letter >= 0
        rows = embed.rows(group, letter)
        angle = time[:, None] * self.waves
        when = self.time(torch.cat([angle.sin(), angle.cos()], dim=1))
        count = embed.multiplicity[rows].to(when.dtype)
        x = embed.all_positions()[rows] + embed.places(rows, noisy.coordinates) + self.noisy_element(noisy.element)
        x = x + self.multiplicity(torch.stack([count.log(), count / 20], dim=-1)) + when[:, None]
        if guessed is not None:
            x = x + self.guessed_element(guessed)
        whole = embed.groups(group) + self.noisy_lattice(noisy.lattice) + self.source(source) + when
        x = torch.cat([whole[:, None], x], dim=1)
        seen = F.pad(mask, (1, 0), value=True)[:, None, None, :]
        for block in self.blocks:
            x, _ = block(x, seen)
        h = self.norm(x)
        none = torch.zeros((), dtype=torch.long, device=h.device)
        logits = self.element(h[:, 1:]).float() - 1e9 * F.one_hot(none, N_ELEMENTS)
        free = embed.free[rows] & mask[..., None]
        return Guess(
            logits, self.score(h[:, 1:]).float() * free, self.velocity(h[:, 0]).float() * self.cell.free(group)
        )

    def loss_parts(
        self, batch: Batch, source: Tensor, twice: bool = False, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Errors of the guesses about crystals at random times.

        Parameters
        ----------
        batch
            B crystals; ``source`` (B,) is the collection that each is from.
        twice
            Whether the network is shown an earlier guess, as when crystals are made.
        """
        B, device = len(batch), batch.letter.device
        # evenly spread times, so that the loss varies less from batch to batch
        time = (torch.rand((), generator=generator, device=device) + torch.arange(B, device=device) / B) % 1.0
        time = time[torch.randperm(B, generator=generator, device=device)]
        noisy, truth = self.noised(batch, time, generator)
        guessed = None
        if twice:
            with torch.no_grad():
                guessed = self(noisy, time, batch.group, batch.letter, source).element.softmax(dim=-1)
        guess = self(noisy, time, batch.group, batch.letter, source, guessed)
        mask, free = batch.mask, self.embed.free[self.embed.rows(batch.group, batch.letter)] & batch.mask[..., None]
        element = F.cross_entropy(guess.element.transpose(1, 2), batch.element, reduction="none") * mask
        # a wrapped normal distribution that fills the cell has no slope: its errors would vanish beside the others
        size = (1 + (spread(time) * 4).pow(4))[:, None, None]
        score = (guess.score - truth.coordinates).square() * free * size
        lattice = (guess.lattice - truth.lattice).square()
        return {
            "element": element.sum() / mask.sum(),
            "score": score.sum() / free.sum().clamp(min=1),
            "lattice": lattice.sum() / self.cell.free(batch.group).sum(),
        }

    def noised(self, batch: Batch, time: Tensor, generator: torch.Generator | None = None) -> tuple[Noisy, Noisy]:
        """Crystals with the noise of times (B,), and what is to be guessed of them: score and velocity."""
        (B, T), device = batch.letter.shape, batch.letter.device
        kept, noise = signal(time)
        of_element = torch.randn(B, T, self.config.element_size, generator=generator, device=device)
        of_lattice = torch.randn(B, LATTICE_SIZE, generator=generator, device=device)
        of_point = torch.randn(B, T, 3, generator=generator, device=device)
        free = self.embed.free[self.embed.rows(batch.group, batch.letter)] & batch.mask[..., None]
        lattice = self.cell.standardized(batch.lattice, batch.group)
        width = spread(time)[:, None, None].expand(B, T, 3)
        moved = of_point * width * free
        points = self.element_points[batch.element]
        noisy = Noisy(
            kept[:, None, None] * points + noise[:, None, None] * of_element,
            (batch.coordinates + moved) % 1.0,
            (kept[:, None] * lattice + noise[:, None] * of_lattice) * self.cell.free(batch.group),
        )
        velocity = (kept[:, None] * of_lattice - noise[:, None] * lattice) * self.cell.free(batch.group)
        return noisy, Noisy(points, wrapped_score(moved, width) * free, velocity)


@dataclass(frozen=True)
class Templates:
    """Space groups and Wyckoff letters of known crystals, and how many crystals have them.

    Attributes
    ----------
    group, count
        (K,) space group numbers and numbers of crystals.
    letter
        (K, T) letters, -1 where there is no orbit.
    """

    group: np.ndarray
    count: np.ndarray
    letter: np.ndarray

    @classmethod
    def of(cls, group: np.ndarray, letter: np.ndarray) -> Templates:
        """Those of crystals with groups (N,) and letters (N, T)."""
        rows, count = np.unique(np.column_stack([group, letter]), axis=0, return_counts=True)
        return cls(rows[:, 0].astype(np.int16), count.astype(np.int32), rows[:, 1:].astype(np.int8))

    def __post_init__(self) -> None:
        assert self.group.max(initial=0) <= N_GROUPS
