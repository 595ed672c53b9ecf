"""Deletion and insertion: how fast a prediction goes where the scores say that it is made.

Samek et al., IEEE Trans. Neural Netw. Learn. Syst. 28, 2660, 2017; Petsiuk et al., BMVC 2018. Orbits are put to the
baseline's element one after another (deletion), or from the baseline to their own (insertion). Orbits come in the order
of their scores *in the direction of the difference* between crystal and baseline, the highest first: an orbit that
pushes the other way, however strongly, would bend the curve back, so that an order by magnitude would be a worse one
even for true scores. Methods that know no sign are ordered by their sizes, which is all they say.

A crystal's few orbits make it possible to compute all of its coalitions: so the mean over random orders is exact, and
the best possible order is known. Areas are in units of the difference, over the share of orbits that were moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.evaluation.shared.statistics import bootstrap_interval
from xcrystal.explanation.targets import Target

if TYPE_CHECKING:
    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel

MOST_ORBITS = 10  # 1,024 coalitions
_AT_ONCE = 1024
Interval = tuple[float, float, float]


@dataclass(frozen=True)
class OrbitGame:
    """What a target says of every coalition of a crystal's orbits, the others at the baseline.

    Attributes
    ----------
    values
        (2**P,) target; bit k of the index tells whether orbit k is itself.
    """

    values: np.ndarray

    @property
    def orbits(self) -> int:
        """How many there are."""
        return len(self.values).bit_length() - 1

    @property
    def difference(self) -> float:
        """Target for the crystal minus that for the baseline."""
        return float(self.values[-1] - self.values[0])

    @property
    def reached(self) -> np.ndarray:
        """(2**P,) share of the difference that each coalition makes: 0 for none, 1 for all."""
        return np.asarray((self.values - self.values[0]) / self.difference)

    def insertion(self, order: np.ndarray) -> float:
        """Area below the curve of insertion in an order (P,) of the orbits."""
        return _area(self.reached, np.concatenate([[0], np.cumsum(1 << order)]))

    def deletion(self, order: np.ndarray) -> float:
        """Area below the curve of deletion in an order (P,) of the orbits."""
        return _area(self.reached, len(self.values) - 1 - np.concatenate([[0], np.cumsum(1 << order)]))

    def at_random(self) -> float:
        """Mean area of all orders, which is the same for insertion and deletion."""
        sizes = _sizes(self.orbits)
        means = [self.reached[sizes == k].mean() for k in range(self.orbits + 1)]
        return _area(np.array(means), np.arange(self.orbits + 1))

    def best(self) -> tuple[float, float]:
        """The largest area of insertion, and the smallest of deletion, of all orders."""
        high, low = self.reached.copy(), self.reached.copy()
        for coalition in range(1, len(high) - 1):
            before = [coalition & ~(1 << k) for k in range(self.orbits) if coalition >> k & 1]
            high[coalition] += max(high[c] for c in before)
            low[coalition] += min(low[c] for c in before)
        last = [len(high) - 1 - (1 << k) for k in range(self.orbits)]
        return (
            (max(high[c] for c in last) + 0.5) / self.orbits,
            (min(low[c] for c in last) + 0.5) / self.orbits,
        )


def _sizes(orbits: int) -> np.ndarray:
    return np.array([c.bit_count() for c in range(1 << orbits)])


def _area(reached: np.ndarray, path: np.ndarray) -> float:
    """Area below the values along a path of coalitions, over a line of length 1."""
    return float(np.trapezoid(reached[path], dx=1 / (len(path) - 1)))


def orbit_games(
    model: CrystalModel, crystals: Sequence[WyckoffCrystal], target: Target, baseline: str = "mean_element"
) -> list[OrbitGame]:
    """All coalitions of the orbits of crystals that have at most 10."""
    import torch
    from tqdm.auto import tqdm

    from xcrystal.explanation.inputs import inputs_of

    games = []
    for crystal in tqdm(crystals, desc="coalitions", leave=False, disable=None):
        inputs = inputs_of(model, [crystal], "orbits", baseline)
        orbits = inputs.moved.shape[1]
        index = torch.arange(1 << orbits, device=model.device)
        coalitions = ((index[:, None] >> torch.arange(orbits, device=model.device)) % 2).float()
        values = []
        with torch.no_grad():
            for part in coalitions.split(_AT_ONCE):
                rows = torch.zeros(len(part), dtype=torch.long, device=model.device)
                values.append(target.of(inputs.encode(part[..., None] * inputs.moved, rows)).double().cpu().numpy())
        games.append(OrbitGame(np.concatenate(values)))
    return games


def order_of(scores: np.ndarray, difference: float, signed: bool) -> np.ndarray:
    """(P,) orbits by score (P,): the highest in the direction of the difference first; of unsigned ones the largest."""
    return np.argsort(-scores * (np.sign(difference) if signed else 1), kind="stable")


def curve_gains(games: Sequence[OrbitGame], scores: Sequence[np.ndarray], signed: bool) -> tuple[Interval, Interval]:
    """By how much deletion and insertion in the order of scores, (P,) for each game, are better than in random orders.

    Returns
    -------
    tuple
        Means over the crystals with their 95 % intervals, of the area that deletion is below, and insertion above, the
        mean of all orders.
    """
    deletion, insertion = [], []
    for game, row in zip(games, scores, strict=True):
        order, chance = order_of(row, game.difference, signed), game.at_random()
        deletion.append(chance - game.deletion(order))
        insertion.append(game.insertion(order) - chance)
    return bootstrap_interval(np.array(deletion)), bootstrap_interval(np.array(insertion))


def best_gains(games: Sequence[OrbitGame]) -> tuple[Interval, Interval]:
    """The most that any order could be better than random ones, for deletion and insertion."""
    deletion, insertion = [], []
    for game in games:
        (high, low), chance = game.best(), game.at_random()
        deletion.append(chance - low)
        insertion.append(high - chance)
    return bootstrap_interval(np.array(deletion)), bootstrap_interval(np.array(insertion))
