"""How far from the data: known crystals are typical, noise of the size of the latent vectors is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from xcrystal.latent.atlas import Atlas
from xcrystal.latent.density import Density


def test_known_crystals_spread_over_all_quantiles(atlas: Atlas) -> None:
    rows = np.random.default_rng(1).choice(np.flatnonzero(atlas.in_train), 300, replace=False)
    quantiles = Density.of(atlas).quantiles(atlas.z[rows])
    assert quantiles.mean() == pytest.approx(0.5, abs=0.06)
    assert quantiles.min() < 0.1 and quantiles.max() > 0.9


def test_farther_from_a_crystal_is_farther_from_the_data(atlas: Atlas) -> None:
    density = Density.of(atlas)
    step = np.random.default_rng(2).standard_normal(atlas.z.shape[1])
    quantiles = [density.quantile(atlas.z[7] + length * step) for length in (0.0, 0.5, 1.0, 3.0)]
    assert quantiles == sorted(quantiles)
    assert quantiles[-1] == 1.0
    assert density.inside(atlas.z[7]) and not density.inside(atlas.z[7] + 3 * step)
    distance, quantile = density.extrapolation(atlas.z[7])
    assert (quantile <= 0.95) == (distance <= density.reach(0.95))


def test_it_is_measured_once_an_atlas(atlas: Atlas) -> None:
    fresh = Density(atlas)
    assert fresh.own.shape == (2000,) and (np.diff(fresh.own) >= 0).all()
    assert Density.of(atlas) is Density.of(atlas)


def test_crystals_beyond_train_do_not_make_a_place_near(atlas: Atlas) -> None:
    rows = np.flatnonzero(atlas.in_train)[:3000]
    far = atlas.z[rows[:50]] + 10
    table = pd.concat([atlas.table.iloc[rows], atlas.table.iloc[rows[:50]]], ignore_index=True)
    z = np.concatenate([atlas.z[rows], far])
    counted = Atlas("mixed", table.assign(in_train=np.arange(len(table)) < len(rows)), z)
    every = Atlas("all", table.drop(columns="in_train", errors="ignore"), z)
    alone = Atlas("train", table.iloc[: len(rows)].drop(columns="in_train", errors="ignore"), z[: len(rows)])
    assert np.array_equal(Density.of(counted).own, Density.of(alone).own)
    assert Density.of(counted).quantile(far[0]) == 1.0 > Density.of(every).quantile(far[0])
    assert counted.neighbours(far[0], 1)[0][0, 0] == len(rows)  # but it is found


def test_a_tiny_atlas_has_a_density_too(atlas: Atlas) -> None:
    for count in (1, 2, 4):
        few = Atlas("few", atlas.table.iloc[:count].reset_index(drop=True), atlas.z[:count])
        assert 0 <= Density.of(few).quantile(atlas.z[100]) <= 1
