from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

from tests.markdown import ROOT


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "figures"))
    import scale_report

    return scale_report


def run(task: str, crystals: int, core_seconds: float, **more: Any) -> dict[str, Any]:
    """A run as it is measured, in ten partitions."""
    return {
        "task": task,
        "crystals": crystals,
        "workers": 2,
        "partitions": 10,
        "seconds": core_seconds / 2,
        "processor_seconds": core_seconds,
        "driver_mb": 100.0,
        "worker_mb": 400.0,
        "bytes": 1000 * crystals,
        "date": "2026-01-01",
        "machine": "a machine",
        "note": "",
    } | more


def test_the_page_is_that_of_the_report(report: ModuleType) -> None:
    runs = json.loads(report.REPORT.read_text(encoding="utf-8"))
    assert report.PAGE.read_text(encoding="utf-8") == report.page(runs), "run python docs/figures/scale_report.py"


def test_hours_money_and_disk_follow_from_the_largest_run(report: ModuleType) -> None:
    runs = [run("encode", 100, 99.0), run("encode", 1000, 36.0), run("assembly", 1000, 3.6)]
    lines = report.page(runs, price=0.1, cores=10).splitlines()
    # 36 s for 1,000 are 100 core hours for 10^7, 10 hours of 10 cores
    assert "| encode | 10⁷ | 100 | 10.0 | 10 | 10.0 GB | 1,000 |" in lines
    assert "| encode | 10⁸ | 1,000 | 100.0 | 100 | 100.0 GB | 1,000 |" in lines
    assert "| assemble the atlas | 10⁷ | 10 | 10.0 | 1 | 10.0 GB | 1,000, one number only |" in lines


def test_figures_that_rest_on_a_disturbed_run_say_so(report: ModuleType) -> None:
    runs = [run("encode", 100, 3.6), run("encode", 1000, 36.0, note="other jobs")]
    assert "| encode | 10⁷ | 100 | 1.6 | 5 | 10.0 GB | 1,000, disturbed |" in report.page(runs).splitlines()


def test_what_a_second_worker_gains_is_computed(report: ModuleType) -> None:
    one, two = run("encode", 100, 40.0, workers=1, seconds=40.0), run("encode", 100, 44.0, seconds=25.0)
    assert "| encode | 100 | 1.60 |" in report.page([one, two]).splitlines()
    for other in ({"note": "other jobs"}, {"crystals": 200}, {"partitions": 5}, {"task": "copy"}):
        assert "second worker" not in report.page([one, two | other])
    assert "second worker" not in report.page([run | {"task": "assembly"} for run in (one, two)])


def test_growth_is_that_from_the_smallest_to_the_largest_run(report: ModuleType) -> None:
    runs = [
        run("encode", 100, 1.0, partitions=1),
        run("encode", 500, 6.0, partitions=5),
        run("encode", 1000, 12.0, worker_mb=500.0, driver_mb=103.0),
    ]
    assert "| encode | 2 | 100 to 1,000 | 1.20 | 1.25 | 1.03 |" in report.page(runs).splitlines()
    for other in ({"note": "other jobs"}, {"workers": 1}, {"partitions": 20}):
        assert "same size\n" not in report.page([runs[0], runs[2] | other])
    assert "same size\n" not in report.page(runs[:1])


def test_what_is_not_measured_is_said(report: ModuleType) -> None:
    assert "Not measured yet: read and write only, encode," in report.page([run("relax", 10, 1.0)])
    every = [run(task, 10, 1.0) for task in report._DONE]
    assert "Not measured yet" not in report.page(every)
