"""Axes that sliders move along (first version; helper SELECT replaces this file)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Axis:
    """One direction in latent space."""

    name: str
    family: str
    vector: np.ndarray
    mean: np.ndarray
    scale: float
    note: str = ""

    def coordinates(self, z: np.ndarray) -> np.ndarray:
        """(n,) in standard deviations."""
        return (np.atleast_2d(z) - self.mean) @ self.vector / self.scale

    def move(self, z: np.ndarray, value: float) -> np.ndarray:
        """(Z,) with this coordinate set to ``value``."""
        return (z + (value - self.coordinates(z)[0]) * self.scale * self.vector).astype(np.float32)
