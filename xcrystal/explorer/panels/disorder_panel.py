"""What a disordered crystal is offered below its drawing: ordered approximants, with what is predicted for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.disorder.approximants import weighted_title
from xcrystal.errors import TargetError
from xcrystal.explorer import words
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.session.commands import MakeApproximants

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.session.tabs.ordered_approximants import Listed
    from xcrystal.explorer.worker import Worker


class DisorderView(Panel):
    """A button that makes ordered approximants, how far that is, and a table of them with their spread."""

    _esm = script("disorder_panel")
    _css = style("disorder_panel")
    events: ClassVar[frozenset[str]] = frozenset({"crystal", "shown", "own", "progress"})

    def __init__(self, session: Session, worker: Worker) -> None:
        super().__init__(session, worker)
        self.add_class("xc-disorder")

    def describe(self) -> dict[str, Any]:
        """The disordered crystal that is shown, and the approximants on the map; both may be missing."""
        session = self.session
        found, loaded, progress = session.approximants, session.state.loaded, session.progress
        disordered, listed = found.disordered, found.listed
        begun = loaded is not None and loaded.z is not None and np.array_equal(loaded.z, session.state.base.z)
        shown = next((k for k, one in enumerate(listed) if begun and loaded and loaded.name == one.own.name), -1)
        if shown < 0 and (disordered is None or (listed and listed[0].own.of != disordered.name)):
            listed = []  # they stay on the map, but say nothing of the crystal that is shown now
        working = progress is not None and isinstance(progress.command, MakeApproximants)
        spread, weighted = found.spread(), found.spread(weighted=True)
        return {
            "disordered": "" if disordered is None else disordered.name,
            "progress": progress.row() if progress is not None and working else None,
            "of": listed[0].own.of if listed else "",
            "properties": [words.with_unit(name) for name in spread] if listed else [],
            "rows": [_row(one) for one in listed],
            "mean": [_figure(mean) for mean, _ in spread.values()],
            "deviation": [_figure(deviation) for _, deviation in spread.values()],
            "weighted_title": weighted_title(found.coverage).capitalize(),
            "weighted": [_figure(mean) for mean, _ in weighted.values()],
            "shown": shown,
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Make approximants, or go to one."""
        if message["act"] == "make":
            self.session.approximants.make()
        elif message["act"] == "show":
            try:
                self.session.own_crystals.show(int(message.get("number", -1)))
            except TargetError as error:  # a click on what was listed before
                self.session.report(str(error))


def _row(one: Listed) -> dict[str, Any]:
    symbol = space_group(one.space_group).symbol if one.space_group else ""
    return {
        "number": one.number,
        "group": [list(part) for part in words.space_group_parts(symbol)] if symbol else [["", "none found"]],
        "atoms": len(one.own.structure),
        "weight": f"{100 * one.own.weight:.2g}",
        "values": [_figure(value) for value in one.predicted.values()],
    }


def _figure(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "\u2212")
