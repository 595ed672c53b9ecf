"""An approximate index of the nearest latent vectors of a large atlas: inverted lists of k-means cells.

The latent vectors are ordered by the cell that they are in, so that the list of a cell is a slice of them, and an index
is no more than the cells' centres and where each list begins. Only the lists of the cells nearest to a point are
compared with it, exactly; on a mapped file no other part is read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xcrystal.crystal.files import replacing
from xcrystal.latent.nearest import FEW, MOST_DISTANCES, in_order, squared_lengths

PROBES = 48  # lists that are looked at
SAMPLE = 2**16  # latent vectors that the centres are fitted to
_ROUNDS = 10  # of k-means
_PART = 2**13  # latent vectors that are compared with all centres at once


class InvertedLists:
    """Nearest neighbours among latent vectors that are ordered by cell.

    Parameters
    ----------
    codes
        (N, latent_dim) float32, list after list; may be a mapped file.
    centres
        (cells, latent_dim) float32.
    start
        (cells + 1,) int: the list of cell c is ``codes[start[c]:start[c + 1]]``.
    squares
        (N,) float32 squared lengths of the latent vectors.
    probes
        How many lists are looked at for a point; more are slower and miss less.

    Raises
    ------
    ValueError
        If these do not belong together.
    """

    def __init__(
        self, codes: np.ndarray, centres: np.ndarray, start: np.ndarray, squares: np.ndarray, probes: int = PROBES
    ) -> None:
        whole = start.ndim == 1 and start.dtype.kind == "i" and len(start) == len(centres) + 1 > 1
        if not whole or start[0] != 0 or start[-1] != len(codes) or (np.diff(start) < 0).any():
            raise ValueError("the lists of the index are not those of the latent vectors")
        if centres.shape[1:] != codes.shape[1:] or squares.shape != codes.shape[:1]:
            raise ValueError("the index is not that of the latent vectors")
        if not np.isfinite(centres).all() or not np.isfinite(squares).all():
            raise ValueError("the index is not finite")
        self.centres, self.start, self.squares, self.probes = centres, start, squares, probes
        self.codes = codes
        self._of_centres = np.einsum("cz,cz->c", centres, centres)

    @classmethod
    def of(cls, codes: np.ndarray, seed: int = 0) -> tuple[InvertedLists, np.ndarray]:
        """The index of latent vectors (N, Z) that are copied into the order of their cells, and that order (N,)."""
        order, centres, start = fit_cells(codes, seed=seed)
        ordered = codes[order]
        return cls(ordered, centres, start, np.einsum("nz,nz->n", ordered, ordered)), order

    def part(self, kept: np.ndarray) -> InvertedLists:
        """The index of some of the latent vectors, ``kept`` (N,) bool, which are copied."""
        start = np.concatenate([[0], np.cumsum(kept)])[self.start]
        return InvertedLists(self.codes[kept], self.centres, start, self.squares[kept], self.probes)

    def query(self, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows (n, k) and Euclidean distances (n, k) of the nearest to points (n, latent_dim), nearest first.

        Each point has lists of its own, so that others beside it change nothing, and a list is compared with all that
        look at it together. A few percent of the nearest may be missed; what is found has its exact distance.
        """
        k = min(k, len(self.codes))
        if len(points) > FEW:
            width = max(self.probes, points.shape[1])
            parts = np.array_split(points, -(-len(points) * k * width // MOST_DISTANCES))
            found = [self._together(part, k) for part in parts]
        else:
            found = [self._alone(point, k) for point in points]
        rows = np.concatenate([np.zeros((0, k), dtype=int), *(some for some, _ in found)])
        return rows, np.concatenate([np.zeros((0, k)), *(distances for _, distances in found)])

    def _alone(self, point: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(self._of_centres - 2 * np.einsum("cz,z->c", self.centres, point), kind="stable")
        enough = int(np.searchsorted(np.cumsum(np.diff(self.start)[order]), k)) + 1
        slices = [slice(self.start[c], self.start[c + 1]) for c in np.sort(order[: max(self.probes, enough)])]
        near = point[None]
        squared = np.concatenate([squared_lengths(self.codes[s], near, self.squares[s])[0] for s in slices])
        places = np.concatenate([np.arange(s.start, s.stop) for s in slices])
        return in_order(self.codes, near, places[None, np.argpartition(squared, k - 1)[:k]])

    def _together(self, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        looked = min(self.probes, len(self.centres))
        far = self._of_centres - 2 * points @ self.centres.T
        lists = np.argpartition(far, looked - 1, axis=1)[:, :looked]
        squared = np.full((len(points), looked, k), np.inf, dtype=np.float32)  # the best of each list
        places = np.zeros((len(points), looked, k), dtype=int)
        point, slot = np.divmod(np.argsort(lists, axis=None, kind="stable"), looked)
        ends = np.cumsum(np.bincount(lists.ravel(), minlength=len(self.centres)))
        for one in np.flatnonzero(np.diff(ends, prepend=0)).tolist():
            first, last = int(self.start[one]), int(self.start[one + 1])
            if first == last:
                continue
            codes, squares, best = self.codes[first:last], self.squares[first:last], min(k, last - first)
            asking = np.arange(ends[one - 1] if one else 0, ends[one])
            for part in np.array_split(asking, -(-len(asking) * (last - first) // MOST_DISTANCES)):
                near = squared_lengths(codes, points[point[part]], squares)
                some = np.argpartition(near, best - 1, axis=1)[:, :best]
                squared[point[part], slot[part], :best] = np.take_along_axis(near, some, axis=1)
                places[point[part], slot[part], :best] = first + some
        flat = squared.reshape(len(points), -1)
        nearest = np.argpartition(flat, k - 1, axis=1)[:, :k]
        some = np.take_along_axis(places.reshape(len(points), -1), nearest, axis=1)
        rows, distances = in_order(self.codes, points, some)
        held = np.isfinite(np.take_along_axis(flat, nearest, axis=1)).all(axis=1)
        for few in np.flatnonzero(~held):  # their lists hold fewer than k
            rows[few], distances[few] = (found[0] for found in self._alone(points[few], k))
        return rows, distances


def fit_cells(codes: np.ndarray, cells: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells of latent vectors (N, Z) by k-means, fitted to a sample of them.

    Parameters
    ----------
    codes
        (N, Z) float32.
    cells
        How many; as many as the square root of N by default.
    seed
        Of the sample and of the first centres.

    Returns
    -------
    tuple
        Order (N,) in which the latent vectors lie cell after cell, centres (cells, Z) float32, and where the list of
        each cell begins in that order, (cells + 1,) int64.
    """
    sample = codes[np.sort(np.random.default_rng(seed).choice(len(codes), min(SAMPLE, len(codes)), replace=False))]
    centres = fit_centres(sample, cells or round(len(codes) ** 0.5), seed)
    cell = nearest_centres(codes, centres)
    return np.argsort(cell, kind="stable"), centres, starts(np.bincount(cell, minlength=len(centres)))


def fit_centres(sample: np.ndarray, cells: int, seed: int = 0) -> np.ndarray:
    """Centres (cells, Z) float32 of k-means cells of latent vectors (n, Z); no more of them than vectors."""
    centres = sample[np.random.default_rng(seed).choice(len(sample), min(cells, len(sample)), replace=False)]
    for _ in range(_ROUNDS):
        cell = nearest_centres(sample, centres)
        order = np.argsort(cell, kind="stable")
        held, first = np.unique(cell[order], return_index=True)
        sums = np.add.reduceat(sample[order], first, axis=0)
        centres[held] = sums / np.diff([*first, len(sample)])[:, None]  # an empty cell stays where it is
    return centres


def starts(counts: np.ndarray) -> np.ndarray:
    """(cells + 1,) int64 where the list of each cell begins and the last one ends, of how many (cells,) are in each."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def write_lists(path: Path, centres: np.ndarray, start: np.ndarray, squares: np.ndarray) -> None:
    """Write an index to a safetensors file, atomically.

    Centres (cells, Z) float32, starts (cells + 1,) and squared lengths (N,) are those of ``InvertedLists``.
    """
    from safetensors.numpy import save

    with replacing(path) as part:
        part.write_bytes(save({"centres": centres, "start": start, "squares": squares}))


def nearest_centres(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(n,) which of the centres (c, Z) is nearest to each of the points (n, Z)."""
    squared = np.einsum("cz,cz->c", centres, centres)
    if len(points) == 1:  # without BLAS, whose threads wait for each other on a busy machine
        return np.argmin(squared - 2 * np.einsum("cz,z->c", centres, points[0]), keepdims=True)
    parts = (points[start : start + _PART] for start in range(0, len(points), _PART))
    found = [np.argmin(squared - 2 * part @ centres.T, axis=1) for part in parts]
    return np.concatenate(found) if found else np.zeros(0, dtype=int)
