"""Training a corrector: crystals are spoiled within their symmetry, and a short fit learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from xcrystal.crystal.collections.tables import read_table
from xcrystal.crystal.collections.tokens import tokenize
from xcrystal.errors import DatasetError
from xcrystal.generator import open_model
from xcrystal.model.checkpoint import save_weights
from xcrystal.model.correction import Corrector
from xcrystal.model.vae import Config, CrystalVAE
from xcrystal.model.wyckoff_tables import position_tables
from xcrystal.training.augmentation import Sampler
from xcrystal.training.correction_fit import CorrectorSettings, _nearest, correction_loss, fit_corrector, spoil

SMALL = Config(width=48, encoder_layers=1, decoder_layers=1, heads=4, latent_dim=16, prefix=2)


def test_spoiling_keeps_the_symmetry(crystal_table: Path) -> None:
    sampler = Sampler(tokenize(read_table(crystal_table), workers=1))
    crystal = sampler.plain(np.arange(len(sampler.tokens)))
    tables = position_tables()
    changed, moved, movable, wrong, foreign, far = 0, 0, 0, 0, 0, 0
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
        assert np.allclose(strain.mean(axis=1), 0, atol=1e-6), "the volume has a number of its own"
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
        free = tables.free[rows].any(axis=-1) & spoiled.mask.numpy()
        apart = np.abs(spoiled.coordinates.numpy() - crystal.coordinates.numpy()).max(axis=-1) > 1e-6
        away = np.abs((spoiled.coordinates - crystal.coordinates + 0.5).numpy() % 1 - 0.5).max(axis=-1)
        far += int(((away > 0.38) & (np.abs(away - 0.5) > 1e-3) & free).sum())
        for k, own in enumerate(crystal.element):
            new = spoiled.element[k]
            wrong += int((new != own).sum())
            foreign += int((~torch.isin(new, own)).sum())
        moved, movable = moved + int((apart & free).sum()), movable + int(free.sum())
        changed += int((spoiled.element != crystal.element).any(dim=1).sum())
    assert changed > len(crystal)
    assert 0.45 < moved / movable < 0.7  # orbits are moved as often as a share says whose mean is 0.59
    assert far > 0.03 * movable, "some are put anywhere"
    assert 0.05 * wrong < foreign < 0.4 * wrong, "some elements are of no orbit"
    assert wrong < 0.3 * 5 * int(crystal.mask.sum()), "most elements are kept"


def test_spoiled_orbits_are_taken_for_those_that_they_resemble() -> None:
    letters, own = np.array([3, 3, 3, 5]), np.array([8, 22, 56, 8])
    true = np.array([[0.02, 0, 0], [0.4, 0, 0], [0.7, 0, 0], [0.5, 0, 0]])
    points = np.array([[0.69, 0, 0], [0.99, 0, 0], [0.42, 0, 0], [0.0, 0, 0]])
    assert _nearest(letters, own, own, true, points).tolist() == [2, 0, 1, 3]  # across the edge of the cell, too
    # between two places that are as near, the element tells
    true = np.array([[0.4, 0, 0], [0.6, 0, 0]])
    halfway = np.full((2, 3), [0.5, 0, 0])
    for elements in ([8, 22], [22, 8]):
        order = _nearest(letters[:2], own[:2], np.array(elements), true, halfway)
        assert own[order].tolist() == elements


def test_latent_vectors_are_moved_in_the_share_that_is_asked_for(crystal_table: Path) -> None:
    torch.manual_seed(0)
    network, corrector = CrystalVAE(SMALL).eval().requires_grad_(False), Corrector(SMALL, depth=1).eval()
    sampler = Sampler(tokenize(read_table(crystal_table), workers=1))
    crystal = sampler.plain(np.arange(len(sampler.tokens)))

    def loss(drawn: float, seed: int) -> float:
        generator = torch.Generator().manual_seed(seed)
        parts = correction_loss(corrector, network, crystal, drawn, np.random.default_rng(0), generator)
        return float(parts["lattice"].detach())

    assert loss(0.0, 1) == loss(0.0, 2)
    assert loss(1.0, 1) != loss(1.0, 2)


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
    assert last["right"] > records[0]["right"]
    assert [r["steps"] for r in records] == sorted({r["steps"] for r in records})
    assert 0 < last["minutes"] <= how.minutes + 0.02
    model = open_model(folder, "cpu")
    assert model.corrector is not None
    found = model.decode(model.sample_latent(2))
    assert len(found) == 2


def test_without_data_it_says_so(tmp_path: Path) -> None:
    save_weights(CrystalVAE(SMALL), tmp_path)
    with pytest.raises(DatasetError):
        fit_corrector(tmp_path, tmp_path)
