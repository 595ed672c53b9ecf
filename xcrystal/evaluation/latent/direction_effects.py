"""Whether a slider of a property keeps its promise: the figures of ``xcrystal evaluate directions``.

What counts is the property of the crystal that is decoded, predicted at that crystal's own code. So the model judges
itself; but the decoder, which smooths over small changes, cannot be fooled with numbers that stand for no crystal.
Compared are, from known crystals drawn at random, towards what one usually wants of the property and away from it:

- the straight line along the property's axis, by one standard deviation of the codes along it. It promises what is
  predicted at the moved latent vector;
- two other straight lines of the same length: along the weights of the regression that predicts the property from a
  code, and along the predictor's mean gradient;
- the path of verified steps (``xcrystal.latent.property_path``), which the sliders of the explorer move along. The step
  is to the stop, on the side that is asked for, whose change is nearest to one standard deviation of the property over
  the atlas, and the change at that stop is what is promised.

The crystal of every step, on the path too, is decoded, canonicalized and encoded anew.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES, UNITS
from xcrystal.errors import CheckpointError, UnsupportedElementWarning, XCrystalError
from xcrystal.evaluation.shared.statistics import wilson_interval
from xcrystal.latent.axes import Axes, Axis, ridge_weights, towards
from xcrystal.latent.property_path import PropertyPath, property_path, spread
from xcrystal.latent.steering import NOISE
from xcrystal.reporting import Report, columns, share_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

TOWARDS, AWAY = "towards", "away"
AXIS, WEIGHTS, GRADIENT, VERIFIED = "straight", "regression weights", "mean gradient", "verified path"
_AVERAGED = 1024  # codes that the gradient is averaged over


@dataclass(frozen=True)
class DirectionFigures:
    """Of steps of one standard deviation from all crystals, along one direction.

    Attributes
    ----------
    target, way, direction
        The property; towards what one usually wants of it, or away from that; along what.
    changed, interval
        Share of crystals that became another one whose property differs by more than noise (``steering.NOISE``), in the
        wanted sense of the way; and its 95 % interval.
    possible
        The same, among the crystals whose property can change that way: a gap of 0 cannot become smaller.
    promised, obtained
        Median changes, in the property's unit: promised, and of the decoded crystals; below 0 where it falls.
    kept
        Median of the obtained change by the promised one, of the crystals to which more than noise was promised; None
        if there are none.
    decoded
        How many of the crystals and of their decodes after the step could be encoded, which is what counts.
    """

    target: str
    way: str
    direction: str
    changed: float
    interval: tuple[float, float]
    possible: float | None
    promised: float
    obtained: float
    kept: float | None
    decoded: int


@dataclass(frozen=True)
class DirectionsReport(Report):
    """Figures of every property, way and direction."""

    crystals: int
    figures: list[DirectionFigures]

    def table(self) -> str:
        """A table for reading."""

        def share(value: float | None) -> str:
            return "" if value is None else f"{value:.0%}"

        head = ("property", "", "along", "changed", "where possible", "promised", "obtained", "kept")
        rows = [
            (
                f.target,
                f.way,
                f.direction,
                share_text(f.changed, f.interval, 0),
                share(f.possible),
                f"{f.promised:+.3f} {UNITS[f.target]}",
                f"{f.obtained:+.3f}",
                share(f.kept),
            )
            for f in self.figures
        ]
        about = f"From {self.crystals} known crystals, steps of one standard deviation; changes and kept are medians."
        return f"{about}\n{columns([head, *rows])}"


def evaluate_directions(model: CrystalModel, atlas: Atlas, crystals: int = 40, seed: int = 0) -> DirectionsReport:
    """Take steps along the slider of each property, from crystals of the atlas drawn at random.

    Parameters
    ----------
    model, atlas
        What is measured.
    crystals
        From how many; all there are, if there are fewer. 40 take about three minutes on one core.
    seed
        Of the crystals, of the codes that the gradient is averaged over, and of the search for verified steps.

    Raises
    ------
    CheckpointError
        If the model predicts no properties, or the atlas is too small to make axes of.
    """
    from tqdm.auto import tqdm

    axes = [axis for axis in Axes(atlas, model).property if axis.target in model.properties]
    if not axes:
        raise CheckpointError(
            f"There are no axes of properties: the model {model.name!r} predicts none, or the atlas is too small."
        )
    z = atlas.z[np.random.default_rng(seed).permutation(len(atlas))[:crystals]]
    with tqdm(total=len(axes) * len(z), desc="stepping", leave=False, disable=None) as bar:
        begun = own_properties(model, z)
        figures = [
            _figures(axis, way, name, begun, promised, own_properties(model, moved))
            for axis in axes
            for way, name, moved, promised in _steps(model, atlas, axis, z, seed, bar.update)
        ]
    return DirectionsReport(len(z), figures)


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


def _steps(
    model: CrystalModel, atlas: Atlas, axis: Axis, z: np.ndarray, seed: int, done: Callable[[], Any]
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Ways and directions, with the latent vectors (n, Z) after the step and the changes (n,) that are promised."""
    assert axis.target is not None
    target, (_, sign) = axis.target, towards(axis.target)
    ways = {TOWARDS: 1.0, AWAY: -1.0}
    before = model.predict(z)[target]
    for name, vector in _directions(model, atlas, axis, seed).items():
        for way, forth in ways.items() if name == AXIS else [(TOWARDS, 1.0)]:
            moved = (z + forth * axis.scale * vector).astype(np.float32)
            yield way, name, moved, model.predict(moved)[target] - before
    paths: list[PropertyPath | None] = []
    for code in z:
        paths.append(_path(model, atlas, code, target, seed))
        done()
    for way, forth in ways.items():
        moved, promised = z.copy(), np.zeros(len(z))
        for k, path in enumerate(paths):
            if path is not None:
                begin, wanted = path.start.value, forth * sign * spread(atlas, target)
                that_way = [stop for stop in path.stops if (stop.value - begin) * wanted > 0] or [path.start]
                stop = min(that_way, key=lambda stop: abs(stop.value - begin - wanted))
                moved[k], promised[k] = stop.z, stop.value - begin
        yield way, VERIFIED, moved, promised


def _path(model: CrystalModel, atlas: Atlas, z: np.ndarray, target: str, seed: int) -> PropertyPath | None:
    try:
        return property_path(model, atlas, z, target, seed=seed)
    except XCrystalError:  # its crystal cannot be encoded: a slider that does not move
        return None


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
    axis: Axis,
    way: str,
    name: str,
    begun: dict[str, np.ndarray],
    promised: np.ndarray,
    own: dict[str, np.ndarray],
) -> DirectionFigures:
    assert axis.target is not None
    target, noise = axis.target, NOISE[axis.target]
    sign = towards(target)[1] * (1.0 if way == TOWARDS else -1.0)
    changes = own[target] - begun[target]
    known = np.isfinite(changes)
    before, changes, promised = begun[target][known], changes[known], promised[known]
    changed = sign * changes > noise
    # gaps and distances from the hull are never negative; formation energies are
    possible = (sign > 0) | (before > noise) | (target == PROPERTIES[0])
    meant = np.abs(promised) > noise
    return DirectionFigures(
        target=target,
        way=way,
        direction=name,
        changed=int(changed.sum()) / max(len(changes), 1),
        interval=wilson_interval(int(changed.sum()), len(changes)),
        possible=float(changed[possible].mean()) if possible.any() else None,
        promised=float(np.median(promised)) if known.any() else 0.0,
        obtained=float(np.median(changes)) if known.any() else 0.0,
        kept=float(np.median(changes[meant] / promised[meant])) if meant.any() else None,
        decoded=len(changes),
    )
