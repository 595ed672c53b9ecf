"""Scores of many crystals at once, on the model's device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.errors import TargetError
from xcrystal.explanation.targets import Target, of_one_crystal, target_of

if TYPE_CHECKING:
    from torch import Tensor

    from xcrystal.crystal.wyckoff import WyckoffCrystal
    from xcrystal.explanation.inputs import Inputs
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

_CHUNK = 32


@dataclass(frozen=True)
class Scores:
    """Scores of the players of B crystals; see ``xcrystal.explanation.inputs`` for what a player is.

    Attributes
    ----------
    values
        Of each crystal (P,) float64, the score of each player, for all of its atoms in the primitive cell together;
        at the level "pairs" (P, P).
    names
        Of each crystal's players.
    target_values, baseline_values
        (B,) the target for the crystals and for their baselines.
    standard_errors
        Of each crystal (P,) standard errors of scores that were sampled, or that are means over crystals of a
        baseline that is drawn; None of others.
    """

    values: list[np.ndarray]
    names: list[list[str]]
    target_values: np.ndarray
    baseline_values: np.ndarray
    standard_errors: list[np.ndarray | None]

    @property
    def errors(self) -> np.ndarray:
        """(B,) absolute difference between the sum of the players' scores and target minus baseline."""
        sums = np.array([(np.diagonal(v) if v.ndim == 2 else v).sum() for v in self.values])
        return np.abs(sums - (self.target_values - self.baseline_values))


def score_crystals(
    model: CrystalModel,
    crystals: Sequence[WyckoffCrystal],
    target: str | Target = "formation_energy_per_atom",
    method: str | None = None,
    level: str = "orbits",
    baseline: str | None = None,
    seed: int = 0,
    atlas: Atlas | None = None,
    progress: Callable[[int], bool] | None = None,
) -> Scores:
    """Explain a target for many crystals.

    Parameters
    ----------
    model
        The model to explain.
    crystals
        In canonical form. The score of one atom of an orbit is the orbit's divided by ``crystal.multiplicities``.
    target, atlas
        See ``xcrystal.explanation.targets.target_of``. One that depends on the crystal is taken for each by itself.
    method, level, baseline
        See ``xcrystal.explanation.methods``; without a method or baseline the usual one.
    seed
        Of what is random.
    progress
        Called with the number of crystals that were done; where it says False, no more are.

    Raises
    ------
    TargetError
        For a target, method, level or baseline that does not exist, or if they do not go together.
    """
    import torch

    from xcrystal.explanation.inputs import DRAWN, DRAWS, inputs_of
    from xcrystal.explanation.methods import check, scores, usual_method
    from xcrystal.model.device import FEW, one_thread

    method = method or usual_method(level)
    chosen = check(method, level, baseline)
    own = of_one_crystal(target)
    shared = None if own else target_of(model, target, None, atlas)
    size = 1 if own else _CHUNK // DRAWS if chosen in DRAWN else _CHUNK
    values: list[np.ndarray] = []
    names: list[list[str]] = []
    ends: list[np.ndarray] = []
    errors: list[np.ndarray | None] = []
    threads = torch.get_num_threads() if model.device.type == "cpu" else 1
    for start in range(0, len(crystals), size):
        some = crystals[start : start + size]
        of = (shared or target_of(model, target, some[0], atlas)).of
        # gradients are needed, whatever mode the caller is in
        with torch.inference_mode(False), torch.enable_grad(), one_thread(method == "shapley" or len(some) <= FEW):
            inputs = inputs_of(model, some, level, chosen, seed, atlas)
            every = inputs.draws
            if level == "pairs" and min(map(len, inputs.names)) < 2 and len(some) == 1:
                raise TargetError("There are no pairs: this crystal has one orbit only.")
            if method == "occlusion" and len(some) == 1 and len(inputs.names[0]) < 2:
                raise TargetError(f"Nothing is left when the only one of the {level} is taken out of this crystal.")
            ends.append(_ends(of, inputs).reshape(2, -1, every).mean(axis=2))
            found, uncertain = scores(method, level, inputs, of, seed, threads)
            for k in range(0, len(found), every):
                draws = np.stack(found[k : k + every])
                values.append(draws.mean(axis=0))
                errors.append(uncertain[k] if every == 1 else draws.std(axis=0, ddof=1) / every**0.5)
        names += inputs.names[::every]
        if progress is not None and not progress(len(some)):
            break
    both = np.concatenate([np.zeros((2, 0)), *ends], axis=1)
    return Scores(values, names, both[0], both[1], errors)


def _ends(of: Callable[[Tensor], Tensor], inputs: Inputs) -> np.ndarray:
    """(2, B) the target for crystals and for baselines."""
    import torch

    rows = torch.arange(len(inputs.moved), device=inputs.moved.device)
    with torch.no_grad():
        both = [of(inputs.encode(moves, rows)) for moves in (inputs.moved, torch.zeros_like(inputs.moved))]
    return np.asarray(torch.stack(both).double().cpu().numpy())
