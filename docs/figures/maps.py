"""Draws the pictures of "How to read the map" from the shipped atlas: python docs/figures/maps.py (two minutes)

Prints the figures that the page gives. Seeded: another run gives the same numbers.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import xcrystal as xc
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.density import Density

IMAGES = Path(__file__).parents[1] / "images"
SUBSET, NEIGHBOURS, PAIRS = 3000, 15, 20000


def bare(axes: Axes, title: str) -> None:
    """A map has no scales that mean anything."""
    axes.set_title(title, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal")


def save(name: str) -> None:
    """Write the figure that is being drawn."""
    plt.savefig(IMAGES / name, dpi=110, pil_kwargs={"optimize": True}, metadata={"Software": None})
    plt.close()


def neighbours_kept(z: np.ndarray, places: np.ndarray, k: int = NEIGHBOURS) -> float:
    """Share of each point's k nearest in latent space that are among its k nearest on the map."""
    from sklearn.neighbors import NearestNeighbors

    near, shown = (
        NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False) for points in (z, places)
    )
    return float(np.mean([len(set(a) & set(b)) / k for a, b in zip(near, shown, strict=True)]))


def distances(atlas: Atlas, rng: np.random.Generator) -> None:
    """Distances of pairs: in latent space and on the map."""
    from scipy.stats import spearmanr

    places = atlas.table[["x", "y"]].to_numpy(float)
    one, other = rng.integers(len(atlas), size=(2, PAIRS))
    latent = np.linalg.norm(atlas.z[one] - atlas.z[other], axis=1)
    shown = np.linalg.norm(places[one] - places[other], axis=1)
    shown /= np.ptp(places[:, 0])
    print(f"rank correlation of the distances of {PAIRS} pairs: {spearmanr(latent, shown)[0]:.2f}")
    kept = neighbours_kept(atlas.z, places)
    print(f"of the {NEIGHBOURS} nearest in latent space, {kept:.0%} are among the {NEIGHBOURS} nearest on the map")
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.hexbin(latent, shown, gridsize=60, mincnt=1, cmap="cividis", linewidths=0.1)
    plt.colorbar(label="pairs of crystals")
    plt.xlabel("distance in latent space")
    plt.ylabel("distance on the map / its width")
    save("map_distances.png")


def density(atlas: Atlas) -> None:
    """Points drawn, and how far each crystal is from its neighbours in latent space."""
    places = atlas.table[["x", "y"]].to_numpy(float)
    distance = Density.of(atlas).distances(atlas.z)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    left.hexbin(*places.T, gridsize=50, mincnt=1, cmap="cividis", linewidths=0.1)
    bare(left, "crystals per hexagon on the map")
    own = {"C": distance, "reduce_C_function": np.median, "cmap": "viridis"}
    drawn = right.hexbin(*places.T, gridsize=50, linewidths=0.1, **own)
    bare(right, "distance to the neighbours in latent space")
    figure.colorbar(drawn, ax=right)
    save("map_density.png")


def seeds(atlas: Atlas, rng: np.random.Generator) -> None:
    """The same codes, laid out with other random starts and another number of neighbours."""
    import umap

    rows = rng.permutation(len(atlas))[:SUBSET]
    groups = atlas.table["space_group"].to_numpy()[rows]
    systems = np.searchsorted([2, 15, 74, 142, 167, 194], groups)
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.7), layout="constrained")
    for axis, (neighbours, seed) in zip(axes, ((30, 0), (30, 1), (5, 0)), strict=True):
        layout = umap.UMAP(n_neighbors=neighbours, min_dist=0.1, random_state=seed, n_jobs=1)
        drawn = axis.scatter(*layout.fit_transform(atlas.z[rows]).T, c=systems, cmap="viridis", s=2, linewidths=0)
        bare(axis, f"{neighbours} neighbours, seed {seed}")
    bar = figure.colorbar(drawn, ax=axes, ticks=range(7))
    bar.ax.set_yticklabels("triclinic monoclinic orthorhombic tetragonal trigonal hexagonal cubic".split(), fontsize=8)
    save("map_seeds.png")


def main() -> None:
    """Draw everything."""
    atlas, rng = xc.atlas("mp20"), np.random.default_rng(0)
    distances(atlas, rng)
    density(atlas)
    seeds(atlas, rng)


if __name__ == "__main__":
    main()
