"""Build an atlas: encode a dataset, lay the codes out with UMAP once, and say how good the instant placing is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xcrystal.crystal.tables import PROPERTIES
from xcrystal.errors import DatasetError
from xcrystal.generator import open_model
from xcrystal.latent.chart import Atlas
from xcrystal.latent.labelling import labels_of

_HELD_OUT = 500


def build_atlas(model: str | Path, data: Path, out: Path, seed: int = 0) -> dict[str, float]:
    """Encode the training split of a dataset folder and lay it out as a map.

    Parameters
    ----------
    model
        A bundled model's name or a model's folder.
    data
        Folder with ``train.parquet`` (or a parquet file).
    out
        Folder for ``atlas.parquet`` and ``atlas.safetensors``.
    seed
        Of UMAP and of the held-out points.

    Returns
    -------
    dict
        What ``placing_error`` says of the new atlas.

    Raises
    ------
    DatasetError
        If there is no data.
    """
    import umap

    from xcrystal.crystal.tables import read_table
    from xcrystal.crystal.tokens import tokenize

    source = data if data.is_file() else data / "train.parquet"
    table = read_table(source)
    opened = open_model(model)
    tokens = tokenize(table)
    if len(tokens) < 20:
        raise DatasetError(f"An atlas needs at least 20 crystals; {source} has {len(tokens)} that can be encoded.")
    crystals = tokens.crystals()
    # what is shipped is what everything is computed from
    z = opened.encode_canonical(crystals).astype(np.float16).astype(np.float32)
    layout = umap.UMAP(n_neighbors=min(30, len(z) - 1), min_dist=0.1, random_state=seed, n_jobs=1).fit_transform(z)
    kept = table.iloc[tokens.row].reset_index(drop=True)
    known = [name for name in ("material_id", "formula", *PROPERTIES) if name in kept]
    chart = kept[known].copy()
    for name in PROPERTIES:
        if name in chart:
            chart[name] = chart[name].astype("float32")
    chart["space_group"] = tokens.group.astype("int16")
    chart["x"], chart["y"] = layout.T.astype("float32")
    for name, label in labels_of(crystals).items():
        chart[str(name)] = label
    atlas = Atlas(str(out), chart, z)
    atlas.save(out)
    return placing_error(atlas, seed)


def placing_error(atlas: Atlas, seed: int = 0) -> dict[str, float]:
    """How far ``Atlas.place`` puts crystals from their place on the map when they are left out of the atlas.

    ``placing_median``, ``placing_90`` as shares of the map's width, over 500 crystals.
    """
    rng = np.random.default_rng(seed)
    held = rng.choice(len(atlas), min(_HELD_OUT, len(atlas) // 4), replace=False)
    rest = np.setdiff1d(np.arange(len(atlas)), held)
    reduced = Atlas(atlas.name, atlas.table.iloc[rest].reset_index(drop=True), atlas.z[rest])
    xy = atlas.table[["x", "y"]].to_numpy(dtype=float)
    errors = np.linalg.norm(reduced.place(atlas.z[held]) - xy[held], axis=1) / np.ptp(xy, axis=0).max()
    return {"placing_median": float(np.median(errors)), "placing_90": float(np.quantile(errors, 0.9))}
