"""Where the current and the loaded crystal are on the map, drawn over it; and where the map was clicked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_STATIC = Path(__file__).with_name("static")


class Markers(anywidget.AnyWidget):
    """A transparent layer over the plotly figure in the same ``.xc-map`` box.

    Parameters
    ----------
    on_click
        Called with x, y of a click on the map, and the size of a pixel along both axes, all in map coordinates.

    Attributes
    ----------
    markers
        What is marked: dictionaries of ``x``, ``y`` and ``kind`` ("current" or "loaded").
    """

    _esm = _STATIC / "markers.js"
    _css = _STATIC / "explorer.css"
    markers: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, on_click: Callable[[float, float, float, float], None]) -> None:
        super().__init__()
        self._on_click = on_click
        self.on_msg(self._receive)
        self.add_class("xc-markers")

    def _receive(self, _: Any, message: Any, buffers: Any) -> None:
        if isinstance(message, dict) and message.get("type") == "click":
            self._on_click(*(float(message[key]) for key in ("x", "y", "dx", "dy")))
