"""Scores of the orbits of many crystals, by every method that gives them and at random, for what measures methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.explanation.batches import score_crystals
from xcrystal.explanation.targets import Target

if TYPE_CHECKING:
    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel

RANDOM = "random"
LEVEL = "orbits"


def methods_with_random(level: str = LEVEL) -> tuple[str, ...]:
    """The methods that go with a level, and last "random"."""
    from xcrystal.explanation.methods import METHODS

    return (*(name for name, method in METHODS.items() if level in method.levels), RANDOM)


def is_signed(method: str) -> bool:
    """Whether a method's scores tell which way the target goes; random ones do not know, but have a sign."""
    from xcrystal.explanation.methods import METHODS

    return method == RANDOM or METHODS[method].signed


def orbit_scores(
    model: CrystalModel, crystals: Sequence[WyckoffCrystal], target: str | Target, method: str, seed: int = 0
) -> list[np.ndarray]:
    """(P,) float64 scores of each crystal's orbits, from the method's usual baseline; "random" draws them."""
    if method == RANDOM:
        rng = np.random.default_rng(seed)
        return [rng.standard_normal(len(c.elements)) for c in crystals]
    # crystals of like size share a batch, so that little of it is padding
    order = np.argsort([len(c.elements) for c in crystals], kind="stable")
    found = score_crystals(model, [crystals[i] for i in order], target, method, LEVEL, seed=seed).values
    values: list[np.ndarray] = [np.zeros(0)] * len(crystals)
    for place, value in zip(order, found, strict=True):
        values[place] = value
    return values
