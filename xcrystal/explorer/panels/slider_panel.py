"""Sliders along axes of latent space, in standard deviations of the atlas, and along paths of properties."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from xcrystal.errors import XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.latent.axes import FAMILIES, Axis, coordinates, towards

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.worker import Worker
    from xcrystal.latent.property_path import PropertyPath
    from xcrystal.latent.steering import Step

LIMIT = 4.0
STEP = 0.05
_TITLES = {
    "principal": ("Principal", "Directions in which known crystals differ most, named by what grows along them."),
    "latent": ("Single dimensions", "One latent dimension each, named by what grows with it."),
    "property": ("Properties", "Crystals with more or less of a property, each one decoded and checked."),
    "concept": ("Your own", "Directions from one group of crystals to another; you choose the groups."),
}
_DIGITS = {"e_above_hull": 3}


class SliderView(Panel):
    """One slider an axis, and what a move along a property axis achieved."""

    _esm = script("slider_panel")
    _css = style("slider_panel")
    pace: ClassVar[float] = 0.0  # follows the pointer
    events: ClassVar[frozenset[str]] = frozenset({"crystal", "axes", "reach", "settled"})

    def __init__(self, session: Session, worker: Worker) -> None:
        super().__init__(session, worker)
        self.add_class("xc-sliders")

    def describe(self) -> dict[str, Any]:
        """The axes of the family that is shown, where the crystal lies on them, and where it began."""
        session = self.session
        axes, state = session.sliders.axes, session.state
        values, begun = coordinates(axes, state.point.z), coordinates(axes, state.base.z)
        labels = self._labels(axes)
        return {
            "family": state.family,
            "families": [[name, *_TITLES[name]] for name in FAMILIES],
            "axes": [
                {"name": axis.name, "label": label, "removable": axis.family == "concept"}
                | (self._straight(axis, float(value), float(base)) if stops is None else self._verified(axis, stops))
                for axis, label, value, base in zip(axes, labels, values, begun, strict=True)
                for stops in [self._stops(axis)]
            ],
            "idle": session.idle,
            "moved": session.navigation.moved,
            "latents": session.model.latent_dim,
        }

    def _labels(self, axes: Sequence[Axis]) -> list[str]:
        """What the axes are called; those along which the same grows are told apart by a number."""
        labels = [self._label(axis) for axis in axes]
        counts = [labels[: k + 1].count(label) for k, label in enumerate(labels)]
        return [label if count == 1 else f"{label} ({count})" for label, count in zip(labels, counts, strict=True)]

    def _label(self, axis: Axis) -> str:
        """What grows along an axis, where its name says nothing of that."""
        named = axis.family in ("property", "concept")
        label = axis.name if named else self.session.sliders.descriptions.describe(axis)
        return label[0].upper() + label[1:]

    def _straight(self, axis: Axis, value: float, base: float) -> dict[str, Any]:
        """A slider along a straight line, in standard deviations."""
        return {
            "note": axis.note,
            "value": round(value, 3),
            "base": round(base, 3),
            "least": -LIMIT,
            "most": LIMIT,
            "step": STEP,
            "stops": None,
            "achieved": self._achieved(axis, value - base),
        }

    def _stops(self, axis: Axis) -> tuple[Step, ...] | None:
        """The stops of a property's slider, the least wanted first; None for a slider along a straight line."""
        session, name = self.session, axis.target
        if name not in session.model.properties or session.model.lacks("gradients"):
            return None
        path = session.property_sliders.path(name)
        return () if path is None else path.stops[:: int(towards(name)[1])]

    def _verified(self, axis: Axis, stops: tuple[Step, ...]) -> dict[str, Any]:
        """A slider from stop to stop of a property's path, counted from where the path begins."""
        assert axis.target is not None
        name, point = axis.target, self.session.state.point
        path = self.session.property_sliders.path(name)
        first = 0 if path is None else stops.index(path.start)
        here = next((k for k, stop in enumerate(stops) if np.array_equal(stop.z, point.z)), first)
        unit, digits = words.unit(name), _DIGITS.get(name, 2)
        said = [f"{_unsigned(stop.value, digits)} {unit}".rstrip() for stop in stops]
        return {
            "note": self._found(path),
            "value": here - first,
            "base": 0,
            "least": -first,
            "most": max(len(stops) - 1 - first, 0),
            "step": 1,
            "stops": said,
            "achieved": ""
            if here == first
            else f"{words.title(name)} of the decoded crystal, at its own latent vector: {said[first]} → {said[here]}."
            + self._end(axis, path, here, len(stops)),
        }

    def _found(self, path: PropertyPath | None) -> str:
        if path is None:
            return "looking for crystals"
        verified = len(path.stops) - 1
        count = "1 verified step" if verified == 1 else f"{verified} verified steps"
        return count if path.complete else f"{count}, looking for more"

    def _end(self, axis: Axis, path: PropertyPath | None, here: int, count: int) -> str:
        """Why a slider goes no farther, at one of its ends."""
        if path is None or here not in (0, count - 1) or axis.target is None:
            return ""
        higher = (here > 0) == (towards(axis.target)[1] > 0)
        reason = path.reasons[int(higher)]
        return f" It ends here: {reason}." if reason else ""

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Move, choose axes, take moves back."""
        session, action = self.session, message["act"]
        try:
            if action == "stop at":
                self._stop_at(session.sliders.axis(str(message["axis"])), int(message["value"]))
            elif action == "move" and math.isfinite(value := float(message["value"])):
                session.move(str(message["axis"]), value)
            elif action == "family":
                session.sliders.show_axes(str(message["family"]))
            elif action == "latent":
                session.sliders.show_latent(int(message["number"]))
            elif action == "remove":
                session.directions.remove(str(message["name"]))
            elif action == "undo":
                session.navigation.undo_moves()
        except (XCrystalError, KeyError, TypeError, ValueError) as error:
            # an axis may be gone by the time that a message about it arrives
            session.report(str(error))

    def _stop_at(self, axis: Axis, offset: int) -> None:
        """Go to a stop, counted from where the path begins."""
        path = None if axis.target is None else self.session.property_sliders.path(axis.target)
        if path is None or axis.target is None:
            return  # the crystal is another one by now
        stops = path.stops[:: int(towards(axis.target)[1])]
        stop = stops[min(max(stops.index(path.start) + offset, 0), len(stops) - 1)]
        self.session.property_sliders.set(axis.target, stop.value, moving=True)

    def _achieved(self, axis: Axis, change: float) -> str:
        """What became of a property that a move along its axis was to change."""
        base, point, name = self.session.state.base, self.session.state.point, axis.target
        if name is None or abs(change) < STEP / 2 or name not in point.predicted:
            return ""
        there = _change(name, base.predicted[name], point.predicted[name])
        said = f"Moved by {_signed(change, 2)}. Predicted {words.title(name).lower()} at this latent vector: {there}"
        if self.session.idle:
            before, after = self.session.points.achieved(base), self.session.points.achieved(point)
            if name in before and name in after:
                said += f"; of the decoded crystal itself: {_change(name, before[name], after[name])}"
        return f"{said}."


def _change(name: str, before: float, after: float) -> str:
    digits = _DIGITS.get(name, 2)
    one, other = (f"{_unsigned(value, digits)}" for value in (before, after))
    return f"{one} → {other} {words.unit(name)}".rstrip()


def _unsigned(value: float, digits: int) -> str:
    # no minus before a zero
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")
