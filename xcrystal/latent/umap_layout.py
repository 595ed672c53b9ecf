"""Where crystals lie on a map: UMAP of their latent vectors, or for a handful their two principal directions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from xcrystal.latent.atlas import Atlas
from xcrystal.latent.nearest import Nearest

FITTED = 100_000  # crystals that UMAP is fitted to at most
FEWEST = 15  # crystals; neighbourhoods of fewer tell UMAP nothing
NEIGHBOURS = 30
_MIN_DIST = 0.1
_PART = 2**16  # crystals that are placed at once
_JUDGED, _KEPT = 500, 10  # crystals, and the neighbours of each, by which a map is judged


def lay_out(z: np.ndarray, seed: int = 0, fitted: int = FITTED) -> tuple[np.ndarray, dict[str, Any]]:
    """Coordinates on a map for latent vectors.

    Parameters
    ----------
    z
        (n, d), at least one.
    seed
        Of UMAP; the same latent vectors and seed give the same map.
    fitted
        Of more latent vectors UMAP is fitted to so many, drawn with the seed; these place the others, as
        ``Atlas.place`` says.

    Returns
    -------
    tuple
        Places (n, 2) float32, and how they were found: ``method`` ("umap" or "pca"), its settings, and a ``note`` if it
        was not the usual way. Of a map that is fitted to a part, ``kept_fitted`` and ``kept_placed`` are the shares of
        the ten nearest latent vectors that are among the ten nearest on the map, for those fitted and placed.
    """
    if len(z) > fitted:
        return _fit_part(z, seed, fitted)
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


def _fit_part(z: np.ndarray, seed: int, fitted: int) -> tuple[np.ndarray, dict[str, Any]]:
    """A map of all latent vectors that is fitted to some of them."""
    rng = np.random.default_rng(seed)
    some = np.sort(rng.choice(len(z), fitted, replace=False))
    others = np.setdiff1d(np.arange(len(z)), some)
    layout = np.empty((len(z), 2), dtype=np.float32)
    layout[some], found = lay_out(z[some], seed, fitted)
    known = laid_out(z[some], layout[some], seed)
    for part in np.array_split(others, -(-len(others) // _PART)):
        layout[part] = known.place(z[part])
    kept = {f"kept_{name}": kept_neighbours(z, layout, of, seed) for name, of in (("fitted", some), ("placed", others))}
    return layout, found | {"fitted": fitted, **kept}


def laid_out(z: np.ndarray, layout: np.ndarray, seed: int = 0) -> Atlas:
    """Latent vectors (n, Z) with their coordinates (n, 2) as an atlas with an index, which places others."""
    import pandas as pd

    return Atlas("fitted", pd.DataFrame(layout, columns=["x", "y"]), z).indexed(seed)


def kept_neighbours(z: np.ndarray, layout: np.ndarray, rows: np.ndarray, seed: int = 0) -> float:
    """Share of the ten nearest latent vectors (N, Z) that are among the ten nearest on the map (N, 2).

    Of at most 500 of these rows, drawn with the seed; among all of the N.
    """
    from scipy.spatial import cKDTree

    drawn = np.random.default_rng(seed).choice(rows, min(_JUDGED, len(rows)), replace=False)
    near = Nearest(z).query(z[drawn], _KEPT + 1)[0]
    on_map = cKDTree(layout).query(layout[drawn], _KEPT + 1)[1]
    pairs = [(set(a) - {row}, set(b)) for a, b, row in zip(near.tolist(), on_map.tolist(), drawn.tolist(), strict=True)]
    return sum(len(a & b) for a, b in pairs) / sum(len(a) for a, _ in pairs)


def _principal(z: np.ndarray) -> np.ndarray:
    """(n, 2) coordinates along the two principal directions, their signs settled so that the map is the same again."""
    inner = z.astype(np.float64) - z.mean(axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(inner, full_matrices=False)
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    places = np.zeros((len(z), 2))
    found = inner @ axes[:2].T
    places[:, : found.shape[1]] = found
    return places.astype(np.float32)
