"""On a real scheduler with real processes, of which some are killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import dask
import psutil
import pytest

from tests.conftest import ROOT
from tests.scale.tasks_for_tests import Failing, Slow
from tests.scale.test_running import parts
from xcrystal.errors import DatasetError
from xcrystal.scale.run_folder import RunFolder
from xcrystal.scale.running import RunReport, run_partitions
from xcrystal.scale.tasks import Encode

if TYPE_CHECKING:
    from distributed import LocalCluster

NAMES = [f"made-{k:09}" for k in range(60)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two processes, which start anew when they are killed; a task is given up with the first worker that it kills."""
    from distributed import LocalCluster

    settings = {"distributed.scheduler.allowed-failures": 0}
    with (
        dask.config.set(settings),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50) as made,
    ):
        yield made


def wait_for(condition: object, seconds: float = 60) -> None:
    """Until something holds."""
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.02)


def pids(cluster: LocalCluster) -> list[int]:
    """The processes of the workers."""
    from distributed import Client

    with Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2)
        return list(client.run(os.getpid).values())


def test_the_files_are_the_same_here_and_on_a_scheduler(cluster: LocalCluster, crystals: Path, tmp_path: Path) -> None:
    here = run_partitions(Encode(), crystals, tmp_path / "here", size=15)
    there = run_partitions(Encode(), crystals, tmp_path / "there", size=15, scheduler=cluster.scheduler_address)
    assert (here.crystals, here.skipped) == (there.crystals, there.skipped)
    files = [RunFolder(tmp_path / name).parts() for name in ("here", "there")]
    assert [one.name for one in files[0]] == [one.name for one in files[1]]
    assert [one.read_bytes() for one in files[0]] == [one.read_bytes() for one in files[1]]
    texts = [(tmp_path / name / "skipped.parquet").read_bytes() for name in ("here", "there")]
    assert texts[0] == texts[1]


def test_a_worker_that_is_killed_loses_nothing(cluster: LocalCluster, crystals: Path, tmp_path: Path) -> None:
    folder, found = RunFolder(tmp_path / "run"), list[RunReport]()

    def run() -> None:
        found.append(run_partitions(Slow(), crystals, folder.path, size=3, scheduler=cluster.scheduler_address))

    workers = pids(cluster)
    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: len(folder.parts()) >= 3)
    psutil.Process(workers[0]).kill()
    thread.join(timeout=120)
    (report,) = found
    assert not report.failed
    assert sorted(parts(folder.path)["material_id"]) == NAMES
    assert workers[0] not in pids(cluster)


def test_a_partition_that_kills_workers_is_named_and_the_others_are_done(
    cluster: LocalCluster, crystals: Path, tmp_path: Path
) -> None:
    task = Failing("made-000000035", dies=True)
    report = run_partitions(task, crystals, tmp_path / "run", size=10, scheduler=cluster.scheduler_address)
    assert list(report.failed) == ["00000003 (b.parquet, rows 1 to 10)"]
    assert "died again and again" in next(iter(report.failed.values()))
    assert sorted(parts(tmp_path / "run")["material_id"]) == [*NAMES[:30], *NAMES[40:]]


def test_a_run_whose_driver_is_killed_is_gone_on_with(crystals: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    command = [sys.executable, "-m", "tests.scale.tasks_for_tests", str(crystals), str(folder.path)]
    driver = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(folder.parts()) >= 3)
    children = psutil.Process(driver.pid).children(recursive=True)
    assert len(children) >= 2
    driver.kill()
    driver.wait()
    wait_for(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
    done = {path.name: path.stat().st_mtime_ns for path in folder.parts()}
    assert 3 <= len(done) < 12
    report = run_partitions(Slow(), crystals, folder.path, size=5)
    assert (report.earlier, report.partitions) == (len(done), 12)
    assert {
        name: changed
        for name, changed in done.items()
        if folder.path.joinpath("parts", name).stat().st_mtime_ns != changed
    } == {}
    assert sorted(parts(folder.path)["material_id"]) == NAMES


def test_an_address_without_a_scheduler_is_said(
    crystals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xcrystal.scale.running._WAIT", 1)
    with pytest.raises(DatasetError, match=r"There is no Dask scheduler with workers at tcp://127\.0\.0\.1:9"):
        run_partitions(Slow(), crystals, tmp_path / "run", scheduler="tcp://127.0.0.1:9")


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "http://127.0.0.1:8786", "head"])
def test_what_is_no_address_of_a_scheduler_is_said_at_once(address: str, crystals: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no address of a Dask scheduler"):
        run_partitions(Slow(), crystals, tmp_path / "run", scheduler=address)
