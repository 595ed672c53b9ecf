"""The methods of attribution, and which goes with which level and baseline: one table, which the documentation shows.

Shapley values are the usual method, since they did best where the answer is known; of the many latent dimensions the
usual one is integrated gradients. Captum does the attributing. Shapley values are our own: with few players, each
coalition is computed once and in large batches, where captum goes through all orders of the players.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.errors import TargetError
from xcrystal.explanation.inputs import BASELINES, DRAWN, DRAWS, LEVELS, OF_ELEMENTS, Inputs, renamed_baseline
from xcrystal.explanation.shapley import MOST_EXACT, interactions, is_exact, shapley_values

if TYPE_CHECKING:
    from torch import Tensor

STEPS, MOST_STEPS = 48, 384  # of the integral, Gauss-Legendre; doubled as long as scores do not add up
_INCOMPLETE = 2e-3  # share of the difference to the baseline, or this much of the target's unit, that may be missing
_SAMPLES = 24  # of noise, random baselines or orders of players
_AT_ONCE = 32
_COALITIONS = 64  # that are computed together; more do not fit into a core's cache
_SINGLE = ("atoms", "orbits", "elements", "lattice", "latent")
_ALL = ("mean_element", "fitted_element", "average_of_crystal", *DRAWN, "vacancy")
_ONE = tuple(name for name in _ALL if name not in DRAWN)  # for methods that do not follow a baseline


@dataclass(frozen=True)
class Method:
    """A method of attribution.

    Attributes
    ----------
    name, title
        In code and in words.
    levels, baselines
        That it goes with; the only baseline at the level "lattice" is "mean_cell", and at "latent" "prior_mean".
    complete
        Whether its scores sum to the target minus the baseline's by construction.
    signed
        Whether a score tells which way the target goes.
    source
        Where it comes from.
    """

    name: str
    title: str
    levels: tuple[str, ...]
    baselines: tuple[str, ...]
    complete: bool
    signed: bool
    source: str


METHODS = {
    method.name: method
    for method in (
        Method("shapley", "Shapley values", (*_SINGLE, "pairs"), _ALL, True, True, "Shapley, 1953"),
        Method(
            "integrated_gradients", "integrated gradients", _SINGLE, _ALL, True, True, "Sundararajan et al., ICML 2017"
        ),
        Method("gradient_shap", "gradient SHAP", _SINGLE, _ALL, False, True, "Lundberg & Lee, NeurIPS 2017"),
        Method("input_x_gradient", "input x gradient", _SINGLE, _ALL, False, True, "Shrikumar et al., ICML 2017"),
        Method("feature_ablation", "feature ablation", _SINGLE, _ALL, False, True, "Zeiler & Fergus, ECCV 2014"),
        Method("occlusion", "occlusion (vacancy)", OF_ELEMENTS[:3], ("vacancy",), False, True, "Zeiler & Fergus, 2014"),
        Method("saliency", "saliency", _SINGLE, _ONE, False, False, "Simonyan et al., ICLR 2014"),
        Method("smoothgrad", "SmoothGrad", _SINGLE, _ONE, False, False, "Smilkov et al., 2017"),
    )
}
_WORDS = {
    "integrated_gradients": "gradients along the straight line from the baseline",
    "shapley": f"mean over all orders in which players can move; exact up to {MOST_EXACT} players (5 with "
    "`real_elements` and `neighbours`), then sampled, with a standard error",
    "gradient_shap": "gradients at random points of the line, with noise",
    "input_x_gradient": "the move times the gradient at the crystal",
    "feature_ablation": "one player is put to its baseline",
    "occlusion": "one player is taken out of the crystal",
    "saliency": "size of the gradient at the crystal; the baseline plays no part",
    "smoothgrad": "the same, averaged over noise",
}


def baselines_of(method: str, level: str) -> tuple[str, ...]:
    """The baselines that a method can have at a level, the usual one first."""
    if level in OF_ELEMENTS:
        return METHODS[method].baselines
    return ("mean_cell",) if level == "lattice" else ("prior_mean",)


def usual_method(level: str) -> str:
    """The method to take at a level if none is chosen."""
    return "integrated_gradients" if level == "latent" else "shapley"


def title_of(method: str, level: str, baseline: str, players: int) -> str:
    """A method in words; of Shapley values also whether they are exact for so many players."""
    title = METHODS[method].title
    if method != "shapley":
        return title
    games = DRAWS if baseline in DRAWN else 1
    return f"{title}, {'exact' if level == 'pairs' or is_exact(players, games) else 'sampled'}"


def check(method: str, level: str, baseline: str | None) -> str:
    """The baseline to take for a choice: the usual one if it is None.

    Raises
    ------
    TargetError
        If there is no such method, level or baseline, or they do not go together.
    """
    for kind, chosen, known in (("method", method, METHODS), ("level", level, LEVELS)):
        if chosen not in known:
            raise TargetError(f"There is no {kind} {chosen!r}; there are: {', '.join(known)}.")
    if level not in METHODS[method].levels:
        others = ", ".join(name for name, m in METHODS.items() if level in m.levels)
        raise TargetError(f"The method {method!r} does not go with the level {level!r}; these do: {others}.")
    if baseline is None:
        return baselines_of(method, level)[0]
    if renamed_baseline(baseline, level) != baseline:
        now = renamed_baseline(baseline, level)
        warnings.warn(f"The baseline {baseline!r} is now {now!r}.", DeprecationWarning, stacklevel=3)
        baseline = now
    if baseline not in BASELINES:
        raise TargetError(f"There is no baseline {baseline!r}; there are: {', '.join(BASELINES)}.")
    if baseline not in baselines_of(method, level):
        raise TargetError(
            f"The method {method!r} at the level {level!r} does not go with the baseline {baseline!r}; "
            f"it goes with: {', '.join(baselines_of(method, level))}."
        )
    return baseline


def method_table() -> str:
    """The table of methods, levels and baselines, in Markdown."""
    lines = [
        "| method | what it does | levels | baselines | sums to the difference | source |",
        "|---|---|---|---|---|---|",
    ]
    for name, m in METHODS.items():
        sums = "yes" if m.complete else "no"
        levels, baselines = ", ".join(m.levels), ", ".join(m.baselines)
        lines.append(f"| `{name}` | {_WORDS[name]} | {levels} | {baselines} | {sums} | {m.source} |")
    return "\n".join(lines)


def scores(
    method: str, level: str, inputs: Inputs, target: Callable[[Tensor], Tensor], seed: int = 0, threads: int = 1
) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """Scores of the players of each row of ``inputs``.

    Parameters
    ----------
    method, level
        That go together, see ``check``.
    inputs
        The players.
    target
        Latent vectors (n, Z) to the target (n,).
    seed
        Of what is random.
    threads
        That share the coalitions of Shapley values.

    Returns
    -------
    tuple of lists of ndarray
        Of each row (P,) or at the level "pairs" (P, P) float64 scores; and their standard errors, None of those that
        are not sampled.
    """

    import torch
    from captum import attr

    def forward(moves: Tensor, rows: Tensor) -> Tensor:
        return target(inputs.encode(moves.to(inputs.moved), rows))  # captum draws noise in the default dtype

    count, width = inputs.moved.shape[:2]
    rows = torch.arange(count, device=inputs.moved.device)
    if method == "shapley":
        return _shapley(level, inputs, forward, seed, threads)
    none: list[np.ndarray | None] = [None] * count
    if method == "occlusion":
        return _occlusion(inputs, target), none
    given: dict[str, Any] = {"additional_forward_args": rows}
    zero, leaf = torch.zeros_like(inputs.moved), inputs.moved.clone().requires_grad_(True)
    with _seeded(seed):
        if method == "integrated_gradients":
            found = _integrated(forward, inputs.moved, rows)
        elif method == "input_x_gradient":
            found = attr.InputXGradient(forward).attribute(leaf, **given)
        elif method == "gradient_shap":
            found = attr.GradientShap(forward).attribute(
                inputs.moved, baselines=zero[:1], stdevs=inputs.noise, n_samples=_SAMPLES, **given
            )
        elif method == "saliency":
            found = attr.Saliency(forward).attribute(leaf, abs=True, **given)
        elif method == "smoothgrad":
            found = attr.NoiseTunnel(attr.Saliency(forward)).attribute(
                leaf, nt_type="smoothgrad", nt_samples=_SAMPLES, stdevs=inputs.noise, abs=True, **given
            )
        else:
            mask = torch.arange(width, device=rows.device)[None, :, None].expand_as(inputs.moved[:1])
            with torch.no_grad():
                found = attr.FeatureAblation(forward).attribute(
                    inputs.moved, baselines=0, feature_mask=mask, perturbations_per_eval=_AT_ONCE, **given
                )
            found = found[..., :1]  # captum gives the player's score to each of its features
    summed = found.detach().sum(dim=-1).double().cpu().numpy()
    return [row[keep] for row, keep in zip(summed, inputs.present.cpu().numpy(), strict=True)], none


def _shapley(
    level: str, inputs: Inputs, forward: Callable[[Tensor, Tensor], Tensor], seed: int, threads: int
) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    import torch

    found: list[np.ndarray] = []
    errors: list[np.ndarray | None] = []
    device = inputs.moved.device
    for row, keep in enumerate(inputs.present):
        players = (inputs.moved[row] != 0).any(dim=1).nonzero()[:, 0]  # who does not move gains nothing

        def part(coalitions: Tensor, row: int = row, players: Tensor = players) -> Tensor:
            moves = inputs.moved.new_zeros(len(coalitions), *inputs.moved.shape[1:])
            moves[:, players] = coalitions[..., None] * inputs.moved[row, players]
            with torch.no_grad():
                return forward(moves, torch.full((len(moves),), row, device=device))

        def game(coalitions: Tensor, part: Callable[[Tensor], Tensor] = part) -> Tensor:
            """Targets (n,) of coalitions (n, players) that have moved."""
            return torch.cat(_in_threads(part, coalitions.split(_COALITIONS), threads))

        error = None
        if level == "pairs":
            values = interactions(game, len(players), device)
        else:
            values, error = shapley_values(game, len(players), seed + row % inputs.draws, device, inputs.draws)
        found.append(_of_present(values, players, keep))
        errors.append(None if error is None else _of_present(error, players, keep))
    return found, errors


def _of_present(values: Tensor, players: Tensor, present: Tensor) -> np.ndarray:
    """What ``players`` (k,) have, (k,) or (k, k), for all who are ``present`` (P,) of them; 0 for the others."""
    where = players.cpu().numpy()
    every = np.zeros((len(present),) * values.ndim)
    every[np.ix_(*(where,) * values.ndim)] = values.cpu().numpy()
    kept = np.flatnonzero(present.cpu().numpy())
    return every[np.ix_(*(kept,) * values.ndim)]


def _in_threads(work: Callable[[Tensor], Tensor], parts: Sequence[Tensor], threads: int) -> list[Tensor]:
    """What a function gives for each part.

    Each thread runs torch by itself. Torch's own threads wait for each other at every product of matrices, which on
    cores that have other work to do takes longer than one thread does.
    """
    if min(threads, len(parts)) < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(min(threads, len(parts))) as pool:
        return list(pool.map(work, parts))


def _occlusion(inputs: Inputs, target: Callable[[Tensor], Tensor]) -> list[np.ndarray]:
    import torch

    assert inputs.without is not None
    rows, players = inputs.present.nonzero(as_tuple=True)
    size = inputs.present.sum(dim=1)
    out = torch.nn.functional.one_hot(players, inputs.present.shape[1]).bool()
    everyone = torch.arange(len(inputs.moved), device=rows.device)
    with torch.no_grad():
        own = target(inputs.encode(inputs.moved, everyone))
        left = target(inputs.without(out, rows))
    # of a lone player nothing would be left, so that it has no score
    change = torch.where(size[rows] > 1, own[rows] - left, torch.nan).double().cpu().numpy()
    return [change[(rows == k).cpu().numpy()] for k in range(len(inputs.moved))]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed what captum draws from, and leave everybody else's randomness as it was."""

    import torch

    state = np.random.get_state()  # noqa: NPY002  (captum draws from the global generator)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002


def _integrated(forward: Callable[..., Tensor], moved: Tensor, rows: Tensor) -> Tensor:
    """Integrated gradients (B, P, F) with as many steps as it takes for each crystal's scores to add up.

    A gate that opens somewhere on the path, as that of a band gap does, needs more steps than a smooth target.
    """

    import torch
    from captum import attr

    method, zero = attr.IntegratedGradients(forward), torch.zeros_like(moved)
    with torch.no_grad():
        difference = forward(moved, rows) - forward(zero, rows)
    found, left, steps = torch.zeros_like(moved), torch.arange(len(moved), device=moved.device), STEPS
    while len(left):
        given = {"n_steps": steps, "method": "gausslegendre", "additional_forward_args": rows[left]}
        found[left] = method.attribute(moved[left], baselines=zero[left], **given)
        missing = (found[left].sum(dim=(1, 2)) - difference[left]).abs()
        steps *= 2
        if steps > MOST_STEPS:
            break
        left = left[missing > _INCOMPLETE * difference[left].abs().clamp(min=1.0)]
    return found
