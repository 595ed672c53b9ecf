"""Wrong reconstructions are told by how far the latent vectors of what was decoded lie off."""

from __future__ import annotations

import numpy as np
import pytest

from tests.crystals import CRYSTALS
from xcrystal.evaluation.generative.own_distances import OwnDistances, own_distances
from xcrystal.evaluation.shared.parallel import Workers
from xcrystal.generator import CrystalModel


def test_wrong_ones_lie_farther_off() -> None:
    right = np.arange(20) < 10
    distances = np.where(right, 0.01 * np.arange(20), 0.085 + 0.01 * (np.arange(20) - 10))
    found = OwnDistances.of(distances, right)
    assert found.right == pytest.approx((0.02, 0.04, 0.06))
    assert found.wrong == pytest.approx((0.105, 0.125, 0.145))
    assert found.auroc == pytest.approx(0.99)
    assert found.threshold == pytest.approx(0.09)
    assert found.caught == pytest.approx(0.9)
    assert OwnDistances.of(distances, ~right).auroc == pytest.approx(0.01)
    words = dict(found.rows())
    assert words["own vector of wrong ones"].startswith("median 0.125 off")
    assert words["  farther than 0.090"] == "90.0% of the wrong ones, 10% of the right"


def test_what_cannot_be_encoded_again_lies_farther_off_than_any() -> None:
    found = OwnDistances.of(np.array([0.1, 0.2, np.inf]), np.array([True, True, False]))
    assert (found.auroc, found.caught, found.unreadable) == (1.0, 1.0, 1)
    assert OwnDistances.of(np.array([0.1]), np.array([True])).auroc is None
    nothing = OwnDistances.of(np.zeros(0), np.zeros(0, dtype=bool))
    assert nothing.rows() == [] and nothing.threshold is None


def test_distances_are_those_of_crystals_encoded_again(model: CrystalModel) -> None:
    structures = [CRYSTALS[name].to_structure() for name in list(CRYSTALS)[:3]]
    z = model.encode(structures)
    away = z.copy()
    away[1] += 0.2
    found = own_distances(model, away, structures, Workers())
    assert found == pytest.approx([0.0, 0.2, 0.0], abs=2e-3)
    broken = structures[2].copy()
    broken.scale_lattice(1e-3)
    assert np.isinf(own_distances(model, z, [*structures[:2], broken], Workers())[2])
