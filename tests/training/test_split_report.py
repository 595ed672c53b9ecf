"""Results of runs that hold out whole groups stand side by side, each with what of the held-out crystals is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from xcrystal.errors import CheckpointError
from xcrystal.training.perovskites import write_idealized_perovskites
from xcrystal.training.recipes import run_recipe
from xcrystal.training.split_report import read_splits


def test_runs_are_read_with_what_they_know(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_idealized_perovskites(data).iloc[::9].to_parquet(data / "train.parquet")
    results = {}
    for by in ("composition", "chemical-system"):
        out = tmp_path / by
        results[by] = run_recipe("toy", data, out, device="cpu", split=by, steps=3, simple_share=1.0)
    report = read_splits([tmp_path / by for by in results])
    for run, (by, result) in zip(report.runs, results.items(), strict=True):
        assert (run.run, run.steps, run.recipe) == (by, 3, "toy")
        assert (run.match_rate, run.crystals) == (result["match_rate"], result["crystals"])
        assert run.known["composition"] == 0 and run.known["prototype"] == 1, "all are cubic perovskites"
    assert report.runs[1].known["chemical_system"] == 0
    for words in ("chemical-system", "0.0%", "100.0%", "match (95 % interval)"):
        assert words in report.table()


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no run that has ended"):
        read_splits([tmp_path])
    (tmp_path / "best").mkdir()
    (tmp_path / "result.json").write_text("{}")
    (tmp_path / "best" / "config.json").write_text('{"facts": {}}')
    with pytest.raises(CheckpointError, match="has not split"):
        read_splits([tmp_path])
