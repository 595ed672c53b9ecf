"""A crystal in three dimensions, drawn by nglview from arrays that replace each other in place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from xcrystal.explorer.panel import script
from xcrystal.explorer.structure.nglview_adapter import quiet_view_class

HEIGHT = "430px"


@cache
def canvas_class() -> type:
    """The widget class; nglview is imported when it is first needed."""

    class Canvas(quiet_view_class()):  # type: ignore[misc]
        """A view of nglview's that draws scenes, and tells what is clicked in it or wanted of it."""

        def __init__(
            self, on_pick: Callable[[int | None], None], on_svg: Callable[[dict[str, Any]], None] = lambda message: None
        ) -> None:
            self._on_pick, self._on_svg = on_pick, on_svg
            self._sending = threading.Lock()  # scenes come from the worker, opened views from another thread
            self._number = 0
            self._scene: tuple[dict[str, Any], bytes, bytes] | None = None
            super().__init__(HEIGHT, self._hear)
            self.add_class("xc-canvas")

        def start(self) -> None:
            """Give open views the script that draws, which those that have it pass over, and the last scene."""
            self.call("executeCode", script("nglview_canvas"))
            self.draw()

        def draw(self, scene: tuple[dict[str, Any], bytes, bytes] | None = None) -> None:
            """Draw a scene, as ``drawing.scene_message.scene_message`` gives it, or the last one again.

            The shells of ``drawing.overlay`` come behind it.
            """
            with self._sending:
                self._scene = scene or self._scene
                if self._scene is not None:
                    self._number += 1
                    header, *buffers = self._scene
                    self.send({"type": "xc-scene", "number": self._number, **header}, buffers=buffers)

        def _hear(self, message: dict[str, Any]) -> None:
            # each view that opens says so when it listens; what was sent before it did is lost
            if message.get("type") == "request_loaded":
                self.start()
            elif message.get("type") == "xc-pick":
                atom = message.get("atom")
                self._on_pick(int(atom) if isinstance(atom, (int, float)) and atom >= 0 else None)
            elif message.get("type") == "xc-svg":
                self._on_svg(message)

    return Canvas
