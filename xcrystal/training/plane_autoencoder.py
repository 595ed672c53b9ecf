"""An autoencoder with two latent dimensions, which needs no map: what is seen is its latent space itself.

It reads eight descriptors of each of our idealized perovskites and learns in a second, so that a lesson can turn the
weight of the KL term and watch what happens. It is a toy: it makes numbers, no crystals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from xcrystal.crystal.elements import symbol
from xcrystal.model.device import one_thread
from xcrystal.training.perovskites import idealized_crystals

DESCRIPTORS = (
    "radius of A (Å)",
    "radius of B (Å)",
    "radius of X (Å)",
    "electronegativity of A",
    "electronegativity of B",
    "electronegativity of X",
    "cell length a (Å)",
    "c/a",
)
LENGTH = DESCRIPTORS.index("cell length a (Å)")
STEPS = 400
_WIDTH = 48
_NOISE = 0.3  # spread of the decoder's answers, in units of the descriptors' spreads
_RATE = 0.01


@dataclass(frozen=True, eq=False)
class PlaneData:
    """Descriptors of crystals.

    Attributes
    ----------
    formula
        (n,) names.
    anion
        (n,) symbols of the element X.
    values
        (n, 8) ``DESCRIPTORS``.
    """

    formula: list[str]
    anion: list[str]
    values: np.ndarray

    @property
    def standardized(self) -> np.ndarray:
        """(n, 8) float32, each with mean 0 and spread 1."""
        spread: np.ndarray = (self.values - self.values.mean(axis=0)) / self.values.std(axis=0)
        return spread.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Plane:
    """What a network knows after some steps.

    Attributes
    ----------
    beta
        Weight of the KL term.
    mean, std
        (n, 2) of the posterior of each crystal.
    kl
        Mean divergence of the posteriors from the prior, nats a crystal.
    error
        Root of the mean squared error of the descriptors, decoded from a draw, in units of their spreads.
    tiles
        (k, k) cell length a (Å) that is decoded at the places of a grid from -3 to 3, rows from below.
    steps
        Of training, with this and with earlier weights.
    """

    beta: float
    mean: np.ndarray
    std: np.ndarray
    kl: float
    error: float
    tiles: np.ndarray
    steps: int


def plane_data() -> PlaneData:
    """The descriptors of ``idealized_perovskites``."""
    from pymatgen.core import Element

    rows, formulas, anions = [], [], []
    for crystal in idealized_crystals():
        names = [symbol(int(z)) for z in crystal.elements[:3]]
        elements = [Element(name) for name in names]
        a, c = float(crystal.lattice[0]), float(crystal.lattice[2])
        radii = [float(e.average_ionic_radius) for e in elements]
        rows.append([*radii, *(float(e.X) for e in elements), a, c / a])
        formulas.append("".join(names) + "3")
        anions.append(names[2])
    return PlaneData(formulas, anions, np.array(rows))


class PlaneAutoencoder:
    """The network; it goes on learning from where it is when the weight is changed.

    Parameters
    ----------
    data
        What it learns from.
    seed
        Of everything random.
    """

    def __init__(self, data: PlaneData | None = None, seed: int = 0) -> None:
        self.data = plane_data() if data is None else data
        self._x = torch.from_numpy(self.data.standardized)
        size = self._x.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._encoder = nn.Sequential(
                nn.Linear(size, _WIDTH), nn.Tanh(), nn.Linear(_WIDTH, _WIDTH), nn.Tanh(), nn.Linear(_WIDTH, 4)
            )
            self._decoder = nn.Sequential(
                nn.Linear(2, _WIDTH), nn.Tanh(), nn.Linear(_WIDTH, _WIDTH), nn.Tanh(), nn.Linear(_WIDTH, size)
            )
        self._generator = torch.Generator().manual_seed(seed)
        parameters = [*self._encoder.parameters(), *self._decoder.parameters()]
        self._optimizer = torch.optim.Adam(parameters, lr=_RATE)
        self.steps = 0

    def learn(self, beta: float, steps: int = STEPS, look: int = 50) -> Iterator[Plane]:
        """Train with a weight of the KL term, and show the plane every ``look`` steps; the last one is the result."""
        for step in range(1, steps + 1):
            with one_thread():
                mean, log_variance = self._posterior()
                z = mean + (0.5 * log_variance).exp() * torch.randn(mean.shape, generator=self._generator)
                misfit = 0.5 * ((self._decoder(z) - self._x) / _NOISE).square().sum(dim=1).mean()
                loss = misfit + beta * _divergence(mean, log_variance)
                self._optimizer.zero_grad()
                loss.backward()
                self._optimizer.step()
            self.steps += 1
            if step % look == 0 or step == steps:
                yield self.plane(beta)

    @torch.no_grad()
    def plane(self, beta: float, tiles: int = 24) -> Plane:
        """What the network knows now."""
        mean, log_variance = self._posterior()
        z = mean + (0.5 * log_variance).exp() * torch.randn(mean.shape, generator=torch.Generator().manual_seed(0))
        error = (self._decoder(z) - self._x).square().mean().sqrt()
        ends = torch.linspace(-3, 3, tiles)
        y, x = torch.meshgrid(ends, ends, indexing="ij")
        decoded = self._decoder(torch.stack([x, y], dim=-1).reshape(-1, 2))[:, LENGTH].numpy()
        values = self.data.values[:, LENGTH]
        return Plane(
            beta,
            mean.numpy().copy(),
            (0.5 * log_variance).exp().numpy(),
            float(_divergence(mean, log_variance)),
            float(error),
            (decoded * values.std() + values.mean()).reshape(tiles, tiles),
            self.steps,
        )

    def _posterior(self) -> tuple[Tensor, Tensor]:
        mean, log_variance = self._encoder(self._x).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 4)


def sweep(betas: list[float], seed: int = 0, on_step: Callable[[], None] | None = None) -> list[Plane]:
    """The result of a new network for each weight of the KL term; ``on_step`` is called after each."""
    data, found = plane_data(), []
    for beta in betas:
        found.append(list(PlaneAutoencoder(data, seed).learn(beta, look=STEPS))[-1])
        if on_step:
            on_step()
    return found


def _divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
