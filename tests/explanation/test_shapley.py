"""Shapley values of games that are known in closed form."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from xcrystal.errors import TargetError
from xcrystal.explanation.shapley import MOST_EXACT, MOST_PAIRED, interactions, is_exact, shapley_values

CPU = torch.device("cpu")


def random_game(players: int, seed: int):  # type: ignore[no-untyped-def]
    """A game whose value for each coalition is drawn at random."""
    values = torch.randn(2**players, generator=torch.Generator().manual_seed(seed))
    bits = 2 ** torch.arange(players)
    return lambda coalitions: values[(coalitions.long() * bits).sum(dim=1)]


@given(players=st.integers(1, 5), seed=st.integers(0, 1000))
def test_they_are_the_mean_gain_over_all_orders(players: int, seed: int) -> None:
    game = random_game(players, seed)
    gains = torch.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        coalition = torch.zeros(players)
        for player in order:
            before = float(game(coalition[None]))
            coalition[player] = 1
            gains[player] += float(game(coalition[None])) - before
    assert torch.allclose(shapley_values(game, players, 0, CPU)[0].float(), gains / len(orders), atol=1e-4)


@pytest.mark.parametrize("players", [3, MOST_EXACT, MOST_EXACT + 1, MOST_PAIRED + 3])
def test_an_additive_game_gives_each_what_it_brings_and_no_interactions(players: int) -> None:
    worth = torch.arange(1.0, players + 1)

    def game(coalitions: Tensor) -> Tensor:
        return coalitions @ worth + 7

    assert torch.allclose(shapley_values(game, players, 0, CPU)[0].float(), worth, atol=1e-4)
    if players <= MOST_PAIRED:
        assert torch.allclose(interactions(game, players, CPU).float(), torch.diag(worth), atol=1e-4)


@given(seed=st.integers(0, 100))
def test_sampled_values_sum_to_the_whole(seed: int) -> None:
    game = random_game(12, seed)
    whole = float(game(torch.ones(1, 12)) - game(torch.zeros(1, 12)))
    assert float(shapley_values(game, 12, seed, CPU)[0].sum()) == pytest.approx(whole, abs=1e-3)


@pytest.mark.parametrize("players", [MOST_EXACT + 1, 12])
def test_sampled_values_are_right_within_their_standard_error(players: int) -> None:
    weight = torch.randn(players, players, generator=torch.Generator().manual_seed(players))

    def game(coalitions: Tensor) -> Tensor:
        return torch.einsum("ni,ij,nj->n", coalitions, weight, coalitions).tanh()

    found = [shapley_values(game, players, seed, CPU) for seed in range(200)]
    values = torch.stack([value for value, _ in found])
    errors = torch.stack([error for _, error in found if error is not None])
    assert len(errors) == len(values)
    assert float(errors.square().mean() / values.var(dim=0).mean()) == pytest.approx(1, abs=0.25)
    exact = torch.stack([shapley_values(game, players, seed, CPU, 1 << 20)[0] for seed in range(2000)]).mean(dim=0)
    assert torch.allclose(values.mean(dim=0), exact, atol=0.1)


def test_a_ring_asks_for_its_arcs_only() -> None:
    asked = []

    def game(coalitions: Tensor) -> Tensor:
        asked.append(len(coalitions))
        return coalitions.sum(dim=1)

    players = MOST_EXACT + 3
    shapley_values(game, players, 0, CPU)
    assert sum(asked) <= 2 * players * (players - 1) + 2
    assert is_exact(players - 3) and not is_exact(players)


def test_a_pair_that_only_works_together() -> None:
    def game(coalitions: Tensor) -> Tensor:
        return 4 * coalitions[:, 0] * coalitions[:, 2] + coalitions[:, 1]

    found = interactions(game, 3, CPU)
    expected = torch.tensor([[2.0, 0, 4], [0, 1, 0], [4, 0, 2]], dtype=torch.double)
    assert torch.allclose(found, expected)


def test_too_many_players_for_pairs_get_one_sentence() -> None:
    with pytest.raises(TargetError, match="at most 10"):
        interactions(lambda c: c.sum(dim=1), 11, CPU)


def test_they_agree_with_captums() -> None:
    from captum.attr import ShapleyValues

    weight = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))

    def game(coalitions: Tensor) -> Tensor:
        return torch.einsum("ni,ij,nj->n", coalitions, weight, coalitions).tanh()

    theirs = ShapleyValues(game).attribute(torch.ones(1, 4), baselines=0)[0]
    assert torch.allclose(shapley_values(game, 4, 0, CPU)[0].float(), theirs.float(), atol=1e-5)
