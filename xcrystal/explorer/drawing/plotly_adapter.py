"""The one place that knows plotly from inside: its imports, and how a FigureWidget is sent.

``tests/explorer/test_adapters.py`` holds it against what is installed.

plotly imports nbformat, that imports jsonschema, and where JupyterLab is installed jsonschema imports rfc3987_syntax,
which compiles 39 grammars (3 to 10 seconds) to check one string format that notebooks never use. jsonschema does
without it, as it does where the package is not installed.

A FigureWidget introduces itself to the browser while it is empty, and sends its data afterwards. A busy browser draws
it in between, and what comes later is never drawn.
"""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType

_SLOW = "rfc3987_syntax"


@cache
def import_plotly() -> ModuleType:
    """``plotly.graph_objects``, with FigureWidget ready to use."""
    skip = _SLOW not in sys.modules and "jsonschema" not in sys.modules
    if skip:
        sys.modules[_SLOW] = None  # type: ignore[assignment]  # Python's way to say: not importable
    try:
        import plotly.graph_objects as go

        go.FigureWidget  # noqa: B018  (loaded at first use, so use it now)
    finally:
        if skip:
            del sys.modules[_SLOW]
    return go


@cache
def complete_figure_class() -> type:
    """A FigureWidget that the browser hears of only when ``introduce`` is called, with all that it then holds."""
    go = import_plotly()

    class CompleteFigure(go.FigureWidget):  # type: ignore[name-defined]
        """A FigureWidget that is not sent before it is complete."""

        _complete = False

        def open(self) -> None:
            """Nothing until ``introduce``; ipywidgets calls it too early."""
            if self._complete:
                super().open()

        def introduce(self) -> None:
            """Send the figure to the browser."""
            self._complete = True
            self.open()

        def close(self) -> None:
            """Let go of the data, too: who has shown a figure may keep it, as IPython does with what a cell gave."""
            super().close()
            for name in ("_data", "_widget_data"):
                setattr(self, name, [])
            self._data_objs = ()

    return CompleteFigure
