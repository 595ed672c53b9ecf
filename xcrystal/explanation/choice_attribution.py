"""Why the decoder took a choice, and what in a path made it take another: log-odds shared out among latent directions.

What is explained is log p(choice) - log p(other) in nats, at one step of a decode and given all choices before it. It
is shared out by integrated gradients (M. Sundararajan, A. Taly, Q. Yan, ICML 2017) along the straight line from one
latent vector to another: from the prior's mean to the crystal's, or from one frame of a path to the next. The share of
a latent dimension is its change times the mean gradient on the line; that of a direction the change along it times the
mean gradient along it. Principal directions are orthogonal, so that their shares and the one of all other directions
together add up to the difference between the two ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.errors import DatasetError, TargetError
from xcrystal.explanation.decode_steps import (
    Alternative,
    DecodeSteps,
    Step,
    choice_at,
    choice_logits,
    decode_steps,
    followed,
)
from xcrystal.explanation.methods import STEPS
from xcrystal.latent.atlas import open_atlas
from xcrystal.latent.axes import Axis
from xcrystal.latent.axis_descriptions import MIXED, descriptions_over
from xcrystal.latent.directions import principal_directions
from xcrystal.reporting import fixed, html_table

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from torch import Tensor

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

NAMED = 8  # directions that are listed one by one
OTHERS, COORDINATES = "all other directions", "coordinates of earlier orbits"
_MISSING = 1e-3  # nats, or this share of the difference, by which scores may fail to add up
_MOST_STEPS = 32 * STEPS
_FOR, _AGAINST = "#0072b2", "#d55e00"  # distinct for the colour-blind


@dataclass(frozen=True, eq=False)
class ChoiceAttribution:
    """The log-odds of one choice against another, shared out.

    Attributes
    ----------
    step
        Name of the step.
    choice, against
        The two choices; what is explained is log p(choice) - log p(against), nats.
    start, start_value, value
        Where the line begins, in words; and the log-odds there and at its end.
    latent
        (Z,) share of each latent dimension, nats.
    names, scores
        The directions with the largest shares, then all others together, and their (k,) shares, nats, which add up to
        the difference.
    missing
        What the shares lack of the difference, nats: the error of the integral.
    """

    step: str
    choice: str
    against: str
    start: str
    start_value: float
    value: float
    latent: np.ndarray
    names: tuple[str, ...]
    scores: np.ndarray
    missing: float

    @property
    def difference(self) -> float:
        """What is shared out, nats."""
        return self.value - self.start_value

    @property
    def said(self) -> str:
        """One sentence: what is shared out."""
        here, there = (fixed(value, 2, plus=True).replace("-", "−") for value in (self.value, self.start_value))
        return (
            f"{self.step[0].upper()}{self.step[1:]}: log p({self.choice}) − log p({self.against}) is {here} nats here "
            f"and {there} at {self.start}."
        )

    def __repr__(self) -> str:
        nats = fixed(self.difference, 2, plus=True)
        return f"ChoiceAttribution({self.step!r}, {self.choice!r} against {self.against!r}, {nats} nats)"

    @cached_property
    def table(self) -> pd.DataFrame:
        """``direction`` and ``score`` (nats), the largest first."""
        import pandas as pd

        order = np.argsort(-np.abs(self.scores), kind="stable")
        return pd.DataFrame({"direction": [self.names[k] for k in order], "score": self.scores[order]})

    def figure(self) -> go.Figure:
        """Draw the shares as bars, the largest on top, with plotly."""
        import plotly.graph_objects as go

        table = self.table
        figure = go.Figure(
            go.Bar(
                orientation="h",
                y=table["direction"],
                x=table["score"],
                marker={"color": [_FOR if score > 0 else _AGAINST for score in table["score"]]},
            )
        )
        figure.update_layout(
            title=self.said,
            xaxis={"title": f"share of the log-odds (nats): right for {self.choice}, left for {self.against}"},
            yaxis={"autorange": "reversed"},
            height=160 + 22 * len(table),
        )
        return figure

    def _repr_html_(self) -> str:
        rows = [
            ["direction", "share (nats)"],
            *([name, fixed(score, 3, plus=True)] for name, score in self.table.values.tolist()),
        ]
        return html_table(rows, self.said)

    def to_dict(self) -> dict[str, Any]:
        """What is known as plain values, the shares of directions by name."""
        return {
            "step": self.step,
            "choice": self.choice,
            "against": self.against,
            "start": self.start,
            "start_value": self.start_value,
            "value": self.value,
            "scores": dict(self.table.values.tolist()),
            "missing": self.missing,
        }


@dataclass(frozen=True, eq=False)
class DecodeChange:
    """The first choice in which the greedy decodes of two latent vectors differ.

    Attributes
    ----------
    before, after
        Both decodes.
    step, taken
        Name of the step, empty if all choices are the same; and what each of them took there.
    attribution
        Which directions account for the flip: the log-odds of the new choice against the old one, along the line from
        the one vector to the other; None if all choices are the same.
    """

    before: DecodeSteps
    after: DecodeSteps
    step: str
    taken: tuple[str, str]
    attribution: ChoiceAttribution | None

    @property
    def said(self) -> str:
        """One sentence: what changed."""
        if not self.step:
            return "The decoder takes the same choices at both; only coordinates and the cell differ."
        return f"The first choice that changes is the {self.step}: {self.taken[0]} becomes {self.taken[1]}."

    def __repr__(self) -> str:
        return f"DecodeChange({self.said!r})"

    def _repr_html_(self) -> str:
        from html import escape

        shares = "" if self.attribution is None else self.attribution._repr_html_()
        return f"<p>{escape(self.said)}</p>{shares}"


def explain_choice(
    steps: DecodeSteps,
    step: str,
    choice: int | str | None = None,
    against: int | str | None = None,
    atlas: Atlas | None = None,
) -> ChoiceAttribution:
    """Why a choice was taken: its log-odds against another one, from the prior's mean to the latent vector, shared out.

    Parameters
    ----------
    steps
        What ``xcrystal.decode_steps`` gave.
    step
        Name of the step, such as "element of orbit 1".
    choice, against
        As of ``DecodeSteps.overrule``; by default what was taken, and the most probable other one.
    atlas
        Known crystals whose principal directions are the directions; by default the atlas of the model's name.

    Raises
    ------
    TargetError
        If there is no such step, or a choice is impossible there, or the only one.
    """
    found = steps.step(step)
    if not found.alternatives:
        raise TargetError(f"The {found.name} is a number, not a choice among a few; there is nothing to share out.")
    first = choice_at(steps, step, found.taken if choice is None else choice)
    rest = [one for one in found.alternatives if one.number != first.number]
    if not rest:
        raise TargetError(f"The {found.name} has only one possible choice, {found.taken}.")
    second = rest[0] if against is None else choice_at(steps, step, against)
    odds = _log_odds(steps, found, first, second)
    origin = np.zeros_like(steps.z)
    return _shared(steps.model, odds, origin, steps.z, found, first, second, "the prior's mean", atlas)


def decode_change(model: CrystalModel, one: Any, other: Any, *, atlas: Atlas | None = None) -> DecodeChange:
    """Find which choice flips between two latent vectors, and which directions account for it.

    Parameters
    ----------
    model
        Whose decoder it is.
    one, other
        As the source of ``decode_steps``: two latent vectors (Z,), such as neighbouring frames of a path, or crystals.
    atlas
        Known crystals whose principal directions are the directions; by default the atlas of the model's name.

    Raises
    ------
    CapabilityError
        If the model does not tell what else it might have decoded.
    ReadError, InvalidCrystalError, UnsupportedCrystalError
        If a crystal cannot be encoded, or a vector has another shape.
    """
    before, after = decode_steps(model, one), decode_steps(model, other)
    pairs = zip(_choices(before), _choices(after), strict=False)
    flip = next(((a, b) for a, b in pairs if a.number != b.number), None)
    if flip is None:
        return DecodeChange(before, after, "", ("", ""), None)
    old, new = flip
    first, second = choice_at(before, old.name, new.taken), choice_at(before, old.name, old.taken)
    odds = _log_odds(before, old, first, second)
    shared = _shared(model, odds, before.z, after.z, old, first, second, "the frame before", atlas)
    # given the coordinates of the earlier orbits as the second decode has them, which is the rest of what changed
    there = _value(_log_odds(after, new, first, second), model, after.z)
    moved = there - shared.value
    if abs(moved) > _MISSING:
        names, scores = (*shared.names, COORDINATES), np.append(shared.scores, moved)
        shared = replace(shared, names=names, scores=scores, value=there)
    return DecodeChange(before, after, old.name, (old.taken, new.taken), shared)


def _choices(steps: DecodeSteps) -> list[Step]:
    return [step for step in steps.steps if step.alternatives]


def _log_odds(steps: DecodeSteps, step: Step, first: Alternative, second: Alternative) -> Callable[[Tensor], Tensor]:
    """Latent vectors (B, Z) to the log-odds (B,) of one choice against another, given all choices before."""

    def odds(z: Tensor) -> Tensor:
        logits: Tensor = choice_logits(followed(steps.model, z, steps.crystal, step), step)
        return logits[:, first.number] - logits[:, second.number]

    return odds


def _value(odds: Callable[[Tensor], Tensor], model: CrystalModel, z: np.ndarray) -> float:
    import torch

    with torch.no_grad():
        return float(odds(torch.from_numpy(z[None]).to(model.device)))


def _shared(
    model: CrystalModel,
    odds: Callable[[Tensor], Tensor],
    start: np.ndarray,
    end: np.ndarray,
    step: Step,
    first: Alternative,
    second: Alternative,
    where: str,
    atlas: Atlas | None,
) -> ChoiceAttribution:
    """The log-odds shared out along the line between two latent vectors (Z,)."""
    values = [_value(odds, model, z) for z in (start, end)]
    gradient = _mean_gradient(model, odds, start, end, values[1] - values[0])
    change = end.astype(np.float64) - start
    latent = change * gradient
    names, scores = _along_directions(model, atlas, change, gradient)
    rest = float(latent.sum() - scores.sum())
    return ChoiceAttribution(
        step=step.name,
        choice=first.text,
        against=second.text,
        start=where,
        start_value=values[0],
        value=values[1],
        latent=latent,
        names=(*names, OTHERS),
        scores=np.append(scores, rest),
        missing=values[1] - values[0] - float(latent.sum()),
    )


def _mean_gradient(
    model: CrystalModel, odds: Callable[[Tensor], Tensor], start: np.ndarray, end: np.ndarray, difference: float
) -> np.ndarray:
    """(Z,) mean gradient on the line, with as many steps as it takes for the shares to add up to the difference."""
    import torch
    from captum.attr import IntegratedGradients

    from xcrystal.model.device import one_thread

    method, steps = IntegratedGradients(odds, multiply_by_inputs=False), STEPS
    one, other = (torch.from_numpy(z[None]).to(model.device) for z in (end, start))
    change = end.astype(np.float64) - start
    with torch.inference_mode(False), torch.enable_grad(), one_thread():
        while True:
            found = method.attribute(
                one.clone(), baselines=other.clone(), n_steps=steps, method="gausslegendre", internal_batch_size=STEPS
            )
            gradient = found[0].double().cpu().numpy()
            missing = abs(float(change @ gradient) - difference)
            steps *= 2
            if missing <= _MISSING * max(1.0, abs(difference)) or steps > _MOST_STEPS:
                return np.asarray(gradient)


def _along_directions(
    model: CrystalModel, atlas: Atlas | None, change: np.ndarray, gradient: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """Names, with what grows along each in words, and shares (k,) of the principal directions with the largest shares.

    Of an atlas; none if there is none.
    """
    if atlas is None:
        try:
            atlas = open_atlas(model.name)
        except DatasetError:
            return [], np.zeros(0)
    axes = _axes(atlas)
    shares = np.array([float(axis.vector @ change) * float(axis.vector @ gradient) for axis in axes])
    words, names = descriptions_over(atlas), []
    largest = np.argsort(-np.abs(shares), kind="stable")[:NAMED]
    for k in largest:
        said = words.describe(axes[k])
        names.append(axes[k].name if said == MIXED else f"{axes[k].name} ({said})")
    return names, shares[largest]


@lru_cache(maxsize=2)
def _axes(atlas: Atlas) -> list[Axis]:
    """All principal directions of an atlas, of which sliders offer the first; their descriptions are kept with them."""
    found = principal_directions(atlas.z, atlas.z.shape[1])
    return [
        Axis(f"principal {k + 1}", "principal", vector, found.mean, float(scale))
        for k, (vector, scale) in enumerate(zip(found.components, found.scale, strict=True))
    ]
