"""Labels of motifs: shipped, added later, and done without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xcrystal.crystal.geometry.motifs import MOTIFS
from xcrystal.errors import DatasetError, ReadError
from xcrystal.latent.atlas import Atlas, open_atlas
from xcrystal.latent.building import build_atlas
from xcrystal.latent.labelling import has_alkali_metal, has_motif, is_labelled, label_atlas
from xcrystal.latent.searching import search


def test_the_shipped_atlas_is_labelled(atlas: Atlas) -> None:
    assert is_labelled(atlas)
    rows = search(atlas, "BaTiO3, sg 99")
    assert len(rows) and atlas.table["perovskite"].iloc[rows].all()
    for words, motif in (("layered", "layered"), ("close packed", "close_packed"), ("rock salts", "rock_salt")):
        assert np.array_equal(search(atlas, words), np.flatnonzero(atlas.table[motif]))
    assert set(search(atlas, "rock salt")) <= set(search(atlas, "sg 225"))
    assert np.array_equal(search(atlas, "alkali"), np.flatnonzero(has_alkali_metal(atlas)))


def test_an_atlas_without_labels_knows_what_formula_and_space_group_tell(atlas: Atlas) -> None:
    bare_atlas = Atlas("bare", atlas.table.drop(columns=list(MOTIFS)), atlas.z)
    assert not is_labelled(bare_atlas)
    assert has_motif(bare_atlas, "layered") is None
    assert has_motif(bare_atlas, "perovskite") is not None
    with pytest.raises(ReadError, match="xcrystal atlas --labels"):
        search(bare_atlas, "layered")


def test_labels_are_added_without_changing_the_rest(tmp_path: Path, crystal_table: Path) -> None:
    import pandas as pd

    crystals = pd.read_parquet(crystal_table)
    pd.concat([crystals, crystals.assign(material_id=crystals["material_id"] + "'")]).to_parquet(tmp_path / "t.parquet")
    build_atlas("mp20", tmp_path / "t.parquet", tmp_path / "out")
    built = open_atlas(tmp_path / "out")
    Atlas("", built.table.drop(columns=list(MOTIFS)), built.z).save(tmp_path / "out")
    counts = label_atlas(tmp_path / "t.parquet", tmp_path / "out")
    again = open_atlas(tmp_path / "out")
    assert again.table.equals(built.table) and np.array_equal(again.z, built.z)
    assert counts["rock_salt"] == 2
    crystals.iloc[1:].to_parquet(tmp_path / "less.parquet")
    with pytest.raises(DatasetError, match="lacks"):
        label_atlas(tmp_path / "less.parquet", tmp_path / "out")
