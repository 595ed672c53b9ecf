"""How the model decodes: one choice after another with what else was likely, a crystal that grows, and why."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import traitlets

from xcrystal.explorer import words
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.scene import build_scene
from xcrystal.explorer.drawing.svg_picture import svg
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.panels.share_rows import shares
from xcrystal.explorer.session.tabs.decoding_steps import ShownDecode

if TYPE_CHECKING:
    from xcrystal.explanation.decode_steps import DecodeSteps, Step
    from xcrystal.explorer.session.records import Loaded
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.worker import Worker

PICTURE = 200  # pixels
MOST = 4  # alternatives of a step that are offered


class DecodeView(Panel):
    """Steps with bars of their alternatives, a picture for each number of orbits, and shares of log-odds.

    Attributes
    ----------
    pictures
        The crystal with its first 1, 2, ... orbits, SVG; apart from the state, so that they are sent once.
    """

    _esm = script("decode_panel")
    _css = style("decode_panel")
    events: ClassVar[frozenset[str]] = frozenset({"crystal", "settled", "path"})
    pictures: traitlets.List[str] = traitlets.List().tag(sync=True)

    def __init__(self, session: Session, worker: Worker) -> None:
        self._awake = False
        self._why: tuple[DecodeSteps, str] | None = None  # the decode and the step that are explained
        self._drawn: WeakKeyDictionary[DecodeSteps, list[str]] = WeakKeyDictionary()
        super().__init__(session, worker)
        self.add_class("xc-decode")

    def describe(self) -> dict[str, Any]:
        """The steps of the decode, and why the choice that was asked about was taken."""
        session = self.session
        loaded = session.display.loaded_alone
        if not self._awake or not session.idle or not session.decoding.known:
            return {"awake": self._awake, "waiting": True, "said": "", "refined": "", "steps": [], "why": None}
        found = session.decoding.shown()
        self._show_pictures(found.steps)
        return {
            "awake": True,
            "waiting": False,
            "said": "" if loaded is None else _of_which(session, loaded),
            "refined": _refined(session, found),
            "overruled": len(found.steps.overruled),
            "formula": found.steps.formula,
            "total": words.number(found.steps.log_likelihood, 2),
            "steps": [_step(step) for step in found.steps.steps],
            "why": self._reasons(found.steps),
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Overrule a choice, show the greedy decode, explain a choice."""
        action, decoding = message["act"], self.session.decoding
        if action == "awake":
            self._awake = bool(message.get("value"))
        elif action == "overrule":
            decoding.overrule(str(message.get("step") or ""), str(message.get("choice") or ""))
        elif action == "greedy":
            decoding.show_greedy()
        elif action == "why" and decoding.known:
            steps, name = decoding.shown().steps, str(message.get("step") or "")
            self._why = None if decoding.explain(name) is None else (steps, name)
        elif action == "close":
            self._why = None

    def _on_event(self, event: str) -> None:
        if self._awake:
            super()._on_event(event)

    def _reasons(self, steps: DecodeSteps) -> dict[str, Any] | None:
        if self._why is None or self._why[0] is not steps:
            return None
        found = self.session.decoding.explain(self._why[1])
        return None if found is None else {"step": found.step, **shares(found)}

    def _show_pictures(self, steps: DecodeSteps) -> None:
        if steps not in self._drawn:
            self._drawn[steps] = _pictures(steps)
        self.pictures = self._drawn[steps]


def _of_which(session: Session, loaded: Loaded) -> str:
    """Whose steps these are while a loaded crystal is drawn."""
    if loaded.reason or session.z is not loaded.z:
        return f"These are the steps of the {session.label}."
    return "These are the steps of its reconstruction."


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "orbit": step.orbit or 0,
        "placed": step.kind == "element",
        "taken": words.with_symbols(step.taken),
        "overruled": step.overruled,
        "p": "" if math.isnan(step.probability) else words.percent(step.probability),
        "alternatives": [
            {
                "text": one.text,
                "p": one.probability,
                "percent": words.percent(one.probability),
                "taken": one.number == step.number,
            }
            for one in step.likely(MOST)
        ],
    }


def _refined(session: Session, found: ShownDecode) -> str:
    """What is said where the crystal that is shown is another one than the steps lead to."""
    if not found.refined:
        return ""
    own = words.formula_of(session.structure)
    if own == found.steps.formula:
        own = f"another {own}"
    nats = "" if math.isnan(found.log_likelihood) else f" ({words.number(found.log_likelihood, 1)} nats)"
    return (
        f"What is shown, {own}{nats}, was found by reranking or a search; it is not the greedy decode, "
        f"{found.steps.formula}, whose steps these are."
    )


def _pictures(steps: DecodeSteps) -> list[str]:
    """The crystal with its first orbit, its first two, and so on, all in the final cell, one view and one scale."""
    whole = conventional_cell(steps.structure)
    orbits, reach = whole.site_properties["orbit"], build_scene(whole).extent
    drawn = []
    for last in range(max(orbits) + 1):
        partial = whole.copy()
        partial.remove_sites([k for k, orbit in enumerate(orbits) if orbit > last])
        drawn.append(svg(partial, None, PICTURE, polyhedra=False, reach=reach))
    return drawn
