from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from xcrystal.cli import app
from xcrystal.latent.atlas import open_atlas
from xcrystal.scale.tasks import Encode


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["scale", *map(str, words)])


def test_encode_goes_on_and_refuses_another_run(crystals: Path, tmp_path: Path) -> None:
    words = ("encode", crystals, "--out", tmp_path / "run", "--partition-size", 20)
    found = json.loads(run(*words, "--json").stdout)
    assert (found["partitions"], found["earlier"], found["failed"]) == (4, 0, {})
    again = run(*words)
    assert again.exit_code == 0
    assert "4, 4 done earlier" in again.stdout
    refused = run(*words[:-1], 30)
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert "holds a run with another partition_size (20, now 30)" in refused.stderr


def test_an_atlas_is_in_the_folder_of_its_run(crystals: Path, tmp_path: Path) -> None:
    done = run("atlas", crystals, "--out", tmp_path / "run", "--sample", 30)
    assert done.exit_code == 0, done.output
    assert open_atlas(tmp_path / "run" / "atlas").facts["map"]["fitted"] == 30
    assert run("atlas", crystals, "--out", tmp_path / "run", "--sample", 30).exit_code == 0


def test_data_of_which_nothing_can_be_read_is_an_exit_status(tmp_path: Path) -> None:
    (tmp_path / "none.parquet").write_bytes(b"no data at all")
    for _ in range(2):
        done = run("encode", tmp_path / "none.parquet", "--out", tmp_path / "run")
        assert done.exit_code == 1
        assert done.stderr.splitlines()[-1].startswith(
            f"xcrystal: Of {tmp_path / 'none.parquet'} nothing could be done; the first: none: "
        )
        assert "cannot be read as parquet" in done.stderr
    assert len(pd.read_parquet(tmp_path / "run" / "skipped.parquet")) == 1


def test_ctrl_c_says_how_to_go_on(crystals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: Encode, dataset: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(Encode, "run", stop)
    done = run("encode", crystals, "--out", tmp_path / "run")
    assert done.exit_code == 130
    assert f"Stopped; the same command goes on with the run in {tmp_path / 'run'}." in done.stderr


def test_a_partition_that_fails_is_an_exit_status(
    crystals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Encode, dataset: object) -> object:
        raise MemoryError("no room")

    monkeypatch.setattr(Encode, "run", fail)
    done = run("encode", crystals, "--out", tmp_path / "run")
    assert done.exit_code == 1
    assert "MemoryError: no room" in done.stdout
    assert "2 partitions failed; the same command tries them again." in done.stderr
