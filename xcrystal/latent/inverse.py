"""From map coordinates to a latent vector: what lies where there is no crystal.

The map has two dimensions and latent space many, so no inverse is exact: many latent vectors belong to a point, or
none. Ours is the mean of the latent vectors of the nearest crystals on the map, the nearer the heavier. Below two
thousandths of the map's width, about a pixel on the screen, no crystal outweighs another, so that a slow drag
does not jump from latent vector to latent vector; and the weight of the farthest is zero, so that none jumps in
or out. ``xcrystal evaluate map`` measures how far from the wanted point the decoded crystals really lie.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

NEAREST = 16
BLUR = 0.002  # of the map's width


class MapInverse:
    """Latent vectors of points on an atlas' map.

    Parameters
    ----------
    z
        (N, latent_dim) latent vectors of known crystals.
    places
        (N, 2) their coordinates on the map.
    nearest
        Of how many crystals the latent vectors are mixed; with 1, it is the latent vector of the nearest.

    Attributes
    ----------
    places
        (N, 2) of the atlas' crystals.
    width
        Of the map: the larger of its two extents.
    """

    def __init__(self, z: np.ndarray, places: np.ndarray, nearest: int = NEAREST) -> None:
        self._z, self._nearest = z, min(nearest, len(z))
        self.places = np.asarray(places, dtype=float)
        self.width = float(np.ptp(self.places, axis=0).max()) or 1.0

    def code(self, x: float, y: float) -> np.ndarray:
        """The latent vector (latent_dim,) float32 at map coordinates."""
        return self.codes(np.array([[x, y]]))[0]

    def codes(self, places: np.ndarray) -> np.ndarray:
        """Latent vectors (n, latent_dim) float32 at map coordinates (n, 2)."""
        k = self._nearest
        distances, rows = self._tree.query(np.asarray(places, dtype=float).reshape(-1, 2), min(k + 1, len(self._z)))
        distances, rows = distances.reshape(len(distances), -1), rows.reshape(len(rows), -1)
        if distances.shape[1] > k:
            edge, distances, rows = distances[:, -1:], distances[:, :k], rows[:, :k]
            inside = np.maximum(1 - distances / np.maximum(edge, 1e-12), 1e-6)
        else:
            inside = np.ones_like(distances)
        weights = inside / (distances**2 + (BLUR * self.width) ** 2)
        weights /= weights.sum(axis=1, keepdims=True)
        return np.einsum("nk,nkz->nz", weights, self._z[rows]).astype(np.float32)

    def distance(self, place: tuple[float, float], other: tuple[float, float]) -> float:
        """Between two points, as a share of the map's width."""
        return float(np.hypot(place[0] - other[0], place[1] - other[1])) / self.width

    def nearest(self, place: tuple[float, float], k: int) -> np.ndarray:
        """Rows (k,) of the crystals nearest to a point of the map, nearest first."""
        return np.atleast_1d(self._tree.query(place, min(k, len(self.places)))[1])

    def gaps(self, places: np.ndarray) -> np.ndarray:
        """(n,) distances of points (n, 2) to the nearest crystal, as shares of the map's width."""
        return np.asarray(self._tree.query(places)[0]) / self.width

    @cached_property
    def _tree(self) -> cKDTree:
        from scipy.spatial import cKDTree

        return cKDTree(self.places)
