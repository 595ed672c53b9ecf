"""Shapley values and interactions of a game with few players, from all of its coalitions; sampled orders for more.

Values: L. S. Shapley, 1953. Interactions of pairs: Grabisch & Roubens, Int. J. Game Theory 28, 547, 1999. Sampling:
Castro et al., Comput. Oper. Res. 36, 1726, 2009. Orders are sampled as rings: the players stand in a random circle, and
one order starts at each of them and goes round either way. Every prefix of such an order is an arc of the circle, so
that n (n - 1) + 2 coalitions give 2n orders, in which each player takes each place twice. At equal cost the error is
half of that of independent orders and their reverses.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import TYPE_CHECKING

from xcrystal.errors import TargetError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Game = Callable[[Tensor], Tensor]  # coalitions (n, players) of 0 and 1, to their values (n,)

MOST_EXACT = 8  # players whose coalitions, 256, are all computed
MOST_PAIRED = 10  # players whose interactions are computed, of 1,024 coalitions
RINGS = 2  # of the players of a single game; two are the fewest that have a standard error
_CUTS = 2  # where a ring is cut into orders if many games share the work


def is_exact(players: int, games: int = 1) -> bool:
    """Whether the Shapley values of so many players are exact, where so many ``games`` share the work of one."""
    return games << players <= 1 << MOST_EXACT


def shapley_values(
    game: Game, players: int, seed: int, device: torch.device, games: int = 1
) -> tuple[Tensor, Tensor | None]:
    """Shapley values of a game, exact or sampled as ``is_exact`` says.

    Parameters
    ----------
    game
        What coalitions are worth.
    players
        How many there are.
    seed
        Of the sampled orders.
    device
        Where the coalitions are made.
    games
        How many games there are of which the mean is wanted, so that this one may take less work.

    Returns
    -------
    tuple of Tensor
        (players,) float64 values; and their standard errors, None where they are exact or other games tell.
    """
    if is_exact(players, games):
        return _exact(*_all_coalitions(game, players, device), players), None
    if games > 1:
        return _sampled(game, players, 1, _CUTS, seed, device)[0], None
    each = _sampled(game, players, RINGS, players, seed, device)
    return each.mean(dim=0), each.std(dim=0) / RINGS**0.5


def interactions(game: Game, players: int, device: torch.device) -> Tensor:
    """(players, players) Shapley interactions of pairs, symmetric; on the diagonal the players' Shapley values.

    Raises
    ------
    TargetError
        For more than 10 players.
    """
    import torch

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
    import torch

    index = torch.arange(len(value), device=value.device)
    weights = torch.tensor(
        [factorial(s) * factorial(players - s - 1) / factorial(players) for s in range(players)], device=value.device
    ).to(value)
    found = []
    for player in range(players):
        absent = index[(index >> player) % 2 == 0]
        gain = value[absent | (1 << player)] - value[absent]
        found.append((weights[size[absent]] * gain).sum())
    return torch.stack(found) if found else value.new_zeros(0)


def _all_coalitions(game: Game, players: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Values (2**players,) of all coalitions, bit k for player k, and their sizes."""
    import torch

    index = torch.arange(1 << players, device=device)
    coalitions = (index[:, None] >> torch.arange(players, device=device)) % 2
    # float64, since many values are added and subtracted
    return game(coalitions.float()).double(), coalitions.sum(dim=1)


def _sampled(game: Game, players: int, rings: int, cuts: int, seed: int, device: torch.device) -> Tensor:
    """(rings, players) mean gains of the orders that begin at evenly spaced places of each ring, either way round."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    circles = torch.stack([torch.randperm(players, generator=generator) for _ in range(rings)])
    starts = torch.arange(cuts) * players // cuts
    forth = circles[:, (starts[:, None] + torch.arange(players)) % players]  # (rings, cuts, players)
    orders = torch.cat([forth, forth.flip(2)], dim=1)
    place = orders.argsort(dim=2)  # when each player joins
    joined = place[:, :, None] < torch.arange(players + 1)[:, None]  # (rings, orders, steps, players)
    coalitions, which = joined.flatten(0, 2).unique(dim=0, return_inverse=True)
    values = game(coalitions.to(device, torch.float32)).double().cpu()
    gains = values[which].view(*place.shape[:2], players + 1).diff(dim=2)
    return gains.gather(2, place).mean(dim=1).to(device)
