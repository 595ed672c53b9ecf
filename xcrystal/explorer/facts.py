"""What is known of the current crystal, as text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import ipywidgets as widgets

from xcrystal.explorer import words
from xcrystal.explorer.view import View
from xcrystal.explorer.worker import Worker

if TYPE_CHECKING:
    from xcrystal.explorer.session import Session


class FactsView(View):
    """Formula, space group, lattice, predictions, match with a loaded crystal, and the neighbours to go to."""

    def __init__(self, session: Session, worker: Worker) -> None:
        self.session, self.worker = session, worker
        self.text = widgets.HTML()
        self.buttons = [widgets.Button() for _ in session.neighbours]
        for place, button in enumerate(self.buttons):
            button.add_class("xc-neighbour")
            button.on_click(lambda _, place=place: self._go(place))
        heading = widgets.HTML("Nearest known crystals")
        heading.add_class("xc-heading")
        row = widgets.Box(self.buttons)
        row.add_class("xc-neighbours")
        super().__init__([self.text, heading, row])
        self.text.add_class("xc-facts")
        self.listen(session)
        self._show()

    def _go(self, place: int) -> None:
        row = self.session.neighbours[place].row
        self.worker.submit("select", lambda: self.session.select(row))

    def _on_event(self, event: str) -> None:
        if event in ("crystal", "shown"):
            self._show()

    def _show(self) -> None:
        self.text.value = facts_html(self.session)
        for button, neighbour in zip(self.buttons, self.session.neighbours, strict=True):
            button.description = neighbour.formula
            button.tooltip = (
                f"{neighbour.formula}, {neighbour.material_id}, distance {neighbour.distance:.2f} in latent space"
            )


def facts_html(session: Session) -> str:
    """The facts as an HTML table; everything from outside escaped."""
    structure = session.drawn
    lattice = structure.lattice
    group = session.drawn_space_group
    rows: list[tuple[str, str]] = [
        ("Formula", f"<b>{words.formula_html(structure.composition.reduced_formula)}</b>, {len(structure)} atoms"),
        ("Space group", "not found" if group is None else f"{words.space_group_html(group[1])} ({group[0]})"),
        ("a, b, c", f"{lattice.a:.3f}, {lattice.b:.3f}, {lattice.c:.3f} Å"),
        ("α, β, γ", f"{lattice.alpha:.2f}, {lattice.beta:.2f}, {lattice.gamma:.2f}°"),
        ("Volume", f"{lattice.volume:.2f} Å<sup>3</sup>, {lattice.volume / len(structure):.2f} an atom"),
    ]
    chosen = str(structure.properties.get("chosen", ""))
    if chosen in words.CHOSEN:
        rows.append(("Decoded", words.CHOSEN[chosen]))
    predicted, known = _values(session)
    for name, value in predicted.items():
        text = f"{value:.3f} {words.unit(name)}"
        rows.append(
            (
                f"{words.title(name)}, predicted",
                text + (f" <small>(DFT {known[name]:.3f})</small>" if name in known else ""),
            )
        )
    if session.loaded is not None:
        rows.append(("Reconstruction", _match(session)))
    body = "".join(f"<tr><th scope='row'>{key}</th><td>{value}</td></tr>" for key, value in rows)
    return f"<table>{body}</table>"


def _values(session: Session) -> tuple[dict[str, float], dict[str, float]]:
    """What is predicted for the crystal that is shown, and what the atlas knows of it."""
    if session.shown_loaded is not None:
        return session.shown_loaded.predicted or {}, {}
    if session.material_id is None:
        return session.predicted, {}
    record = session.atlas.table.iloc[session.atlas.row(session.material_id)]
    return session.predicted, {
        name: float(record[name]) for name in session.predicted if name in record and record[name] == record[name]
    }


def _match(session: Session) -> str:
    loaded = session.loaded
    assert loaded is not None
    name = escape(loaded.name)
    if loaded.reason:
        return f"none: {name} cannot be encoded"
    if loaded.rms is None:
        return f"of {name}: <b class='xc-no'>no match</b>"
    return f"of {name}: <b class='xc-yes'>match</b>, RMS {loaded.rms:.4f} (V/N)<sup>1/3</sup>"
