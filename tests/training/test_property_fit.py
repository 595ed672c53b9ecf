"""One command that gives a model's folder its ensemble."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from xcrystal.crystal.tables import PROPERTIES, read_table
from xcrystal.errors import DatasetError
from xcrystal.generator import model_folder, open_model
from xcrystal.model.property_fitting import FitSettings
from xcrystal.training.property_fit import fit_properties

QUICK = FitSettings(members=2, epochs=2, batch_size=8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bundled model without an ensemble."""
    target = tmp_path / "model"
    target.mkdir()
    for name in ("config.json", "weights.safetensors"):
        shutil.copy(model_folder("mp20") / name, target / name)
    return target


def test_it_makes_a_model_that_knows_standard_deviations(folder: Path, crystal_table: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for split in ("train", "val"):
        shutil.copy(crystal_table, data / f"{split}.parquet")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    report = fit_properties(folder, data, tokens=tmp_path / "tokens", settings=QUICK)
    assert len(list((tmp_path / "tokens").iterdir())) == 2
    assert {path.name for path in folder.iterdir()} == {*before, "properties.safetensors"}
    assert all((folder / name).read_bytes() == content for name, content in before.items())
    opened = open_model(folder, "cpu")
    values, deviations = opened.predict(opened.sample_latent(4, 0), return_std=True)
    assert set(values) == set(deviations) == set(PROPERTIES)
    with safe_open(folder / "properties.safetensors", framework="pt") as file:
        figures = json.loads(file.metadata()["figures"])
    assert figures["validation"]["properties"]["band_gap"]["mae"] == report.properties["band_gap"].mae
    assert figures["settings"]["members"] == 2

    content = load_file(folder / "properties.safetensors")
    again = fit_properties(folder, data, tokens=tmp_path / "tokens", settings=QUICK)
    assert again == report
    repeated = load_file(folder / "properties.safetensors")  # not bytes: the order of metadata is left open
    assert repeated.keys() == content.keys()
    assert all(torch.equal(repeated[name], value) for name, value in content.items())


def test_data_without_properties_are_refused(folder: Path, crystal_table: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no dataset file"):
        fit_properties(folder, tmp_path, settings=QUICK)
    for split in ("train", "val"):
        read_table(crystal_table).drop(columns=list(PROPERTIES)).to_parquet(tmp_path / f"{split}.parquet")
    with pytest.raises(DatasetError, match="properties"):
        fit_properties(folder, tmp_path, settings=QUICK)
    assert not (folder / "properties.safetensors").exists()
