"""One command that gives a model's folder its ensemble."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tables import PROPERTIES, read_table, selection_half
from xcrystal.errors import DatasetError
from xcrystal.evaluation.properties.prediction_errors import PropertyReport
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


def test_it_makes_a_model_that_knows_intervals(folder: Path, crystal_table: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for split in ("train", "val"):
        shutil.copy(crystal_table, data / f"{split}.parquet")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    report = fit_properties(folder, data, tokens=tmp_path / "tokens", settings=QUICK)
    assert len(list((tmp_path / "tokens").iterdir())) == 2
    assert {path.name for path in folder.iterdir()} == {*before, "properties.safetensors", "validation_ids.txt"}
    assert (folder / "validation_ids.txt").read_text().splitlines() == list(CRYSTALS)
    assert all((folder / name).read_bytes() == content for name, content in before.items())
    opened = open_model(folder, "cpu")
    assert set(opened.predict_interval(opened.sample_latent(4, 0))) == set(PROPERTIES)
    with safe_open(folder / "properties.safetensors", framework="pt") as file:
        figures = json.loads(file.metadata()["figures"])
    assert figures["validation"]["properties"]["band_gap"]["mae"] == report.properties["band_gap"].mae
    assert figures["settings"]["members"] == 2
    assert report.crystals == int((~selection_half(read_table(crystal_table).species)).sum())

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


def test_it_learns_from_other_tables_and_calibrates_on_one_half(
    folder: Path, crystal_table: Path, tmp_path: Path
) -> None:
    """What the other half holds changes the report and not the model; what is given beside changes the model."""
    table = read_table(crystal_table)
    chooses = selection_half(table.species)

    def fit(val: pd.DataFrame, *also: Path) -> tuple[PropertyReport, dict[str, torch.Tensor]]:
        table.to_parquet(tmp_path / "train.parquet")
        val.to_parquet(tmp_path / "val.parquet")
        report = fit_properties(folder, tmp_path, settings=QUICK, also=also)
        return report, load_file(folder / "properties.safetensors")

    report, content = fit(table)
    changed = table.assign(band_gap=np.where(chooses, table.band_gap, 7.0))
    other, same = fit(changed)
    assert other.properties["band_gap"].mae != report.properties["band_gap"].mae
    assert all(torch.equal(same[name], value) for name, value in content.items())
    more = tmp_path / "more.parquet"
    table.drop(columns="e_above_hull").assign(band_gap=np.nan, formation_energy_per_atom=3.0).to_parquet(more)
    _, moved = fit(table, more)
    assert not torch.equal(moved["first.weight"], content["first.weight"])
    with pytest.raises(DatasetError, match="too few"):
        fit(table[chooses])
