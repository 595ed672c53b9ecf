"""Scores of complete methods sum to the difference; sums that do not are found."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.crystals import CRYSTALS
from xcrystal.evaluation.attribution.completeness import evaluate_completeness, within
from xcrystal.explanation import methods
from xcrystal.generator import CrystalModel


def test_complete_methods_are_complete(model: CrystalModel) -> None:
    report = evaluate_completeness(model, list(CRYSTALS.values()))
    assert {(r.method, r.level) for r in report.rows} >= {("integrated_gradients", "orbits"), ("shapley", "orbits")}
    assert all(r.share == 1 for r in report.rows), report.table()
    assert all(r.low < 1 == r.high for r in report.rows)
    json.dumps(report.to_dict(), allow_nan=False)


def test_too_few_steps_are_found_out(model: CrystalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def shares() -> dict[str, float]:
        report = evaluate_completeness(model, list(CRYSTALS.values()), levels=("orbits",))
        return {r.method: r.share for r in report.rows}

    monkeypatch.setattr(methods, "STEPS", 2)
    assert shares()["integrated_gradients"] == 1  # more are taken until they suffice
    monkeypatch.setattr(methods, "MOST_STEPS", 2)
    found = shares()
    assert found["shapley"] == 1
    assert found["integrated_gradients"] < 0.9


def test_the_tolerance_is_the_larger_of_two() -> None:
    assert within(np.array([0.0019, 0.0021, 0.019, 0.021]), np.array([0.0, 0.1, -2.0, 2.0])).tolist() == [
        True, False, True, False,
    ]  # fmt: skip
