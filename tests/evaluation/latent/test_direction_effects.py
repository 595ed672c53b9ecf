"""What steps along property sliders promise, and do to decoded crystals."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest

from xcrystal.errors import CheckpointError
from xcrystal.evaluation.latent.direction_effects import (
    AWAY,
    AXIS,
    TOWARDS,
    VERIFIED,
    DirectionsReport,
    evaluate_directions,
    own_properties,
)
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.steering import NOISE


@pytest.fixture(scope="module")
def report(model: CrystalModel, atlas: Atlas) -> DirectionsReport:
    return evaluate_directions(model, atlas, crystals=3, seed=3)


def test_own_properties_are_those_of_the_decoded_crystals(model: CrystalModel, atlas: Atlas) -> None:
    z = atlas.z[:3]
    found = own_properties(model, z)
    again = model.predict(model.encode(model.decode(z)))
    for name in model.properties:
        np.testing.assert_allclose(found[name], again[name], atol=1e-4)


def test_the_report_counts_every_direction_and_way(report: DirectionsReport, model: CrystalModel) -> None:
    assert report.crystals == 3
    found = {(f.target, f.way, f.direction) for f in report.figures}
    assert len(found) == len(report.figures) == len(model.properties) * 6
    assert set(product(model.properties, (TOWARDS, AWAY), (AXIS, VERIFIED))) <= found
    for figure in report.figures:
        assert figure.interval[0] - 1e-9 <= figure.changed <= figure.interval[1] + 1e-9
        assert figure.decoded <= 3
        assert figure.possible is None or 0 <= figure.possible <= 1
    straight = {f.way: f for f in report.figures if f.target == "formation_energy_per_atom" and f.direction == AXIS}
    assert straight[TOWARDS].promised < 0
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert content["figures"][0]["target"] == "formation_energy_per_atom"
    assert "verified path" in report.table() and "regression weights" in report.table()


def test_what_is_promised_on_the_verified_path_is_kept(report: DirectionsReport) -> None:
    energy = [f for f in report.figures if f.target == "formation_energy_per_atom" and f.direction == VERIFIED]
    assert [f.way for f in energy] == [TOWARDS, AWAY]
    for figure, sign in zip(energy, (-1, 1), strict=True):
        assert sign * figure.promised > NOISE[figure.target]
        assert figure.kept == pytest.approx(1, abs=0.1)
        assert figure.obtained == pytest.approx(figure.promised, abs=0.05)


def test_an_atlas_too_small_for_axes_is_said(model: CrystalModel, atlas: Atlas) -> None:
    with pytest.raises(CheckpointError, match="too small"):
        evaluate_directions(model, Atlas("tiny", atlas.table.iloc[:10], atlas.z[:10]), crystals=2)
