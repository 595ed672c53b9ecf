"""Shapley values and interactions of a game with few players, from all of its coalitions; sampled orders for more.

Values: L. S. Shapley, 1953. Interactions of pairs: Grabisch & Roubens, Int. J. Game Theory 28, 547, 1999. Sampling:
Castro et al., Comput. Oper. Res. 36, 1726, 2009, with each order also taken backwards, which lowers the variance.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import torch
from torch import Tensor

from xcrystal.errors import TargetError

MOST_EXACT = 7  # players whose coalitions, 128, are all computed: as fast as integrated gradients
MOST_PAIRED = 10  # players whose interactions are computed, of 1,024 coalitions
_ORDERS = 24
_AT_ONCE = 128  # more do not fit into a core's cache

Game = Callable[[Tensor], Tensor]  # coalitions (n, players) of 0 and 1, to their values (n,)


def is_exact(players: int, games: int = 1) -> bool:
    """Whether the Shapley values of so many players are exact, where so many ``games`` share the work of one."""
    return games << players <= 1 << MOST_EXACT


def shapley_values(game: Game, players: int, seed: int, device: torch.device, games: int = 1) -> Tensor:
    """(players,) Shapley values; of one game of ``games`` whose mean is wanted, so that each may take less work."""
    if not is_exact(players, games):
        # orders come in pairs, one the reverse of the other
        return _sampled(game, players, max(1, round(_ORDERS / 2 / games)), seed, device)
    return _exact(*_all_coalitions(game, players, device), players)


def interactions(game: Game, players: int, seed: int, device: torch.device, games: int = 1) -> Tensor:
    """(players, players) Shapley interactions of pairs, symmetric; on the diagonal the players' Shapley values.

    Raises
    ------
    TargetError
        For more than 10 players.
    """
    if players > MOST_PAIRED:
        raise TargetError(f"Interactions of pairs are computed for at most {MOST_PAIRED} orbits; this has {players}.")
    value, size = _all_coalitions(game, players, device)
    index = torch.arange(len(value), device=device)
    found = torch.diag(_exact(value, size, players))
    if players < 2:
        return found
    weights = torch.tensor(
        [factorial(s) * factorial(players - s - 2) / factorial(players - 1) for s in range(players - 1)], device=device
    ).to(value)
    for i in range(players):
        for j in range(i):
            one, other = 1 << i, 1 << j
            neither = index[((index >> i) % 2 == 0) & ((index >> j) % 2 == 0)]
            both = value[neither | one | other] - value[neither | one] - value[neither | other] + value[neither]
            found[i, j] = found[j, i] = (weights[size[neither]] * both).sum()
    return found


def _exact(value: Tensor, size: Tensor, players: int) -> Tensor:
    """(players,) Shapley values from the values of all coalitions, and their sizes (2**players,) each."""
    index = torch.arange(len(value), device=value.device)
    weights = torch.tensor(
        [factorial(s) * factorial(players - s - 1) / factorial(players) for s in range(players)], device=value.device
    ).to(value)
    found = []
    for player in range(players):
        absent = index[(index >> player) % 2 == 0]
        gain = value[absent | (1 << player)] - value[absent]
        found.append((weights[size[absent]] * gain).sum())
    return torch.stack(found)


def _all_coalitions(game: Game, players: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Values (2**players,) of all coalitions, bit k for player k, and their sizes."""
    index = torch.arange(1 << players, device=device)
    coalitions = (index[:, None] >> torch.arange(players, device=device)) % 2
    # float64, since many values are added and subtracted
    values = torch.cat([game(part.float()).double() for part in coalitions.split(_AT_ONCE)])
    return values, coalitions.sum(dim=1)


def _sampled(game: Game, players: int, pairs: int, seed: int, device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    half = [torch.randperm(players, generator=generator) for _ in range(pairs)]
    orders = torch.stack([order for one in half for order in (one, one.flip(0))])
    place = orders.argsort(dim=1)  # (orders, players) when each player joins
    steps = torch.arange(players + 1)
    joined = place[:, None, :] < steps[None, :, None]  # (orders, steps, players)
    coalitions, which = joined.flatten(0, 1).unique(dim=0, return_inverse=True)  # all orders share their two ends
    values = torch.cat([game(part).double() for part in coalitions.to(device, torch.float32).split(_AT_ONCE)])
    gains = values[which.to(device)].view(len(orders), players + 1).diff(dim=1)
    return gains.gather(1, place.to(device)).mean(dim=0)
