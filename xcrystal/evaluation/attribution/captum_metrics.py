"""Captum's own measures of attributions, infidelity and max-sensitivity, with perturbations that fit crystals.

Both: Yeh et al., "On the (in)fidelity and sensitivity of explanations", NeurIPS 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.evaluation.attribution.method_scores import orbit_scores
from xcrystal.explanation.targets import Target

if TYPE_CHECKING:
    from torch import Tensor

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel

RADIUS = 0.01  # of the cell's axes
_SUBSETS = 64
_MOVES = 4
_CHUNK = 16  # crystals


def infidelity(
    model: CrystalModel,
    crystals: Sequence[WyckoffCrystal],
    target: Target,
    scores: Sequence[np.ndarray],
    seed: int = 0,
    baseline: str = "mean_element",
) -> tuple[np.ndarray, np.ndarray]:
    """How badly scores foretell what happens when random subsets of the orbits get the baseline's element.

    Parameters
    ----------
    scores
        (P,) of each crystal's orbits.
    seed
        Of the subsets: 64 for each crystal, none of them empty.

    Returns
    -------
    tuple
        (B,) captum's infidelity in the target's unit squared, scores scaled to fit best (``normalize``), and (B,) the
        mean squared change of the target under the same perturbations: the infidelity of scores that are all zero.
    """
    import torch
    from captum import metrics

    from xcrystal.explanation.inputs import inputs_of

    found: list[np.ndarray] = []
    for start in range(0, len(crystals), _CHUNK):
        some = crystals[start : start + _CHUNK]
        inputs = inputs_of(model, some, "orbits", baseline)
        present = inputs.present.float()
        generator = torch.Generator().manual_seed(seed + start)
        given = torch.zeros_like(present)
        for row, values in enumerate(scores[start : start + _CHUNK]):
            given[row, : len(values)] = torch.from_numpy(values).float()

        def forward(at: Tensor, rows: Tensor, inputs=inputs) -> Tensor:  # type: ignore[no-untyped-def]
            return target.of(inputs.encode(at[..., None] * inputs.moved[rows], rows))

        def subsets(at: Tensor, generator: torch.Generator = generator) -> tuple[Tensor, Tensor]:
            """Random subsets (n, P) of the orbits that are there, and what is left."""
            chance = torch.rand(at.shape, generator=generator).to(at.device) * at
            # the largest is always in, so that no subset is empty; where nothing is, nothing moves
            out = ((chance > 0.5) | (chance == chance.amax(dim=1, keepdim=True))).float() * at
            return out, at - out

        rows = torch.arange(len(some), device=model.device)
        both = []
        for attribution, normalize in ((given, True), (torch.zeros_like(given), False)):
            generator.manual_seed(seed + start)
            value = metrics.infidelity(
                forward,
                subsets,
                present,
                attribution,
                additional_forward_args=(rows,),
                n_perturb_samples=_SUBSETS,
                normalize=normalize,
            )
            both.append(value.double().cpu().numpy())
        found.append(np.stack(both))
    values = np.concatenate(found, axis=1)
    return values[0], values[1]


def max_sensitivity(
    model: CrystalModel,
    crystals: Sequence[WyckoffCrystal],
    target: Target,
    method: str,
    seed: int = 0,
    radius: float = RADIUS,
) -> np.ndarray:
    """(B,) how much scores change, at most, when orbits move a little: |change| / |scores|, the largest of 4 moves.

    The free coordinates of all orbits move by at most ``radius`` of the cell's axes and are wrapped into [0, 1); bound
    coordinates stay, so symmetry does. What a method draws at random it draws anew for the moved crystal.
    """
    import torch
    from captum import metrics
    from tqdm.auto import tqdm

    found = []
    generator = torch.Generator().manual_seed(seed)
    for start in tqdm(range(0, len(crystals), _CHUNK), desc=f"moving, {method}", leave=False, disable=None):
        some = list(crystals[start : start + _CHUNK])
        points, free = _coordinates(some)

        def moved(at: Tensor, most: float, free: Tensor = free, count: int = len(some)) -> Tensor:
            shift = (2 * torch.rand(at.shape, generator=generator, dtype=at.dtype) - 1) * most
            return wrapped(at + shift * free.repeat_interleave(len(at) // count, dim=0))

        def explain(
            at: Tensor | tuple[Tensor], additional_forward_args: tuple[Tensor], some: list[WyckoffCrystal] = some
        ) -> Tensor | tuple[Tensor]:
            there = at[0] if isinstance(at, tuple) else at
            rows = additional_forward_args[0].tolist()
            written = [_at(some[row], one) for row, one in zip(rows, there.numpy(), strict=True)]
            # a seed of its own for each call: else the random row would be the same for moved crystals
            drawn = int(torch.randint(2**31, (), generator=generator))
            with torch.enable_grad():
                values = orbit_scores(model, written, target, method, drawn)
            padded = torch.zeros(there.shape[:2], dtype=torch.float64)
            for row, value in enumerate(values):
                padded[row, : len(value)] = torch.from_numpy(value)
            return (padded,) if isinstance(at, tuple) else padded

        value = metrics.sensitivity_max(
            explain, points, moved, radius, n_perturb_samples=_MOVES, additional_forward_args=(torch.arange(len(some)),)
        )
        found.append(value.numpy())
    return np.concatenate([np.zeros(0), *found])


def wrapped(points: Tensor) -> Tensor:
    """Wrap fractional coordinates (..., 3) into [0, 1)."""
    import torch

    inside = torch.remainder(points, 1)
    # of a tiny negative number the remainder rounds to 1
    return torch.where(inside >= 1, torch.zeros_like(inside), inside)


def free_axes(crystal: WyckoffCrystal) -> np.ndarray:
    """(P, 3) along which axes each orbit can move."""
    from xcrystal.crystal.symmetry.groups import space_group

    group = space_group(crystal.space_group)
    return np.array([group.positions[k].free for k in crystal.positions])


def _coordinates(crystals: Sequence[WyckoffCrystal]) -> tuple[Tensor, Tensor]:
    """(B, T, 3) padded coordinates, and which of them are free."""
    import torch

    longest = max(len(c.elements) for c in crystals)
    points, free = (np.zeros((len(crystals), longest, 3)) for _ in range(2))
    for row, crystal in enumerate(crystals):
        points[row, : len(crystal.elements)] = crystal.coordinates
        free[row, : len(crystal.elements)] = free_axes(crystal)
    return torch.from_numpy(points), torch.from_numpy(free)


def _at(crystal: WyckoffCrystal, points: np.ndarray) -> WyckoffCrystal:
    return replace(crystal, coordinates=points[: len(crystal.elements)])
