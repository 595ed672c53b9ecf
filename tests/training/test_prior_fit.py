"""Fitting the prior of a model's folder, also over one that belongs to other weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from xcrystal.errors import CheckpointError, DatasetError
from xcrystal.generator import open_model
from xcrystal.model.checkpoint import save_weights
from xcrystal.model.vae import Config, CrystalVAE
from xcrystal.training.prior_fit import fit_prior

SMALL = Config(width=48, encoder_layers=1, decoder_layers=1, heads=4, latent_dim=8, prefix=2)


def test_it_replaces_a_prior_of_other_weights(crystal_table: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "train.parquet").write_bytes(crystal_table.read_bytes())
    folder = tmp_path / "model"
    torch.manual_seed(0)
    save_weights(CrystalVAE(SMALL), folder)
    assert open_model(folder, "cpu").prior is None
    assert fit_prior(folder, data, steps=3).is_file()
    assert open_model(folder, "cpu").sample_latent(4).shape == (4, 8)
    save_weights(CrystalVAE(SMALL), folder)
    with pytest.raises(CheckpointError, match="other weights"):
        open_model(folder, "cpu")
    fit_prior(folder, data, steps=3)
    assert open_model(folder, "cpu").prior is not None


def test_without_data_it_says_so(tmp_path: Path) -> None:
    save_weights(CrystalVAE(SMALL), tmp_path)
    with pytest.raises(DatasetError):
        fit_prior(tmp_path, tmp_path)
