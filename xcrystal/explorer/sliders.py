"""Sliders along axes of latent space, by family, in standard deviations of the atlas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from xcrystal.errors import XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.latent.axes import FAMILIES, Axis, coordinates

if TYPE_CHECKING:
    from xcrystal.explorer.session import Session
    from xcrystal.explorer.worker import Worker

LIMIT = 4.0
STEP = 0.05
_TITLES = {
    "principal": ("Principal", "Directions in which known crystals differ most, the strongest first"),
    "latent": ("Single numbers", "One number of the latent vector each; those that vary most come first"),
    "property": ("Properties", "Directions that go with a property of known crystals"),
    "concept": ("Your own", "Directions between groups of crystals that you picked"),
}
_DIGITS = {"e_above_hull": 3}


class SliderView(Panel):
    """One slider an axis, and what a move along a property axis achieved."""

    _esm = script("sliders.js")
    _css = style("sliders.css")
    pace: ClassVar[float] = 0.0  # follows the hand
    events: ClassVar[frozenset[str]] = frozenset({"crystal", "axes", "settled"})

    def __init__(self, session: Session, worker: Worker) -> None:
        super().__init__(session, worker)
        self.add_class("xc-sliders")

    def describe(self) -> dict[str, Any]:
        """The axes of the family that is shown, where the crystal lies on them, and where it began."""
        session = self.session
        axes, state = session.axes, session.state
        values, begun = coordinates(axes, state.point.z), coordinates(axes, state.base.z)
        return {
            "family": state.family,
            "families": [[name, *_TITLES[name]] for name in FAMILIES],
            "axes": [
                {
                    "name": axis.name,
                    "note": axis.note,
                    "value": round(float(value), 3),
                    "base": round(float(base), 3),
                    "achieved": self._achieved(axis, float(value - base)),
                    "removable": axis.family == "concept",
                }
                for axis, value, base in zip(axes, values, begun, strict=True)
            ],
            "rest": session.at_rest,
            "moved": session.moved,
            "limit": LIMIT,
            "step": STEP,
            "latents": session.model.latent_dim,
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Move, choose axes, take moves back."""
        session, wish = self.session, message["act"]
        try:
            if wish == "move" and math.isfinite(value := float(message["value"])):
                session.move(str(message["axis"]), value)
            elif wish == "family":
                session.show_axes(str(message["family"]))
            elif wish == "latent":
                session.show_latent(int(message["number"]))
            elif wish == "remove":
                session.remove_concept(str(message["name"]))
            elif wish == "undo":
                session.undo_moves()
        except (XCrystalError, KeyError, TypeError, ValueError) as error:
            # an axis may be gone by the time that a message about it arrives
            session.report(str(error))

    def _achieved(self, axis: Axis, change: float) -> str:
        """What became of a property that a move along its axis was to change."""
        base, point, name = self.session.state.base, self.session.state.point, axis.target
        if name is None or abs(change) < STEP / 2 or name not in point.predicted:
            return ""
        there = _change(name, base.predicted[name], point.predicted[name])
        said = f"Moved by {_signed(change, 2)}. Predicted {words.title(name).lower()} at this place: {there}"
        if self.session.at_rest:
            before, after = self.session.achieved(base), self.session.achieved(point)
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
