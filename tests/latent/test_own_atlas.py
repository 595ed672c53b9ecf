"""Atlases of one's own crystals: any number of them, any model, flat files that tell what they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Structure

import xcrystal as xc
from tests.own_data import Cubes, Volume, scaled, table, write
from xcrystal.errors import CapabilityError, DatasetError
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import HULL, open_atlas
from xcrystal.latent.building import build_atlas
from xcrystal.latent.descriptor_model import DescriptorPCA
from xcrystal.latent.umap_layout import FEWEST, lay_out

FILES = {"README.md", "atlas.json", "atlas.parquet", "atlas.safetensors", "skipped.csv", "structures.parquet"}


def test_a_folder_of_files_that_a_person_can_read(tmp_path: Path, model: CrystalModel) -> None:
    data = write(tmp_path / "data", 30)
    (data / "broken.cif").write_text("data_x")
    atlas = xc.build_atlas("mp20", data, tmp_path / "maps/mine")
    folder = tmp_path / "maps/mine"
    assert {path.name for path in folder.iterdir()} == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]  # nothing half-made is left

    text = (folder / "README.md").read_text()
    for name in FILES - {"README.md"}:
        assert f"`{name}`" in text
    assert "30 crystals from `data`" in text
    assert model.digest in text
    assert "broken" in text
    assert str(tmp_path) not in text
    assert all(f"`{column}`" in text for column in atlas.table.columns)

    assert (atlas.facts["crystals"], atlas.facts["skipped"], atlas.facts["files"]) == (30, 1, 2)
    assert atlas.facts["model_digest"] == model.digest
    assert json.loads((folder / "atlas.json").read_text()) == atlas.facts
    skipped = pd.read_csv(folder / "skipped.csv")
    assert list(skipped["name"]) == ["broken"]

    assert atlas.properties == ("hardness", "run")
    names, given = scaled(30)
    assert list(atlas.table["material_id"]) == names
    kept = atlas.structure(7)
    assert kept is not None
    assert kept.composition == given[7].composition
    assert np.allclose(atlas.z, model.encode(given), atol=0.02)
    placed = atlas.table[["x", "y"]].to_numpy()
    assert np.isfinite(placed).all()


def test_what_was_calculated_of_an_older_atlas_goes_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    build_atlas(Volume(), write(tmp_path / "data", 12), folder)
    (folder / HULL).write_bytes(b"of older energies")
    build_atlas(Volume(), tmp_path / "data", folder)
    assert {path.name for path in folder.iterdir()} == FILES


def test_the_same_again(tmp_path: Path) -> None:
    data = write(tmp_path / "data", 30)
    for name in ("one", "two"):
        build_atlas(Volume(), data, tmp_path / name)
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_handful(tmp_path: Path, count: int) -> None:
    atlas = build_atlas("mp20", write(tmp_path / "data", count), tmp_path / "out")
    assert len(atlas) == count
    assert atlas.facts["map"]["method"] == "pca"
    assert "too few for UMAP" in (tmp_path / "out/README.md").read_text()
    assert np.isfinite(atlas.table[["x", "y"]].to_numpy()).all()
    assert np.isfinite(atlas.place(atlas.z)).all()


def test_layouts() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 2, FEWEST - 1):
        places, how = lay_out(rng.standard_normal((count, 6)))
        assert places.shape == (count, 2)
        assert how["method"] == "pca"
    flat, _ = lay_out(rng.standard_normal((6, 1)))
    assert np.ptp(flat[:, 1]) == 0
    z = rng.standard_normal((20, 6))
    places, how = lay_out(z)
    assert (how["method"], how["n_neighbors"]) == ("umap", 6)
    assert np.array_equal(places, lay_out(z)[0])
    same, how = lay_out(np.ones((40, 6)))
    assert how["method"] == "pca"  # forty copies of one crystal
    assert np.isfinite(same).all()


def test_what_cannot_be_encoded_is_listed(tmp_path: Path) -> None:
    class Picky(Volume):
        def encode(self, structures):
            if any("Ti" in s.composition for s in structures):
                raise ValueError("no titanium here")
            return super().encode(structures)

    data = write(tmp_path / "data", 15)
    large = scaled(1)[1][0] * (4, 3, 3)
    moved = large.frac_coords + np.random.default_rng(0).uniform(-0.03, 0.03, (len(large), 3))
    Structure(large.lattice, large.species, moved).to(str(data / "large.cif"))
    atlas = build_atlas(Picky(), data, tmp_path / "picky")
    assert atlas.facts["crystals"] == 13  # of 15 without the titanates, and the large one, which it takes
    assert "large" in set(atlas.table["material_id"])
    skipped = pd.read_csv(tmp_path / "picky/skipped.csv")
    assert skipped["reason"].str.contains("no titanium here").sum() == 3
    skipped = build_atlas("mp20", data, tmp_path / "ours").facts["skipped"]
    assert skipped == 1
    assert "the model encodes at most" in (tmp_path / "ours/skipped.csv").read_text()


def test_only_decoding(tmp_path: Path) -> None:
    z = np.linspace(2.5, 5, 12)[:, None] * np.ones((1, 3))
    atlas = build_atlas(Cubes(), z, tmp_path / "out")
    assert len(atlas) == 12
    assert np.allclose(atlas.z, z)
    assert set(atlas.table["formula"]) == {"Po"}
    with pytest.raises(CapabilityError, match="no encode"):
        build_atlas(Cubes(), write(tmp_path / "data", 3), tmp_path / "other")
    with pytest.raises(CapabilityError, match="no decode"):
        build_atlas(Volume(), z, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_an_atlas_that_is_there_is_replaced_as_a_whole(tmp_path: Path) -> None:
    build_atlas(Volume(), write(tmp_path / "data", 5), tmp_path / "out")
    (tmp_path / "out/mine.txt").write_text("keep me")
    with pytest.raises(DatasetError):
        build_atlas(Volume(), tmp_path / "nowhere", tmp_path / "out")
    assert len(open_atlas(tmp_path / "out")) == 5
    build_atlas(Volume(), write(tmp_path / "data", 7), tmp_path / "out")
    assert len(open_atlas(tmp_path / "out")) == 7
    assert (tmp_path / "out/mine.txt").read_text() == "keep me"
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="is a file"):
        build_atlas(Volume(), tmp_path / "data", tmp_path / "file")


def test_damage_is_said_in_one_sentence(tmp_path: Path) -> None:
    build_atlas(Volume(), write(tmp_path / "data", 5), tmp_path / "out")
    table(3).to_parquet(tmp_path / "out/structures.parquet")
    with pytest.raises(DatasetError, match="5 rows but 3 crystals"):
        open_atlas(tmp_path / "out").structure(0)
    (tmp_path / "out/atlas.json").write_text("[1]")
    with pytest.raises(DatasetError, match="damaged"):
        open_atlas(tmp_path / "out")


def test_the_bundled_atlas_never_gets_crystals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xcrystal.latent.building.BUNDLED", tmp_path / "bundled")
    build_atlas(Volume(), write(tmp_path / "data", 5), tmp_path / "bundled/mp20")
    assert {path.name for path in (tmp_path / "bundled/mp20").iterdir()} == FILES - {"structures.parquet"}


def test_two_hundred_crystals_with_a_model_of_ones_own(tmp_path: Path) -> None:
    names, given = scaled(200)
    second = DescriptorPCA(given)
    atlas = build_atlas(second, write(tmp_path / "data", 200), tmp_path / "out", seed=3)
    assert len(atlas) == len(names)
    assert atlas.facts["map"]["n_neighbors"] == 30
    assert 0 <= atlas.facts["placing_median"] <= atlas.facts["placing_90"]
    assert atlas.z.dtype == np.float32
    # like crystals are near each other: the nearest other one is mostly the same with another cell
    near = atlas.neighbours(atlas.z, 2)[0][:, 1]
    kinds = np.array([name.split(",")[0] for name in names])
    assert np.mean(kinds[near] == kinds) > 0.8


def test_an_atlas_among_its_data_is_not_read_again(tmp_path: Path) -> None:
    data = write(tmp_path / "data", 5)
    for folder in (data / "atlas", data):
        for _ in range(2):
            atlas = build_atlas(Volume(), data, folder)
            assert (len(atlas), atlas.facts["skipped"]) == (5, 0)
        shutil.rmtree(data / "atlas", ignore_errors=True)


def test_a_readme_of_somebody_else_stays(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/README.md").write_text("# My thesis")
    build_atlas(Volume(), write(tmp_path / "data", 5), tmp_path / "out")
    assert (tmp_path / "out/README.md").read_text() == "# My thesis"


def test_rows_of_a_table_that_are_no_crystals_are_left_out(tmp_path: Path) -> None:
    rows = table(6)
    rows.at[1, "species"] = ["Xx"] * len(rows["species"][1])
    rows.at[2, "frac_coords"] = np.full(len(rows["frac_coords"][2]), np.nan)
    rows.at[3, "frac_coords"] = np.zeros(len(rows["frac_coords"][3]))
    rows.at[4, "a"] = np.nan
    rows.at[5, "frac_coords"] = rows["frac_coords"][5][:2]
    rows.to_parquet(tmp_path / "own.parquet")
    atlas = build_atlas(Volume(), tmp_path / "own.parquet", tmp_path / "out")
    assert list(atlas.table["material_id"]) == [rows["material_id"][0]]
    assert pd.read_csv(tmp_path / "out/skipped.csv")["reason"].str.len().min() > 10
