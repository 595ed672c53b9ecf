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
    Z90,
    Prediction,
    PropertyEnsemble,
    calibrate,
    conformal_quantile,
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


def zero_inflated(n: int, seed: int) -> tuple[Prediction, torch.Tensor]:
    """Predictions of made-up crystals whose second and third property is zero for half of them."""
    rng = np.random.default_rng(seed)
    energy = rng.normal(size=n)
    logit = rng.normal(0, 3, (n, 2))
    probability = 1 / (1 + np.exp(-logit))
    size = np.where(rng.random((n, 2)) < probability, 0.5 + rng.gamma(2.0, 1.0, (n, 2)), 0.0)
    scale = rng.uniform(0.1, 1.0, n)
    truth = np.column_stack([energy + scale * rng.laplace(size=n), size])
    values = np.column_stack([energy, 2.5 * probability * (probability > 0.5) + 0.01 * probability])
    scales = np.column_stack([scale, np.sqrt(probability) + 0.02])
    numbers = (torch.from_numpy(a.astype(np.float32)) for a in (values, probability, scales, truth))
    values_, probability_, scales_, truth_ = numbers
    return Prediction(values_, probability_, scales_), truth_


def test_it_begins_as_the_joint_head(head: PropertyHead, z: torch.Tensor) -> None:
    ensemble = PropertyEnsemble.from_head(head, 3).eval()
    torch.testing.assert_close(ensemble(z), head(z))
    found = ensemble.predict(z)
    torch.testing.assert_close(found.values, head(z))
    torch.testing.assert_close(found.nonzero, torch.sigmoid(head.raw(z)[:, [1, 3]]))
    assert not ensemble.calibrated


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


def test_intervals_hold_nine_in_ten_of_unseen_crystals_zero_or_not(head: PropertyHead) -> None:
    ensemble = PropertyEnsemble.from_head(head, 1)
    calibrate(ensemble, *zero_inflated(4000, 0))
    found, truth = zero_inflated(4000, 1)
    half = Z90 * ensemble.deviations(found)
    inside = (truth - found.values).abs() <= half
    zero = truth[:, 1:] == 0
    assert 0.88 < float(inside[:, 0].float().mean()) < 0.92
    for k in range(2):
        assert 0.85 < float(inside[zero[:, k], k + 1].float().mean()) < 0.96
        assert 0.85 < float(inside[~zero[:, k], k + 1].float().mean()) < 0.95
        # an interval reaches zero if and only if the value is at most the threshold
        reaches = found.values[:, k + 1] - half[:, k + 1] <= 0
        assert torch.equal(reaches, found.values[:, k + 1] <= ensemble.threshold[k])


def test_calibration_with_hardly_any_crystals(head: PropertyHead) -> None:
    ensemble = PropertyEnsemble.from_head(head, 1)
    found, truth = zero_inflated(3, 0)
    truth[:, 1] = torch.nan
    truth[:, 2] = 0.0
    calibrate(ensemble, found, truth)
    assert ensemble.calibrated
    assert torch.isfinite(ensemble.deviations(found)).all()
    assert (ensemble.deviations(found) > 0).all()


def test_conformal_quantiles() -> None:
    scores = torch.arange(1.0, 20.0)  # 19 scores: the 18th of 20 places
    assert conformal_quantile(scores, 0.9) == 18
    assert conformal_quantile(torch.cat([scores[:5], torch.full((5,), torch.inf)]), 0.9) == 5
    assert conformal_quantile(torch.zeros(0), 0.9) == 1


@pytest.fixture
def folder(tmp_path: Path, z: torch.Tensor) -> Path:
    """A copy of the bundled model with a calibrated ensemble that has not been fitted."""
    bundled = model_folder("mp20")
    for name in ("config.json", "weights.safetensors"):
        shutil.copy(bundled / name, tmp_path / name)
    network, _ = load_weights(tmp_path)
    ensemble = PropertyEnsemble.from_head(network.properties, 2)
    found, truth = zero_inflated(50, 0)
    calibrate(ensemble, found, truth)
    save_ensemble(ensemble, tmp_path)
    return tmp_path


def test_a_model_with_an_ensemble_knows_standard_deviations(folder: Path) -> None:
    opened = open_model(folder, "cpu")
    network, _ = load_weights(folder)
    codes = opened.sample_latent(300, 0)
    values, deviations = opened.predict(codes, return_std=True)
    joint = network.properties(torch.from_numpy(codes)).detach().numpy()
    for k, (name, value) in enumerate(opened.predict(codes).items()):
        np.testing.assert_allclose(value, joint[:, k], atol=0.02)  # stored in half precision
        np.testing.assert_array_equal(value, values[name])
        assert deviations[name].shape == (300,)
        assert (deviations[name] > 0).all()
    assert min(values["band_gap"].min(), values["e_above_hull"].min()) >= 0
    alone = opened.predict(codes[17:18], return_std=True)
    for many, one in zip((values, deviations), alone, strict=True):
        assert {n: v[17] for n, v in many.items()} == pytest.approx({n: v[0] for n, v in one.items()}, abs=1e-4)
    assert all(v.shape == (0,) for part in opened.predict(codes[:0], return_std=True) for v in part.values())


def test_without_one_it_says_how_to_get_it(folder: Path) -> None:
    (folder / "properties.safetensors").unlink()
    opened: CrystalModel = open_model(folder, "cpu")
    opened.predict(np.zeros(opened.latent_dim))
    with pytest.raises(XCrystalError, match="fit-properties"):
        opened.predict(np.zeros(opened.latent_dim), return_std=True)


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
