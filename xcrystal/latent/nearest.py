"""The nearest latent vectors of an atlas, exactly: all are compared, as many at once as the memory should hold."""

from __future__ import annotations

from functools import cached_property

import numpy as np

MOST_DISTANCES = 2**24  # distances that are held at once
FEW = 4  # points
_REMEMBERED = 64  # points; asked for again at once, when a place and the neighbours of the same point are wanted


class Nearest:
    """Nearest neighbours among latent vectors (N, latent_dim) float32."""

    def __init__(self, codes: np.ndarray) -> None:
        self._codes = codes
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def query(self, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows (n, k) and Euclidean distances (n, k) of the nearest to points (n, latent_dim), nearest first."""
        k = min(k, len(self._codes))
        last = self._last
        if last is not None and last[1].shape[1] >= k and np.array_equal(last[0], points):
            return last[1][:, :k].copy(), last[2][:, :k].copy()
        parts = np.array_split(points, max(1, -(-len(points) * len(self._codes) // MOST_DISTANCES)))
        found = [self._of(part, k) for part in parts]
        rows, distances = (np.concatenate([one[which] for one in found]) for which in (0, 1))
        if len(points) <= _REMEMBERED:
            self._last = points.copy(), rows.copy(), distances.copy()
        return rows, distances

    def _of(self, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        squared = squared_lengths(self._codes, points, self._squared)
        return in_order(self._codes, points, np.argpartition(squared, k - 1, axis=1)[:, :k])

    @cached_property
    def _squared(self) -> np.ndarray:
        return np.einsum("nz,nz->n", self._codes, self._codes)


def squared_lengths(codes: np.ndarray, points: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """(n, N) squared distances of points (n, Z) to codes (N, Z), less the square of the point, the same for all.

    ``squares`` (N,) are the squared lengths of the codes.
    """
    if len(points) > FEW:
        return squares - 2 * points @ codes.T
    # no matrix product: BLAS shares it among threads, which on a busy machine takes ten times as long
    return squares + np.stack([np.einsum("nz,z->n", codes, -2 * point) for point in points])


def in_order(codes: np.ndarray, points: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows (n, k) of codes (N, Z) by their distance to points (n, Z), and these distances (n, k)."""
    found = np.linalg.norm(points[:, None] - codes[rows], axis=2)  # exact, free of cancellation
    order = np.argsort(found, axis=1, kind="stable")
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(found, order, axis=1)
