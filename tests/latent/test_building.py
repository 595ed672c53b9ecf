"""Building an atlas from a dataset folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.crystals import CRYSTALS
from tests.own_data import table
from xcrystal.crystal.collections.tokens import load_tokens
from xcrystal.crystal.geometry.motifs import MOTIFS
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas, open_atlas
from xcrystal.latent.building import build_atlas

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


def two_tables(folder: Path) -> tuple[Path, Path]:
    """Five crystals; and the last of these, three others, and one of the three once more under another name."""
    first, more = folder / "first.parquet", folder / "more.parquet"
    table(5).to_parquet(first)
    others = table(8).iloc[4:].assign(run=np.nan)
    repeated = others.iloc[1:2].assign(material_id="another name")
    pd.concat([others, repeated]).to_parquet(more)
    return first, more


def test_crystals_may_be_found_without_counting(tmp_path: Path) -> None:
    first, more = two_tables(tmp_path)
    atlas = build_atlas("mp20", first, tmp_path / "out", also=more)
    ids = table(8)["material_id"].tolist()
    assert atlas.table["material_id"].tolist() == [*ids, "another name"]
    assert atlas.table["in_train"].tolist() == atlas.in_train.tolist() == [True] * 5 + [False] * 4
    assert (atlas.facts["crystals"], atlas.facts["in_train"], atlas.facts["skipped"]) == (9, 5, 1)
    assert "An earlier table holds this material" in (tmp_path / "out" / "skipped.csv").read_text()
    assert [atlas.flag(row) for row in (7, 8)] == ["", f"same structure as {ids[5]}"]
    assert atlas.facts["flags"]["same structure as"] == 1
    assert atlas.table["run"].isna().tolist() == [False] * 5 + [True] * 4
    assert atlas.row(ids[7]) == 7
    kept = atlas.structure(8)
    assert kept is not None
    assert kept.composition == atlas.structure(5).composition  # type: ignore[union-attr]


def test_several_tables_may_count(tmp_path: Path) -> None:
    atlas = build_atlas("mp20", two_tables(tmp_path), tmp_path / "out")
    assert len(atlas) == 9
    assert "in_train" not in atlas.table
    assert atlas.in_train.all() and atlas.reference is atlas


def test_canonical_forms_that_a_run_kept_give_the_same_atlas(tmp_path: Path) -> None:
    first, more = two_tables(tmp_path)
    fresh = build_atlas("mp20", first, tmp_path / "fresh", also=more)
    for path in (first, more):
        load_tokens(path, tmp_path / "tokens")
    again: Atlas = build_atlas("mp20", first, tmp_path / "again", also=more, tokens=tmp_path / "tokens")
    assert again.table.equals(fresh.table)
    assert np.array_equal(again.z, fresh.z)


def test_an_atlas_that_was_interrupted_is_never_a_mixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever file was the last to be moved: the older atlas is there, and what somebody else has put there."""
    data, out = tmp_path / "data.parquet", tmp_path / "out"
    table(5).to_parquet(data)
    build_atlas("mp20", data, out)
    old = open_atlas(out).z
    (out / "notes.txt").write_text("mine")
    names = sorted(path.name for path in out.iterdir())
    table(10).iloc[5:].to_parquet(data)
    files = len(names) - 1
    move = Path.replace
    for most in (0, 2, files, 2 * files - 1):  # moves: the older ones out of the folder, then the new ones into it
        moved = []

        def interrupted(self: Path, target: Path, most: int = most, moved: list[Path] = moved) -> Path:
            if out in (target.parent, self.parent):
                moved.append(target)
                if len(moved) == most + 1:
                    raise KeyboardInterrupt
            return move(self, target)

        monkeypatch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build_atlas("mp20", data, out)
        assert np.array_equal(open_atlas(out).z, old)
        assert sorted(path.name for path in out.iterdir()) == names
    monkeypatch.undo()
    build_atlas("mp20", data, out)
    assert not np.allclose(open_atlas(out).z, old)
    assert sorted(path.name for path in out.iterdir()) == names
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.parquet", "out"]
