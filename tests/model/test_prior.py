"""The learned prior: it finds a distribution that it was fitted to, and is kept with the weights it belongs to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from xcrystal.errors import CheckpointError, InvalidCrystalError
from xcrystal.generator import CrystalModel, open_model
from xcrystal.model.checkpoint import save_weights
from xcrystal.model.prior import LatentFlow, fit_flow, load_flow, save_flow
from xcrystal.model.vae import Config, CrystalVAE

SMALL = Config(width=48, encoder_layers=1, decoder_layers=1, heads=4, latent_dim=4, prefix=2)


@pytest.fixture(scope="module")
def centres() -> torch.Tensor:
    return torch.tensor([[2.0, 0, 0, 1], [-2.0, 1, 0, -1]])


@pytest.fixture(scope="module")
def flow(centres: torch.Tensor) -> LatentFlow:
    means = centres.repeat(50, 1)
    return fit_flow(means, torch.full_like(means, 0.1), steps=250, batch_size=128, seed=1)


def test_samples_lie_where_the_codes_are(flow: LatentFlow, centres: torch.Tensor) -> None:
    z = torch.from_numpy(flow.sample(200, seed=3))
    distance, nearest = torch.cdist(z, centres).min(dim=1)
    assert distance.median() < 0.5
    assert 60 < int((nearest == 0).sum()) < 140
    assert np.allclose(z.numpy()[:7], flow.sample(7, seed=3), atol=1e-5)
    assert flow.sample(0).shape == (0, 4)


def test_snapping_pulls_towards_the_codes(flow: LatentFlow, centres: torch.Tensor) -> None:
    z = centres + 0.5 * torch.tensor([[0.0, 1, -1, 0], [0, -1, 1, 0]])
    assert torch.allclose(flow.snap(z, 0.0), z)
    before, after = (z - centres).norm(dim=1), (flow.snap(z, 0.3) - centres).norm(dim=1)
    assert (after < before).all()


def test_a_model_draws_slightly_nearer_to_the_middle(flow: LatentFlow, centres: torch.Tensor) -> None:
    network = CrystalVAE(SMALL)
    model = CrystalModel(network, "untrained", {}, torch.device("cpu"), flow)
    spreads = [
        float(torch.cdist(torch.from_numpy(z), centres).min(dim=1).values.mean())
        for z in (flow.sample(400, 5, 0.5), model.sample_latent(400, 5), flow.sample(400, 5), flow.sample(400, 5, 2.0))
    ]
    assert spreads == sorted(spreads)
    assert spreads[2] - spreads[1] < 0.3 * (spreads[2] - spreads[0])


def test_it_is_read_back_and_refused_for_other_weights(flow: LatentFlow, tmp_path: Path) -> None:
    assert load_flow(tmp_path) is None
    torch.manual_seed(0)
    save_weights(CrystalVAE(SMALL), tmp_path)
    save_flow(flow, tmp_path)
    model = open_model(tmp_path, "cpu")
    assert np.allclose(model.sample_latent(5, seed=2), flow.sample(5, seed=2, temperature=0.95), atol=0.05)
    save_weights(CrystalVAE(SMALL), tmp_path)
    with pytest.raises(CheckpointError, match="other weights"):
        load_flow(tmp_path)
    (tmp_path / "prior.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="No prior"):
        load_flow(tmp_path)


def test_a_model_without_a_prior_says_so(tmp_path: Path) -> None:
    save_weights(CrystalVAE(SMALL), tmp_path)
    model = open_model(tmp_path, "cpu")
    assert model.sample_latent(3).shape == (3, 4)
    with pytest.raises(CheckpointError, match="fit-prior"):
        model.snap(np.zeros(4))


def test_snapping_asks_for_a_strength_between_0_and_1(model: CrystalModel) -> None:
    if model.prior is None:
        pytest.skip("the bundled model has no prior")
    with pytest.raises(InvalidCrystalError, match="between 0 and 1"):
        model.snap(np.zeros(model.latent_dim), 1.5)
