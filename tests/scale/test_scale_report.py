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


def run(task: str, crystals: int, core_seconds: float) -> dict[str, Any]:
    """A run as it is measured."""
    return {
        "task": task,
        "crystals": crystals,
        "workers": 2,
        "seconds": core_seconds / 2,
        "processor_seconds": core_seconds,
        "driver_mb": 100.0,
        "worker_mb": 400.0,
        "bytes": 1000 * crystals,
        "date": "2026-01-01",
        "machine": "a machine",
        "note": "",
    }


def test_the_page_is_that_of_the_report(report: ModuleType) -> None:
    runs = json.loads(report.REPORT.read_text(encoding="utf-8"))
    assert report.PAGE.read_text(encoding="utf-8") == report.page(runs), "run python docs/figures/scale_report.py"


def test_hours_money_and_disk_follow_from_the_largest_run(report: ModuleType) -> None:
    runs = [run("encode", 100, 99.0), run("encode", 1000, 36.0), run("assembly", 1000, 3.6)]
    lines = report.page(runs, price=0.1, cores=10).splitlines()
    # 36 s for 1,000 are 100 core hours for 10^7, 10 hours of 10 cores
    assert "| encode | 10⁷ | 100 | 10.0 | 10 | 10.0 GB |" in lines
    assert "| encode | 10⁸ | 1,000 | 100.0 | 100 | 100.0 GB |" in lines
    assert "| assemble the atlas | 10⁷ | 10 | 10.0 | 1 | 10.0 GB |" in lines
