"""How things are shown: which crystal and how much of it, what colours the map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xcrystal.crystal.cif_writing import symmetric_cif_text
from xcrystal.crystal.elements import is_element, number_of
from xcrystal.crystal.formats.cif import model_output
from xcrystal.crystal.geometry.aligning import align
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.errors import TargetError, check_one_of
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.map_picture import map_svg
from xcrystal.explorer.drawing.palette import COLOR_MAPS, ELEMENT_COLORS
from xcrystal.explorer.drawing.point_colors import colors
from xcrystal.explorer.drawing.scene import STYLES
from xcrystal.explorer.session.commands import (
    ColorBy,
    HideElements,
    LabelAtoms,
    Show,
    ShowBonds,
    ShowBoundary,
    ShowCell,
    ShowColorMap,
    ShowElementColors,
    ShowPerspective,
    ShowPolyhedra,
    ShowStyle,
    ShowSupercell,
)
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.records import Loaded
from xcrystal.explorer.session.state import LABELS, SHOWN
from xcrystal.explorer.session.store import Store

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.crystal.geometry.aligning import Alignment

CELLS = ("conventional", "primitive")
MOST_CELLS = 4  # along one axis


class Display:
    """What is drawn, and how; what does not exist raises TargetError."""

    def __init__(self, store: Store, points: Points) -> None:
        self._store, self._points = store, points
        self._aligned: tuple[Structure, Structure, Alignment | None] | None = None  # of what, and of what with it

    # -- what is drawn

    @property
    def loaded_alone(self) -> Loaded | None:
        """The loaded crystal if it is what is shown, alone or under its reconstruction; otherwise None."""
        return self._store.state.loaded_shown

    @property
    def alignment(self) -> Alignment | None:
        """The decode laid over the loaded crystal; None where there is none, or they do not match."""
        state = self._store.state
        if state.loaded is None:
            return None
        original, decode, known = state.loaded.structure, state.point.structure, self._aligned
        if known is None or known[0] is not original or known[1] is not decode:
            self._aligned = known = (original, decode, align(original, decode))
        return known[2]

    @property
    def structure(self) -> Structure:
        """The structure that is shown, in the cell that is shown; of two side by side, the decoded one.

        Beside a loaded crystal that it matches, the decode is in that one's cell, origin and orientation.
        """
        if self.loaded_alone is not None:
            return self.loaded_alone.structure
        state = self._store.state
        if state.shown == "both" and self.alignment is not None:
            return self.alignment.own_hand
        return conventional_cell(state.point.structure) if state.cell == "conventional" else state.point.structure

    @property
    def over(self) -> Structure | None:
        """What is laid over the crystal that is drawn; None unless that is asked for."""
        found = self.alignment if self._store.state.shown == "overlay" else None
        return None if found is None else found.structure

    @property
    def options(self) -> dict[str, Any]:
        """How a crystal is drawn, as keywords of the functions of ``drawing`` that draw one."""
        state = self._store.state
        return {
            "boundary": state.boundary,
            "bonds": state.bonds,
            "polyhedra": state.polyhedra and state.shown != "overlay",  # faces would hide the shells
            "repeat": state.supercell,
            "style": state.style,
            "hidden": state.hidden,
            "palette": state.element_colors,
        }

    @property
    def space_group(self) -> tuple[int, str] | None:
        """Number and symbol of the space group of what is shown."""
        if self.loaded_alone is not None:
            number = self.loaded_alone.space_group
        else:
            number = self._store.state.point.structure.properties.get("space_group")
        return None if number is None else (int(number), space_group(int(number)).symbol)

    @property
    def colors(self) -> list[str]:
        """What can colour the map; see ``xcrystal.explorer.drawing.point_colors``."""
        return colors(self._points.atlas)

    def cif(self) -> str:
        """CIF text of what is shown, with its symmetry, and a line that says what it is."""
        with self._store.lock:
            if self.loaded_alone is not None:
                origin = f"{self.loaded_alone.name}, as loaded"
            else:
                origin = f"{self._store.state.point.label}; {model_output(self._points.model.name)}"
            return symmetric_cif_text(self.structure, origin)

    def map_svg(self) -> str:
        """The map as an SVG image: its points in their colours, and a ring where the current crystal is."""
        with self._store.lock:
            state = self._store.state
            selected = None if state.selection is None else state.selection.rows
            return map_svg(
                self._points.atlas,
                state.point.position,
                color=state.color,
                color_map=state.color_map,
                selected=selected,
            )

    # -- acts

    def color_by(self, name: str) -> None:
        """Colour the map by one of ``colors``."""
        check_one_of(name, self.colors, "colour of the map")
        with self._store.lock:
            self._store.commit(ColorBy(name), color=name)

    def show_color_map(self, name: str) -> None:
        """Colour numbers on the map by another scale: "viridis", "cividis", "plasma" or "magma"."""
        check_one_of(name, COLOR_MAPS, "colour map")
        with self._store.lock:
            self._store.commit(ShowColorMap(name), color_map=name)

    def show(self, which: str) -> None:
        """Draw the "decoded" or the "loaded" crystal, "both" side by side, or as an "overlay".

        Raises
        ------
        TargetError
            If there is nothing of that kind to draw; an overlay needs a loaded crystal and a decode that match.
        """
        with self._store.lock:
            state = self._store.state
            paired = state.loaded is not None or all(state.ends)
            if which not in SHOWN:
                raise TargetError(f"There is no {which!r} crystal to show.")
            if (which in ("loaded", "overlay") and state.loaded is None) or (which == "both" and not paired):
                raise TargetError("There is no other crystal to show: load one, or set A and B.")
            if which == "overlay" and self.alignment is None:
                raise TargetError("The decoded crystal does not match the loaded one, so that it cannot lie over it.")
            self._store.commit(Show(which), shown=which)

    def show_cell(self, cell: str) -> None:
        """Draw decodes in their "conventional" or "primitive" cell."""
        check_one_of(cell, CELLS, "cell")
        with self._store.lock:
            self._store.commit(ShowCell(cell), cell=cell)

    def show_supercell(self, repeat: tuple[int, int, int]) -> None:
        """Draw n x m x k cells, each from 1 to 4."""
        n, m, k = (int(count) for count in repeat)
        if not all(1 <= count <= MOST_CELLS for count in (n, m, k)):
            raise TargetError(f"A supercell has 1 to {MOST_CELLS} cells along each axis, not {n} x {m} x {k}.")
        with self._store.lock:
            self._store.commit(ShowSupercell((n, m, k)), supercell=(n, m, k))

    def show_boundary(self, on: bool) -> None:
        """Repeat atoms on the boundary of the cell on its other side, or not."""
        with self._store.lock:
            self._store.commit(ShowBoundary(bool(on)), boundary=bool(on))

    def show_bonds(self, on: bool) -> None:
        """Draw bonds, or not."""
        with self._store.lock:
            self._store.commit(ShowBonds(bool(on)), bonds=bool(on))

    def show_perspective(self, on: bool) -> None:
        """Draw what is far away smaller, as for the eye, or in parallel projection, as in books."""
        with self._store.lock:
            self._store.commit(ShowPerspective(bool(on)), perspective=bool(on))

    def label_atoms(self, by: str) -> None:
        """Write at the atoms their "elements", or the names of their "sites" as in an exported CIF, or "none"."""
        check_one_of(by, LABELS, "label of atoms")
        with self._store.lock:
            self._store.commit(LabelAtoms(by), labels=by)

    def show_polyhedra(self, on: bool) -> None:
        """Draw coordination polyhedra, or not."""
        with self._store.lock:
            self._store.commit(ShowPolyhedra(bool(on)), polyhedra=bool(on))

    def show_style(self, style: str) -> None:
        """Draw "ball-and-stick", with polyhedra if they are on, or "space-filling"."""
        check_one_of(style, STYLES, "style")
        with self._store.lock:
            self._store.commit(ShowStyle(style), style=style)

    def show_element_colors(self, name: str) -> None:
        """Draw the elements in the colours of "jmol" or of "vesta"."""
        check_one_of(name, ELEMENT_COLORS, "colours of the elements")
        with self._store.lock:
            self._store.commit(ShowElementColors(name), element_colors=name)

    def hide_elements(self, symbols: Sequence[str]) -> None:
        """Leave these elements out of the picture, and no others; an empty list brings all back."""
        unknown = [symbol for symbol in symbols if not is_element(symbol)]
        if unknown:
            raise TargetError(f"There is no element {unknown[0]!r}: name elements by their symbols, such as 'Ti'.")
        found = tuple(sorted(set(symbols), key=number_of))
        with self._store.lock:
            self._store.commit(HideElements(found), hidden=found)
