from __future__ import annotations

import os
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.scale.copying import Copy
from xcrystal.errors import DatasetError
from xcrystal.scale.run_folder import MANIFEST, RunFolder
from xcrystal.scale.running import run_partitions


def test_a_folder_that_was_only_just_made_is_begun_again(crystals: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    for name in ("parts", "skipped"):
        (run / name).mkdir(parents=True)
    (run / f"{MANIFEST}.17-0123abcd.part").write_text("{")
    assert run_partitions(Copy(), crystals, run, progress=False).crystals == 60
    for name in ("parts/mine.txt", "thesis.part", "skipped"):
        (other := tmp_path / name.replace("/", " ") / name).parent.mkdir(parents=True)
        other.write_text("mine")
        with pytest.raises(DatasetError, match="holds something else"):
            run_partitions(Copy(), crystals, tmp_path / name.replace("/", " "), progress=False)


def test_what_killed_workers_had_begun_is_removed_once_it_is_old(crystals: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run_partitions(Copy(), crystals, run.path, progress=False)
    before = sorted(run.path.rglob("*"))
    begun = [folder / "00000000.parquet.17-0123abcd.part" for folder in (run.path, run.path / "skipped")]
    for file in begun:
        file.touch()
    (run.path / "mine.part").touch()
    os.utime(run.path / "mine.part", (0, 0))
    run_partitions(Copy(), crystals, run.path, progress=False)
    assert all(file.exists() for file in begun), "a worker of an earlier call may still write them"
    for file in begun:
        os.utime(file, (time.time() - 90_000,) * 2)
    run_partitions(Copy(), crystals, run.path, progress=False)
    assert sorted(run.path.rglob("*")) == sorted([*before, run.path / "mine.part"])


def test_files_that_are_of_no_partition_are_not_read(crystals: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run_partitions(Copy(), crystals, run.path, size=30, progress=False)
    wanted = run.parts()
    for folder in ("parts", "skipped"):
        for name in ("mine", "._00000000"):
            (run.path / folder / f"{name}.parquet").write_bytes(b"no table")
    assert run.parts() == wanted
    assert run_partitions(Copy(), crystals, run.path, size=30, progress=False).crystals == 60


@pytest.mark.parametrize("folder", ["parts", "skipped"])
def test_a_damaged_file_is_named_and_its_partition_done_again(crystals: Path, tmp_path: Path, folder: str) -> None:
    run = RunFolder(tmp_path / "run")
    run_partitions(Copy(), crystals, run.path, size=30, progress=False)
    damaged = run.path / folder / "00000001.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    with pytest.raises(DatasetError, match=r"remove parts/00000001\.parquet and begin the run again") as caught:
        run_partitions(Copy(), crystals, run.path, size=30, progress=False)
    assert str(damaged) in str(caught.value)
    part = run.part("00000001")
    part.unlink()
    assert run_partitions(Copy(), crystals, run.path, size=30, progress=False).crystals == 60
    assert len(pd.read_parquet(part)) == 30
