"""Steering: a property raised or lowered, random steps, and structures proposed for a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import traitlets

from xcrystal.explorer import words
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.svg_picture import thumbnail
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.session.commands import Propose, Steer
from xcrystal.explorer.session.tabs.property_steering import MOST_PROPOSALS, MOST_STEPS

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.session.state import Point
    from xcrystal.explorer.worker import Worker

_DIGITS = {"e_above_hull": 3}
_ENERGY = "formation_energy_per_atom"


class SteerView(Panel):
    """What to steer, what was achieved, and proposals for a formula.

    Attributes
    ----------
    pictures
        Small pictures of the candidates, SVG; apart from the state, so that they are sent once.
    """

    _esm = script("steering_panel")
    _css = style("steering_panel")
    pace: ClassVar[float] = 0.0  # every step and every frame is seen
    events: ClassVar[frozenset[str]] = frozenset({"crystal", "settled", "candidates", "progress"})
    pictures: traitlets.List[str] = traitlets.List().tag(sync=True)

    def __init__(self, session: Session, worker: Worker) -> None:
        self._drawn: WeakKeyDictionary[Point, str] = WeakKeyDictionary()
        super().__init__(session, worker)
        self.add_class("xc-steer")
        self._show_pictures()

    def describe(self) -> dict[str, Any]:
        """What can be steered, what steering achieved, and the candidates."""
        session = self.session
        state, progress, steered = session.state, session.progress, session.steering.last
        names = list(state.point.predicted)
        return {
            "targets": [[name, words.title(name), words.unit(name), _DIGITS.get(name, 2)] for name in names],
            "values": {name: round(value, 4) for name, value in state.point.predicted.items()},
            "most": MOST_STEPS,
            "most_proposals": MOST_PROPOSALS,
            "progress": progress.row()
            if progress is not None and isinstance(progress.command, (Steer, Propose))
            else None,
            "steered": None
            if steered is None
            else {
                "title": words.title(steered.target),
                "unit": words.unit(steered.target),
                "digits": _DIGITS.get(steered.target, 2),
                "direction": steered.direction,
                "hold": [name.replace("_", " ") for name in steered.hold],
                "values": [round(value, 4) for value in steered.values],
                "formulas": list(steered.formulas),
                "quantiles": [round(value, 3) for value in steered.quantiles],
                "reason": steered.reason,
            },
            "candidates": [self._candidate(point) for point in state.candidates],
            "shown": next((k for k, point in enumerate(state.candidates) if point is state.point), -1),
        }

    def _candidate(self, point: Point) -> dict[str, Any]:
        found = self.session.steering.proposals.get(point)
        return {
            "formula": point.structure.composition.reduced_formula,
            "atoms": len(point.structure),
            "group": int(point.structure.properties["space_group"]),
            "hull": _rounded(point.predicted.get("e_above_hull")),
            "energy": _rounded(point.predicted.get(_ENERGY)),
            "interval": [_rounded(x) for x in point.intervals.get(_ENERGY, ())],
            "quantile": None if found is None else round(found.quantile, 3),
            "origin": None if found is None else found.origin,
            "known": None if found is None else (found.material_id or ""),
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Steer, wander, propose."""
        session, action = self.session, message["act"]
        if action == "steer" and message.get("target") in session.predicted:
            hold = [str(name) for name in message.get("hold") or [] if name in ("elements", "space_group")]
            direction = "higher" if message.get("direction") == "higher" else "lower"
            session.steer(message["target"], direction, int(message.get("steps") or 10), hold)
        elif action == "wander":
            session.navigation.random_step()
        elif action == "surprise":
            session.navigation.sample()
        elif action == "propose":
            session.propose(str(message.get("formula") or ""), int(message.get("count") or 5))
        elif action == "candidate":
            session.steering.show_candidate(int(message.get("number", -1)))

    def _on_event(self, event: str) -> None:
        if event == "candidates":
            self._show_pictures()
        if event != "crystal" or self.session.idle or self.session.progress is not None:
            super()._on_event(event)  # a slider that is dragged changes nothing here until it is released

    def _show_pictures(self) -> None:
        for point in self.session.state.candidates:
            if point not in self._drawn:
                self._drawn[point] = thumbnail(conventional_cell(point.structure))
        self.pictures = [self._drawn[point] for point in self.session.state.candidates]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
