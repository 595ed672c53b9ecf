"""Training a corrector: crystals are spoiled within their symmetry, and a short fit learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from xcrystal.crystal.tables import read_table
from xcrystal.crystal.tokens import tokenize
from xcrystal.errors import DatasetError
from xcrystal.generator import open_model
from xcrystal.model.checkpoint import save_weights
from xcrystal.model.vae import Config, CrystalVAE
from xcrystal.model.wyckoff_tables import position_tables
from xcrystal.training.augmentation import Sampler
from xcrystal.training.correction_fit import CorrectorSettings, fit_corrector, spoil

SMALL = Config(width=48, encoder_layers=1, decoder_layers=1, heads=4, latent_dim=16, prefix=2)


def test_spoiling_keeps_the_symmetry(crystal_table: Path) -> None:
    sampler = Sampler(tokenize(read_table(crystal_table), workers=1))
    crystal = sampler.plain(np.arange(len(sampler.tokens)))
    tables = position_tables()
    changed = 0
    for seed in range(5):
        spoiled, truth = spoil(crystal, np.random.default_rng(seed))
        assert torch.equal(spoiled.group, crystal.group)
        assert torch.equal(spoiled.letter, crystal.letter)
        rows = tables.index[spoiled.group.numpy()[:, None], np.maximum(spoiled.letter.numpy(), 0)]
        bound = ~tables.free[rows] & spoiled.mask.numpy()[..., None]
        assert (spoiled.coordinates.numpy()[bound] == 0).all()
        angles = tables.free_angles[spoiled.group.numpy()]
        assert np.allclose((spoiled.lattice - crystal.lattice).numpy()[:, 4:][~angles], 0)
        strain = (spoiled.lattice - crystal.lattice).numpy()[:, 1:4]
        assert np.allclose(np.einsum("bij,bj->bi", tables.tie[spoiled.group.numpy()], strain), strain, atol=1e-6)
        # the truth is the crystal, its orbits on equal letters perhaps in another order
        for k in range(len(crystal)):
            orbits = [
                sorted(
                    zip(b.letter[k].tolist(), b.element[k].tolist(), b.coordinates[k].sum(dim=-1).tolist(), strict=True)
                )
                for b in (crystal, truth)
            ]
            assert orbits[0] == orbits[1]
        changed += int((spoiled.element != crystal.element).any(dim=1).sum())
    assert changed > len(crystal)


def test_a_short_fit_learns_and_is_read(crystal_table: Path, tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "model"
    data.mkdir()
    (data / "train.parquet").write_bytes(crystal_table.read_bytes())
    torch.manual_seed(0)
    save_weights(CrystalVAE(SMALL), folder)
    assert open_model(folder, "cpu").corrector is None
    records: list[dict[str, float]] = []
    how = CorrectorSettings(minutes=0.15, batch_size=32, learning_rate=4e-3, warm_up_steps=5, simple_share=1.0)
    last = fit_corrector(folder, data, settings=how, report=records.append)
    losses = [r["element"] + r["coordinate"] for r in records]
    assert np.mean(losses[-3:]) < 0.8 * losses[0]
    assert last == records[-1]
    model = open_model(folder, "cpu")
    assert model.corrector is not None
    found = model.decode(model.sample_latent(2))
    assert len(found) == 2


def test_without_data_it_says_so(tmp_path: Path) -> None:
    save_weights(CrystalVAE(SMALL), tmp_path)
    with pytest.raises(DatasetError):
        fit_corrector(tmp_path, tmp_path)
