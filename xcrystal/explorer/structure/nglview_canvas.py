"""A crystal in three dimensions, drawn by nglview from arrays that replace each other in place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import ipywidgets as widgets

from xcrystal.explorer.panel import STATIC
from xcrystal.explorer.structure.nglview_adapter import frontend_version, import_nglview

HEIGHT = "430px"


@cache
def canvas_class() -> type:
    """The widget class; nglview is imported when it is first needed."""
    nglview = import_nglview()

    class Canvas(nglview.NGLWidget):  # type: ignore[name-defined]
        """An NGLWidget without its queue of remote calls, its polling threads and its growing archive of messages."""

        def __init__(self, on_pick: Callable[[int | None], None]) -> None:
            self._on_pick = on_pick
            self._sending = threading.Lock()  # scenes come from the worker, opened views from another thread
            self._number = 0
            self._scene: tuple[dict[str, Any], bytes] | None = None
            version = frontend_version()
            versions = {} if version is None else {"_view_module_version": version, "_model_module_version": version}
            super().__init__(**versions)
            self._view_width, self._view_height = "100%", HEIGHT
            self.layout.width, self.layout.height = "100%", HEIGHT
            self.add_class("xc-canvas")

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
            """Nothing: what is drawn goes through ``call`` and ``draw``."""

        def _handle_nglview_custom_msg(self, _: Any, message: Any, buffers: Any) -> None:
            if not isinstance(message, dict):
                return
            # each view that opens says so when it listens; what was sent before it did is lost
            if message.get("type") == "request_loaded":
                self.call("executeCode", (STATIC / "structure.js").read_text(encoding="utf-8"))
                self.draw()
            elif message.get("type") == "xc-pick":
                atom = message.get("atom")
                self._on_pick(int(atom) if isinstance(atom, (int, float)) and atom >= 0 else None)

        def call(self, method: str, *args: Any) -> None:
            """Call a method of every open view."""
            self.send(
                {"type": "call_method", "target": "Widget", "methodName": method, "args": list(args), "kwargs": {}}
            )

        def draw(self, scene: tuple[dict[str, Any], bytes] | None = None) -> None:
            """Draw a scene, as ``drawing.scene_message.scene_message`` gives it, or the last one again."""
            with self._sending:
                self._scene = scene or self._scene
                if self._scene is not None:
                    self._number += 1
                    header, data = self._scene
                    self.send({"type": "xc-scene", "number": self._number, **header}, buffers=[data])

    return Canvas
