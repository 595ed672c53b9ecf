"""The oracle is perfect, random scores are not, and what no model can be asked gets one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Structure

from xcrystal.benchmarks import VERSION, examples, score_attributions, score_tasks, targets
from xcrystal.errors import TargetError
from xcrystal.explanation.known_answers import ELECTRONEGATIVITY, TASKS, baseline_parameters

MEAN = baseline_parameters({})[0]


def electronegativities(structure: Structure) -> np.ndarray:
    return ELECTRONEGATIVITY[[site.specie.Z for site in structure]]


def mean_electronegativity(structure: Structure) -> float:
    return float(electronegativities(structure).mean())


def shares(structure: Structure) -> np.ndarray:
    return (electronegativities(structure) - MEAN) / len(structure)


def test_a_model_that_knows_the_answer_is_as_good_as_the_oracle() -> None:
    report = score_attributions("electronegativity", mean_electronegativity, shares)
    assert report.model[0] == report.oracle[0] == pytest.approx(1, abs=0.01)
    assert report.random is not None and abs(report.random[0]) < 0.25
    assert report.beats_random and report.prediction_error == pytest.approx(0, abs=1e-9)
    assert "| oracle | 1.0" in report.to_markdown() and "tau-b" in report.table()


def test_scores_of_the_wrong_sign_are_found_out() -> None:
    report = score_attributions("electronegativity", mean_electronegativity, lambda s: -shares(s))
    assert report.model[0] < -0.9 and not report.beats_random


def test_membership_is_told_by_auroc_and_null_tasks_by_size() -> None:
    def alkali(structure: Structure) -> np.ndarray:
        return np.array([float(site.specie.is_alkali) for site in structure])

    report = score_attributions("alkali", lambda s: float(alkali(s).any()), alkali)
    assert (report.metric, report.model[0], report.prediction_error) == ("auroc", 1.0, 0.0)
    null = score_attributions("volume", lambda s: float(np.log(s.volume / len(s))), lambda s: np.zeros(len(s)))
    assert null.metric == "size" and null.model[0] == 0 and null.random is None
    assert null.prediction_error == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_targets_that_differ(task: str) -> None:
    found = targets(task, "val")
    assert found.shape == (len(examples("val")),) and np.isfinite(found).all() and found.std() > 0
    assert (found == targets(task, "val")).all()


def test_there_are_eight_tasks_two_of_them_null() -> None:
    assert len(TASKS) >= 8 and sum(task.kind == "null" for task in TASKS.values()) >= 2


def test_what_is_no_attribution_gets_one_sentence() -> None:
    with pytest.raises(TargetError, match="one for each atom"):
        score_attributions("electronegativity", mean_electronegativity, lambda s: np.zeros(1))
    with pytest.raises(TargetError, match="There is no task"):
        score_attributions("beauty", mean_electronegativity, shares)


def test_one_function_that_trains_gives_a_table_of_all_tasks_that_were_named(tmp_path: Path) -> None:
    asked = []

    def train(structures: list[Structure], numbers: np.ndarray):  # type: ignore[no-untyped-def]
        asked.append((len(structures), len(numbers)))
        return mean_electronegativity, shares

    report = score_tasks(train, ["electronegativity", "volume"])
    assert asked == [(len(examples("train")),) * 2] * 2
    report.save(tmp_path)
    saved = json.loads((tmp_path / "results.json").read_text())
    assert (saved["version"], [one["task"] for one in saved["tasks"]]) == (VERSION, ["electronegativity", "volume"])
    lines = (tmp_path / "results.md").read_text().splitlines()
    assert [line.count("|") for line in lines[:4]] == [9] * 4 and "| yes |" in lines[2]
    with pytest.raises(TargetError, match="There is no task"):
        score_tasks(train, ["beauty"])
