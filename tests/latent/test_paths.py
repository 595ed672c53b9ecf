"""Lines and arcs between latent vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xcrystal.errors import InvalidCrystalError, TargetError
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.density import Density
from xcrystal.latent.paths import FLOW, KINDS, interpolate, kinds_for

STRAIGHT = [kind for kind in KINDS if kind != FLOW]


@pytest.mark.parametrize("kind", STRAIGHT)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ends_are_exact(kind: str, dtype: type) -> None:
    start, end = np.random.default_rng(0).normal(size=(2, 5, 128)).astype(dtype)
    frames = interpolate(start, end, 7, kind)
    assert frames.shape == (5, 7, 128)
    assert frames.dtype == dtype
    np.testing.assert_array_equal(frames[:, 0], start)
    np.testing.assert_array_equal(frames[:, -1], end)
    np.testing.assert_allclose(interpolate(start[2], end[2], 7, kind), frames[2], rtol=1e-6)
    np.testing.assert_allclose(interpolate(end, start, 7, kind)[:, ::-1], frames, atol=1e-5)


def test_lines_have_equal_steps() -> None:
    start, end = np.random.default_rng(0).normal(size=(2, 8))
    steps = np.diff(interpolate(start, end, 6), axis=0)
    np.testing.assert_allclose(steps, np.tile((end - start) / 5, (5, 1)))


@given(st.integers(0, 10**6), st.integers(2, 40), st.floats(0.1, 10))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_arcs_turn_and_grow_evenly(seed: int, steps: int, longer: float) -> None:
    start, end = np.random.default_rng(seed).normal(size=(2, 16))
    end = end * longer
    frames = interpolate(start, end, steps, "spherical")
    lengths = np.linalg.norm(frames, axis=1)
    np.testing.assert_allclose(lengths, np.linspace(lengths[0], lengths[-1], steps), rtol=1e-9)
    units = frames / lengths[:, None]
    cosines = (units[1:] * units[:-1]).sum(axis=1)
    np.testing.assert_allclose(cosines, cosines[0], atol=1e-9)
    assert np.linalg.matrix_rank(units, tol=1e-8) == 2


@pytest.mark.parametrize("kind", STRAIGHT)
def test_vectors_that_span_no_plane(kind: str) -> None:
    one, zero = np.array([3.0, 0.0, 4.0]), np.zeros(3)
    for start, end in [(one, one), (one, 2 * one), (one, zero), (zero, one), (zero, zero), (one, -one)]:
        frames = interpolate(start, end, 5, kind)
        assert np.isfinite(frames).all()
        if kind == "linear" or (start != -end).any() or not start.any():
            np.testing.assert_allclose(frames, interpolate(start, end, 5), atol=1e-12)
    around = interpolate(one, -one, 5, "spherical")
    np.testing.assert_allclose(np.linalg.norm(around, axis=1), 5.0)
    assert around[2] @ one == pytest.approx(0, abs=1e-12)
    np.testing.assert_array_equal(around, interpolate(one, -one, 5, "spherical"))


def test_some_paths_of_many_may_be_degenerate() -> None:
    start, end = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [2.0, 0.0]])
    frames = interpolate(start, end, 3, "spherical")
    np.testing.assert_allclose(frames[:, 1], [[0.5**0.5, 0.5**0.5], [1.0, 0.0]])


def test_what_is_no_path() -> None:
    z = np.zeros(4)
    with pytest.raises(TargetError, match="winding"):
        interpolate(z, z, 4, "winding")
    with pytest.raises(InvalidCrystalError, match="1 frames"):
        interpolate(z, z, 1)
    with pytest.raises(InvalidCrystalError, match="shape"):
        interpolate(z, np.zeros(5), 4)


def test_a_flow_path_is_a_line_of_the_prior_and_keeps_to_the_data(model: CrystalModel, atlas: Atlas) -> None:
    import torch

    assert model.prior is not None
    rows = np.random.default_rng(0).permutation(len(atlas))[:40]
    start, end = atlas.z[rows[:20]], atlas.z[rows[20:]]
    frames = interpolate(start, end, 5, FLOW, model.prior)
    np.testing.assert_array_equal(frames[:, 0], start)
    np.testing.assert_array_equal(frames[:, -1], end)
    base = model.prior.carry(torch.from_numpy(frames.reshape(-1, frames.shape[-1])), 1.0, 0.0).numpy()
    base = base.reshape(frames.shape)
    np.testing.assert_allclose(np.diff(base, n=2, axis=1), 0, atol=0.02)
    np.testing.assert_allclose(interpolate(end, start, 5, FLOW, model.prior)[:, ::-1], frames, atol=1e-3)
    straight = interpolate(start, end, 5)
    density = Density.of(atlas)
    assert density.quantiles(frames[:, 2]).mean() < density.quantiles(straight[:, 2]).mean()


def test_without_a_prior_there_are_no_flow_paths(model: CrystalModel) -> None:
    assert kinds_for(model) == KINDS
    bare = CrystalModel(model.network, model.name, model.facts, model.device)
    assert kinds_for(bare) == tuple(STRAIGHT)
    with pytest.raises(TargetError, match="prior"):
        interpolate(np.zeros(4), np.ones(4), 3, FLOW)
