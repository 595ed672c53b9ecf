"""Leave-one-out retraining: what it takes for the truth, and what is compared with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import xcrystal as xc
from xcrystal.evaluation.attribution import leave_one_out
from xcrystal.evaluation.attribution.leave_one_out import evaluate_influence
from xcrystal.training.perovskites import idealized_crystals


def test_a_head_that_leaves_a_crystal_out_knows_nothing_of_it() -> None:
    rng = np.random.default_rng(0)
    z, y = (torch.from_numpy(rng.normal(size=shape)) for shape in ((12, 3), (12,)))
    used = torch.ones(2, 12).double()
    used[1, 5] = 0
    heads = leave_one_out._trained(z, y, used, seed=0)
    y[5] += 100
    other = leave_one_out._trained(z, y, used, seed=0)
    assert all(torch.equal(a[1], b[1]) for a, b in zip(heads, other, strict=True))
    assert not torch.equal(heads[0][0], other[0][0])


def test_influence_functions_tell_what_retraining_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leave_one_out, "_LEFT_OUT", 40)
    monkeypatch.setattr(leave_one_out, "_UNSEEN", 30)
    report = evaluate_influence(xc.load("toy"), idealized_crystals())
    found = report.correlations
    assert found["influence functions"][1] > max(found["random numbers"][0], 0) + 0.1
    assert report.left_out == 40 and report.unseen == 30 and report.crystals == 240
    assert "leaving" not in report.table() and "nearness" in report.table()
