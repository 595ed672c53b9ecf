"""The one place that knows nglview from inside; ``tests/explorer/test_adapters.py`` holds it against what is installed.

nglview 4.0.1 asks for another version of its own front end than it ships. JupyterLab then finds no module of the
version asked for and draws nothing (nglview #1172, #1181). We ask for the version that is installed.

Its widget was made for trajectories: it has threads that poll, a queue of remote calls, and an archive of all messages
that grows and is sent again. We send what is to be drawn directly.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import ipywidgets as widgets

from xcrystal.errors import CapabilityError

_EXTENSION = Path("labextensions", "nglview-js-widgets", "package.json")


@cache
def frontend_version() -> str | None:
    """Version of the installed nglview front end, or None if there is none."""
    from jupyter_core.paths import jupyter_path

    for folder in (Path(sys.prefix, "share", "jupyter"), *map(Path, jupyter_path())):
        try:
            return str(json.loads((folder / _EXTENSION).read_text(encoding="utf-8"))["version"])
        except (OSError, ValueError, KeyError):
            continue
    return None


@cache
def import_nglview() -> ModuleType:
    """The nglview module, asking for the front end that is installed.

    Raises
    ------
    CapabilityError
        If Python leaves out docstrings, from some of which nglview makes others.
    """
    if sys.flags.optimize > 1:
        raise CapabilityError(
            "Crystals cannot be drawn in three dimensions by a Python without docstrings, which nglview needs: start "
            "it without -OO, and with PYTHONOPTIMIZE unset or 1."
        )
    version = frontend_version()
    if version is not None and "nglview" not in sys.modules:
        # its classes read this number while they are made, so it has to be there before the package
        number = ModuleType("nglview._frontend")
        number.__dict__["__frontend_version__"] = version
        sys.modules["nglview._frontend"] = number
    import nglview

    return nglview


@cache
def quiet_view_class() -> type:
    """An NGLWidget without its queue of remote calls, its polling threads and its growing archive of messages."""
    nglview = import_nglview()

    class QuietView(nglview.NGLWidget):  # type: ignore[name-defined]
        """A stage to draw on.

        Parameters
        ----------
        height
            In CSS; the width is that of what is around it.
        on_message
            Called with each message of an open view. The type of its first one is "request_loaded".
        """

        def __init__(self, height: str, on_message: Callable[[dict[str, Any]], None]) -> None:
            self._on_message = on_message
            version = frontend_version()
            versions = {} if version is None else {"_view_module_version": version, "_model_module_version": version}
            super().__init__(**versions)
            self._view_width, self._view_height = "100%", height
            self.layout.width, self.layout.height = "100%", height

        def call(self, method: str, *args: Any) -> None:
            """Call a method of every open view."""
            self.send(
                {"type": "call_method", "target": "Widget", "methodName": method, "args": list(args), "kwargs": {}}
            )

        def close(self) -> None:
            """Close it with what nglview holds beside it."""
            self._widget_image.layout.close()
            self._widget_image.close()
            super().close()

        # -- what nglview does by itself, and must not

        def _initialize_threads(self) -> None:
            self.on_msg(self._handle_nglview_custom_msg)

        def _create_player(self) -> None:
            self._iplayer = widgets.HBox()  # the front end asks for one; there is no trajectory to play

        def _remote_call(self, *args: Any, **kwargs: Any) -> None:
            """Nothing: what is drawn is sent directly."""

        def _handle_nglview_custom_msg(self, _: Any, message: Any, buffers: Any) -> None:
            if isinstance(message, dict):
                self._on_message(message)

    return QuietView
