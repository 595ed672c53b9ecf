"""The powder pattern of the crystal that is shown, another one over it, and a search by a measured one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
import traitlets

from xcrystal.crystal.collections.tables import csv_text
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.diffraction.powder import UNITS, Pattern, in_unit, to_two_theta, wavelength_of
from xcrystal.errors import XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.svg_picture import thumbnail
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.session.commands import IdentifyPattern
from xcrystal.explorer.session.tabs.diffraction import SOURCES, match_name

if TYPE_CHECKING:
    from xcrystal.diffraction.identification import Match
    from xcrystal.diffraction.measured import MeasuredPattern
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.worker import Worker

_POINTS = 1000  # of a curve: more than there are pixels
_FINER = 4  # how much finer it is calculated, of which the highest are drawn, so that no peak is cut
_MOST_PEAKS = 400
_WEAKEST = 0.1  # per cent, of the peaks that are told


class DiffractionView(Panel):
    """Nothing is calculated until the tab is seen; during a drag curves are calculated coarsely.

    Attributes
    ----------
    pictures
        Small pictures of the matches, SVG; apart from the state, so that they are sent once.
    """

    _esm = script("diffraction_panel")
    _css = style("diffraction_panel")
    pace: ClassVar[float] = 0.08
    events: ClassVar[frozenset[str]] = frozenset(
        {"crystal", "shown", "settled", "diffraction", "matches", "progress", "pins", "path"}
    )
    pictures: traitlets.List[str] = traitlets.List().tag(sync=True)

    def __init__(self, session: Session, worker: Worker) -> None:
        self._awake = False
        self._trouble = ""
        self._drawn: WeakKeyDictionary[Pattern | MeasuredPattern, dict[str, Any]] = WeakKeyDictionary()
        super().__init__(session, worker)
        self.add_class("xc-diffraction")

    def describe(self) -> dict[str, Any]:
        """The patterns, how they are shown, and what was found."""
        session, shown = self.session, self.session.state.diffraction
        progress, measured = session.progress, session.state.measured
        sources = dict(SOURCES)
        sources.setdefault(shown.source, words.radiation(shown.source))
        return {
            "awake": self._awake,
            "sources": [[name, _with_wavelength(name, label)] for name, label in sources.items()],
            **vars(shown),
            "choices": [[name, label] for name, label in session.diffraction.choices.items()],
            "measured": None if measured is None else measured.name,
            "patterns": self._patterns() if self._awake else None,
            "trouble": self._trouble,
            "progress": None
            if progress is None or not isinstance(progress.command, IdentifyPattern)
            else progress.row(),
            "busy": progress is not None,
            "matches": self._matches(),
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Show differently, read a file, search, go to a match."""
        action, diffraction = message["act"], self.session.diffraction
        if action == "awake":
            self._awake = bool(message.get("value"))
            return
        self._trouble = ""
        try:
            if action == "show":
                diffraction.show(**_view(message))
            elif action == "file" and buffers:
                unit = "q" if message.get("unit") == "q" else "two_theta"
                line = message.get("line") or None
                name = str(message.get("name") or "pattern")
                if not diffraction.read_bytes(bytes(buffers[0]), name, line=line, unit=unit):
                    self._trouble = self.session.message
            elif action == "remove":
                diffraction.remove()
            elif action == "identify":
                elements, formula = (str(message.get(name) or "") for name in ("elements", "formula"))
                if not diffraction.identify(elements, formula):
                    self._trouble = self.session.message
            elif action == "match":
                diffraction.go_to_match(int(message.get("number", -1)))
            elif action == "csv":
                pattern = diffraction.pattern
                self.offer(f"{pattern.formula}-peaks.csv", "text/csv", csv_text(pattern.peaks).encode())
        except (XCrystalError, TypeError, ValueError) as error:
            self._trouble = str(error)

    # -- inside

    def _patterns(self) -> dict[str, Any]:
        """The axis and one or two curves with their peaks; or why there is none."""
        diffraction, shown = self.session.diffraction, self.session.state.diffraction
        wavelength = wavelength_of(shown.source)
        ends = in_unit(np.array(diffraction.limits), wavelength, shown.unit)
        found: dict[str, Any] = {"title": UNITS[shown.unit], "span": ends.tolist(), "curves": [], "none": ""}
        try:
            found["curves"].append(self._curve(diffraction.pattern, ends))
        except XCrystalError as error:
            found["none"] = str(error)
        try:
            second = diffraction.second
            if second is not None:
                found["curves"].append({**self._curve(second, ends), "second": True})
        except XCrystalError as error:
            found["none"] = found["none"] or str(error)
        return found

    def _curve(self, pattern: Pattern | MeasuredPattern, ends: np.ndarray) -> dict[str, Any]:
        key = [*ends.tolist(), self.session.idle]
        known = self._drawn.get(pattern)
        if known is None or known["key"] != key:
            made = self._calculated(pattern, ends) if isinstance(pattern, Pattern) else self._measured(pattern, ends)
            self._drawn[pattern] = known = {**made, "key": key, "second": False}
        return known

    def _calculated(self, pattern: Pattern, ends: np.ndarray) -> dict[str, Any]:
        finer = _FINER if self.session.idle else 1
        x = np.linspace(ends[0], ends[1], _POINTS * finer)
        if finer == 1:  # a peak must not fall between two points
            width = max(pattern.broadening.fwhm, 2.5 * (pattern.limits[1] - pattern.limits[0]) / _POINTS)
            pattern = replace(pattern, broadening=replace(pattern.broadening, fwhm=width))
        y = pattern.profile(x)[1].reshape(_POINTS, finer).max(axis=1)
        position = pattern.position
        seen = np.flatnonzero((position >= ends[0]) & (position <= ends[1]) & (pattern.intensity >= _WEAKEST))
        seen = np.sort(seen[np.argsort(-pattern.intensity[seen], kind="stable")[:_MOST_PEAKS]])
        return {
            "name": pattern.formula,
            "group": words.space_group_text(space_group(pattern.space_group).symbol),
            "y": np.rint(10 * y).astype(int).tolist(),
            "peaks": [
                [
                    round(float(position[k]), 3),
                    round(float(pattern.d[k]), 4),
                    round(float(pattern.intensity[k]), 1),
                    ", ".join(map(str, pattern.families[k])),
                    sum(family.multiplicity for family in pattern.families[k]),
                ]
                for k in seen.tolist()
            ],
        }

    def _measured(self, pattern: MeasuredPattern, ends: np.ndarray) -> dict[str, Any]:
        """The highest of the points in each step of the axis; none where it was not measured."""
        curve = pattern.curve("q")
        shown = self.session.state.diffraction
        wavelength = wavelength_of(shown.source)
        x = in_unit(to_two_theta(curve.x, wavelength, "q"), wavelength, shown.unit)
        low = np.percentile(curve.y, 1)  # what is below all peaks
        y = np.clip(1000 * (curve.y - low) / max(float(curve.y.max() - low), 1e-9), 0, 1000)
        bins = np.floor((x - ends[0]) / (ends[1] - ends[0]) * _POINTS).astype(int)
        inside = (bins >= 0) & (bins < _POINTS)
        highest = np.full(_POINTS, -1.0)
        np.maximum.at(highest, bins[inside], y[inside])
        return {"name": pattern.name, "group": "", "y": np.rint(highest).astype(int).tolist(), "peaks": []}

    def _matches(self) -> dict[str, Any] | None:
        last, measured = self.session.diffraction.last, self.session.state.measured
        if last is None or measured is None:
            return None
        told = f", told {last.told}" if last.told else ""
        return {
            "said": f"Crystals that could make {measured.name}{told}, by their score: similarity less change of cell.",
            "rows": [self._match(match, number) for number, match in enumerate(last.matches)],
        }

    def _match(self, match: Match, number: int) -> dict[str, Any]:
        loaded = self.session.display.loaded_alone
        here = self.session.state.point.material_id if loaded is None else loaded.name
        return {
            "formula": match.formula,
            "group": f"{match.space_group} {space_group(match.space_group).symbol}",
            "similarity": f"{match.similarity:.3f}",
            "score": "–" if match.score is None else words.number(match.score, 3),
            "id": match.material_id,
            "origin": match.origin,
            "zero": f"{match.zero:+.2f}".replace("-", "−"),
            "volume": f"{match.structure.volume / len(match.structure):.2f}",
            "shown": here == (match.material_id or match_name(match, number)),
        }

    def _on_event(self, event: str) -> None:
        if event == "matches":
            last = self.session.diffraction.last
            found = () if last is None else last.matches
            self.pictures = [thumbnail(conventional_cell(match.structure)) for match in found]
        if self._awake or event in ("progress", "matches"):
            super()._on_event(event)


def _with_wavelength(source: str, label: str) -> str:
    return label if label.endswith("Å") else f"{label}, {wavelength_of(source):.4g} Å"


def _view(message: dict[str, Any]) -> dict[str, Any]:
    """What is asked for, of what can be."""
    given = {name: str(message[name]) for name in ("source", "unit", "second") if name in message}
    return given | {name: float(message[name]) for name in ("fwhm", "size") if name in message}
