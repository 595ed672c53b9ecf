"""Where crystals lie on a map: UMAP of their latent vectors, or for a handful their two principal directions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

FEWEST = 15  # crystals; neighbourhoods of fewer tell UMAP nothing
NEIGHBOURS = 30
_MIN_DIST = 0.1


def lay_out(z: np.ndarray, seed: int = 0) -> tuple[np.ndarray, dict[str, Any]]:
    """Coordinates on a map for latent vectors.

    Parameters
    ----------
    z
        (n, d), at least one.
    seed
        Of UMAP; the same latent vectors and seed give the same map.

    Returns
    -------
    tuple
        Places (n, 2) float32, and how they were found: ``method`` ("umap" or "pca"), its settings, and a ``note`` if it
        was not the usual way.
    """
    distinct = len(np.unique(z, axis=0))
    if distinct < FEWEST:
        note = f"{distinct} different latent vectors are too few for UMAP: x and y are the two principal directions"
        return _principal(z), {"method": "pca", "note": note}
    import umap

    neighbours = min(NEIGHBOURS, max(2, len(z) // 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a seed, which makes it slower, and of repeated latent vectors
        layout = umap.UMAP(n_neighbors=neighbours, min_dist=_MIN_DIST, random_state=seed, n_jobs=1).fit_transform(z)
    found = {"method": "umap", "n_neighbors": neighbours, "min_dist": _MIN_DIST, "seed": seed}
    if neighbours < NEIGHBOURS:
        found["note"] = f"a small set: each neighbourhood has {neighbours} crystals, not {NEIGHBOURS}"
    return np.asarray(layout, dtype=np.float32), found


def _principal(z: np.ndarray) -> np.ndarray:
    """(n, 2) coordinates along the two principal directions, their signs settled so that the map is the same again."""
    inner = z.astype(np.float64) - z.mean(axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(inner, full_matrices=False)
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    places = np.zeros((len(z), 2))
    found = inner @ axes[:2].T
    places[:, : found.shape[1]] = found
    return places.astype(np.float32)
