"""Crystals as the networks of tasks learn from them: padded, with what targets need, and with exchanged elements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch

from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.explanation.known_answers import (
    IS_ANION,
    IS_METAL,
    Geometry,
    KnownTask,
    baseline_parameters,
    geometry_of,
)
from xcrystal.generator import CrystalModel
from xcrystal.model.tensors import Batch
from xcrystal.model.vae import N_ELEMENTS

_CLASSES = IS_METAL.astype(int) + 2 * IS_ANION  # like is exchanged for like within these
_POOL = 24  # batches of crystals among which those of like length go together
_AT_ONCE = 256


class TaskData:
    """N crystals as one padded batch, with the geometry that the targets need.

    Attributes
    ----------
    elements
        (N, T) atomic numbers, 0 where there is no orbit.
    lengths
        (N,) how many orbits each has.
    """

    def __init__(self, model: CrystalModel, crystals: Sequence[WyckoffCrystal]) -> None:
        self.batch = model.batch(crystals).to("cpu")
        self.geometry = Geometry.padded([geometry_of(crystal) for crystal in crystals])
        self.elements = self.batch.element.numpy()
        self.lengths = self.batch.mask.sum(dim=1).numpy()

    def __len__(self) -> int:
        return len(self.lengths)

    def rows(self, rows: np.ndarray, elements: np.ndarray) -> Batch:
        """The crystals of rows (B,), made of elements (B, T), of which T is no more than needed."""
        longest = elements.shape[1]
        part = self.batch[torch.from_numpy(rows)]
        letter, points = part.letter[:, :longest], part.coordinates[:, :longest]
        return replace(part, letter=letter, element=torch.from_numpy(elements), coordinates=points)

    def own(self, rows: np.ndarray) -> np.ndarray:
        """(B, T) elements of the crystals of rows (B,)."""
        return self.elements[rows, : int(self.lengths[rows].max())]

    def value(self, task: KnownTask, rows: np.ndarray, elements: np.ndarray) -> np.ndarray:
        """(B,) targets of the crystals of rows (B,), made of elements (B, T), of a task that has a closed form."""
        assert task.value is not None
        geometry = self.geometry.take(rows, elements.shape[1])
        return task.value(elements, geometry, baseline_parameters(self.elements_seen)).astype(float)

    def targets(self, task: KnownTask, seed: int = 0) -> np.ndarray:
        """(N,) the target of each crystal; of the random one normal numbers that the seed determines."""
        if task.value is None:
            return np.random.default_rng(seed).standard_normal(len(self))
        parts = np.array_split(np.arange(len(self)), math.ceil(len(self) / _AT_ONCE))
        return np.concatenate([self.value(task, rows, self.own(rows)) for rows in parts])

    @cached_property
    def elements_seen(self) -> dict[str, int]:
        """How many orbits are of each atomic number."""
        seen = np.bincount(self.elements.ravel(), minlength=N_ELEMENTS)
        return {str(z): int(n) for z, n in enumerate(seen) if n and z}


class Exchange:
    """Exchanges elements, rare ones more often than they occur among ``elements`` (n,), atomic numbers."""

    def __init__(self, elements: np.ndarray) -> None:
        often = np.sqrt(np.bincount(elements, minlength=N_ELEMENTS).astype(float))
        often[0] = 0.0
        classes = [*range(4), None]  # the last is of all of them
        weights = np.array([often if own is None else np.where(own == _CLASSES, often, 0.0) for own in classes])
        sums = weights.cumsum(axis=1)
        self.shares = sums / np.maximum(sums[:, -1:], 1e-12)

    def __call__(self, elements: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Others than elements (B, T): in half of the crystals like for like, in one of three orbit by orbit."""
        like, single = rng.random((len(elements), 1)) < 0.5, rng.random((len(elements), 1)) < 1 / 3
        shares = self.shares[np.where(like, _CLASSES[elements], -1)]
        drawn = (rng.random((*elements.shape, 1)) > shares).sum(axis=-1)
        drawn = np.where(rng.random(elements.shape) < 0.75, drawn, elements)
        first = (elements[:, :, None] == elements[:, None]).argmax(axis=2)  # orbits of one element follow its first
        found = np.where(single, drawn, np.take_along_axis(drawn, first, axis=1))
        return np.where(elements > 0, found, 0)


def batches(lengths: np.ndarray, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Epoch after epoch, rows (B,) of crystals in random order, those of like lengths (n,) together to pad little."""
    while True:
        order = rng.permutation(len(lengths))
        found = []
        for i in range(0, len(order), size * _POOL):
            pool = order[i : i + size * _POOL]
            pool = pool[np.argsort(lengths[pool], kind="stable")]
            found += [pool[k : k + size] for k in range(0, len(pool), size)]
        yield from (found[k] for k in rng.permutation(len(found)))
