"""What steps along property axes do to decoded crystals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from xcrystal.errors import CheckpointError
from xcrystal.evaluation.direction_effects import AXIS, STEPS, evaluate_directions, own_properties
from xcrystal.generator import CrystalModel
from xcrystal.latent.chart import Atlas


def test_own_properties_are_those_of_the_decoded_crystals(model: CrystalModel, atlas: Atlas) -> None:
    z = atlas.z[:3]
    found = own_properties(model, z)
    again = model.predict(model.encode(model.decode(z)))
    for name in model.properties:
        np.testing.assert_allclose(found[name], again[name], atol=1e-4)


def test_the_report_counts_every_direction_and_step(model: CrystalModel, atlas: Atlas) -> None:
    report = evaluate_directions(model, atlas, crystals=6, seed=3)
    assert report.crystals == 6
    assert len(report.figures) == len(model.properties) * 3 * len(STEPS)
    for figure in report.figures:
        assert figure.interval[0] - 1e-9 <= figure.improved <= figure.interval[1] + 1e-9
        assert 0 <= figure.improved + figure.unchanged <= 1 + 1e-9
        assert figure.decoded <= 6
    energy = [f for f in report.figures if f.target == "formation_energy_per_atom" and f.direction == AXIS]
    assert all(f.promised < 0 for f in energy)
    assert energy[1].promised < energy[0].promised
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert content["figures"][0]["target"] == "formation_energy_per_atom"
    assert "regression weights" in report.table()
    assert report.to_dict() == evaluate_directions(model, atlas, crystals=6, seed=3).to_dict()


def test_an_atlas_too_small_for_axes_is_said(model: CrystalModel, atlas: Atlas) -> None:
    with pytest.raises(CheckpointError, match="too small"):
        evaluate_directions(model, Atlas("tiny", atlas.table.iloc[:10], atlas.z[:10]), crystals=2)
