"""Paths: the two ends, a movie between them with what lies along it, and files of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from xcrystal.crystal.geometry.matching import looks_the_same
from xcrystal.explorer import words
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.panels.share_rows import shares
from xcrystal.explorer.session.commands import Interpolate
from xcrystal.explorer.session.tabs.interpolation import AT_VECTOR, ENDS, MOST_FRAMES
from xcrystal.explorer.session.tabs.path_export import FORMATS
from xcrystal.latent.paths import kinds_for

if TYPE_CHECKING:
    import pandas as pd

    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.session.state import Point
    from xcrystal.explorer.worker import Worker

_MEASURED = {
    "volume_per_atom": ("Volume an atom", "Å³", 2),
    "contact": ("Shortest contact", "of the radii", 2),
    "quantile": ("Distance from the data", "rank among known crystals", 2),
}
_DIGITS = {"e_above_hull": 3}


class PathView(Panel):
    """Ends, scrubber, chart, and exports of a path."""

    _esm = script("path_panel")
    _css = style("path_panel")
    pace: ClassVar[float] = 0.0  # every step and every frame is seen
    events: ClassVar[frozenset[str]] = frozenset({"path", "progress"})

    def __init__(self, session: Session, worker: Worker) -> None:
        self._asked: tuple[Any, int] | None = None  # the frames, and that whose change is explained
        super().__init__(session, worker)
        self.add_class("xc-paths")

    def describe(self) -> dict[str, Any]:
        """The ends, and the path with what was measured along it."""
        session = self.session
        state, progress = session.state, session.progress
        return {
            "ends": [_end(point) for point in state.ends],
            "kinds": list(kinds_for(session.model)),
            "most": MOST_FRAMES,
            "path": self._path(),
            "progress": progress.row() if progress is not None and isinstance(progress.command, Interpolate) else None,
            "both": state.shown == "both" and state.loaded is None,
        }

    def _path(self) -> dict[str, Any] | None:
        path = self.session.state.path
        if path is None:
            return None
        table = self.session.interpolation.table()
        lanes = [(name, words.title(name), words.unit(name), _DIGITS.get(name, 2)) for name in path.frames[0].predicted]
        lanes += [(name, *said) for name, said in _MEASURED.items()]
        return {
            "kind": path.kind,
            "frame": path.frame,
            "formulas": table["formula"].tolist(),
            "groups": table["space_group"].tolist(),
            "valid": table["valid"].tolist(),
            "nearest": table["nearest"].tolist(),
            "changes": [] if self.session.model.lacks("runners_up") else self.session.interpolation.changes(),
            "change": self._change(),
            "lanes": [
                {
                    "name": name,
                    "title": title,
                    "unit": unit,
                    "digits": digits,
                    "values": _rounded(table[name]),
                    "thin": _rounded(table[name + AT_VECTOR]) if name + AT_VECTOR in table else None,
                    "limit": 0.7 if name == "contact" else None,
                }
                for name, title, unit, digits in lanes
            ],
        }

    def _change(self) -> dict[str, Any] | None:
        """Why the crystal changed at the frame that was asked about, as JSON."""
        path = self.session.state.path
        if path is None or self._asked is None or self._asked[0] is not path.frames:
            return None
        frame = self._asked[1]
        found = self.session.interpolation.explain_change(frame)
        if found is None:
            return None
        said = found.said
        pairs = ((found.before, frame - 1), (found.after, frame))
        if not all(looks_the_same(steps.structure, path.frames[k].structure) for steps, k in pairs):
            said += " This is about the greedy decodes; reranking has taken another crystal at one of the frames."
        return {
            "frame": frame,
            "said": said,
            "shares": None if found.attribution is None else shares(found.attribution),
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Set ends, make the path, go along it, export it."""
        session, action = self.session, message["act"]
        if action == "end" and message.get("end") in ENDS:
            source = str(message.get("source") or "").strip() or None
            if session.set_end(message["end"], source) and source is not None:
                self.send({"type": "taken", "end": message["end"]})
        elif action == "swap":
            session.interpolation.swap_ends()
        elif action == "make" and message.get("kind") in kinds_for(session.model):
            session.interpolate(message["kind"], int(message.get("frames") or 16))
        elif action == "frame":
            session.interpolation.show_frame(int(message.get("frame") or 0))
        elif action == "why" and session.state.path is not None:
            self._asked = (session.state.path.frames, int(message.get("frame") or 0))
        elif action == "close":
            self._asked = None
        elif action == "clear":
            session.interpolation.clear()
        elif action == "both" and all(session.state.ends):
            session.show("both" if message.get("on") else "decoded")
        elif action == "export" and message.get("format") in FORMATS and session.state.path is not None:
            name, content = session.interpolation.export(message["format"])
            self.offer(name, FORMATS[message["format"]], content)


def _rounded(values: pd.Series[float]) -> list[float | None]:
    return [round(value, 4) if math.isfinite(value) else None for value in values.tolist()]


def _end(point: Point | None) -> dict[str, str] | None:
    if point is None:
        return None
    return {"formula": point.structure.composition.reduced_formula, "label": point.label}
