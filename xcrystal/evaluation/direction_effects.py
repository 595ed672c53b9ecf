"""What a step along a property's axis does to the decoded crystal: the figures of ``xcrystal evaluate directions``.

The axis that the explorer's sliders use is compared with two that look as good on paper, over steps of the same length:
the weights of the regression that predicts the property from a code, and the predictor's mean gradient. What counts is
the property of the crystal that is decoded, predicted at that crystal's own code. So the model judges itself; but the
decoder, which smooths over small changes, cannot be fooled with numbers that stand for no crystal.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.tables import PROPERTIES, UNITS
from xcrystal.errors import CheckpointError, UnsupportedElementWarning, XCrystalError
from xcrystal.evaluation.layout import columns
from xcrystal.evaluation.statistics import wilson_interval
from xcrystal.latent.axes import Axes, Axis, ridge_weights, towards

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.chart import Atlas

STEPS = (1.0, 2.0)  # standard deviations of the atlas codes along the axis
AXIS, WEIGHTS, GRADIENT = "the sliders' axis", "regression weights", "mean gradient"
_NOTICED = 1e-3  # eV or eV/atom: less is no change
_AVERAGED = 1024  # codes that the gradient is averaged over


@dataclass(frozen=True)
class DirectionFigures:
    """Of steps of one size along one direction, from all crystals.

    Attributes
    ----------
    target, direction, step
        The property; which of the directions; the step in standard deviations of the axis.
    note
        How good the axis is said to be.
    improved, interval
        Share of crystals that became another one whose property is better by more than 0.001, and its 95 % interval.
    unchanged
        Share of crystals whose property stayed within 0.001.
    median_change, mean_change
        Of the property, over all crystals; in its unit, below 0 where it fell.
    promised
        Median change of what is predicted at the code itself, whatever is decoded there.
    decoded
        How many of the crystals and of their decodes after the step could be encoded, which is what counts.
    """

    target: str
    direction: str
    step: float
    note: str
    improved: float
    interval: tuple[float, float]
    unchanged: float
    median_change: float
    mean_change: float
    promised: float
    decoded: int


@dataclass(frozen=True)
class DirectionsReport:
    """Figures of every property, direction and step."""

    crystals: int
    figures: list[DirectionFigures]

    def to_dict(self) -> dict[str, Any]:
        """Plain types."""
        return asdict(self)

    def table(self) -> str:
        """A table for reading."""
        head = ("property", "along", "step", "better", "unchanged", "median change", "mean", "promised")
        rows = [
            (
                f.target,
                f.direction,
                f"{f.step:g} sd",
                f"{f.improved:.0%} ({f.interval[0]:.0%} to {f.interval[1]:.0%})",
                f"{f.unchanged:.0%}",
                f"{f.median_change:+.3f} {UNITS[f.target]}",
                f"{f.mean_change:+.3f}",
                f"{f.promised:+.3f}",
            )
            for f in self.figures
        ]
        return f"From {self.crystals} known crystals, over steps of the same length.\n{columns([head, *rows])}"


def evaluate_directions(model: CrystalModel, atlas: Atlas, crystals: int = 100, seed: int = 0) -> DirectionsReport:
    """Take steps along the axis of each property, from crystals of the atlas drawn at random.

    Parameters
    ----------
    model, atlas
        What is measured.
    crystals
        From how many; all there are, if there are fewer.
    seed
        Of the crystals, and of the codes that the gradient is averaged over.

    Raises
    ------
    CheckpointError
        If the model predicts no properties, or the atlas is too small to make axes of.
    """
    from tqdm.auto import tqdm

    axes = Axes(atlas, model).property
    if not axes:
        raise CheckpointError(
            f"There are no axes of properties: the model {model.name!r} predicts none, or the atlas is too small."
        )
    rows = np.random.default_rng(seed).permutation(len(atlas))[:crystals]
    z = atlas.z[rows]
    with tqdm(total=1 + len(axes) * 3 * len(STEPS), desc="stepping", leave=False, disable=None) as bar:
        begun = own_properties(model, z)
        bar.update()
        figures = [
            figure
            for axis in axes
            for name, vector in _directions(model, atlas, axis, seed).items()
            for figure in _figures(model, z, begun, axis, name, vector, bar.update)
        ]
    return DirectionsReport(len(rows), figures)


def own_properties(model: CrystalModel, z: np.ndarray) -> dict[str, np.ndarray]:
    """Properties (n,) of the crystals that codes (n, Z) decode to, predicted at the crystals' own codes.

    NaN where a decode cannot be encoded.
    """
    codes, good = np.zeros_like(z), np.zeros(len(z), dtype=bool)
    for k, structure in enumerate(model.decode(z)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UnsupportedElementWarning)
                codes[k] = model.encode(structure)[0]
            good[k] = True
        except XCrystalError:
            continue
    return {name: np.where(good, values, np.nan) for name, values in model.predict(codes).items()}


def _directions(model: CrystalModel, atlas: Atlas, axis: Axis, seed: int) -> dict[str, np.ndarray]:
    """(Z,) unit vectors by name, all towards what one wants."""
    assert axis.target is not None
    _, sign = towards(axis.target)
    values = (
        atlas.table[axis.target].to_numpy(dtype=float) if axis.target in atlas.table else np.full(len(atlas), np.nan)
    )
    known = np.isfinite(values)
    found = {AXIS: axis.vector}
    if known.sum() >= 2:
        found[WEIGHTS] = sign * ridge_weights(atlas.z[known].astype(float), values[known])
    found[GRADIENT] = sign * _mean_gradient(model, atlas, axis.target, seed)
    return {name: vector / np.linalg.norm(vector) for name, vector in found.items() if np.linalg.norm(vector) > 0}


def _mean_gradient(model: CrystalModel, atlas: Atlas, target: str, seed: int) -> np.ndarray:
    import torch

    drawn = np.random.default_rng(seed).permutation(len(atlas))[:_AVERAGED]
    z = torch.from_numpy(np.ascontiguousarray(atlas.z[drawn])).to(model.device).requires_grad_(True)
    values = model.network.properties(z)[:, PROPERTIES.index(target)]
    (gradient,) = torch.autograd.grad(values.sum(), z)
    return np.asarray(gradient.mean(dim=0).cpu().numpy(), dtype=float)


def _figures(
    model: CrystalModel,
    z: np.ndarray,
    begun: dict[str, np.ndarray],
    axis: Axis,
    name: str,
    vector: np.ndarray,
    done: Callable[[], Any],
) -> Sequence[DirectionFigures]:
    assert axis.target is not None
    target, (_, sign) = axis.target, towards(axis.target)
    promised_before = model.predict(z)[target]
    found = []
    for step in STEPS:
        moved = (z + step * axis.scale * vector).astype(np.float32)
        changes = own_properties(model, moved)[target] - begun[target]
        changes = changes[np.isfinite(changes)]
        improved = int((sign * changes > _NOTICED).sum())
        some = len(changes) > 0
        found.append(
            DirectionFigures(
                target=target,
                direction=name,
                step=step,
                note=axis.note,
                improved=improved / max(len(changes), 1),
                interval=wilson_interval(improved, len(changes)),
                unchanged=float((np.abs(changes) <= _NOTICED).mean()) if some else float("nan"),
                median_change=float(np.median(changes)) if some else float("nan"),
                mean_change=float(changes.mean()) if some else float("nan"),
                promised=float(np.median(model.predict(moved)[target] - promised_before)),
                decoded=len(changes),
            )
        )
        done()
    return found
