"""Captum's measures know good scores from bad ones, and a perturbation keeps a crystal's symmetry."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.evaluation.attribution.captum_metrics import free_axes, infidelity, max_sensitivity, wrapped
from xcrystal.evaluation.attribution.method_scores import orbit_scores
from xcrystal.explanation.targets import Target, target_of
from xcrystal.generator import CrystalModel

NAMES = ("perovskite SrTiO3", "monoclinic polar LiFeF3", "spinel MgAl2O4", "polar BaTiO3")
USED = [CRYSTALS[name] for name in NAMES]


def test_true_scores_are_more_faithful_than_random_ones(model: CrystalModel) -> None:
    target = target_of(model, "formation_energy_per_atom")
    shares = {}
    for method in ("shapley", "random"):
        wrong, change = infidelity(model, USED, target, orbit_scores(model, USED, target, method))
        assert wrong.shape == change.shape == (len(USED),)
        assert (wrong <= change * 1.001).all()  # the scale is fitted, so nothing is worse than no scores
        shares[method] = np.median(wrong / change)
    assert shares["shapley"] < 0.7 * shares["random"]


def test_infidelity_is_the_same_for_the_same_seed_and_any_scale(model: CrystalModel) -> None:
    target = target_of(model, "formation_energy_per_atom")
    scores = orbit_scores(model, USED, target, "shapley")
    first = infidelity(model, USED, target, scores)[0]
    np.testing.assert_array_equal(first, infidelity(model, USED, target, scores)[0])
    np.testing.assert_allclose(first, infidelity(model, USED, target, [5 * s for s in scores])[0], rtol=1e-2, atol=1e-6)


def test_a_target_that_does_not_change_has_scores_that_do_not(model: CrystalModel) -> None:
    constant = Target("constant", "", lambda z: 0 * z[:, 0])
    assert max_sensitivity(model, USED, constant, "input_x_gradient") == pytest.approx(0)


def test_scores_of_bound_orbits_do_not_change_and_random_ones_do(model: CrystalModel) -> None:
    target = target_of(model, "formation_energy_per_atom")
    still, moves = max_sensitivity(model, [USED[0], USED[1]], target, "input_x_gradient")
    assert not free_axes(USED[0]).any()
    assert still == pytest.approx(0, abs=1e-4)  # no coordinate of the perovskite is free
    assert moves > 1e-4
    assert (max_sensitivity(model, USED[:2], target, "random") > 0.3).all()


def test_more_moves_change_more(model: CrystalModel) -> None:
    target = target_of(model, "formation_energy_per_atom")
    little, much = (max_sensitivity(model, USED[1:], target, "shapley", radius=r) for r in (0.001, 0.05))
    assert (little < much).all()


def test_wrapped_coordinates_are_in_the_cell() -> None:
    points = torch.tensor([-1e-20, -0.25, 0.0, 0.999, 1.0, 1.25], dtype=torch.float64)
    inside = wrapped(points)
    assert ((inside >= 0) & (inside < 1)).all()
    np.testing.assert_allclose(inside, [0, 0.75, 0, 0.999, 0, 0.25])
