"""Building an atlas from a dataset folder."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.crystals import CRYSTALS
from xcrystal.crystal.motifs import MOTIFS
from xcrystal.generator import CrystalModel
from xcrystal.latent.building import build_atlas
from xcrystal.latent.chart import open_atlas

SCALES = (0.97, 1.0, 1.03)


def test_a_dataset_becomes_an_atlas(tmp_path, model: CrystalModel) -> None:
    rows = []
    for name, crystal in CRYSTALS.items():
        for scale in SCALES:
            structure = crystal.to_structure()
            structure.scale_lattice(structure.volume * scale)
            rows.append(
                dict(zip(("a", "b", "c", "alpha", "beta", "gamma"), structure.lattice.parameters, strict=True))
                | {
                    "material_id": f"{name}-{scale}",
                    "formula": structure.composition.reduced_formula,
                    "species": [site.specie.symbol for site in structure],
                    "frac_coords": structure.frac_coords.ravel().tolist(),
                    "band_gap": 1.0,
                }
            )
    pd.DataFrame(rows).to_parquet(tmp_path / "train.parquet")
    measured = build_atlas("mp20", tmp_path, tmp_path / "out", seed=0).facts
    atlas = open_atlas(tmp_path / "out")
    assert len(atlas) == len(rows)
    assert list(atlas.table["material_id"]) == [r["material_id"] for r in rows]
    assert set(atlas.table.columns) == {"material_id", "formula", "band_gap", "space_group", "x", "y", *MOTIFS}
    assert set(atlas.table["material_id"][atlas.table["rock_salt"]]) == {f"rock salt NaCl-{x}" for x in SCALES}
    expected = model.encode([crystal.to_structure() for crystal in CRYSTALS.values()])
    unscaled = atlas.z[[atlas.row(f"{name}-1.0") for name in CRYSTALS]]
    assert np.allclose(unscaled, expected, atol=0.02)
    assert 0 <= measured["placing_median"] <= measured["placing_90"] < 1.5
