"""Distances between sets of crystals."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.crystal_sets import cell_of
from xcrystal.evaluation.generative.distributions import (
    Descriptors,
    describe,
    distances,
    distances_of_draws,
    total_variation,
    wasserstein,
)

GROUPS = st.lists(st.integers(0, 230), min_size=1, max_size=30)


def descriptors(groups: list[int], seed: int = 0) -> Descriptors:
    rng = np.random.default_rng(seed)
    return Descriptors(rng.uniform(1, 20, len(groups)), rng.integers(1, 6, len(groups)), np.array(groups))


def test_descriptors_are_pymatgens_and_the_crystals_own() -> None:
    found = describe([cell_of(crystal.to_structure()) for crystal in CRYSTALS.values()])
    structures = [crystal.to_structure() for crystal in CRYSTALS.values()]
    np.testing.assert_allclose(found.density, [s.density for s in structures], rtol=1e-6)
    assert found.elements.tolist() == [len(s.composition) for s in structures]
    assert found.space_group.tolist() == [crystal.space_group for crystal in CRYSTALS.values()]
    assert found.p1 == pytest.approx(1 / len(CRYSTALS))


@settings(max_examples=50, deadline=None)
@given(one=GROUPS, other=GROUPS)
def test_distances_are_symmetric_and_zero_to_oneself(one: list[int], other: list[int]) -> None:
    a, b = descriptors(one, 1), descriptors(other, 2)
    there, back = asdict(distances(a, b)), asdict(distances(b, a))
    assert there == pytest.approx(back)
    assert all(value >= 0 for value in there.values())
    assert there["crystal_system"] <= there["space_group"] + 1e-9 <= 1 + 2e-9  # merging categories cannot add distance
    shuffled = a[np.random.default_rng(0).permutation(len(a))]
    assert list(asdict(distances(a, shuffled)).values()) == pytest.approx([0] * 5, abs=1e-9)


def test_known_distances() -> None:
    assert wasserstein(np.array([1.0, 2.0]), np.array([4.0, 3.0, 4.0, 3.0])) == pytest.approx(2.0)
    assert total_variation(np.array([0.5, 0.5, 0]), np.array([0, 0.5, 0.5])) == pytest.approx(0.5)
    there = distances(descriptors([1, 1, 2, 225]), descriptors([2, 2, 225, 229]))
    assert there.space_group == pytest.approx(0.5)
    assert there.crystal_system == pytest.approx(0.25)
    assert there.p1 == pytest.approx(0.5)
    assert distances(descriptors([0, 0]), descriptors([1, 1])).crystal_system == 1.0


def test_draws_are_seeded_and_approach_the_whole() -> None:
    rng = np.random.default_rng(3)
    population = descriptors(rng.integers(1, 231, 2000).tolist(), 4)
    target = descriptors(rng.integers(1, 231, 500).tolist(), 5)
    whole = distances(population, target)
    small, large = (distances_of_draws(population, target, n, seed=1) for n in (50, 1500))
    assert small == distances_of_draws(population, target, 50, seed=1)
    assert small != distances_of_draws(population, target, 50, seed=2)
    assert small.space_group > large.space_group >= whole.space_group - 0.01
    # all of them, whatever the order
    assert asdict(distances_of_draws(population, target, 10**6)) == pytest.approx(asdict(whole))
