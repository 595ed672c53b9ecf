"""Curves from the records of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from xcrystal.training.curves import curves, read_metrics


def record(epoch: int, **more: Any) -> dict[str, Any]:
    return {"epoch": epoch, "step": 10 * epoch, "minutes": 0.1 * epoch, "element": 5.0 / epoch, **more}


def test_curves() -> None:
    found = curves([record(1), record(2, match_rate=0.25), record(3, match_rate=0.5)])
    assert found.steps.tolist() == [10, 20, 30]
    np.testing.assert_allclose(found.parts["element"], [5, 2.5, 5 / 3])
    assert np.isnan(found.parts["kl"]).all()
    assert found.scored_steps.tolist() == [20, 30]
    assert found.match_rate.tolist() == [0.25, 0.5]
    assert len(curves([]).steps) == 0


def test_metrics_of_a_run_that_was_interrupted_and_goes_on(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == []
    lines = [json.dumps(record(epoch)) for epoch in (1, 2, 2, 3)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + '\n{"epoch": 4, "st')
    assert [r["epoch"] for r in read_metrics(tmp_path)] == [1, 2, 3]
