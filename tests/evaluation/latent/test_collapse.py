"""How much of a crystal its latent vector holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from tests.crystals import CRYSTALS, structures
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import DatasetError
from xcrystal.evaluation.latent.collapse import derangement, evaluate_collapse, kl_by_dimension
from xcrystal.generator import CrystalModel


def test_the_report_is_what_the_model_says(model: CrystalModel, crystal_table: Path) -> None:
    report = evaluate_collapse(model, crystal_table, workers=1, seed=1)
    means, stds = model.posterior(structures())
    assert (report.crystals, report.latent_dim) == (len(CRYSTALS), model.latent_dim)
    assert report.kl == pytest.approx(kl_by_dimension(means, stds).sum(), rel=0.01)
    assert report.kl == pytest.approx(sum(report.kl_by_dimension))
    assert list(report.kl_by_dimension) == sorted(report.kl_by_dimension, reverse=True)
    assert report.posterior_deviation == pytest.approx(stds.mean(), rel=0.01)
    assert report.means_deviation == pytest.approx(means.std(axis=0).mean(), rel=0.01)
    decoded = model.decode(means)
    own = [match_rms(a, b) is not None for a, b in zip(structures(), decoded, strict=True)]
    assert report.match_rate == pytest.approx(np.mean(own), abs=0.08)  # tables round coordinates
    # every test crystal has a composition of its own
    assert report.match_rate_shuffled == 0.0
    assert report.match_rate > 0.5
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert content["active"] == report.active == (means.var(axis=0) > 0.01).sum()
    for words in ("active dimensions", "nats", "shuffled"):
        assert words in report.table()


def test_a_decoder_that_hears_only_one_vector_is_seen(model: CrystalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of two crystals: whoever decodes them all to the first matches as many shuffled as not."""
    salt, rutile = structures()[0], CRYSTALS["rutile TiO2"].to_structure()
    monkeypatch.setattr(model, "decode", lambda z, effort: [salt] * len(z))
    report = evaluate_collapse(model, [salt] * 4 + [rutile] * 4, workers=1)
    assert report.match_rate == report.match_rate_shuffled == 0.5


def test_divergence_is_that_of_normal_distributions() -> None:
    rng = np.random.default_rng(0)
    means, stds = rng.normal(size=(50, 6)), rng.uniform(0.05, 1.5, size=(50, 6))
    expected = kl_divergence(Normal(torch.tensor(means), torch.tensor(stds)), Normal(0.0, 1.0)).mean(dim=0)
    np.testing.assert_allclose(kl_by_dimension(means, stds), expected.numpy(), rtol=1e-6)
    np.testing.assert_array_equal(kl_by_dimension(np.zeros((3, 2)), np.ones((3, 2))), [0.0, 0.0])


@pytest.mark.parametrize("count", [2, 3, 50])
def test_nothing_stays_in_its_place(count: int) -> None:
    found = derangement(count, np.random.default_rng(0))
    assert sorted(found.tolist()) == list(range(count))
    assert (found != np.arange(count)).all()


def test_one_crystal_cannot_be_shuffled(model: CrystalModel) -> None:
    heavy = structures()[0].copy()
    heavy.replace_species({"Na": "Am"})
    with pytest.raises(DatasetError, match="Am"):
        evaluate_collapse(model, [structures()[0], heavy], workers=1)
