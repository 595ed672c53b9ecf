"""Groups of crystals explained: concepts that a prediction uses, elements over the selection, known neighbours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from xcrystal.crystal.elements import MAX_Z, symbol
from xcrystal.explanation.score_scale import ScoreScale, score_span
from xcrystal.explorer import words
from xcrystal.explorer.drawing.palette import hex_color
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.panels.attribution_bars import digits_for, signed

if TYPE_CHECKING:
    from xcrystal.explanation.concepts import ConceptReport, ConceptResult
    from xcrystal.explanation.influence import Influence
    from xcrystal.explanation.regions import RegionAttribution
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.session.state import Selection
    from xcrystal.explorer.worker import Worker

_NEAREST = 8
_AT_BASELINE = {
    "mean_element": "the mean element",
    "fitted_element": "the fitted element",
    "average_of_crystal": "the mean of its elements",
    "real_elements": "other elements of the same charges",
    "neighbours": "the elements of the nearest known crystals",
    "vacancy": "no element",
}


class ConceptView(Panel):
    """Bars of concepts, a periodic table of mean attributions, and a table of neighbours.

    Concepts and elements are looked into by a button; neighbours as long as the panel is seen and the session is idle.
    """

    _esm = script("concept_panel")
    _css = style("concept_panel")
    events: ClassVar[frozenset[str]] = frozenset({"crystal", "settled", "selection", "progress"})

    def __init__(self, session: Session, worker: Worker) -> None:
        self._awake = False
        self._target = ""
        self._of: tuple[RegionAttribution, Selection | None] | None = None
        self._near: tuple[Any, str, Influence | None] | None = None
        super().__init__(session, worker)
        self.add_class("xc-concept-panel")

    def describe(self) -> dict[str, Any]:
        """What can be asked, and what was found."""
        session = self.session
        offered = list(session.predicted)
        if self._target not in offered:
            self._target = offered[0] if offered else ""
        progress, chosen = session.progress, session.state.selection
        return {
            "awake": self._awake,
            "targets": [[name, words.title(name)] for name in offered],
            "target": self._target,
            "selected": None if chosen is None else [len(chosen.rows), chosen.title],
            "progress": None if progress is None else progress.row(),
            "concepts": None
            if session.group_explanations.concepts_tested is None
            else _concepts(session.group_explanations.concepts_tested),
            "region": None
            if session.group_explanations.region is None
            else self._region(session.group_explanations.region),
            "near": self._neighbours(),
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Test concepts, average over elements, go to a neighbour."""
        session, action = self.session, message["act"]
        if action == "awake":
            self._awake = bool(message.get("value"))
        elif action == "target" and message.get("value") in session.predicted:
            self._target = str(message["value"])
        elif action == "concepts" and self._target:
            session.group_explanations.test_concepts(self._target)
        elif action == "region" and self._target:
            chosen = session.state.selection
            if (
                session.group_explanations.explain_region(self._target)
                and session.group_explanations.region is not None
            ):
                self._of = session.group_explanations.region, chosen
        elif action == "go" and self._near is not None and self._near[2] is not None:
            row = message.get("row")
            if row in {one.row for one in self._near[2].near}:
                session.select(int(row))

    # -- inside

    def _region(self, found: RegionAttribution) -> dict[str, Any]:
        """The elements with their colours, and of which crystals."""
        of = self._of[1] if self._of is not None and self._of[0] is found else None
        means = np.array([element.mean for element in found.elements])
        scale = ScoreScale(score_span(means))
        span = scale.span
        digits = digits_for(span)
        unit = f" {found.unit}" if found.unit else ""
        what = words.explained(found.target)
        many = f"{found.crystals:,}" + (f" of {found.of:,}" if found.of > found.crystals else "")
        numbers = {symbol(z): z for z in range(1, MAX_Z + 1)}
        group = "" if of is None else f" ({of.title})"
        return {
            "said": f"{what[0].upper()}{what[1:]}: mean share of one atom of each element, over {many} crystals that "
            f"were selected{group}.",
            "note": f"An atom's share is what it adds compared with {_AT_BASELINE.get(found.baseline, found.baseline)} "
            "on its site. Scores explain the crystals that the model decodes here, not the known crystals themselves.",
            "old": of is not None and of is not self.session.state.selection,
            "unit": found.unit,
            "low": signed(-span, digits),
            "high": signed(span, digits),
            "scale": scale.css(),
            "elements": [
                {
                    "z": numbers[one.element],
                    "symbol": one.element,
                    "color": hex_color(shade),
                    "ink": "#fff" if float(shade @ [0.299, 0.587, 0.114]) < 0.5 else "#111",
                    "text": f"{one.element}: {signed(one.mean, digits)}"
                    + (f" ± {one.error:.{digits}f}" if math.isfinite(one.error) else "")
                    + f"{unit}, {_crystals(one.crystals)}",
                }
                for one, shade in zip(found.elements, scale.colors(means), strict=True)
            ],
        }

    def _neighbours(self) -> dict[str, Any] | None:
        """Of the present prediction; None while nobody looks, or a hand moves."""
        session = self.session
        if not (self._awake and session.idle and self._target):
            return None
        if self._near is None or self._near[0] is not session.state.point.z or self._near[1] != self._target:
            k = min(_NEAREST, len(session.atlas))
            self._near = session.state.point.z, self._target, session.group_explanations.influence(self._target, k)
        found = self._near[2]
        if found is None:
            return None
        return {
            "said": found.words().replace("-", "−"),
            "unit": found.unit,
            "measured": found.measured,
            "rows": [
                [
                    one.row,
                    one.formula,
                    one.material_id,
                    f"{one.distance:.2f}",
                    _number(one.known),
                    _number(one.predicted),
                ]
                for one in found.near
            ],
        }

    def _on_event(self, event: str) -> None:
        if self._awake or event == "progress":
            super()._on_event(event)


def _concepts(found: ConceptReport) -> dict[str, Any]:
    """Bars, of what, and what could not be tested."""
    what = words.explained(found.target)
    return {
        "said": f"{what[0].upper()}{what[1:]}, asked of {_crystals(found.crystals)} {found.of}.",
        "rows": [_bar(one, found.unit) for one in found.results],
        "notes": list(found.notes),
    }


def _bar(one: ConceptResult, unit: str) -> dict[str, Any]:
    if one.significant:
        said = f"used: it {'raises' if one.size > 0 else 'lowers'} the prediction"
    else:
        said = "not used, or too little to tell"
    if not one.separable:
        said += "; the model hardly knows this idea"
    per = f"{signed(one.size, digits_for(abs(one.size)))} {unit}".strip()
    return {
        "name": one.name,
        "crystals": f"{one.crystals:,}",
        "score": one.score,
        "low": one.score_low,
        "high": one.score_high,
        "random": [max(one.random_score - one.random_spread, 0.0), min(one.random_score + one.random_spread, 1.0)],
        "text": f"{one.score:.2f}",
        "random_text": f"{one.random_score:.2f} ± {one.random_spread:.2f}",
        "significant": one.significant,
        "said": said,
        "figures": f"{per} for a typical step towards it; p = {one.adjusted:.2g} against random "
        f"concepts; AUC {one.auc:.2f} for telling its crystals from others",
    }


def _crystals(count: int) -> str:
    return f"{count:,} crystal{'' if count == 1 else 's'}"


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "−") if math.isfinite(value) else "–"
