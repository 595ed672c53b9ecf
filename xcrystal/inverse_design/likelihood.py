"""How probable it is that a crystal keeps what was asked for, by the model's own intervals.

Intervals at several levels are the quantiles of what the property may be, so that their ends tell how much of it lies
in a range. They are the model's own word: crystals that were chosen by it are found where it errs in their favour, and
``xcrystal evaluate design`` measures by how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel
    from xcrystal.inverse_design.design_targets import Targets
    from xcrystal.model.graph_network import GraphEnsemble

_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def probabilities(model: CrystalModel, z: np.ndarray, targets: Targets) -> np.ndarray:
    """(n,) probabilities that crystals of latent vectors (n, Z) lie in all ranges, taken as independent.

    Of a model that knows no intervals 1 where its predictions lie in them, and 0 elsewhere.
    """
    if not len(z) or not targets.properties:
        return np.ones(len(z))
    if not model.knows_intervals:
        return targets.fits(model.predict(z)).astype(float)
    ends = [model.predict_interval(z, level) for level in _LEVELS]
    shares = np.array([*((1 - level) / 2 for level in reversed(_LEVELS)), *((1 + level) / 2 for level in _LEVELS)])
    within = np.ones(len(z))
    for name, (low, high) in targets.properties.items():
        below = [found[name][:, 0] for found in reversed(ends)]
        quantiles = np.stack([*below, *(found[name][:, 1] for found in ends)], axis=1)  # (n, levels)
        quantiles = np.maximum.accumulate(quantiles, axis=1)
        for k, row in enumerate(quantiles):
            within[k] *= _share_below(row, shares, high, True) - _share_below(row, shares, low, False)
    return np.asarray(within.clip(0, 1))


def graph_probabilities(networks: GraphEnsemble, crystals: Sequence[WyckoffCrystal], targets: Targets) -> np.ndarray:
    """(n,) probabilities that crystals lie in the ranges of the properties that graph networks predict."""
    from xcrystal.model.graph_network import PREDICTED, Graphs

    within, wanted = np.ones(len(crystals)), [name for name in targets.properties if name in PREDICTED]
    if not len(crystals) or not wanted:
        return within
    graphs = Graphs.of(crystals)
    for name in wanted:
        within *= networks.within(graphs, name, *targets.properties[name])
    return within


def _share_below(quantiles: np.ndarray, shares: np.ndarray, value: float, with_it: bool) -> float:
    """The share of a distribution that lies below a value, ``with_it`` what lies on it, too."""
    place = int(np.searchsorted(quantiles, value, side="right" if with_it else "left"))
    if place == 0:
        return 0.0
    if place == len(quantiles):
        return 1.0
    low, high = quantiles[place - 1], quantiles[place]
    part = (value - low) / (high - low) if high > low else 0.0
    return float(shares[place - 1] + part * (shares[place] - shares[place - 1]))
