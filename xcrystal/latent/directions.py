"""Principal directions of a cloud of latent vectors: the axes that sliders move along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MOST = 2**16  # latent vectors that are looked at
_SPREADS = 1e-9  # of the largest variance: less is rounding


@dataclass(frozen=True)
class Directions:
    """Principal directions, strongest first.

    Attributes
    ----------
    mean
        (Z,) centre of the latent vectors.
    components
        (k, Z) orthonormal directions.
    scale
        (k,) standard deviation of the latent vectors along each.
    explained
        (k,) share of the variance along each.
    """

    mean: np.ndarray
    components: np.ndarray
    scale: np.ndarray
    explained: np.ndarray

    def coordinates(self, z: np.ndarray) -> np.ndarray:
        """(n, k) coordinates of latent vectors (n, Z), in standard deviations."""
        return (np.atleast_2d(z) - self.mean) @ self.components.T / self.scale

    def move(self, z: np.ndarray, direction: int, value: float) -> np.ndarray:
        """(Z,) copy of a latent vector with one coordinate set to ``value`` standard deviations, all else kept."""
        vector = np.asarray(z, dtype=np.float64).reshape(-1)
        change = value - self.coordinates(vector)[0, direction]
        return (vector + change * self.scale[direction] * self.components[direction]).astype(np.float32)


def principal_directions(z: np.ndarray, count: int = 16) -> Directions:
    """Principal directions of latent vectors (N, Z), along which they differ at all.

    Signs are fixed so that each direction's largest entry is positive.
    """
    from threadpoolctl import threadpool_limits

    mean = z.mean(axis=0, dtype=np.float64)
    some = z[:: -(-len(z) // _MOST)]  # of a large atlas a part tells as much, and does not fill the memory
    centred = some - mean
    with threadpool_limits(1):  # on a busy machine threads wait for each other twenty times as long
        covariance = centred.T @ centred / max(len(some) - 1, 1)
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1], vectors[:, ::-1].T
    vectors = vectors * np.sign(np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1))
    count = min(count, int((values > _SPREADS * max(values[0], _SPREADS)).sum()))  # of five crystals, four at most
    return Directions(mean, vectors[:count], np.sqrt(values[:count]), values[:count] / values.sum())
