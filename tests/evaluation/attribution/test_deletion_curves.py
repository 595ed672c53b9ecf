"""Orders of deletion and insertion, on games whose every coalition is known."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.evaluation.attribution.deletion_curves import OrbitGame, best_gains, curve_gains, orbit_games, order_of
from xcrystal.explanation.targets import target_of
from xcrystal.generator import CrystalModel


def additive(parts: np.ndarray) -> OrbitGame:
    """A target that is the sum of the orbits' parts."""
    coalitions = np.arange(1 << len(parts))[:, None] >> np.arange(len(parts)) & 1
    return OrbitGame(3.0 + coalitions @ parts)


def test_the_true_order_of_an_additive_target_is_the_best() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.normal(-1, 1, size=5) for _ in range(40)]
    games = [additive(p) for p in parts]
    deletion, insertion = curve_gains(games, parts, signed=True)
    assert deletion == pytest.approx(insertion)  # of an additive target the curves mirror each other
    assert deletion[1] > 0.05
    assert [deletion, insertion] == [pytest.approx(best) for best in best_gains(games)]
    backwards, _ = curve_gains(games, [-p for p in parts], signed=True)
    assert backwards[0] == pytest.approx(-deletion[0])
    random, _ = curve_gains(games, [rng.normal(size=5) for _ in games], signed=True)
    assert deletion[0] > 3 * abs(random[0])


def test_random_and_best_orders_are_those_of_all_orders() -> None:
    game = OrbitGame(np.random.default_rng(1).normal(size=16))
    orders = [np.array(order) for order in permutations(range(4))]
    insertions, deletions = ([of(order) for order in orders] for of in (game.insertion, game.deletion))
    assert game.at_random() == pytest.approx(np.mean(insertions))
    assert game.at_random() == pytest.approx(np.mean(deletions))
    assert game.best() == pytest.approx((max(insertions), min(deletions)))


def test_signed_scores_are_ordered_in_the_direction_of_the_difference() -> None:
    scores = np.array([0.5, -2.0, 1.0])
    assert order_of(scores, 1.0, signed=True).tolist() == [2, 0, 1]
    assert order_of(scores, -1.0, signed=True).tolist() == [1, 0, 2]
    assert order_of(np.abs(scores), -1.0, signed=False).tolist() == [1, 2, 0]


def test_games_of_crystals_end_at_the_prediction(model: CrystalModel) -> None:
    crystals = [CRYSTALS["perovskite SrTiO3"], CRYSTALS["monoclinic polar LiFeF3"]]
    target = target_of(model, "formation_energy_per_atom")
    for crystal, game in zip(crystals, orbit_games(model, crystals, target), strict=True):
        assert game.orbits == len(crystal.elements)
        z = torch.from_numpy(model.encode_canonical([crystal]))
        assert game.values[-1] == pytest.approx(float(target.of(z)), abs=1e-4)
        assert game.reached[0] == 0
        assert game.reached[-1] == 1
