"""Fewer points that still look like all of them: dense regions lose more than sparse ones, and none disappears."""

from __future__ import annotations

import numpy as np

CELLS = 96  # along each side of the window


def thin(places: np.ndarray, limit: int, window: tuple[float, float, float, float] | None = None) -> np.ndarray:
    """Rows of at most ``limit`` points of a window; always the same ones for the same window.

    The window is divided into cells, and a cell of n points keeps about c sqrt(n) of them, but at least one: what is
    ten times as dense looks three times as dense, and rare crystals stay.

    Parameters
    ----------
    places
        (N, 2) coordinates.
    limit
        The most rows that are wanted; some more remain if there are more cells with a point.
    window
        x from, x to, y from, y to; all points without it.

    Returns
    -------
    ndarray
        (k,) int, ascending.
    """
    low, high = (places.min(axis=0), places.max(axis=0)) if window is None else np.reshape(window, (2, 2)).T
    low, high = np.minimum(low, high), np.maximum(low, high)
    rows = np.flatnonzero(((places >= low) & (places <= high)).all(axis=1))
    if len(rows) <= limit:
        return rows
    cell = ((places[rows] - low) / np.maximum(high - low, 1e-12) * CELLS).astype(int).clip(0, CELLS - 1)
    number = cell[:, 0] * CELLS + cell[:, 1]
    counts = np.bincount(number, minlength=CELLS**2)
    kept = _quotas(counts, limit)
    # who stays is drawn once for the whole atlas, so that a point does not come and go as the window moves
    drawn = np.random.default_rng(0).permutation(len(places))[rows]
    order = np.lexsort((drawn, number))
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.arange(len(rows)) - first[number[order]]
    return np.sort(rows[order[rank < kept[number[order]]]])


def _quotas(counts: np.ndarray, limit: int) -> np.ndarray:
    """How many points each cell keeps."""

    def quotas(factor: float) -> np.ndarray:
        return np.minimum(counts, np.maximum(counts > 0, np.floor(factor * np.sqrt(counts)).astype(int)))

    low, high = 0.0, float(np.sqrt(counts.max()))
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if quotas(middle).sum() <= limit else (low, middle)
    return quotas(low)
