"""Changing the crystal: pick an atom, give it another element, remove it, move it; and changes that turn an outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from xcrystal.crystal.elements import MAX_Z, symbol
from xcrystal.errors import XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.drawing.svg_picture import thumbnail
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.session.commands import FindCounterfactuals

if TYPE_CHECKING:
    from xcrystal.crystal.symmetry.orbits import Site
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.session.tabs.counterfactual_search import Search
    from xcrystal.explorer.session.tabs.modifications import Change, Subject
    from xcrystal.explorer.worker import Worker

_EVENTS = frozenset({"crystal", "shown", "settled", "picked", "progress"})
_DIGITS = {"e_above_hull": 3}
_REACH, _STEP = 0.1, 0.002  # of a slider, in the cell's units
_OUTCOMES = {
    "metal": "a metal (no band gap)",
    "insulator": "an insulator (a band gap)",
    "on the hull": "on the hull",
    "near the hull": "near the hull (at most 0.05 eV/atom above)",
    "above the hull": "above the hull (by more)",
}


class ChangeView(Panel):
    """Orbits, elements, sliders of free coordinates, what a change did, and counterfactuals.

    Nothing is looked for until the panel is seen, so that it costs nothing at opening or while another tab is used.

    Attributes
    ----------
    pictures
        Small pictures of the counterfactuals, SVG; apart from the state, so that they are sent once.
    elements
        Symbol of each element, and on how many orbits of the training data it is; -1 if that is not known.
    """

    _esm = script("modification_panel")
    _css = style("modification_panel")
    events: ClassVar[frozenset[str]] = _EVENTS
    pictures: traitlets.List[str] = traitlets.List().tag(sync=True)
    elements: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, session: Session, worker: Worker) -> None:
        self._awake = False
        self._orbit, self._atom = 0, None  # what is chosen: an orbit, and which of its atoms was clicked
        self._alone = False
        self._of: Subject | None = None
        self._losses: dict[tuple[int, int, int], str] = {}
        self._shown: Search | None = None
        super().__init__(session, worker)
        self.add_class("xc-change-panel")
        seen = session.model.facts.get("elements_seen", {})
        self.elements = [[symbol(z), int(seen.get(str(z), 0)) if seen else -1] for z in range(1, MAX_Z + 1)]

    _atom: int | None

    def describe(self) -> dict[str, Any]:
        """What can be changed, what was changed, and what was found."""
        session = self.session
        progress, search = session.progress, session.counterfactual_search.last
        described = {
            "awake": self._awake,
            "outcomes": [[name, text] for name, text in _OUTCOMES.items()],
            "progress": progress.row()
            if progress is not None and isinstance(progress.command, FindCounterfactuals)
            else None,
            "change": _change(session.modifications.change),
            "search": None if search is None else _search(search),
            "idle": session.idle,
            "reach": _REACH,
            "step": _STEP,
            "trouble": "",
            "formula": "",
            "sites": [],
            "orbit": 0,
            "alone": self._alone,
            "loss": "",
        }
        if not self._awake:
            return described
        try:
            # while a hand moves, what it holds stays what it took hold of
            subject = session.modifications.held or session.modifications.editable()
        except XCrystalError as error:
            self._of = None
            return {**described, "trouble": str(error)}
        if self._of is None or self._of.opened is not subject.opened:
            self._keep_choice(subject)
        self._of = subject
        sites = subject.opened.sites()
        site = sites[self._orbit]
        return {
            **described,
            "formula": subject.opened.structure.composition.reduced_formula,
            "sites": [_site(one) for one in sites],
            "orbit": self._orbit,
            "atom": self._chosen(site),
            "free": self._free(subject, site),
            "loss": self._loss(subject, site) if self._alone else "",
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Choose, change, search."""
        session, action = self.session, message["act"]
        if action == "awake":
            self._awake = bool(message.get("value"))
        elif action == "orbit":
            self._orbit, self._atom = int(message.get("value") or 0), None
        elif action == "alone":
            self._alone = bool(message.get("value"))
        elif action == "search":
            self._search(str(message.get("outcome") or ""))
        elif action == "take":
            session.counterfactual_search.take(int(message.get("number", -1)))
        elif self._of is not None and 0 <= self._orbit < len(self._of.opened.sites()):
            atom = self._chosen(self._of.opened.sites()[self._orbit]) if self._alone else None
            if action == "substitute":
                session.modifications.substitute(self._orbit, str(message.get("element") or ""), atom)
            elif action == "remove":
                session.modifications.remove(self._orbit, atom)
            elif action == "move":
                axis, amount = str(message.get("axis") or ""), message.get("value")
                session.modifications.move_orbit(self._orbit, axis, float(amount or 0.0), atom, moving=True)

    # -- inside

    def _search(self, outcome: str) -> None:
        self.session.counterfactual_search.search(outcome)
        found = self.session.counterfactual_search.last
        if found is not None and found is not self._shown:
            self._shown = found
            self.pictures = [thumbnail(one.structure) for one in found.found]

    def _chosen(self, site: Site) -> int:
        return self._atom if self._atom is not None and self._atom in site.atoms else site.atoms[0]

    def _loss(self, subject: Subject, site: Site) -> str:
        from xcrystal.crystal.editing import symmetry_alone

        key = (id(subject.opened), site.orbit, self._chosen(site))
        if key not in self._losses:
            self._losses = {key: symmetry_alone(subject.opened, site.orbit, self._chosen(site))}
        return self._losses[key]

    def _free(self, subject: Subject, site: Site) -> list[list[Any]]:
        """Axes to move along, and the coordinates now: of the orbit, or of one atom in its cell."""
        if self._alone:
            point = subject.opened.structure.frac_coords[self._chosen(site)] % 1.0
            return [[axis, round(float(x), 4)] for axis, x in zip("xyz", point, strict=True)]
        return [[axis, round(float(site.coordinates["xyz".index(axis)]), 4)] for axis in site.free]

    def _keep_choice(self, subject: Subject) -> None:
        """The orbit that was chosen, as the crystal numbers it after a change: the one that holds the same atom."""
        sites = subject.opened.sites()
        if self._of is not None and self._orbit < len(before := self._of.opened.sites()):
            old = before[self._orbit]
            atom = self._chosen(old)
            same = len(self._of.opened.structure) == len(subject.opened.structure)
            alike = [k for k, site in enumerate(sites) if site.wyckoff == old.wyckoff and site.element == old.element]
            holding = [k for k, site in enumerate(sites) if same and atom in site.atoms]
            self._orbit = next(iter([*alike, *holding]), 0)
            if not (same and self._atom in sites[self._orbit].atoms):
                self._atom = None
        else:
            self._orbit, self._atom = 0, None

    def _take_pick(self) -> None:
        """Choose the atom that was picked in the picture, if it is one of the crystal that would be changed."""
        picked = self.session.modifications.picked
        if picked is None or not self._awake:
            return
        try:
            subject = self.session.modifications.editable()
        except XCrystalError:
            return
        which, atom = picked
        session, opened = self.session, subject.opened
        drawn = session.display.structure if session.state.shown != "both" else None
        laid = False  # whether what is drawn has the order of another crystal's atoms
        if session.state.shown == "both" and session.state.loaded is not None:
            own = session.state.loaded.z is session.z
            if which == 0 and not own:
                return  # the loaded crystal is not what would be changed
            drawn = session.state.loaded.structure if which == 0 else session.display.structure
            laid = not own and session.display.alignment is not None
        if drawn is None or atom >= len(drawn):
            return
        self._of = subject
        if drawn is opened.structure or (len(drawn) == len(opened.structure) and not laid):
            self._orbit, self._atom = int(opened.orbit_of_atom[atom]), atom
        else:
            element = drawn[atom].specie.symbol
            self._orbit = next((s.orbit for s in opened.sites() if s.element == element), self._orbit)
            self._atom = None

    def _on_event(self, event: str) -> None:
        if event == "picked":
            self._take_pick()
        if not self._awake and event != "progress":
            return
        super()._on_event(event)


def _site(site: Site) -> dict[str, Any]:
    many = len(site.atoms)
    return {
        "element": site.element,
        "label": f"{site.element} {site.wyckoff}, {many} atom{'' if many == 1 else 's'}",
        "atoms": many,
    }


def _change(change: Change | None) -> dict[str, Any] | None:
    """What a change did, with a row for each property."""
    if change is None:
        return None
    rows: list[list[Any]] = []
    for name, value in change.after.predicted.items():
        digits = _DIGITS.get(name, 2)
        old = change.before.predicted.get(name)
        one, other = (said.intervals.get(name) for said in (change.before, change.after))
        sure = None
        if old is not None and one is not None and other is not None:
            from xcrystal.explanation.counterfactuals import beyond_error

            sure = beyond_error(old, value, one, other)
        texts = [_with_interval(old, one, digits), _with_interval(value, other, digits)]
        rows.append([words.title(name), words.unit(name), *texts, sure])
    return {
        "words": change.words,
        "symmetry": change.symmetry,
        "formulas": [change.before.formula, change.after.formula],
        "rows": rows,
        "extrapolates": change.extrapolates,
        "caution": change.caution,
    }


def _with_interval(value: float | None, bounds: tuple[float, float] | None, digits: int) -> str:
    if value is None:
        return "–"
    text, *ends = (f"{round(x, digits) + 0.0:.{digits}f}" for x in (value, *(bounds or ())))
    return f"{text} ({' to '.join(ends)})".replace("-", "−") if ends else text.replace("-", "−")


def _search(search: Search) -> dict[str, Any]:
    found = search.found
    return {
        "of": search.formula,
        "outcome": search.outcome,
        "complete": search.complete,
        "sure": sum(one.beyond_error for one in found),
        "cards": [
            {
                "formula": one.formula,
                "words": one.words,
                "group": one.crystal.space_group,
                "value": f"{one.value_before:.2f} → {one.value_after:.2f} ± {one.error:.2f} {one.unit}".replace(
                    "-", "−"
                ),
                "size": f"{one.size:.2f}",
                "dz": f"{one.dz:.1f}",
                "beyond_error": one.beyond_error,
                "extrapolates": bool(one.extrapolates),
            }
            for one in found
        ],
    }
