"""The crystal in three dimensions, drawn by nglview as one shape that is replaced in place."""

from __future__ import annotations

import threading
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from xcrystal.explorer import words
from xcrystal.explorer.nglcompat import frontend_version, import_nglview
from xcrystal.explorer.palette import diverging, diverging_css, hex_color
from xcrystal.explorer.scene import EDGE_RADIUS, Scene, build_scene, element_colors
from xcrystal.explorer.view import View
from xcrystal.explorer.worker import Worker

if TYPE_CHECKING:
    from xcrystal.explorer.session import Session

HEIGHT = "430px"
_SCRIPT = Path(__file__).with_name("static") / "structure.js"
OFF = "element"


@cache
def _canvas_class() -> type:
    nglview = import_nglview()

    class Canvas(nglview.NGLWidget):  # type: ignore[name-defined]
        """An NGLWidget without its queue of remote calls, its polling threads and its growing archive of messages."""

        def __init__(self, on_ready: Any) -> None:
            self._on_ready = on_ready
            version = frontend_version()
            versions = {} if version is None else {"_view_module_version": version, "_model_module_version": version}
            super().__init__(**versions)
            self._view_width, self._view_height = "100%", HEIGHT

        def _initialize_threads(self) -> None:
            self.on_msg(self._handle_nglview_custom_msg)

        def _create_player(self) -> None:
            self._iplayer = widgets.HBox()  # the front end asks for one; there is no trajectory to play

        def close(self) -> None:
            """Close it with what nglview holds beside it."""
            self._widget_image.layout.close()
            self._widget_image.close()
            super().close()

        def _remote_call(self, *args: Any, **kwargs: Any) -> None:
            """Nothing: what is drawn goes through ``call``."""

        def _handle_nglview_custom_msg(self, _: Any, message: Any, buffers: Any) -> None:
            # each view that opens says so when it listens; what was sent before it did is lost
            if isinstance(message, dict) and message.get("type") == "request_loaded":
                self._on_ready()

        def call(self, method: str, *args: Any) -> None:
            """Call a method of every open view."""
            self.send(
                {"type": "call_method", "target": "Widget", "methodName": method, "args": list(args), "kwargs": {}}
            )

    return Canvas


class StructureView(View):
    """Canvas, what atoms are coloured by, and the legend."""

    def __init__(self, session: Session, worker: Worker) -> None:
        self.session, self.worker = session, worker
        self._sending = threading.Lock()  # scenes come from the worker, opened views from another thread
        self._number = 0
        self._message: dict[str, Any] = {}
        self.canvas = _canvas_class()(self._opened)
        self.canvas.layout.width, self.canvas.layout.height = "100%", HEIGHT
        self.canvas.add_class("xc-canvas")
        targets = [(words.title(name), name) for name in session.predicted]
        self.attribution = widgets.Dropdown(
            options=[("element", OFF), *((f"attribution: {label}", name) for label, name in targets)],
            description="Atoms by",
            tooltip="Colour atoms by element, or by how much each contributes to a predicted property",
        )
        self.attribution.add_class("xc-attribution")
        self.shown = widgets.ToggleButtons(
            options=[("Decoded", "decoded"), ("Loaded", "loaded")],
            tooltips=["The reconstruction: what the model decodes", "The crystal as it was loaded"],
        )
        self.shown.add_class("xc-shown")
        self.fit = widgets.Button(icon="arrows-alt", tooltip="Fit the crystal into the view")
        self.fit.add_class("xc-fit")
        self.cell = widgets.ToggleButton(
            value=True, icon="cube", tooltip="Conventional cell of decoded crystals, or primitive"
        )
        self.cell.add_class("xc-cell")
        self.legend = widgets.HTML()
        self.legend.add_class("xc-legend")
        bar = widgets.HBox([self.attribution, self.shown, self.cell, self.fit])
        bar.add_class("xc-bar")
        super().__init__([bar, self.canvas, self.legend])
        self.add_class("xc-structure")

        self.attribution.observe(self._on_attribution, "value")
        self.shown.observe(self._on_shown, "value")
        self.cell.observe(self._on_cell, "value")
        self.fit.on_click(lambda _: self.canvas.call("xcFit"))
        self.listen(session)
        self._draw()

    # -- from the user

    def _on_attribution(self, change: Any) -> None:
        target = None if change.new == OFF else change.new
        if target != self.session.target:
            self.worker.submit("attribute", lambda: self.session.attribute(target))

    def _on_shown(self, change: Any) -> None:
        if change.new != self.session.shown:
            self.worker.submit("show", lambda: self.session.show(change.new))

    def _on_cell(self, change: Any) -> None:
        cell = "conventional" if change.new else "primitive"
        if cell != self.session.cell:
            self.worker.submit("cell", lambda: self.session.show_cell(cell))

    # -- from the session

    def _on_event(self, event: str) -> None:
        if event in ("crystal", "shown", "attribution", "settled"):
            self._draw()

    def _opened(self) -> None:
        self.canvas.call("executeCode", _SCRIPT.read_text(encoding="utf-8"))
        self._push()

    def _draw(self) -> None:
        session = self.session
        self._push(scene_message(session))
        self.legend.value = _legend(session)
        self.attribution.value = session.target or OFF
        self.shown.layout.display = "none" if session.loaded is None else "flex"
        self.shown.value = session.shown
        self.cell.value = session.cell == "conventional"

    def _push(self, message: dict[str, Any] | None = None) -> None:
        """Send a scene, or the last one again."""
        with self._sending:
            self._message = message or self._message
            self._number += 1
            self.canvas.call("xcDraw", {**self._message, "number": self._number})


def scene_message(session: Session) -> dict[str, Any]:
    """What the front end draws: each atom of the structure is one kind, with a colour and a name."""
    structure = session.drawn
    scene: Scene = build_scene(structure)
    numbers = np.array([site.specie.Z for site in structure])
    wyckoff = structure.site_properties.get("wyckoff", [""] * len(structure))
    names = [f"{site.specie.symbol} {w}".strip() for site, w in zip(structure, wyckoff, strict=True)]
    colors = element_colors()[numbers]
    if session.attribution is not None:
        scores, unit = session.attribution.scores, session.attribution.unit
        colors = diverging(scores / _span(scores))
        names = [f"{name}: {score:+.3f} {unit}" for name, score in zip(names, scores, strict=True)]
    return {
        "spheres": _rows(scene.positions, scene.radii[:, None], scene.atoms[:, None]),
        "bonds": _rows(scene.bond_starts, scene.bond_ends, scene.bond_radii[:, None], scene.bond_atoms[:, None]),
        "edges": _rows(scene.edges.reshape(-1, 6)),
        "colors": _rows(colors),
        "names": names,
        "edge_radius": EDGE_RADIUS,
        "extent": _extent(scene),
        "fine": session.at_rest,
    }


def _rows(*columns: np.ndarray) -> list[list[float]]:
    rows: list[list[float]] = np.concatenate(columns, axis=1).round(3).tolist()
    return rows


def _extent(scene: Scene) -> float:
    """Radius of the sphere around all that is drawn."""
    atoms = np.linalg.norm(scene.positions, axis=1) + scene.radii
    return float(max(atoms.max(), np.linalg.norm(scene.edges, axis=2).max()))


def _span(scores: np.ndarray) -> float:
    return max(float(np.abs(scores).max()), 1e-9)


def _legend(session: Session) -> str:
    if session.attribution is None:
        numbers = {site.specie.symbol: site.specie.Z for site in session.drawn}
        chips = (
            f'<span class="xc-chip"><i style="background:{hex_color(element_colors()[z])}"></i>{escape(symbol)}</span>'
            for symbol, z in sorted(numbers.items(), key=lambda item: item[1])
        )
        return "".join(chips)
    found = session.attribution
    span = _span(found.scores)
    cell_sum = found.target_value - found.baseline_value
    return (
        f'<span class="xc-scale"><b>{-span:+.3f}</b><i style="background:{diverging_css()}"></i><b>{span:+.3f}</b>'
        f"{escape(found.unit)} to {escape(words.title(found.target).lower())} of the crystal drawn, encoded again: "
        f"{found.target_value:+.3f} {escape(found.unit)}</span>"
        f'<span class="xc-scale-note">Integrated gradients from a mean element; the atoms of the primitive cell add up '
        f"to {cell_sum:+.3f} {escape(found.unit)}, error {found.completeness_error:.0e}.</span>"
    )
