from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ase.db import connect
from ase.io import write
from pyarrow.parquet import read_table

import xcrystal
from tests.crystals import structures
from tests.scale.copying import Copy
from tests.scale.made_up import made_up
from tests.scale.tasks_for_tests import Failing
from xcrystal.crystal.collections.datasets import Dataset
from xcrystal.crystal.collections.sources.parts import FIRST
from xcrystal.crystal.collections.tables import structure_of
from xcrystal.errors import DatasetError
from xcrystal.generator import CrystalModel
from xcrystal.scale.partitions import partitions_of
from xcrystal.scale.run_folder import MANIFEST, RunFolder
from xcrystal.scale.running import _Work, run_partitions
from xcrystal.scale.tasks import Encode, codes_of


def parts(folder: Path) -> pd.DataFrame:
    """All rows of a run."""
    return pd.concat([pd.read_parquet(path) for path in RunFolder(folder).parts()], ignore_index=True)


def test_a_run_has_what_the_model_gives(model: CrystalModel, crystals: Path, tmp_path: Path) -> None:
    report = run_partitions(Encode(), crystals, tmp_path / "run", size=20)
    tables = [read_table(path) for path in RunFolder(tmp_path / "run").parts()]
    found = pd.concat([table.drop(["z"]).to_pandas() for table in tables])
    table = pd.concat(map(pd.read_parquet, sorted(crystals.iterdir()))).set_index("material_id")
    assert report.crystals == len(found)
    assert report.crystals + report.skipped == 60
    assert report.partitions == 4
    skipped = pd.read_parquet(tmp_path / "run" / "skipped.parquet")
    assert set(found["material_id"]) | set(skipped["name"]) == set(table.index)
    z = np.concatenate([codes_of(table) for table in tables])
    wanted = model.encode([structure_of(table.loc[name].to_dict()) for name in found["material_id"]])
    np.testing.assert_allclose(z, wanted, atol=2e-5)
    np.testing.assert_allclose(found["predicted_band_gap"], model.predict(z)["band_gap"], atol=1e-4)
    np.testing.assert_array_equal(found["band_gap"], table.loc[found["material_id"], "band_gap"])


def test_what_is_bad_is_skipped_with_reasons(tmp_path: Path) -> None:
    table = next(made_up(6, seed=2))
    table["species"] = [["Xx"] * len(s) if k == 1 else s for k, s in enumerate(table["species"])]
    table.loc[2, "a"] = np.nan
    table["frac_coords"] = [[0.0] * len(f) if k == 3 else f for k, f in enumerate(table["frac_coords"])]
    table["species"] = [["Na", "Cl"] if k == 3 else s for k, s in enumerate(table["species"])]
    table["frac_coords"] = [[0.0] * 6 if k == 3 else f for k, f in enumerate(table["frac_coords"])]
    data = tmp_path / "data"
    data.mkdir()
    table.to_parquet(data / "table.parquet")
    structures()[0].to(filename=str(data / "good.cif"))
    (data / "broken.cif").write_text("data_nothing")
    (data / "damaged.parquet").write_bytes(b"PAR1 and then nothing")
    report = run_partitions(Encode(), data, tmp_path / "run", size=4)
    skipped = pd.read_parquet(tmp_path / "run" / "skipped.parquet")
    names = table["material_id"]
    assert {names[1], names[2], names[3], "broken", "damaged"} <= set(skipped["name"])
    assert set(skipped.columns) == {"name", "source", "reason"}
    assert skipped["reason"].str.len().gt(10).all()
    assert set(skipped.loc[skipped["name"].isin(names), "source"]) == {"table.parquet"}
    assert not set(parts(tmp_path / "run")["material_id"]) & set(skipped["name"])
    assert report.crystals + report.skipped == 9
    assert not report.failed


def test_a_run_is_gone_on_with_where_it_was_stopped(crystals: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run_partitions(Copy(), crystals, run.path, size=10)
    before = {path.name: path.read_bytes() for path in run.parts()}
    changed = {path.name: path.stat().st_mtime_ns for path in run.parts()}
    (run.part("00000002")).unlink()
    (run.part("00000004")).unlink()
    report = run_partitions(Copy(), crystals, run.path, size=10)
    assert (report.partitions, report.earlier, report.crystals) == (6, 4, 60)
    assert {path.name: path.read_bytes() for path in run.parts()} == before
    again = {path.name for path in run.parts() if path.stat().st_mtime_ns != changed[path.name]}
    assert again == {"00000002.parquet", "00000004.parquet"}
    assert run_partitions(Copy(), crystals, run.path, size=10).earlier == 6


def test_a_folder_of_another_run_is_refused_in_one_sentence(crystals: Path, tmp_path: Path) -> None:
    run_partitions(Copy(), crystals, tmp_path / "run", size=10)
    with pytest.raises(DatasetError, match=r"holds a run with another partition_size \(10, now 20\)"):
        run_partitions(Copy(), crystals, tmp_path / "run", size=20)
    with pytest.raises(DatasetError, match=r"with another (arguments|task)"):
        run_partitions(Failing(), crystals, tmp_path / "run", size=10)
    other = tmp_path / "other" / crystals.name
    other.mkdir(parents=True)
    next(made_up(60, seed=9)).to_parquet(other / "a.parquet")
    with pytest.raises(DatasetError, match=r"The data have changed since the run .* was begun: .* of 1 files and "):
        run_partitions(Copy(), other, tmp_path / "run", size=10)
    (tmp_path / "run" / MANIFEST).write_text("[")
    with pytest.raises(DatasetError, match="is damaged"):
        run_partitions(Copy(), crystals, tmp_path / "run", size=10)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(DatasetError, match="holds something else"):
        run_partitions(Copy(), crystals, tmp_path / "full")
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"
    assert not (tmp_path / "full" / MANIFEST).exists()


def test_the_manifest_names_task_arguments_weights_and_data(
    model: CrystalModel, crystals: Path, tmp_path: Path
) -> None:
    run_partitions(Encode(), crystals / "a.parquet", tmp_path / "run", size=30)
    told = json.loads((tmp_path / "run" / MANIFEST).read_text())
    assert told["task"] == "encode"
    assert told["weights"] == model.digest
    assert told["arguments"] == {"model": "mp20", "device": "cpu"}
    assert told["inputs"]["files"] == 1
    assert told["inputs"]["bytes"] == (crystals / "a.parquet").stat().st_size


def test_two_do_not_work_on_the_same_run(crystals: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with run.alone(), pytest.raises(DatasetError, match="Another process works in"):
        run_partitions(Copy(), crystals, run.path)
    assert run_partitions(Copy(), crystals, run.path).crystals == 60


def test_a_partition_that_fails_is_named_and_tried_again_later(crystals: Path, tmp_path: Path) -> None:
    task = Failing("made-000000025")
    report = run_partitions(task, crystals, tmp_path / "run", size=10)
    assert report.failed == {"00000002 (a.parquet, rows 21 to 30)": "ZeroDivisionError: nobody thought of this"}
    assert report.crystals == 50
    skipped = pd.read_parquet(tmp_path / "run" / "skipped.parquet")
    assert skipped.to_dict("records") == [
        {
            "name": "partition 00000002",
            "source": "a.parquet, rows 21 to 30",
            "reason": "ZeroDivisionError: nobody thought of this",
        }
    ]
    again = run_partitions(task, crystals, tmp_path / "run", size=10)
    assert again.earlier == 5
    assert len(again.failed) == 1


def test_ctrl_c_leaves_what_is_done(crystals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: Copy, dataset: Dataset) -> object:
        if len(os.listdir(tmp_path / "run" / "parts")) == 3:
            raise KeyboardInterrupt
        return whole(self, dataset)

    whole = Copy.run
    with monkeypatch.context() as patch:
        patch.setattr(Copy, "run", stop)
        with pytest.raises(KeyboardInterrupt):
            run_partitions(Copy(), crystals, tmp_path / "run", size=10)
    assert len(RunFolder(tmp_path / "run").parts()) == 3
    assert run_partitions(Copy(), crystals, tmp_path / "run", size=10).earlier == 3
    assert sorted(parts(tmp_path / "run")["material_id"]) == [f"made-{k:09}" for k in range(60)]


def test_mistakes_are_said_before_anything_is_written(crystals: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not both"):
        run_partitions(Copy(), crystals, tmp_path / "run", workers=2, scheduler="tcp://127.0.0.1:1")
    with pytest.raises(DatasetError, match="There is no dataset"):
        run_partitions(Copy(), tmp_path / "nothing", tmp_path / "run")
    with pytest.raises(DatasetError, match="would be a part of its own data"):
        run_partitions(Copy(), crystals, crystals / "run")
    assert not (tmp_path / "run").exists()
    assert not (crystals / "run").exists()


def test_a_file_that_is_not_there_any_more_fails_and_is_not_skipped(crystals: Path, tmp_path: Path) -> None:
    file, away = next(crystals.glob("*.parquet")), tmp_path / "away.parquet"
    data = tmp_path / "data"
    data.mkdir()
    table = pd.read_parquet(file)
    table.to_parquet(data / "b.parquet")
    shutil.copy(data / "b.parquet", data / "a.parquet")

    class Losing(Copy):
        def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
            if (data / "b.parquet").exists():
                (data / "b.parquet").rename(away)
            return super().run(dataset)

    first = run_partitions(Losing(), data, tmp_path / "run", size=len(table), progress=False)
    assert (first.crystals, len(first.failed)) == (len(table), 1)
    assert first.skipped == len(table)
    away.rename(data / "b.parquet")
    again = run_partitions(Copy(), data, tmp_path / "run", size=len(table), progress=False)
    assert (again.crystals, again.skipped, again.failed) == (2 * len(table), 0, {})


def test_a_worker_that_differs_from_the_run_fails(crystals: Path, tmp_path: Path) -> None:
    folder, task = RunFolder(tmp_path / "run"), Copy()
    folder.begin({})
    data = partitions_of(crystals / "b.parquet", 30)
    (partition,) = data.partitions
    work = _Work(task, folder, task.schema(data.properties), "", xcrystal.__version__)
    assert "not 0.0.1" in replace(work, version="0.0.1")(partition).problem
    assert "This worker has other weights: , not 0123." in replace(work, digest="0123")(partition).problem
    other = replace(partition, sizes=(7,))
    assert "bytes, and had 7 when" in work(other).problem
    assert not folder.parts()
    assert work(partition).done == 30


def test_a_file_that_grows_during_a_run_fails_and_is_tried_again(crystals: Path, tmp_path: Path) -> None:
    data = shutil.copytree(crystals, tmp_path / "data")
    whole = (data / "b.parquet").read_bytes()

    class Growing(Copy):
        def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
            (data / "b.parquet").write_bytes(whole + b" ")
            return super().run(dataset)

    first = run_partitions(Growing(), data, tmp_path / "run", size=30, progress=False)
    assert first.crystals == 30
    assert (
        f"has {len(whole) + 1} bytes, and had {len(whole)} when" in first.failed["00000001 (b.parquet, rows 1 to 30)"]
    )
    (data / "b.parquet").write_bytes(whole)
    again = run_partitions(Copy(), data, tmp_path / "run", size=30, progress=False)
    assert (again.crystals, again.earlier, again.failed) == (60, 1, {})


def test_a_manifest_that_is_none_is_refused(crystals: Path, tmp_path: Path) -> None:
    run_partitions(Copy(), crystals, tmp_path / "run", progress=False)
    (tmp_path / "run" / MANIFEST).write_text("[]")
    with pytest.raises(DatasetError):
        run_partitions(Copy(), crystals, tmp_path / "run", progress=False)


def test_no_number_that_comes_with_crystals_is_lost_unnoticed(tmp_path: Path) -> None:
    """Files of the same kind with other numbers, and numbers that come late in a file."""
    data, crystal = tmp_path / "data", structures()[0]
    data.mkdir()
    for name, number in (("a", "gap"), ("b", "hardness")):
        pd.DataFrame({"cif": [crystal.to(fmt="cif")], number: [1.5]}).to_csv(data / f"{name}.csv", index=False)
    atoms = crystal.to_ase_atoms()
    numbers = [{}, {"energy_above_hull": 0.1}, *[{"late": 2.0} if k > FIRST else {} for k in range(3, FIRST + 3)]]
    frames = [atoms.copy() for _ in numbers]
    for frame, told in zip(frames, numbers, strict=True):
        frame.info = told
    write(data / "c.extxyz", frames)
    crystal.to(filename=str(data / "d.json"))
    with connect(data / "e.json") as base:
        base.write(atoms)
        base.write(atoms, bulk=80.0)
    report = run_partitions(Copy(), data, tmp_path / "run", size=2)
    found = parts(tmp_path / "run")
    assert report.partitions == 3
    assert {name: found[name].dropna().tolist() for name in ("gap", "hardness", "energy_above_hull", "bulk")} == {
        "gap": [1.5],
        "hardness": [1.5],
        "energy_above_hull": [0.1],
        "bulk": [80.0],
    }
    again = run_partitions(Copy(), data, tmp_path / "run", size=2)
    for one in (report, again):
        assert one.left_out == {"late": 2}
        assert "left out: late" in one.table()
        assert "of 2 crystals; to keep it, put one that has it among the first 100 of its file" in one.table()
    assert len(pd.read_parquet(tmp_path / "run" / "parts")) == report.crystals == FIRST + 7
