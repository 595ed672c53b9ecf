"""Principal directions as sliders use them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xcrystal.latent.directions import Directions, principal_directions


def cloud(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((300, 12)) * np.linspace(3, 0.2, 12) + rng.standard_normal(12)).astype(np.float32)


def directions() -> Directions:
    return principal_directions(cloud(), count=5)


def test_directions_are_orthonormal_and_sorted() -> None:
    found = directions()
    assert np.allclose(found.components @ found.components.T, np.eye(5), atol=1e-8)
    assert (np.diff(found.explained) <= 0).all() and 0 < found.explained.sum() <= 1


def test_codes_have_unit_spread_along_each_direction() -> None:
    coordinates = directions().coordinates(cloud())
    assert np.allclose(coordinates.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(coordinates.std(axis=0, ddof=1), 1, atol=1e-4)


@given(st.integers(0, 4), st.floats(-4, 4), st.integers(0, 299))
def test_moving_sets_one_coordinate_and_keeps_the_others(direction: int, value: float, row: int) -> None:
    found, z = directions(), cloud()[row]
    moved = found.move(z, direction, value)
    before, after = found.coordinates(z)[0], found.coordinates(moved)[0]
    assert np.isclose(after[direction], value, atol=1e-4)
    others = np.arange(5) != direction
    assert np.allclose(before[others], after[others], atol=1e-4)
    back = found.move(moved, direction, float(before[direction]))
    assert np.allclose(back, z, atol=1e-4)
