"""Picking rows and axes (first version; helper SELECT replaces this file)."""

from __future__ import annotations

import numpy as np

from xcrystal.explorer.core import Core
from xcrystal.latent.axes import Axis


class Picking(Core):
    """Acts on selections and axes."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        d = self.atlas.directions
        return tuple(
            Axis(f"direction {i + 1}", "principal", d.components[i], d.mean, float(d.scale[i]))
            for i in range(len(d.scale))
        )

    @property
    def coordinates(self) -> np.ndarray:
        return np.array([float(axis.coordinates(self.z)[0]) for axis in self.axes])

    def axis(self, axis: int | str) -> Axis:
        return self.axes[axis] if isinstance(axis, int) else next(a for a in self.axes if a.name == axis)
