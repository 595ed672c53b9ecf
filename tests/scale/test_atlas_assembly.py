from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow.parquet import read_table

from tests.scale.copying import Copy
from xcrystal.errors import DatasetError
from xcrystal.latent.atlas import Atlas, open_atlas
from xcrystal.latent.building import build_atlas
from xcrystal.latent.inverted_lists import nearest_centres
from xcrystal.scale import atlas_assembly
from xcrystal.scale.atlas_assembly import assemble_atlas
from xcrystal.scale.run_folder import RunFolder
from xcrystal.scale.running import run_partitions
from xcrystal.scale.tasks import MapRows, codes_of


@pytest.fixture(scope="module")
def run(crystals: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in partitions of 10, one of which is a whole file."""
    folder = tmp_path_factory.mktemp("map") / "run"
    run_partitions(MapRows(), crystals, folder, size=13)
    return folder


def test_with_all_crystals_laid_out_it_is_the_atlas_that_is_built_at_once(
    run: Path, crystals: Path, tmp_path: Path
) -> None:
    facts = assemble_atlas(run, tmp_path / "parts")
    found, whole = open_atlas(tmp_path / "parts"), build_atlas("mp20", crystals, tmp_path / "whole")
    assert len(found) == len(whole) == facts["crystals"]
    assert found.table["material_id"].tolist() == whole.table["material_id"].tolist()
    for column in ("formula", "space_group", "rock_salt", "perovskite", "layered", "close_packed", "band_gap", "flag"):
        np.testing.assert_array_equal(found.table[column], whole.table[column])
    np.testing.assert_allclose(found.z, whole.z, atol=2e-3)  # tokens have coordinates of 32 bits
    assert facts["properties"] == whole.facts["properties"] == ["band_gap"]
    assert facts["skipped"] == whole.facts["skipped"]
    assert facts["flags"] == whole.facts["flags"]
    assert sum(facts["flags"].values()) > 0
    one, other = found.structure(3), whole.structure(3)
    assert one is not None
    assert one == other


def test_the_sample_is_laid_out_and_its_neighbours_place_the_others(run: Path, tmp_path: Path) -> None:
    facts = assemble_atlas(run, tmp_path / "atlas", sample=40, seed=3)
    found = open_atlas(tmp_path / "atlas")
    assert facts["map"]["fitted"] == 40
    z = np.concatenate([codes_of(read_table(path)) for path in RunFolder(run).parts()])
    np.testing.assert_array_equal(found.z, z.astype(np.float16).astype(np.float32))
    chosen = np.sort(np.random.default_rng(3).choice(len(found), 40, replace=False))
    others = np.setdiff1d(np.arange(len(found)), chosen)
    known = Atlas("sample", found.table.iloc[chosen].reset_index(drop=True), found.z[chosen])
    np.testing.assert_allclose(found.table[["x", "y"]].to_numpy()[others], known.place(found.z[others]), atol=1e-5)
    again = assemble_atlas(run, tmp_path / "again", sample=40, seed=3)
    assert again == facts
    assert (tmp_path / "again" / "atlas.parquet").read_bytes() == (tmp_path / "atlas" / "atlas.parquet").read_bytes()


def test_an_older_atlas_is_replaced_as_a_whole(run: Path, tmp_path: Path) -> None:
    assemble_atlas(run, tmp_path / "atlas", sample=20)
    for name in ("hull.parquet", "lists.safetensors", "skipped.csv"):
        (tmp_path / "atlas" / name).write_text("of the older one")
    assemble_atlas(run, tmp_path / "atlas", sample=30)
    assert json.loads((tmp_path / "atlas" / "atlas.json").read_text())["map"]["fitted"] == 30
    assert sorted(path.name for path in (tmp_path / "atlas").iterdir()) == [
        "README.md",
        "atlas.json",
        "atlas.parquet",
        "atlas.safetensors",
        "skipped.csv",
        "structures.parquet",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["atlas"]


def test_two_do_not_assemble_the_same_run(run: Path, tmp_path: Path) -> None:
    with RunFolder(run).alone(), pytest.raises(DatasetError, match="Another process works in"):
        assemble_atlas(run, tmp_path / "atlas", sample=20)
    assert not (tmp_path / "atlas").exists()


def test_flags_that_only_some_parts_have_are_empty_elsewhere(run: Path, tmp_path: Path) -> None:
    flags = [pd.read_parquet(path)["flag"].ne("") for path in RunFolder(run).parts()]
    assert any(one.any() for one in flags) and not all(one.any() for one in flags)
    assemble_atlas(run, tmp_path / "atlas")
    found = pd.read_parquet(tmp_path / "atlas" / "atlas.parquet")["flag"]
    assert found.notna().all()
    assert found.ne("").tolist() == pd.concat(flags).tolist()


def test_a_run_of_another_task_is_refused(crystals: Path, tmp_path: Path) -> None:
    run_partitions(Copy(), crystals, tmp_path / "run")
    with pytest.raises(DatasetError, match="holds no run that an atlas can be made of: it is one of the task copy"):
        assemble_atlas(tmp_path / "run", tmp_path / "atlas")
    with pytest.raises(DatasetError, match="holds no run"):
        assemble_atlas(tmp_path / "nothing", tmp_path / "atlas")


def test_a_partition_without_any_crystal_is_left_out(crystals: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(next(crystals.glob("*.parquet")), data / "b.parquet")
    (data / "a.parquet").write_bytes(b"PAR1 and then nothing")
    report = run_partitions(MapRows(), data, tmp_path / "run", progress=False)
    facts = assemble_atlas(tmp_path / "run", tmp_path / "atlas")
    assert len(open_atlas(tmp_path / "atlas")) == facts["crystals"] == report.crystals > 0
    skipped = pd.read_csv(tmp_path / "atlas" / "skipped.csv")
    pd.testing.assert_frame_equal(skipped, pd.read_parquet(tmp_path / "run" / "skipped.parquet"))
    readme = (tmp_path / "atlas" / "README.md").read_text()
    assert f"{report.crystals} crystals from" in readme
    assert f"the {len(skipped)} crystals that are not in it" in readme
    assert f"- {skipped['name'][0]}: {skipped['reason'][0]}" in readme


def test_a_large_one_is_that_of_a_small_limit_in_another_order_with_an_index(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assemble_atlas(run, tmp_path / "small", sample=40)
    monkeypatch.setattr(atlas_assembly, "LARGE", 50)
    monkeypatch.setattr(atlas_assembly, "_BUCKET", 16)
    assemble_atlas(run, tmp_path / "large", sample=40)
    small, large = open_atlas(tmp_path / "small"), open_atlas(tmp_path / "large")
    assert large.lists is not None
    assert not large.z.flags.owndata
    order = [small.row(name) for name in large.table["material_id"]]
    assert order != sorted(order)
    pd.testing.assert_frame_equal(large.table, small.table.iloc[order].reset_index(drop=True))
    np.testing.assert_array_equal(large.z, small.z[order])
    assert all(large.structure(row) == small.structure(other) for row, other in enumerate(order))
    cells = np.repeat(np.arange(len(large.lists.centres)), np.diff(large.lists.start))
    np.testing.assert_array_equal(cells, nearest_centres(large.z, large.lists.centres))
    rows, distances = large.neighbours(small.z, 3)
    np.testing.assert_allclose(distances, small.neighbours(small.z, 3)[1], atol=1e-4)
    np.testing.assert_allclose(large.z[rows[:, 0]], small.z, atol=1e-4)
    assert "lists.safetensors" in (tmp_path / "large" / "README.md").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large", "small"]
    again = tmp_path / "again"
    assemble_atlas(run, again, sample=40)
    for name in ("atlas.parquet", "atlas.safetensors", "lists.safetensors", "structures.parquet"):
        assert (again / name).read_bytes() == (tmp_path / "large" / name).read_bytes()


def test_columns_without_a_value_are_left_out_as_of_one_that_is_built_at_once(crystals: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(crystals / "b.parquet").assign(gap=np.nan)
    table.to_parquet(tmp_path / "data.parquet")
    run_partitions(MapRows(), tmp_path / "data.parquet", tmp_path / "run", progress=False)
    facts = assemble_atlas(tmp_path / "run", tmp_path / "parts")
    whole = build_atlas("mp20", tmp_path / "data.parquet", tmp_path / "whole")
    assert {*open_atlas(tmp_path / "parts").table} == {*whole.table}
    assert not {"gap", "flag"} & {*whole.table}
    assert facts["properties"] == ["band_gap"]
    assert "flags" not in facts
    assert "flags" not in whole.facts


def test_a_damaged_part_is_named(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    part = RunFolder(tmp_path / "run").part("00000002")
    whole = part.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:4] + bytes(len(whole) // 2) + whole[4 + len(whole) // 2 :]):
        part.write_bytes(content)
        with pytest.raises(DatasetError, match=r"remove parts/00000002\.parquet and begin the run again"):
            assemble_atlas(tmp_path / "run", tmp_path / "atlas", sample=20)
    assert not (tmp_path / "atlas").exists()


def test_what_a_killed_call_has_left_in_the_run_is_removed(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    before = {path.name for path in (tmp_path / "run").iterdir()}
    for folder in (tmp_path / "run", tmp_path):
        (folder / ".atlas-k1ll3d00" / "atlas").mkdir(parents=True)
        (folder / ".atlas-k1ll3d00" / "3.arrow").touch()
    assemble_atlas(tmp_path / "run", tmp_path / "run" / "atlas", sample=20)
    assert {path.name for path in (tmp_path / "run").iterdir()} == before | {"atlas"}
    assemble_atlas(tmp_path / "run", tmp_path / "atlas", sample=20)
    assert (tmp_path / ".atlas-k1ll3d00").exists(), "outside of the run it may be anybody's"


def test_somebody_elses_readme_stays(run: Path, tmp_path: Path) -> None:
    (tmp_path / "atlas").mkdir()
    (tmp_path / "atlas" / "README.md").write_text("mine")
    assemble_atlas(run, tmp_path / "atlas", sample=20)
    assert (tmp_path / "atlas" / "README.md").read_text() == "mine"
