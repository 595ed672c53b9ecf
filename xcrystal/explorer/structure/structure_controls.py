"""The controls of the structure, its legend, and the box about a picked atom: one panel."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Protocol

from xcrystal.explorer import words
from xcrystal.explorer.drawing.occupancy import site_name
from xcrystal.explorer.drawing.palette import ELEMENT_COLORS, hex_color
from xcrystal.explorer.drawing.scene import STYLES, element_colors
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.session.display import MOST_CELLS
from xcrystal.explorer.session.tabs.explanations import NOTHING_TO_EXPLAIN
from xcrystal.explorer.session.tabs.site_facts import orbit_choices

if TYPE_CHECKING:
    import numpy as np
    from pymatgen.core import Structure

    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.worker import Worker


class DrawnCrystals(Protocol):
    """What is drawn beside the controls: one or two crystals, and which of their atoms is picked."""

    picked: tuple[int, int] | None
    flat: bool

    @property
    def crystals(self) -> list[tuple[str, Structure]]:
        """Caption and structure of each."""

    @property
    def note(self) -> str:
        """What was left out of the picture, in words."""

    @property
    def match(self) -> str:
        """Whether two crystals match, in words."""

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Names and values about the picked atom."""

    def pictures(self, width: int = 420) -> list[tuple[str, str]]:
        """Caption and SVG of each."""

    def pick(self, picked: tuple[int, int] | None) -> None:
        """Pick an atom of a crystal, or none."""

    def fit(self) -> None:
        """Bring all of it into view."""

    def start(self) -> None:
        """Draw in canvases that are still empty."""

    def be_flat(self) -> None:
        """Draw still pictures from now on."""


class StructureBar(Panel):
    """Drawn again by the view that it belongs to, after the scene."""

    _esm = script("structure_controls")
    _css = style("structure_controls")

    def __init__(self, session: Session, worker: Worker, view: DrawnCrystals) -> None:
        self.view = view
        self._overlaid = False  # whether the decode can lie over the loaded crystal
        super().__init__(session, worker)
        self.add_class("xc-structure-bar")

    def describe(self) -> dict[str, Any]:
        """All that the script draws."""
        session, view = self.session, self.view
        crystals = view.crystals
        which = view.picked[0] if view.picked is not None else 0
        return {
            "targets": self._targets(),
            "target": session.explanations.target or "",
            "shown": self._choices(),
            "which": session.state.shown,
            "conventional": session.state.cell == "conventional",
            "cells": list(session.state.supercell),
            "most": MOST_CELLS,
            "boundary": session.state.boundary,
            "bonds": session.state.bonds,
            "perspective": session.state.perspective,
            "labels": session.state.labels,
            "polyhedra": session.state.polyhedra,
            "styles": [[name, name.capitalize()] for name in STYLES],
            "style": session.state.style,
            "palettes": [[name, f"{title} colours"] for name, title in ELEMENT_COLORS.items()],
            "palette": session.state.element_colors,
            "hidden": list(session.state.hidden),
            "legend": self._legend(),
            "scale": self._scale(),
            "note": view.note,
            "match": view.match,
            "sides": [caption for caption, _ in crystals],
            "orbits": [orbit_choices(structure) for _, structure in crystals],
            "picked": list(view.picked) if view.picked is not None else None,
            "facts": [list(fact) for fact in view.facts],
            "symbol": site_name(crystals[which][1][view.picked[1]]) if view.picked is not None else "",
            "pictures": self._pictures(),
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Do what was asked for."""
        session, view, value = self.session, self.view, message.get("value")
        match message["act"]:
            case "attribute":
                session.explanations.attribute(str(value) or None)
            case "show":
                session.show(str(value))
            case "cell":
                session.display.show_cell("conventional" if value else "primitive")
            case "supercell":
                n, m, k = value if isinstance(value, list) and len(value) == 3 else session.state.supercell
                session.display.show_supercell((int(n), int(m), int(k)))
            case "boundary":
                session.display.show_boundary(bool(value))
            case "bonds":
                session.display.show_bonds(bool(value))
            case "perspective":
                session.display.show_perspective(bool(value))
            case "labels":
                session.display.label_atoms(str(value))
            case "polyhedra":
                session.display.show_polyhedra(bool(value))
            case "style":
                session.display.show_style(str(value))
            case "palette":
                session.display.show_element_colors(str(value))
            case "hide":
                hidden = set(session.state.hidden) ^ {str(value)}
                session.display.hide_elements(sorted(hidden))
            case "fit":
                view.fit()
            case "start":
                view.start()
            case "flat":
                view.be_flat()
            case "pick":
                view.pick((int(value[0]), int(value[1])) if value else None)

    def _targets(self) -> list[list[str]]:
        """What can colour the atoms with one choice; all else is chosen in the tab Why."""
        offered = [["", "element"], *([name, f"attribution: {words.title(name)}"] for name in self.session.predicted)]
        other = self.session.explanations.target
        if other is not None and other not in self.session.predicted:
            offered.append([other, f"attribution: {words.title(other)}"])
        return offered

    def _choices(self) -> list[list[str]]:
        """Which crystals can be shown; empty where there is no choice."""
        session = self.session
        paired = all(session.state.ends)
        loaded = session.state.loaded
        if loaded is not None:
            decoded = "Reconstruction" if loaded.z is session.z else "Decoded"
            choices = [["loaded", "As loaded"], ["decoded", decoded], ["both", "Side by side"]]
            if session.idle:  # it takes a tenth of a second, too long for each step of a drag
                self._overlaid = session.display.alignment is not None
            return [*choices, ["overlay", "Overlay"]] if self._overlaid else choices
        return [["decoded", "Decoded"], ["both", "A and B"]] if paired else []

    def _legend(self) -> list[list[str]]:
        """Symbol and colour of each element, lightest first; while scores colour the atoms, of those left out only."""
        scored, hidden = self._scores() is not None, self.session.state.hidden
        palette = self.session.state.element_colors
        sites = (site for _, structure in self.view.crystals for site in structure)
        numbers = {species.Z: species.symbol for site in sites for species in site.species}
        return [
            [symbol, hex_color(element_colors(palette)[z])]
            for z, symbol in sorted(numbers.items())
            if not scored or symbol in hidden
        ]

    def _scale(self) -> dict[str, str] | None:
        """The scale of the attribution, and what its numbers mean."""
        found, scores = self.session.explanations.attribution, self._scores()
        if found is None or scores is None:
            return None
        scale = found.scale(scores)
        note = "Blue lowers it, red raises it." if scale.signed else "How much it matters, not which way."
        return {
            "low": f"{scale.low:+.3f}" if scale.signed else "0",
            "high": f"{scale.span:+.3f}",
            "colors": scale.css(),
            "text": f"{found.unit or 'score'} for each atom, of {words.explained(found.target)} of the crystal drawn, "
            f"encoded again: {found.target_value:+.3f} {found.unit}",
            "note": NOTHING_TO_EXPLAIN if scale.muted else note,
        }

    def _scores(self) -> np.ndarray | None:
        found = self.session.explanations.attribution
        return None if found is None else found.atom_scores

    def _pictures(self) -> list[list[str]]:
        if not self.view.flat:
            return []
        return [
            [caption, "data:image/svg+xml;base64," + b64encode(picture.encode()).decode("ascii")]
            for caption, picture in self.view.pictures()
        ]
