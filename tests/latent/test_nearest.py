"""Nearest latent vectors: exact, in parts, and remembered."""

from __future__ import annotations

import numpy as np
import pytest

from xcrystal.latent import nearest
from xcrystal.latent.nearest import Nearest


@pytest.mark.parametrize("k", [1, 6, 40])
def test_the_nearest_are_found_far_from_zero_too(monkeypatch: pytest.MonkeyPatch, k: int) -> None:
    random = np.random.default_rng(0)
    codes = (5 + random.standard_normal((3000, 64)) * np.geomspace(3, 0.1, 64)).astype(np.float32)
    points = np.concatenate([codes[:10] + 0.1, codes[:3], 10 * codes[:2]]).astype(np.float32)
    every = np.sort(np.linalg.norm(codes[None].astype(float) - points[:, None], axis=2), axis=1)[:, :k]
    for numbers in (nearest.MOST_DISTANCES, 10_000):
        monkeypatch.setattr(nearest, "MOST_DISTANCES", numbers)
        rows, distances = Nearest(codes).query(points, k)
        assert rows.shape == distances.shape == (len(points), k)
        assert np.allclose(distances, every, rtol=1e-3, atol=1e-3)
        assert all(len(set(row)) == k for row in rows.tolist())


def test_few_codes_are_all_found() -> None:
    codes = np.eye(4, dtype=np.float32)
    rows, distances = Nearest(codes).query(codes[:2], 9)
    assert sorted(rows[0].tolist()) == [0, 1, 2, 3]
    assert rows[:, 0].tolist() == [0, 1]
    assert distances[0] == pytest.approx([0, 2**0.5, 2**0.5, 2**0.5])


def test_what_is_remembered_cannot_be_changed_from_outside() -> None:
    codes = np.random.default_rng(1).standard_normal((300, 8)).astype(np.float32)
    searched, point = Nearest(codes), codes[:1].copy()
    rows, distances = searched.query(point, 8)
    first = rows.copy()
    again = searched.query(point, 5)
    assert np.array_equal(again[0], first[:, :5])
    assert np.array_equal(again[1], distances[:, :5])
    rows[:], again[0][:] = -1, -2
    assert np.array_equal(searched.query(point, 8)[0], first)
    point[:] = codes[9]
    assert searched.query(point, 8)[0][0, 0] == 9
    assert searched.query(point, 20)[0].shape == (1, 20)
