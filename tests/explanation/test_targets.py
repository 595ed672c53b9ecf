"""Every target is a number that follows from the latent vector."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.errors import TargetError
from xcrystal.explanation.targets import (
    density_target,
    direction_target,
    distance_target,
    element_target,
    group_target,
    latent_target,
    target_of,
)
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.axes import Axes

PEROVSKITE = CRYSTALS["perovskite SrTiO3"]


@pytest.fixture
def z(model: CrystalModel) -> torch.Tensor:
    """(1, Z) latent vector of SrTiO3."""
    return torch.from_numpy(model.encode(PEROVSKITE.to_structure()))


def test_properties_are_the_predicted_ones(model: CrystalModel, z: torch.Tensor) -> None:
    for name in model.properties:
        assert float(target_of(model, name).of(z)) == pytest.approx(float(model.predict(z)[name][0]), abs=1e-5)


def test_log_odds_of_space_groups_are_those_of_the_decoders_probability(model: CrystalModel, z: torch.Tensor) -> None:
    decoded = model.decode(z, effort="fast")[0]
    number, p = decoded.properties["likely_groups"][1]  # the most probable one may be too sure for a logarithm
    odds = float(group_target(model, number).of(z))
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(p, rel=1e-3, abs=1e-7)


def test_log_odds_of_elements_are_those_of_the_decoders_probability(model: CrystalModel) -> None:
    rng = np.random.default_rng(0)
    for code in model.sample_latent(4, seed=3):
        code = code + rng.normal(0, 0.2, len(code)).astype(np.float32)
        found = model.decode_arrays(code, effort="fast")[0]
        for orbit, p in enumerate(found.element_probability):
            odds = element_target(model, found.crystal, orbit + 1).of(torch.from_numpy(code)[None])
            assert float(torch.sigmoid(odds)) == pytest.approx(float(p), abs=2e-3)


def test_a_distance_is_zero_at_the_other_crystal(model: CrystalModel, z: torch.Tensor) -> None:
    other = CRYSTALS["spinel MgAl2O4"].to_structure()
    apart = np.linalg.norm(model.encode(other)[0] - z.numpy()[0])
    assert float(distance_target(model, other).of(z)) == pytest.approx(apart, rel=1e-4)
    there = torch.from_numpy(model.encode(other)).requires_grad_(True)
    distance = distance_target(model, other).of(there)
    assert float(distance.detach()) < 1e-4
    distance.backward()
    assert torch.isfinite(there.grad).all()  # type: ignore[union-attr]


def test_directions_are_in_standard_deviations(model: CrystalModel, z: torch.Tensor) -> None:
    axis = Axes(xc.atlas(), model).property[0]
    assert float(direction_target(axis).of(z)) == pytest.approx(float(axis.coordinates(z.numpy())[0]), abs=1e-4)


def test_density_is_a_density() -> None:
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((2000, 2)).astype(np.float32)

    class Model:
        name, latent_dim = "two", 2

    target = density_target(Model(), Atlas("two", _table(len(codes)), codes))  # type: ignore[arg-type]
    side = torch.linspace(-6, 6, 121)
    grid = torch.stack(torch.meshgrid(side, side, indexing="ij"), dim=-1).reshape(-1, 2)
    assert float(target.of(grid).exp().sum()) * 0.01 == pytest.approx(1, abs=0.02)
    assert float(target.of(torch.zeros(1, 2)).exp()) == pytest.approx(1 / (2 * np.pi), rel=0.25)


def test_density_is_higher_at_known_crystals_than_beyond_them(model: CrystalModel) -> None:
    target = target_of(model, "density", atlas=xc.atlas())
    codes = torch.from_numpy(xc.atlas().z[:20])
    assert (target.of(codes) > target.of(3 * codes)).all()


@pytest.mark.parametrize(
    "wrong", ["colour", "latent 128", "latent x", "space group 0", "space group 231", "element of orbit 9", "element"]
)
def test_what_does_not_exist_gets_one_sentence(model: CrystalModel, wrong: str) -> None:
    with pytest.raises(TargetError) as error:
        target_of(model, wrong, PEROVSKITE)
    assert "\n" not in str(error.value)


def test_a_target_is_taken_as_it_is(model: CrystalModel) -> None:
    own = latent_target(model, 3)
    assert target_of(model, own) is own
    assert target_of(model, "latent 3").name == own.name


def _table(n: int):  # type: ignore[no-untyped-def]
    import pandas as pd

    return pd.DataFrame({"material_id": [f"x-{k}" for k in range(n)]})
