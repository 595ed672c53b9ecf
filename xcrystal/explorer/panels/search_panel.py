"""Finding crystals: a search, a table of the selection, and directions made between groups of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from xcrystal.crystal.collections.tables import csv_text
from xcrystal.crystal.gallery.types import titles
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.errors import ReadError, XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.crystal_stills import CrystalStills
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.latent.searching import Nothing, nothing, ranked, read_query, understand

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.session.state import Selection
    from xcrystal.explorer.worker import Worker

SHOWN = 50  # rows of the table
_AT_ONCE = 12  # pictures in one answer
EXAMPLES = ("TiO2", "Sr-Ti-O", "graphite", "spinel", "perovskite oxides with gap > 2", "halides without lead", "Fm-3m")
_COLUMNS = {
    "formation_energy_per_atom": ("Energy", 2),
    "band_gap": ("Gap", 2),
    "e_above_hull": ("Hull", 3),
}


class FindView(Panel):
    """Search box, results, groups A and B, and the directions between them."""

    _esm = script("search_panel")
    _css = style("search_panel")
    events: ClassVar[frozenset[str]] = frozenset({"selection", "axes"})

    def __init__(self, session: Session, worker: Worker) -> None:
        self._trouble = ""  # why the last search found nothing
        self._help = Nothing("")  # what may help then
        self._understood = ("", "")  # a query, and what it means
        self._sorted: tuple[str, bool] | None = None  # by which column, and whether downwards
        super().__init__(session, worker)
        self.add_class("xc-find")

    def describe(self) -> dict[str, Any]:
        """The first rows of the selection, the groups and the concepts."""
        session = self.session
        chosen = session.state.selection
        title = "" if chosen is None else chosen.title
        known = [name for name in _COLUMNS if name in session.atlas.table]
        known = known or list(session.atlas.properties[: len(_COLUMNS)])  # of an atlas of one's own
        return {
            "examples": list(EXAMPLES),
            "gallery": [[name, formula] for name, formula, _ in titles()],
            "title": title,
            "understood": self._understood[1] if title and title == self._understood[0] else "",
            "trouble": self._trouble,
            "help": [list(self._help.formulas), list(self._help.gallery), self._help.propose],
            "sorted": None if self._sorted is None else list(self._sorted),
            "count": 0 if chosen is None else len(chosen.rows),
            "of": len(session.atlas),
            "columns": [[_column(name)[0], words.with_unit(name), name] for name in known],
            "rows": [] if chosen is None else self._rows(chosen, known),
            "groups": [None if group is None else [group.title, len(group.rows)] for group in session.state.groups],
            "concepts": [[concept.name, concept.note] for concept in session.state.concepts],
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Search, go to a row, keep groups, make directions."""
        session, action = self.session, message["act"]
        if action == "search":
            self._search(str(message.get("query", "")))
            return
        self._trouble, self._help = "", Nothing("")
        try:
            if action == "go":
                session.select(int(message["row"]))
            elif action == "sort":
                name = str(message["column"])
                self._sorted = (name, self._sorted == (name, False))
            elif action == "gallery":
                session.navigation.load_gallery(str(message["name"]))
            elif action == "propose":
                session.propose(str(message["formula"]))
                session.controls.bring_to_front("steer")
            elif action == "clear":
                session.selections.clear()
            elif action == "keep":
                session.directions.keep_group(int(message["group"]))
            elif action == "drop":
                session.directions.drop_group(int(message["group"]))
            elif action == "concept":
                if session.directions.make(str(message.get("name", "")).strip() or None) is None:
                    self._trouble = session.message
            elif action == "remove":
                session.directions.remove(str(message["name"]))
            elif action == "csv":
                self.offer("selection.csv", "text/csv", csv_text(session.selections.table).encode())
        except (XCrystalError, KeyError, TypeError, ValueError) as error:
            # what it is about may be gone by the time that a message arrives
            session.report(str(error))

    def _search(self, query: str) -> None:
        query = " ".join(query.split())
        before = self.session.state.selection
        self._trouble, self._help, self._sorted = "", Nothing(""), None
        try:
            meaning = "; ".join(condition.words for condition in understand(self.session.atlas, query))
            self._understood = (query, "" if meaning == query else meaning)
            self._help = replace(Nothing(""), gallery=read_query(self.session.atlas, query).gallery)
        except XCrystalError:
            pass  # the session says so
        self.session.search(query)
        if self.session.state.selection is before and (before is None or before.title != query):
            self._trouble = self.session.message
            try:
                self._help = nothing(self.session.atlas, query, self.session.model.max_atoms)
            except ReadError:
                self._help = Nothing("")

    def _ordered(self, chosen: Selection) -> np.ndarray:
        """The selected rows as people look for them, or by the column that they chose; what is not known comes last."""
        table = self.session.atlas.table
        if self._sorted is None or self._sorted[0] not in table:
            return ranked(self.session.atlas, chosen.title, chosen.rows)
        name, downwards = self._sorted
        values = table[name].iloc[chosen.rows].reset_index(drop=True)
        order = values.sort_values(ascending=not downwards, kind="stable", na_position="last").index.to_numpy()
        ordered: np.ndarray = chosen.rows[order]
        return ordered

    def _receive(self, widget: Any, message: Any, buffers: Any) -> None:
        if isinstance(message, dict) and message.get("act") == "pictures":
            rows = [
                row for row in message.get("rows", []) if isinstance(row, int) and 0 <= row < len(self.session.atlas)
            ]
            # only looks at the atlas, so it need not wait for the crystal that is being decoded
            drawn = CrystalStills.of(self.session).draw(rows[:_AT_ONCE])
            self.send({"type": "pictures", "pictures": list(drawn.items())})
        else:
            super()._receive(widget, message, buffers)

    def _rows(self, chosen: Selection, known: list[str]) -> list[list[Any]]:
        """Row, formula, id, space group, and numbers as text, of the first crystals in the order of the table."""
        places = self._ordered(chosen)[:SHOWN]
        table = self.session.atlas.table.iloc[places]
        groups = ["–"] * len(places)
        if "space_group" in table:
            groups = [f"{number} {space_group(int(number)).symbol}" for number in table["space_group"]]
        numbers = [[_text(value, _column(name)[1]) for value in table[name]] for name in known]
        texts = [table["formula"].astype(str), table["material_id"].astype(str), groups, *numbers]
        return [[int(place), *cells] for place, *cells in zip(places, *texts, strict=True)]


def _column(name: str) -> tuple[str, int]:
    """A short title and the digits of a column."""
    return _COLUMNS.get(name) or (words.title(name), 3)


def _text(value: float, digits: int) -> str:
    # no minus before a zero
    return f"{round(float(value), digits) + 0.0:.{digits}f}".replace("-", "−") if math.isfinite(value) else "–"
