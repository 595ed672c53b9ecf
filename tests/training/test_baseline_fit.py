"""The vector that stands for all elements: what it is fitted to, and its file."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.errors import CheckpointError, TargetError
from xcrystal.explanation.batches import score_crystals
from xcrystal.explanation.fitted_baseline import FILE, fitted_element, save_fitted_element
from xcrystal.generator import model_folder
from xcrystal.training.baseline_fit import fit_vector, vector_errors
from xcrystal.training.perovskites import idealized_crystals
from xcrystal.training.task_data import TaskData


def test_latent_vectors_with_it_are_nearer_to_their_mean_over_random_elements() -> None:
    model = xc.load("toy")
    data = TaskData(model, idealized_crystals())
    vector = fit_vector(model, data, steps=60)
    errors = vector_errors(model, data, vector)
    assert errors["fitted element"] < 0.95 * errors["mean element"]
    assert torch.equal(fit_vector(model, data, steps=2), fit_vector(model, data, steps=2))


def test_its_file_belongs_to_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(model_folder("toy"), folder)
    model = xc.load(folder)
    crystal = model.canonical(CRYSTALS["perovskite SrTiO3"].to_structure()).crystal
    monkeypatch.chdir(tmp_path)  # what lies in the current folder is of no model
    save_fitted_element(torch.zeros(model.network.config.width), folder)
    shutil.move(folder / FILE, tmp_path / FILE)
    with pytest.raises(TargetError, match="fit-baseline"):
        fitted_element(type(model)(model.network, "no such model", model.facts, model.device))
    with pytest.raises(TargetError, match="fit-baseline"):
        score_crystals(model, [crystal], "latent 0", baseline="fitted_element")
    vector = torch.linspace(-1, 1, model.network.config.width)
    save_fitted_element(vector, folder)
    assert torch.equal(fitted_element(model), vector)
    found = score_crystals(model, [crystal], "latent 0", baseline="fitted_element")
    batch = model.batch([crystal])
    with torch.no_grad():
        z = model.network.posterior(batch, elements=vector.expand(1, 3, -1))[0]
    assert found.baseline_values[0] == pytest.approx(float(z[0, 0]), abs=1e-5)
    assert np.abs(found.errors).max() < 1e-4
    shutil.copy(model_folder("mp20") / "weights.safetensors", folder)
    with pytest.raises(CheckpointError, match="other weights"):
        fitted_element(type(model)(model.network, str(folder), model.facts, model.device))
    (folder / FILE).write_bytes(b"x")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        fitted_element(type(model)(model.network, str(folder), model.facts, model.device))
