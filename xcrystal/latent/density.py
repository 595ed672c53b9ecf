"""How far a latent vector is from the data: its distance to the atlas, compared with that of known crystals.

Of an atlas that also holds crystals beyond ``train``, only those ``in_train`` are the data.
The measure is the distance to the fifth nearest latent vector. A latent vector of the atlas is left out of its own
neighbours, so that a known crystal counts as any other crystal like it would. Measured on a seeded sample of the atlas,
once an atlas. In many dimensions distances to neighbours tell what lies outside of the cloud of latent vectors, not
what lies in the gaps inside: the middle between two unlike crystals may well be near to data by this measure.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas

NEAREST = 5
INSIDE = 0.95  # a latent vector farther out than this share of the known crystals is an extrapolation
_SAMPLE, _LEAST = 2000, 200
_COMPARED = 100_000_000  # pairs of latent vectors
_SAME = 1e-4  # a latent vector this near is the atlas' own


class Density:
    """Distances to the latent vectors of an atlas, and what they mean.

    Parameters
    ----------
    atlas
        The known crystals; use ``Density.of`` to measure each atlas once only.
    """

    def __init__(self, atlas: Atlas) -> None:
        self._atlas = atlas.reference

    @classmethod
    def of(cls, atlas: Atlas) -> Density:
        """The density of an atlas, measured at its first use."""
        made: Density = vars(atlas).setdefault("_density", cls(atlas))  # kept with the atlas, and gone with it
        return made

    @cached_property
    def own(self) -> np.ndarray:
        """(k,) sorted distances of known crystals to the others.

        Of at most 2,000, drawn with a fixed seed; of fewer in a large atlas, where each takes longer, but at least 200.
        """
        count = len(self._atlas)
        some = min(_SAMPLE, count, max(_LEAST, _COMPARED // count))
        rows = np.random.default_rng(0).choice(count, some, replace=False)
        return np.sort(self.distances(self._atlas.z[rows]))

    def distances(self, z: np.ndarray) -> np.ndarray:
        """(n,) distances of latent vectors (n, Z) to their fifth nearest other latent vector."""
        near = self._atlas.neighbours(z, NEAREST + 1)[1]
        if near.shape[1] == 1:  # an atlas of one crystal
            return near[:, 0]
        others = np.where(near[:, 0] < _SAME, near[:, -1], near[:, -2])
        return np.asarray(others, dtype=float)

    def quantiles(self, z: np.ndarray) -> np.ndarray:
        """(n,) shares of known crystals that lie nearer to the others than latent vectors (n, Z) do, 0 to 1."""
        return self._rank(self.distances(z))

    def quantile(self, z: np.ndarray) -> float:
        """The same of one latent vector (Z,)."""
        return float(self.quantiles(z)[0])

    def extrapolation(self, z: np.ndarray) -> tuple[float, float]:
        """The distance of one latent vector (Z,), and the share of known crystals whose distance is smaller."""
        distance = self.distances(z)
        return float(distance[0]), float(self._rank(distance)[0])

    def inside(self, z: np.ndarray, quantile: float = INSIDE) -> bool:
        """Whether a latent vector (Z,) lies within the distance that this share of the known crystals keeps to."""
        return self.quantile(z) <= quantile

    def reach(self, quantile: float = INSIDE) -> float:
        """The distance that this share of the known crystals keeps to."""
        return float(np.quantile(self.own, quantile))

    def _rank(self, distances: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.own, distances) / len(self.own)
