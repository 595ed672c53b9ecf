"""Checks tell scores that hold from scores that do not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pymatgen.core import Structure

from tests.benchmarks.test_task_scores import electronegativities, mean_electronegativity, shares
from xcrystal.benchmarks import check_attributions
from xcrystal.benchmarks.__main__ import main
from xcrystal.benchmarks.example_models import chgnet
from xcrystal.errors import RelaxationError, TargetError


def test_true_shares_of_a_mean_pass_everything() -> None:
    report = check_attributions(mean_electronegativity, lambda s: electronegativities(s) / len(s), limit=40)
    assert report.equal_atoms == report.equal_in_supercells == 1
    assert report.sum_error < 1e-9 and report.left_out == 0
    assert report.oracle[0] == pytest.approx(1) and report.correlation > 0.3
    assert report.substitution[0] > report.random[0]
    assert json.loads(json.dumps(report.to_dict()))["version"] == "1"
    assert "100.0%" in report.to_markdown() and "100.0%" in report.table()


def test_scores_of_the_wrong_sign_and_unequal_scores_are_found_out() -> None:
    wrong = check_attributions(mean_electronegativity, lambda s: -shares(s), limit=40)
    assert wrong.substitution[0] < 0 and wrong.correlation < 0
    unequal = check_attributions(mean_electronegativity, lambda s: np.arange(1.0, len(s) + 1), limit=10)
    assert unequal.equal_atoms < 1 and unequal.equal_in_supercells < 1 and unequal.sum_error > 0.1


def test_what_a_model_cannot_answer_for_is_left_out() -> None:
    def refuses(structure: Structure) -> float:
        if "O" in structure.composition:
            raise RelaxationError("No oxygen.")
        return mean_electronegativity(structure)

    assert 0 < check_attributions(refuses, shares, limit=20).left_out < 20
    with pytest.raises(TargetError, match="one for each atom"):
        check_attributions(mean_electronegativity, lambda s: np.full(len(s), np.nan), limit=3)


def test_a_model_that_is_not_ours_is_checked() -> None:
    pytest.importorskip("chgnet")
    report = check_attributions(*chgnet(), limit=4)
    assert report.sum_error < 1e-3 and report.equal_atoms == 1


def test_models_that_do_not_exist_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["guess"])
    assert "there is no model 'guess'" in capsys.readouterr().err
