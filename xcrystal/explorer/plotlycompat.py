"""The one place that imports plotly's FigureWidget, without the seconds that its imports may waste.

plotly imports nbformat, that imports jsonschema, and where JupyterLab is installed jsonschema imports rfc3987_syntax,
which compiles 39 grammars (3 to 10 seconds) to check one string format that notebooks never use. jsonschema does
without it, as it does where the package is not installed.
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
