"""Designing crystals: ranges on histograms of the data, elements on a periodic table, and candidates as cards."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
import traitlets

from xcrystal.crystal.elements import MAX_Z, symbol
from xcrystal.crystal.symmetry.groups import CRYSTAL_SYSTEMS, space_group
from xcrystal.energetics.potentials import POTENTIALS, potential_of
from xcrystal.errors import XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.svg_picture import thumbnail
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.session.tabs.crystal_design import MOST_DESIGNS
from xcrystal.inverse_design.candidates import FAR_BELOW, value_words

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.session.state import Point
    from xcrystal.explorer.worker import Worker

_BINS = 32
_OUTLIERS = 0.5  # % of the known crystals beyond either end of a histogram
_RANGES = ("band_gap", "formation_energy_per_atom", "e_above_hull", "n_atoms")
_POTENTIAL = "chgnet"
_DRAWN = 800  # known crystals in the diagram
_ELEMENTS = ("require", "exclude", "only")


class DesignView(Panel):
    """What is wanted, how many known crystals have it, and what was designed.

    The search runs in a thread of its own, so that no other act waits for it.

    Attributes
    ----------
    data
        The properties: name, title, unit, ends of the histogram, and shares of its bins; the symbols of the elements;
        the crystal systems; gaps and energies of some known crystals; the title of the potential that can be asked, if
        any. Sent once the panel is seen.
    pictures
        Small pictures of the candidates, SVG; apart from the state, so that they are sent once.
    """

    _esm = script("design_panel")
    _css = style("design_panel")
    events: ClassVar[frozenset[str]] = frozenset({"crystal", "designs", "designing"})
    data: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    pictures: traitlets.List[str] = traitlets.List().tag(sync=True)

    def __init__(self, session: Session, worker: Worker) -> None:
        self._awake = False
        self._counted: tuple[int | None, str, str] = (None, "", "")
        self._drawn: WeakKeyDictionary[Point, str] = WeakKeyDictionary()
        self._drawing = threading.RLock()  # the thread that designs has its progress drawn while others draw
        super().__init__(session, worker)
        self.add_class("xc-design-panel")

    def describe(self) -> dict[str, Any]:
        """The count of known crystals, how far a search is, and the candidates."""
        session, service = self.session, self.session.crystal_design
        running, designs = service.running, session.state.designs
        count, trouble, caution = self._counted
        return {
            "awake": self._awake,
            "most": MOST_DESIGNS,
            "obstacle": service.obstacle if self._awake else "",
            "count": count,
            "trouble": trouble,
            "caution": caution,
            "progress": None
            if running is None
            else ["Designing crystals", running.words, round(100 * running.share), 100],
            "wanted": "" if not designs else getattr(designs[0].commands[-1], "wanted", ""),
            "cards": [self._card(point) for point in designs],
            "shown": next((k for k, point in enumerate(designs) if point is session.state.point), -1),
        }

    def _card(self, point: Point) -> dict[str, Any]:
        service = self.session.crystal_design
        command, found = service.command_of(point), service.candidates.get(point)
        number = int(point.structure.properties["space_group"])
        rows = [
            [words.title(name), value_words(value, point.intervals.get(name)), words.unit(name)]
            for name, value in point.predicted.items()
        ]
        return {
            "formula": words.formula_of(point.structure),
            "group": f"{space_group(number).symbol} ({number})",
            "rows": rows,
            "values": dict(point.predicted),
            "inside": service.in_range(point),
            "above": ""
            if found is None or math.isnan(found.above_hull)
            else words.number(found.above_hull, 2, plus=True),
            "judge": ""
            if found is None or command is None or not command.potential
            else potential_of(command.potential).title,
            "exchanged": found is not None and found.source == "exchange",
            "below": service.hull_height(point) < FAR_BELOW,
            "chance": "" if found is None else words.percent(found.probability),
            "nearest": "" if found is None else f"{found.nearest_formula} ({found.nearest}), {found.distance:.1f}",
            "known": "" if found is None else found.match,
            "valid": found is None or found.valid,
            "far": found is not None and found.quantile > 0.95,
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Count known crystals, design, and go to a candidate."""
        service, action = self.session.crystal_design, message["act"]
        if action == "awake":
            self._awake = bool(message.get("value"))
            if self._awake and not self.data:
                self.data = self._data()
        elif action == "count":
            try:
                wanted = _wanted(message)
                self._counted = service.count(**wanted), "", service.caution(**wanted)
            except XCrystalError as error:
                self._counted = None, "" if _is_empty(message) else str(error), ""
        elif action == "design":
            threading.Thread(target=self._design, args=(message,), name="xcrystal-design", daemon=True).start()
        elif action == "candidate":
            service.show(int(message.get("number", -1)))
        elif action == "brush":
            self._brush(message)
        elif action == "save":
            designs = self.session.state.designs
            found = service.design_of.get(designs[0]) if designs else None
            if found is None:
                self.session.report("A reopened session keeps the crystals but not their table; design again for it.")
            else:
                self.offer("candidates.csv", "text/csv", found.to_csv().encode())

    def refresh(self) -> None:
        """Draw anew."""
        with self._drawing:
            designs = self.session.state.designs
            for point in designs:
                if point not in self._drawn:
                    self._drawn[point] = thumbnail(conventional_cell(point.structure))
            pictures = [self._drawn[point] for point in designs]
            if pictures != self.pictures:
                self.pictures = pictures
            super().refresh()

    # -- inside

    def _receive(self, _: Any, message: Any, buffers: Any) -> None:
        if isinstance(message, dict) and message.get("act") == "end":
            self.session.crystal_design.stop()  # at once, whatever the worker does
            return
        super()._receive(_, message, buffers)

    def _on_event(self, event: str) -> None:
        if event != "crystal" or self.session.state.designs:
            super()._on_event(event)

    def _design(self, message: dict[str, Any]) -> None:
        try:
            self.session.crystal_design.design(
                **_wanted(message),
                near_shown=bool(message.get("near_shown")),
                potential=_POTENTIAL if message.get("potential") else "",
                count=int(message.get("count") or 12),
                seed=int(message.get("seed") or 0),
            )
        except Exception as error:  # noqa: BLE001  (nobody else would hear of it)
            self.session.report(f"Nothing could be designed ({type(error).__name__}: {error}).")

    def _brush(self, message: dict[str, Any]) -> None:
        """Select the known crystals inside of a rectangle of the diagram, so that the map shows where they lie."""
        table, inside = self.session.atlas.table, np.ones(len(self.session.atlas), dtype=bool)
        said = []
        for name in ("formation_energy_per_atom", "band_gap", "e_above_hull"):
            ends = message.get(name)
            if isinstance(ends, list) and len(ends) == 2 and name in table:
                low, high = float(ends[0]), float(ends[1])
                inside &= table[name].between(low, high).to_numpy()
                said.append(f"{words.title(name)} {low:.2f} to {high:.2f} {words.unit(name)}")
        if said and inside.any():
            self.session.selections.select_rows(np.flatnonzero(inside), ", ".join(said))
        elif said:
            self.session.report(f"No known crystal has {', '.join(said)}.")

    def _points(self) -> list[list[float]]:
        """Energies and gaps of some known crystals, to be drawn behind the candidates."""
        table = self.session.atlas.table
        if not {"formation_energy_per_atom", "band_gap"} <= set(table):
            return []
        known = table[["band_gap", "formation_energy_per_atom"]].dropna()
        return known.sample(min(_DRAWN, len(known)), random_state=0).round(2).to_numpy().tolist()

    def _data(self) -> dict[str, Any]:
        table, properties = self.session.atlas.table, []
        for name in _RANGES[:3]:
            if name not in self.session.model.properties:
                continue
            values = table[name].to_numpy(dtype=float) if name in table else np.zeros(0)
            values = values[np.isfinite(values)]
            low, high = (0.0, 1.0) if not len(values) else np.percentile(values, (_OUTLIERS, 100 - _OUTLIERS))
            counts = np.histogram(values, _BINS, (low, high))[0] if high > low else np.zeros(_BINS)
            # most gaps are 0, and the others shall be seen as well
            heights = np.sqrt(counts / max(counts.max(), 1))
            properties.append(
                [name, words.title(name), words.unit(name), float(low), float(high), heights.round(3).tolist()]
            )
        return {
            "properties": properties,
            "elements": [symbol(z) for z in range(1, MAX_Z + 1)],
            "systems": list(CRYSTAL_SYSTEMS),
            "points": self._points(),
            "potential": "" if POTENTIALS[_POTENTIAL].missing else POTENTIALS[_POTENTIAL].title,
        }


def _wanted(message: dict[str, Any]) -> dict[str, Any]:
    """The keywords of a design, of what the page sent; what is nothing is left out."""
    wanted: dict[str, Any] = {}
    for name in _RANGES:
        ends = message.get(name)
        if isinstance(ends, list) and len(ends) == 2 and any(end is not None for end in ends):
            wanted[name] = tuple(ends)
    for name in _ELEMENTS:
        if isinstance(message.get(name), list) and message[name]:
            wanted[name] = tuple(str(one) for one in message[name])
    for name in ("space_group", "crystal_system", "prototype"):
        if text := str(message.get(name) or "").strip():
            wanted[name] = text
    return wanted


def _is_empty(message: dict[str, Any]) -> bool:
    return not _wanted(message)
