"""How things are shown: which crystal and how much of it, what colours the map."""

from __future__ import annotations

from xcrystal.crystal.cif import cif_text, model_output
from xcrystal.errors import TargetError
from xcrystal.explorer.drawing.palette import COLOR_MAPS
from xcrystal.explorer.drawing.point_colors import colors
from xcrystal.explorer.session.core import Core

CELLS = ("conventional", "primitive")
MOST_CELLS = 4  # along one axis


class Looking(Core):
    """Acts that change the looks only; what does not exist raises TargetError."""

    def color_by(self, name: str) -> None:
        """Colour the map by one of ``colors``."""
        self._one_of(name, self.colors, "colour of the map")
        with self._lock:
            self._commit(f"map coloured by {name}", color=name)

    def show_color_map(self, name: str) -> None:
        """Colour numbers on the map by another scale: "viridis", "cividis", "plasma" or "magma"."""
        self._one_of(name, tuple(COLOR_MAPS), "colour map")
        with self._lock:
            self._commit(f"map in the colours of {name}", color_map=name)

    def show(self, which: str) -> None:
        """Draw the "decoded" or the "loaded" crystal, or "both" side by side."""
        with self._lock:
            paired = self.loaded is not None or all(self.state.ends)
            if which not in ("decoded", "loaded", "both"):
                raise TargetError(f"There is no {which!r} crystal to show.")
            if (which == "loaded" and self.loaded is None) or (which == "both" and not paired):
                raise TargetError("There is no other crystal to show: load one, or set A and B.")
            self._commit(f"showed {which}", shown=which)

    def show_cell(self, cell: str) -> None:
        """Draw decodes in their "conventional" or "primitive" cell."""
        self._one_of(cell, CELLS, "cell")
        with self._lock:
            self._commit(f"{cell} cell", cell=cell)

    def show_supercell(self, repeat: tuple[int, int, int]) -> None:
        """Draw n x m x k cells, each from 1 to 4."""
        n, m, k = (int(count) for count in repeat)
        if not all(1 <= count <= MOST_CELLS for count in (n, m, k)):
            raise TargetError(f"A supercell has 1 to {MOST_CELLS} cells along each axis, not {n} x {m} x {k}.")
        with self._lock:
            self._commit(f"{n} x {m} x {k} cells", supercell=(n, m, k))

    def show_boundary(self, on: bool) -> None:
        """Repeat atoms on the boundary of the cell on its other side, or not."""
        with self._lock:
            self._commit("boundary atoms " + ("on" if on else "off"), boundary=bool(on))

    def show_bonds(self, on: bool) -> None:
        """Draw bonds, or not."""
        with self._lock:
            self._commit("bonds " + ("on" if on else "off"), bonds=bool(on))

    @property
    def colors(self) -> list[str]:
        """What can colour the map; see ``xcrystal.explorer.drawing.point_colors``."""
        return colors(self.atlas)

    def cif(self) -> str:
        """CIF text of what is shown, in P1, with a line that says what it is."""
        with self._lock:
            if self.shown_loaded is not None:
                origin = f"{self.shown_loaded.name}, as loaded"
            else:
                origin = f"{self.label}; {model_output(self.model.name)}"
            return cif_text(self.drawn, origin)

    def _first_color(self) -> str:
        return next(iter(self.colors), "")
