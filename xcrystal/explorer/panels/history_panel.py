"""The line that says what the last change did, the log of all of them, and the strip of crystals that were visited."""

from __future__ import annotations

import contextlib
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import traitlets

from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.panel import Panel, script, style

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.session.state import Point
    from xcrystal.explorer.worker import Worker

CHIPS = 40  # crystals in the strip; the history goes farther back
LOGGED = 100  # lines of the log that are shown
THUMBNAIL = 44  # pixels
_ATOMS = 60  # in a conventional cell that is drawn this small


class HistoryView(Panel):
    """What was done, in words and as a strip of crystals to go back to; undo and redo.

    Attributes
    ----------
    log
        The last lines, once the log has been opened; empty before, so that nothing unread is sent.
    chips
        The crystals that were visited: place in the history, key of the thumbnail, formula and what it is.
    """

    _esm = script("history_panel")
    _css = style("history_panel")
    events: ClassVar[frozenset[str]] = frozenset({"summary", "history", "settled", "mode"})
    log: traitlets.List[str] = traitlets.List().tag(sync=True)
    chips: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def __init__(self, session: Session, worker: Worker) -> None:
        self._keys: WeakKeyDictionary[Point, int] = WeakKeyDictionary()
        self._numbers = count()
        self._reading = False
        super().__init__(session, worker)
        self.chips = self._visited()
        self.add_class("xc-history")

    def describe(self) -> dict[str, Any]:
        """The line of the last change, and what undo and redo would do."""
        session = self.session
        place, entries = session.place_in_history, session.history
        return {
            "summary": session.change_summary,
            "place": place,
            "undo": entries[place].title if place > 0 else "",
            "redo": entries[place + 1].title if place + 1 < len(entries) else "",
            "lines": len(session.change_summaries),
        }

    def refresh(self) -> None:
        """Draw anew; the strip and the log, which are longer, only when the session is idle."""
        super().refresh()
        if self.session.idle:
            self.chips = self._visited()
            self.log = self.session.change_summaries[-LOGGED:] if self._reading else []

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Undo, redo, go back, open the log, draw thumbnails."""
        session, action = self.session, message["act"]
        if action == "undo":
            session.undo()
        elif action == "redo":
            session.redo()
        elif action == "go":
            with contextlib.suppress(TypeError, ValueError):
                session.go_to_entry(int(message["place"]))
        elif action == "log":
            self._reading = bool(message.get("open"))
        elif action == "thumbnails":
            keys = message.get("keys")
            self._draw(keys if isinstance(keys, list) else [])

    def _visited(self) -> list[dict[str, Any]]:
        """One chip for each stay at a point; a click goes to its last moment."""
        entries = self.session.history
        lasts = [
            place
            for place, entry in enumerate(entries)
            if place + 1 == len(entries) or entries[place + 1].state.point is not entry.state.point
        ]
        firsts = [0, *(place + 1 for place in lasts[:-1])]
        here = self.session.place_in_history
        return [
            {
                "place": last,
                "key": self._key(entries[last].state.point),
                "formula": entries[last].state.point.structure.composition.reduced_formula,
                "title": entries[last].state.point.label,
                "current": first <= here <= last,
            }
            for first, last in list(zip(firsts, lasts, strict=True))[-CHIPS:]
        ]

    def _key(self, point: Point) -> int:
        if point not in self._keys:
            self._keys[point] = next(self._numbers)
        return self._keys[point]

    def _draw(self, keys: list[Any]) -> None:
        from xcrystal.explorer.drawing.svg_picture import thumbnail

        points = {self._key(entry.state.point): entry.state.point for entry in self.session.history}
        shown = {chip["key"] for chip in self.chips} & set(keys) & set(points)
        pictures = {}
        for key in sorted(shown):
            structure = conventional_cell(points[key].structure)
            small = structure if len(structure) <= _ATOMS else points[key].structure
            pictures[str(key)] = thumbnail(small, THUMBNAIL)
        if pictures:
            self.send({"type": "thumbnails", "pictures": pictures})
