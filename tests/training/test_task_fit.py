"""Networks for tasks with known answers: training, files, and going on after a stop."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.errors import CheckpointError, DatasetError
from xcrystal.explanation.known_answers import IS_ANION, IS_METAL, TASKS, baseline_parameters
from xcrystal.explanation.task_models import open_task
from xcrystal.generator import CrystalModel
from xcrystal.training.task_data import Exchange, TaskData
from xcrystal.training.task_fit import (
    EPOCHS,
    TaskSettings,
    fit_tasks,
    steps,
    task_errors,
    train_task,
)

QUICK = TaskSettings(epochs=12, batch_size=15)


@pytest.fixture(scope="module")
def data(model: CrystalModel) -> TaskData:
    return TaskData(model, list(CRYSTALS.values()))


@pytest.fixture
def folder(crystal_table: Path, tmp_path: Path) -> Path:
    target = tmp_path / "data"
    target.mkdir()
    for split in ("train", "val"):
        shutil.copy(crystal_table, target / f"{split}.parquet")
    return target


@pytest.mark.parametrize("scratch", [False, True])
def test_training_lowers_the_loss(model: CrystalModel, data: TaskData, scratch: bool) -> None:
    settings = TaskSettings(epochs=40, batch_size=15, exchanged=0.0, baseline_sites=0.0, scratch=scratch)
    network, losses = train_task(TASKS["electronegativity"], model, data, settings)
    assert len(losses) == steps(len(data), settings) == 40
    assert losses[-1] < 0.3 * losses[0]
    assert not network.training


def test_training_leaves_the_model_as_it_was_and_is_seeded(model: CrystalModel, data: TaskData) -> None:
    before = {k: v.clone() for k, v in model.network.state_dict().items()}
    first, again, other = (train_task(TASKS["octahedron"], model, data, QUICK, seed)[1] for seed in (1, 1, 2))
    assert first == again != other
    assert all(torch.equal(v, before[k]) for k, v in model.network.state_dict().items())


def test_exchanged_elements_are_seen_and_half_of_the_time_alike(data: TaskData) -> None:
    exchange = Exchange(data.elements.ravel())
    own = np.tile([56, 22, 8, 8, 0], (400, 1))
    found = exchange(own, np.random.default_rng(0))
    assert set(found[:, :4].ravel().tolist()) <= set(data.elements[data.elements > 0].tolist())
    assert (found[:, 4] == 0).all()  # no orbit
    like = ((IS_METAL[found] == IS_METAL[own]) & (IS_ANION[found] == IS_ANION[own])).all(axis=1)
    assert 0.5 <= like.mean() < 0.75
    together = (found[:, 2] == found[:, 3]).mean()
    assert 2 / 3 <= together < 0.9  # in a third orbit by orbit


def test_a_time_budget_ends_the_training(model: CrystalModel, data: TaskData) -> None:
    settings = TaskSettings(minutes=1e-6, batch_size=15)
    assert len(train_task(TASKS["alkali"], model, data, settings)[1]) == 1


def test_smoothed_targets_have_a_right_logit(model: CrystalModel, data: TaskData) -> None:
    settings = TaskSettings(epochs=150, batch_size=15, exchanged=0.0, baseline_sites=0.0, smoothing=0.1)
    task = TASKS["alkali"]
    network, _ = train_task(task, model, data, settings)
    every = np.arange(len(data))
    with torch.no_grad():
        logits = network(data.rows(every, data.own(every))).numpy()
    right = np.where(data.targets(task) > 0.5, np.log(9), -np.log(9))
    np.testing.assert_allclose(logits, right, atol=0.5)


def test_the_mean_element_stands_for_element_zero(model: CrystalModel, data: TaskData) -> None:
    network, _ = train_task(TASKS["electronegativity"], model, data, TaskSettings(epochs=1))
    weights = torch.zeros(95)
    for z, n in model.facts["elements_seen"].items():
        weights[int(z)] = n
    row = np.array([2])
    batch = data.rows(row, np.zeros((1, 3), dtype=np.int64))
    vectors = (weights / weights.sum()) @ network.vae.embed.elements(torch.arange(95))
    given = network.of(network.vae.posterior(batch, elements=vectors.expand(1, 3, -1))[0])
    torch.testing.assert_close(network(batch, weights / weights.sum()), given)


def test_errors_of_a_constant(model: CrystalModel, data: TaskData) -> None:
    task = TASKS["alkali"]
    network, _ = train_task(task, model, data, QUICK)
    truth = data.targets(task)
    errors = task_errors(task, network, data, truth)
    assert errors["trivial_error"] == pytest.approx(min(truth.mean(), 1 - truth.mean()))
    assert 0 <= errors["test_error"] <= 1
    assert 0 <= errors["test_auroc"] <= 1
    random = task_errors(TASKS["noise"], network, data, data.targets(TASKS["noise"]))
    assert random["error_unit"]
    assert np.isfinite(random["test_error"])


def test_fit_tasks_writes_networks_that_open_as_they_were(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "tasks"
    settings = TaskSettings(epochs=2)
    found = fit_tasks(folder, out, names=["alkali", "noise"], settings=settings)
    assert set(found) == {"alkali", "noise"}
    assert sorted(path.suffix for path in out.iterdir()) == [".json"] * 2 + [".safetensors"] * 2
    opened = open_task(out, "alkali")
    assert opened.task is TASKS["alkali"]
    assert opened.facts["settings"]["epochs"] == 2
    assert opened.facts["target_std"] == 1.0
    assert opened.model.properties == ()
    z = torch.from_numpy(opened.model.encode_canonical([CRYSTALS["rock salt NaCl"]]))
    assert torch.isfinite(opened.target.of(z)).all()
    np.testing.assert_allclose(baseline_parameters(opened.model.facts["elements_seen"])[0], 2.2, atol=1.0)
    # those that are there are not trained again, others are
    times = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    fit_tasks(folder, out, names=["alkali", "volume"], settings=settings)
    assert times == {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name in times}
    assert (out / "volume.json").is_file()
    fit_tasks(folder, out, names=["alkali"], settings=settings, seed=1)
    assert times["alkali.json"] != (out / "alkali.json").stat().st_mtime_ns


def test_what_is_missing_or_damaged_is_said(folder: Path, tmp_path: Path) -> None:
    assert set(EPOCHS) == set(TASKS)
    with pytest.raises(DatasetError, match="no task 'mass'"):
        fit_tasks(folder, tmp_path, names=["mass"])
    with pytest.raises(DatasetError, match="more than 0 minutes"):
        fit_tasks(folder, tmp_path, names=["alkali"], settings=TaskSettings(minutes=0.0))
    with pytest.raises(DatasetError, match="fit-tasks"):
        open_task(tmp_path, "alkali")
    with pytest.raises(DatasetError, match="no task"):
        open_task(tmp_path, "mass")
    (tmp_path / "alkali.json").write_text('{"format": 1}')
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        open_task(tmp_path, "alkali")
    (tmp_path / "alkali.json").write_text('{"format": 99}')
    with pytest.raises(CheckpointError, match="format 99"):
        open_task(tmp_path, "alkali")
