"""From places of the map back to latent vectors, and which points stay where there are too many."""

from __future__ import annotations

import numpy as np
import pytest

from xcrystal.latent.atlas import Atlas
from xcrystal.latent.inverse import MapInverse
from xcrystal.latent.thinning import thin


def test_codes_lead_back_to_their_places(atlas: Atlas) -> None:
    inverse = atlas.inverse
    places = inverse.places[np.random.default_rng(0).choice(len(atlas), 200, replace=False)]
    z = inverse.codes(places)
    assert z.shape == (200, atlas.z.shape[1]) and z.dtype == np.float32
    off = np.linalg.norm(atlas.place(z) - places, axis=1) / inverse.width
    assert np.median(off) < 0.01
    np.testing.assert_allclose(inverse.code(*places[3]), z[3], atol=1e-5)


def test_a_hand_that_moves_meets_no_jump(atlas: Atlas) -> None:
    """Steps of a thousandth of a pixel change a latent vector by little of the distance between two."""
    inverse = atlas.inverse
    start = inverse.places[np.random.default_rng(1).choice(len(atlas), 20)]
    line = start[:, None] + np.arange(200)[:, None] * np.array([2e-6, 1e-6]) * inverse.width
    z = inverse.codes(line.reshape(-1, 2)).reshape(20, 200, -1)
    assert np.linalg.norm(np.diff(z, axis=1), axis=2).max() < 0.2


def test_far_from_everything_there_is_still_a_code(atlas: Atlas) -> None:
    assert np.isfinite(atlas.inverse.code(1e3, -1e3)).all()


@pytest.mark.parametrize("count", [1, 2, 16, 17])
def test_small_atlases_have_an_inverse(atlas: Atlas, count: int) -> None:
    small = Atlas("small", atlas.table.iloc[:count], atlas.z[:count])
    assert np.isfinite(small.inverse.codes(np.zeros((3, 2)))).all()


def test_the_nearest_alone_is_its_code(atlas: Atlas) -> None:
    place = atlas.inverse.places[5]
    code = MapInverse(atlas.z, atlas.inverse.places, nearest=1).code(*place)
    twins = np.flatnonzero((atlas.inverse.places == place).all(axis=1))
    assert any(np.allclose(code, atlas.z[row]) for row in twins)


def test_thinning_keeps_what_is_rare() -> None:
    rng = np.random.default_rng(0)
    places = np.concatenate([rng.normal(0, 1, (200_000, 2)), [[40.0, 40.0], [-40.0, 40.0]]])
    rows = thin(places, 10_000)
    assert 8_000 < len(rows) <= 10_000
    assert {200_000, 200_001} <= set(rows.tolist())
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, thin(places, 10_000))


def test_a_window_shows_more_of_what_is_in_it() -> None:
    places = np.random.default_rng(0).uniform(0, 1, (100_000, 2))
    window = (0.4, 0.6, 0.4, 0.6)
    rows = thin(places, 5_000, window)
    inside = (np.abs(places[rows] - 0.5) <= 0.1).all()
    everywhere = thin(places, 5_000)
    assert inside and len(rows) > 10 * (np.abs(places[everywhere] - 0.5) <= 0.1).all(axis=1).sum()
    assert len(thin(places, 5_000, (2, 3, 2, 3))) == 0
