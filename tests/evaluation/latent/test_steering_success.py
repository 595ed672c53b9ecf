"""The figures of steering, from a few crystals of the bundled atlas."""

from __future__ import annotations

import json

import pytest

from xcrystal.evaluation.latent.steering_success import WAYS, evaluate_steering
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


def test_every_property_is_steered_held_and_free(model: CrystalModel, atlas: Atlas) -> None:
    report = evaluate_steering(model, atlas, crystals=2, steps=2, seed=3)
    assert report.crystals == 2
    assert [(f.target, f.held) for f in report.figures] == [(name, held) for name in WAYS for held in (False, True)]
    for figures in report.figures:
        sign = 1 if figures.direction == "higher" else -1
        assert 0 <= figures.interval[0] <= figures.improved <= figures.interval[1] <= 1
        assert sign * figures.median_change >= 0 and figures.steps <= 2
        if figures.held:
            assert figures.elements_kept == figures.group_kept == 1
    assert json.loads(json.dumps(report.to_dict()))["most_steps"] == 2
    assert "From 2 known crystals" in report.table() and "band_gap" in report.table()


def test_figures_repeat(model: CrystalModel, atlas: Atlas) -> None:
    one, other = (evaluate_steering(model, atlas, crystals=1, steps=1, seed=4) for _ in range(2))
    changes = [[f.median_change for f in report.figures] for report in (one, other)]
    assert changes[0] == pytest.approx(changes[1], abs=1e-4)
