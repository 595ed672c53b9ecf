"""The ensemble of property heads: what it begins with, what its intervals promise, how it is stored."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from xcrystal.errors import CheckpointError, XCrystalError
from xcrystal.generator import CrystalModel, model_folder, open_model
from xcrystal.model.checkpoint import load_weights
from xcrystal.model.properties import (
    PropertyEnsemble,
    calibrate,
    load_ensemble,
    save_ensemble,
)
from xcrystal.model.property_fitting import FitSettings, fit_ensemble
from xcrystal.model.vae import Config, PropertyHead


@pytest.fixture
def head() -> PropertyHead:
    torch.manual_seed(0)
    return PropertyHead(Config(width=16, latent_dim=8, property_mean=-1.0, property_std=0.5))


@pytest.fixture
def z() -> torch.Tensor:
    return torch.randn(200, 8, generator=torch.Generator().manual_seed(1))


def calibrated(ensemble: PropertyEnsemble, n: int, seed: int = 0) -> PropertyEnsemble:
    """The ensemble, calibrated on n made-up crystals, half of which have no gap and lie on the hull."""
    rng = np.random.default_rng(seed)
    inputs = ensemble.first.weight.shape[1]
    truth = np.column_stack([rng.normal(size=n), rng.gamma(2.0, 1.0, n), rng.gamma(1.0, 0.05, n)])
    truth[::2, 1:] = 0.0
    x = torch.from_numpy(rng.normal(size=(n, inputs)).astype(np.float32))
    calibrate(ensemble, x, torch.from_numpy(truth.astype(np.float32)))
    return ensemble


def test_it_begins_as_the_joint_head(head: PropertyHead, z: torch.Tensor) -> None:
    ensemble = PropertyEnsemble.from_head(head, 3).eval()
    torch.testing.assert_close(ensemble(z), head(z))
    found = ensemble.predict(z)
    torch.testing.assert_close(found.values, head(z))
    torch.testing.assert_close(found.nonzero, torch.sigmoid(head.raw(z)[:, [1, 3]]))
    assert not ensemble.calibrations


def test_a_linear_map_before_it(head: PropertyHead, z: torch.Tensor) -> None:
    before = nn.Linear(5, 8)
    ensemble = PropertyEnsemble.from_head(head, 2).eval()
    x = torch.randn(7, 5)
    torch.testing.assert_close(ensemble.after(before).eval()(x), ensemble(before(x)))


def test_a_fit_learns_and_repeats(head: PropertyHead, z: torch.Tensor) -> None:
    truth = torch.stack([z[:, 0], z[:, 1].clamp(min=0), 0.1 * z[:, 2].clamp(min=0)], dim=1)
    truth[::7, 1] = torch.nan
    how = FitSettings(members=2, epochs=30, batch_size=50, learning_rate=5e-3)
    start = PropertyEnsemble.from_head(head, 2)
    calls: list[int] = []
    fits = [
        fit_ensemble(copy.deepcopy(start), z, torch.full_like(z, 0.1), truth, how, seed, lambda: calls.append(1))
        for seed in (0, 0, 1)
    ]
    with torch.no_grad():
        before, one, again, other = (e(z) for e in (start.eval(), *fits))
    assert len(calls) == 3 * 30 * 4
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    errors = [float((x - truth).abs().nanmean()) for x in (before, one)]
    assert errors[1] < 0.4 * errors[0]
    assert all(bool((p == p.half().float()).all()) for p in fits[0].parameters())
    assert (one[:, 1:] >= 0).all()


def test_gradients_of_every_property_reach_z(head: PropertyHead, z: torch.Tensor) -> None:
    ensemble = PropertyEnsemble.from_head(head, 3).eval()
    x = z[:5].clone().requires_grad_()
    for column in range(3):
        (gradient,) = torch.autograd.grad(ensemble(x)[:, column].sum(), x)
        assert (gradient.abs().sum(dim=1) > 0).all()


def test_a_fit_learns_what_is_zero_and_how_far_the_rest_spreads(head: PropertyHead) -> None:
    """A gap is there if the first number of the latent vector is positive; its size is then exponential, whatever the
    latent vector.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 8)).astype(np.float32)
    gap = np.where(x[:, 0] > 0, rng.exponential(1.0, 4000), 0.0)
    truth = np.column_stack([rng.normal(size=4000), gap, np.full(4000, np.nan)]).astype(np.float32)
    how = FitSettings(members=2, epochs=20, batch_size=200, learning_rate=5e-3)
    ensemble = fit_ensemble(
        PropertyEnsemble.from_head(head, 2), torch.from_numpy(x), None, torch.from_numpy(truth), how
    )
    with torch.no_grad():
        found = ensemble.predict(torch.from_numpy(x))
    clear = np.abs(x[:, 0]) > 0.3
    assert ((found.nonzero[:, 0].numpy() > 0.5) == (x[:, 0] > 0))[clear].mean() > 0.98
    there = clear & (x[:, 0] > 0)
    assert float(found.medians[there, 1].median()) == pytest.approx(np.log(2), rel=0.15)
    # of an exponential distribution 5 % lie below 0.05 and 95 % below 3, and the median is 0.69
    assert float(found.below[there, 1].median()) == pytest.approx(0.64, abs=0.15)
    assert float(found.above[there, 1].median()) == pytest.approx(2.3, abs=0.6)


@pytest.fixture
def folder(tmp_path: Path, z: torch.Tensor) -> Path:
    """A copy of the bundled model with a calibrated ensemble that has not been fitted."""
    bundled = model_folder("mp20")
    for name in ("config.json", "weights.safetensors"):
        shutil.copy(bundled / name, tmp_path / name)
    network, _ = load_weights(tmp_path)
    ensemble = PropertyEnsemble.from_head(network.properties, 2)
    save_ensemble(calibrated(ensemble, 50), tmp_path)
    return tmp_path


def test_a_model_with_an_ensemble_knows_intervals(folder: Path) -> None:
    opened = open_model(folder, "cpu")
    network, _ = load_weights(folder)
    codes = opened.sample_latent(300, 0)
    values, nonzero = opened.predict(codes), opened.predict_nonzero(codes)
    joint = network.properties(torch.from_numpy(codes)).detach().numpy()
    narrow, wide = opened.predict_interval(codes, 0.5), opened.predict_interval(codes)
    assert opened.knows_intervals and list(values) == list(wide) and list(nonzero) == list(values)[1:]
    for k, (name, value) in enumerate(values.items()):
        np.testing.assert_allclose(value, joint[:, k], atol=0.02)  # stored in half precision
        assert wide[name].shape == (300, 2)
        assert (wide[name][:, 0] <= value).all() and (value <= wide[name][:, 1]).all()
        assert np.ptp(wide[name], axis=1).mean() > np.ptp(narrow[name], axis=1).mean()
    assert min(wide["band_gap"].min(), wide["e_above_hull"].min()) >= 0
    assert all(((p > 0) & (p < 1)).all() for p in nonzero.values())
    alone = opened.predict_interval(codes[17], 0.9)
    for name, ends in wide.items():
        np.testing.assert_allclose(alone[name][0], ends[17], atol=1e-4)
    assert all(v.shape == (0, 2) for v in opened.predict_interval(codes[:0]).values())
    for level in (0, 1, -0.1, 90):
        with pytest.raises(XCrystalError, match="between 0 and 1"):
            opened.predict_interval(codes, level)


def test_standard_deviations_are_deprecated(folder: Path) -> None:
    opened = open_model(folder, "cpu")
    codes = opened.sample_latent(5, 0)
    with pytest.warns(DeprecationWarning, match="predict_interval"):
        values, deviations = opened.predict(codes, return_std=True)
    ends = opened.predict_interval(codes, 0.6827)["formation_energy_per_atom"]
    np.testing.assert_allclose(deviations["formation_energy_per_atom"], np.ptp(ends, axis=1) / 2, rtol=0.05)
    np.testing.assert_array_equal(values["band_gap"], opened.predict(codes)["band_gap"])


def test_what_is_stored_predicts_the_same(folder: Path) -> None:
    one, other = load_ensemble(folder), load_ensemble(folder)
    assert one is not None and other is not None
    save_ensemble(one, folder)
    again = load_ensemble(folder)
    assert again is not None
    x = torch.randn(20, one.first.weight.shape[1], generator=torch.Generator().manual_seed(0))
    for level in (0.3, 0.9):
        torch.testing.assert_close(again.intervals(x, level), other.intervals(x, level), equal_nan=True)


def test_without_one_it_says_how_to_get_it(folder: Path) -> None:
    (folder / "properties.safetensors").unlink()
    opened: CrystalModel = open_model(folder, "cpu")
    opened.predict(np.zeros(opened.latent_dim))
    assert not opened.knows_intervals and opened.known_intervals(np.zeros(opened.latent_dim)) == {}
    for ask in (opened.predict_interval, opened.predict_nonzero):
        with pytest.raises(CheckpointError, match="fit-properties"):
            ask(np.zeros(opened.latent_dim))


def test_an_ensemble_of_other_weights_or_damaged_is_not_used(folder: Path) -> None:
    path = folder / "properties.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:1000])
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_ensemble(folder)
    path.write_bytes(content)
    load_ensemble(folder)
    with (folder / "weights.safetensors").open("ab") as file:
        file.write(b" ")
    with pytest.raises(CheckpointError, match="fit-properties"):
        load_ensemble(folder)
