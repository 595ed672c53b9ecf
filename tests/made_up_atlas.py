"""Made-up atlases of any size, for what only large ones can show: crystals of the bundled atlas with noise."""

from __future__ import annotations

import numpy as np

from xcrystal.latent.atlas import ABOVE_HULL, IN_TRAIN, Atlas, open_atlas

_CODE_NOISE, _PLACE_NOISE = 0.1, 0.01  # of each latent coordinate; of the map's width


def made_up_atlas(count: int, seed: int = 0) -> Atlas:
    """An atlas of ``count`` rows: drawn from the bundled one with noise on latent vectors, places and properties.

    All rows count as train. Their distances are mostly those of the noise, so that trust lines judge by it, too.
    """
    known, rng = open_atlas("mp20"), np.random.default_rng(seed)
    rows = rng.integers(len(known), size=count)
    table = known.table.iloc[rows].reset_index(drop=True)
    table["material_id"] = [f"made-up-{i}" for i in range(count)]
    places = known.inverse.places[rows] + rng.normal(scale=_PLACE_NOISE * known.inverse.width, size=(count, 2))
    table[["x", "y"]] = places.astype(np.float32)
    for name in known.properties:
        table[name] += rng.normal(scale=0.01, size=count).astype(np.float32) * (table[name] != 0)
    z = rng.standard_normal((count, known.z.shape[1]), dtype=np.float32)
    z *= _CODE_NOISE
    z += known.z[rows]
    return Atlas("made up", table.drop(columns=[IN_TRAIN, ABOVE_HULL], errors="ignore"), z)
