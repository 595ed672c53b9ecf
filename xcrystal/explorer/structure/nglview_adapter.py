"""The one place that imports nglview, whose 4.0.1 asks for another version of its own front end than it ships.

JupyterLab then finds no module of the version asked for and draws nothing (nglview #1172, #1181). We ask for the
version that is installed.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

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
    """The nglview module, asking for the front end that is installed."""
    version = frontend_version()
    if version is not None and "nglview" not in sys.modules:
        # its classes read this number while they are made, so it has to be there before the package
        number = ModuleType("nglview._frontend")
        number.__dict__["__frontend_version__"] = version
        sys.modules["nglview._frontend"] = number
    import nglview

    return nglview
