"""Signals of synthesizability stand side by side, and say what they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import xcrystal as xc
from tests.crystals import CRYSTALS, build, structures
from xcrystal.errors import TargetError
from xcrystal.evaluation.generative.signal_scores import evaluate_signals
from xcrystal.model.prior import LatentFlow

FIXED = (0.0, 0.0, 0.0)


def test_the_density_of_a_flow_integrates_to_one() -> None:
    torch.manual_seed(0)
    flow = LatentFlow(2, width=16, blocks=1).eval()
    with torch.no_grad():
        flow.leave[1].weight.mul_(2.0)
    axis = torch.linspace(-8, 8, 81)
    points = torch.cartesian_prod(axis, axis)
    density = flow.log_likelihood(points).exp()
    assert not torch.allclose(density, torch.exp(-0.5 * points.square().sum(1)) / (2 * math.pi), atol=1e-3)
    assert float(density.sum()) * float(axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=0.02)


def test_salt_is_balanced_and_a_wrong_one_is_not() -> None:
    salt = xc.synthesis_signals(CRYSTALS["rock salt NaCl"].to_structure())
    wrong = build(225, (5.5, 5.5, 5.5, 90, 90, 90), ("Na", "a", FIXED), ("Cl", "c", FIXED)).to_structure()
    other = xc.synthesis_signals(wrong)
    assert salt["charge balance"].value is True
    assert other["charge balance"].value is False
    assert salt["likelihood"].value > other["likelihood"].value  # type: ignore[operator]
    assert "SMACT" in salt.table() and set(salt.to_dict()) == {s.name for s in salt.signals}


def test_a_computed_energy_replaces_the_predicted_one() -> None:
    structure = CRYSTALS["rock salt NaCl"].to_structure()
    signal = xc.synthesis_signals(structure, e_above_hull=0.125)["hull distance"]
    assert signal.value == 0.125 and signal.goodness == -0.125 and "computed" in signal.meaning
    with pytest.raises(TargetError, match="eV/atom"):
        xc.synthesis_signals(structure, e_above_hull=math.nan)
    with pytest.raises(TargetError, match="no signal"):
        xc.synthesis_signals(structure)["verdict"]


def test_report_compares_known_crystals_with_samples() -> None:
    report = evaluate_signals(xc.load("mp20"), xc.atlas("mp20"), structures(), effort="fast")
    assert report.known == len(CRYSTALS)
    assert report.sampled + report.left_out == report.known
    for score in report.scores:
        assert score.interval[0] <= score.area <= score.interval[1]
    assert np.isfinite([score.area for score in report.scores]).all()
    assert "AUROC" in report.table()
