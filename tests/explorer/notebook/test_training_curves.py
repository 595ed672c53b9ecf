"""Live curves: what a view draws of a run's records, of a run in the background, and of another process's run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xcrystal.errors import DatasetError
from xcrystal.explorer.notebook.training_curves import LiveTraining, TrainingCurves, WatchedRun, train_live
from xcrystal.training.curves import PARTS, read_metrics
from xcrystal.training.perovskites import write_idealized_perovskites

SECONDS = 60


def record(epoch: int, **more: Any) -> dict[str, Any]:
    parts = {name: float(k + 1) / epoch for k, name in enumerate(PARTS)}
    return {"epoch": epoch, "step": 10 * epoch, "minutes": 0.1 * epoch} | parts | more


def until(condition: Any) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_curves_follow_the_records() -> None:
    view = TrainingCurves()
    view.show([], "Nothing <yet>.")
    assert view.message.value == "Nothing &lt;yet&gt;."
    view.show([record(1)])
    view.show([record(1), record(2, match_rate=0.5)], "Going on.")
    drawn = {trace.name: trace for trace in view.figure.data}
    assert list(drawn) == [*PARTS, "match rate"]
    for k, name in enumerate(PARTS):
        np.testing.assert_allclose(drawn[name].x, [10, 20])
        np.testing.assert_allclose(drawn[name].y, [k + 1, (k + 1) / 2])
    np.testing.assert_allclose(drawn["match rate"].x, [20])
    np.testing.assert_allclose(drawn["match rate"].y, [50])
    assert view.message.value == "20 steps in 12 s, match rate 50 %. Going on."


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toys")
    write_idealized_perovskites(folder).iloc[::5].to_parquet(folder / "train.parquet")
    return folder


@pytest.fixture
def live(toys: Path, tmp_path: Path) -> Iterator[LiveTraining]:
    view = train_live("toy", toys, tmp_path / "run", minutes=5.0, device="cpu")
    yield view
    view.close()


def test_a_run_in_the_background_draws_itself_and_stops_without_loss(live: LiveTraining, toys: Path) -> None:
    until(lambda: len(live.records) >= 2)
    live.button.click()
    found = live.wait()
    assert live.button.disabled
    assert found["steps"] > 0
    assert found["minutes"] < 5
    records = read_metrics(live.run.out)
    assert records == live.records
    assert list(live.curves.figure.data[0].x) == [r["step"] for r in records]
    assert list(live.curves.figure.data[-1].x) == [r["step"] for r in records if "match_rate" in r]
    assert "Stopped: the best model reconstructs" in live.curves.message.value

    with pytest.raises(DatasetError, match="resume"):
        train_live("toy", toys, live.run.out, device="cpu")
    again = train_live("toy", toys, live.run.out, minutes=5.0, device="cpu", resume=True)
    try:
        until(lambda: len(again.records) > len(records))
        assert again.records[: len(records)] == records
        assert again.records[len(records)]["epoch"] == records[-1]["epoch"] + 1
    finally:
        again.stop()
        again.wait()


def test_what_ends_a_run_is_reported_and_raised(toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("xcrystal.training.loop.Training.save", fail)
    live = train_live("toy", toys, tmp_path / "run", minutes=5.0, device="cpu")
    with pytest.raises(OSError, match="disk"):
        live.wait()
    assert "the disk is full" in live.curves.message.value
    assert live.button.disabled


def test_a_run_of_another_process_is_watched(tmp_path: Path) -> None:
    view = WatchedRun(tmp_path)
    try:
        assert "no metrics" in view.message.value
        metrics = tmp_path / "metrics.jsonl"
        for epoch in (1, 2):
            with metrics.open("a") as file:
                file.write(json.dumps(record(epoch)) + "\n")
            view.look()
            assert list(view.figure.data[0].x) == [10 * k for k in range(1, epoch + 1)]
    finally:
        view.close()


def test_a_watched_run_tells_errors_and_is_left_when_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xcrystal.explorer.notebook.training_curves.LOOK", 0.05)
    view = WatchedRun(tmp_path)
    try:
        (tmp_path / "metrics.jsonl").write_text(json.dumps({"epoch": 1}) + "\n")
        until(lambda: "cannot be drawn" in view.message.value)
        (tmp_path / "metrics.jsonl").write_text(json.dumps(record(1)) + "\n")
        until(lambda: "10 steps" in view.message.value)
        assert view._thread.is_alive()
        (tmp_path / "result.json").write_text("{}")
        until(lambda: not view._thread.is_alive())
        assert "The run has ended." in view.message.value
    finally:
        view.close()


def test_a_watched_run_is_left_when_its_view_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xcrystal.explorer.notebook.training_curves.LOOK", 0.05)
    view = WatchedRun(tmp_path)
    assert view._thread.is_alive()
    view.close()
    until(lambda: not view._thread.is_alive())


def test_closing_a_view_ends_its_run_in_peace(live: LiveTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn_too_late(*_: object) -> None:
        live.close()
        raise RuntimeError("this view is closed")

    until(lambda: live.records)
    monkeypatch.setattr(live.curves, "show", drawn_too_late)
    assert live.wait()["crystals"] > 0
