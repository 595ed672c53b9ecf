"""Scores of many crystals at once, on the model's device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from xcrystal.errors import TargetError, check_whole_number
from xcrystal.explanation.targets import Target, of_one_crystal, target_of
from xcrystal.served.served_model import ServedModel

if TYPE_CHECKING:
    from torch import Tensor

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.explanation.inputs import Inputs
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

_LARGEST_SEED = 2**32 - 1  # of numpy's global generator, which captum draws from
_CHUNK = 32
Item = TypeVar("Item")


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

    Raises
    ------
    TargetError
        For a target, method, level or baseline that does not exist, or if they do not go together; for a single crystal
        also if it has too few players.
    """
    from xcrystal.explanation.methods import check, usual_method

    if check_whole_number(seed, "A seed", 0) > _LARGEST_SEED:
        raise TargetError(f"A seed is at most {_LARGEST_SEED}, not {seed}.")
    method = method or usual_method(level)
    chosen = check(method, level, baseline)
    if isinstance(model, ServedModel) and isinstance(target, str) and target != "density" and chosen != "neighbours":
        options = {"target": target, "method": method, "level": level, "baseline": chosen, "seed": seed}
        served = _served_scores(model, crystals, options)
        if served is not None:
            return served
    import torch

    from xcrystal.explanation.inputs import DRAWN, DRAWS, inputs_of
    from xcrystal.explanation.methods import scores
    from xcrystal.model.device import FEW, one_thread

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
            if level == "pairs" and min(map(len, inputs.names)) < 2 and len(crystals) == 1:
                raise TargetError("There are no pairs: this crystal has one orbit only.")
            if method == "occlusion" and len(crystals) == 1 and len(inputs.names[0]) < 2:
                raise TargetError(f"Nothing is left when the only one of the {level} is taken out of this crystal.")
            ends.append(_ends(of, inputs).reshape(2, -1, every).mean(axis=2))
            found, uncertain = scores(method, level, inputs, of, seed, threads)
            for k in range(0, len(found), every):
                draws = np.stack(found[k : k + every])
                values.append(draws.mean(axis=0))
                errors.append(uncertain[k] if every == 1 else draws.std(axis=0, ddof=1) / every**0.5)
        names += inputs.names[::every]
    both = np.concatenate([np.zeros((2, 0)), *ends], axis=1)
    return Scores(values, names, both[0], both[1], errors)


def in_parts(items: Sequence[Item], most: int) -> list[Sequence[Item]]:
    """Items in parts of at most so many, of nearly the same length: none is of one item, unless all are."""
    count = -(-len(items) // most)
    ends = [len(items) * k // count for k in range(count + 1)] if count else []
    return [items[start:end] for start, end in pairwise(ends)]


def _served_scores(
    model: ServedModel,
    crystals: Sequence[WyckoffCrystal],
    options: Mapping[str, Any],
) -> Scores | None:
    """The scores that a server computes; None where it is gone."""
    parts = []
    for some in in_parts(crystals, _CHUNK):
        found = model.scores(some, options)
        if found is None:
            return None
        parts.append(found)

    def every(key: str) -> list[Any]:
        return [one for part in parts for one in part[key]]

    ends = (np.array(every(key), dtype=np.float64) for key in ("target_values", "baseline_values"))
    return Scores(every("values"), every("names"), next(ends), next(ends), every("standard_errors"))


def _ends(of: Callable[[Tensor], Tensor], inputs: Inputs) -> np.ndarray:
    """(2, B) the target for crystals and for baselines."""
    import torch

    rows = torch.arange(len(inputs.moved), device=inputs.moved.device)
    with torch.no_grad():
        both = [of(inputs.encode(moves, rows)) for moves in (inputs.moved, torch.zeros_like(inputs.moved))]
    return np.asarray(torch.stack(both).double().cpu().numpy())
