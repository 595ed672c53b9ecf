"""Attributions against known answers: constructed scores, and networks of a few steps."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.crystals import CRYSTALS
from xcrystal.errors import DatasetError
from xcrystal.evaluation.attribution.known_answer_scores import (
    better,
    crystals_that_tell,
    evaluate_known_answers,
    figures,
    known_answers_table,
)
from xcrystal.explanation.known_answers import TASKS, baseline_parameters
from xcrystal.explanation.methods import METHODS
from xcrystal.training.task_fit import TaskSettings, fit_tasks

BASELINE = baseline_parameters({"8": 1})


def test_crystals_that_tell() -> None:
    every = list(CRYSTALS.values())
    asked = crystals_that_tell(TASKS["octahedron"], every, BASELINE)
    names = [name for name, crystal in CRYSTALS.items() if any(one.crystal is crystal for one in asked)]
    assert names == ["perovskite SrTiO3", "spinel MgAl2O4", "polar BaTiO3"]
    three = crystals_that_tell(TASKS["electronegativity"], every, BASELINE)
    assert all(len(set(one.crystal.elements.tolist())) >= 3 for one in three)
    assert len(crystals_that_tell(TASKS["noise"], every, BASELINE, 4)) == 4


def test_figures_of_the_truth_itself_are_perfect_and_of_its_opposite_worst() -> None:
    for name in ("octahedron", "electronegativity", "pair_energy"):
        task = TASKS[name]
        asked = crystals_that_tell(task, list(CRYSTALS.values()), BASELINE)
        main = next(iter(task.truths))
        truths = [one.truths[main].astype(float) for one in asked]
        for sign in (1, -1):
            found = figures(task, asked, [sign * t for t in truths], 2.0)
            for metric in {"octahedron": ["auroc"]}.get(name, ["tau", "pearson"]):
                worst = 0.0 if metric == "auroc" else -1.0
                np.testing.assert_allclose(found[metric], 1.0 if sign > 0 else worst)
    size = [float(one.crystal.multiplicities @ np.abs(t)) / 2 for one, t in zip(asked, truths, strict=True)]
    np.testing.assert_allclose(found["size"], size)
    assert {"tau site_energy", "pearson site_energy"} <= set(found)


def test_better_is_meant_for_the_same_crystals() -> None:
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 10, 50)
    assert better(hard + 0.1 + rng.normal(0, 0.05, 50), hard)
    assert not better(hard, hard)
    assert not better(hard - 0.1, hard)


@pytest.fixture(scope="module")
def report(crystal_table: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("known")
    for split in ("train", "val"):
        shutil.copy(crystal_table, folder / f"{split}.parquet")
    names = ["electronegativity", "octahedron", "noise"]
    fit_tasks(folder, folder / "tasks", names=names, settings=TaskSettings(epochs=1))
    done: list[str] = []
    found = evaluate_known_answers([folder / "tasks"], folder, 4, 0, done.append, workers=1)
    assert sorted(done) == sorted(names)
    return found


def test_the_report_has_all_methods_and_the_random_row(report: dict) -> None:
    assert set(report) == {"electronegativity", "octahedron", "noise"}
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    for name, metric in (("electronegativity", "tau"), ("octahedron", "auroc"), ("noise", "size")):
        rows = report[name]["methods"]
        assert set(rows) == {m for m, method in METHODS.items() if "orbits" in method.levels} | {"random"}
        for method, row in rows.items():
            assert 0 < row["crystals"] <= 4
            if (metric, method) == ("size", "random"):
                assert row["size"] is None
                continue
            mean, low, high = row[metric]
            assert low <= mean <= high
        assert rows["random"]["beats_random"] is (None if name == "noise" else False)
    assert 0 < report["electronegativity"]["tau_ceiling"] <= 1
    assert report["octahedron"]["methods"]["saliency"]["tau"] is None


def test_the_table_reads(report: dict) -> None:
    text = known_answers_table(report)
    assert "tau-b of perfect scores" in text
    assert "integrated_gradients" in text
    assert text.count("random ") >= 3


def test_a_folder_without_networks(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="fit-tasks"):
        evaluate_known_answers([tmp_path], tmp_path)
