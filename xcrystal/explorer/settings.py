"""What the explorer remembers of a person from one day to the next, in one small file among Jupyter's settings."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from xcrystal.crystal.files import replacing
from xcrystal.explorer.visitors import is_served

_FILE = "xcrystal.json"


def recall() -> dict[str, Any]:
    """What was remembered; empty if nothing was, the file cannot be read, or this is for visitors."""
    if is_served():
        return {}
    with suppress(OSError, ValueError):
        found = json.loads(_path().read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def remember(**values: Any) -> None:
    """Remember values beside what is remembered already; where that cannot be written, and of visitors, nothing is."""
    if is_served():
        return
    path = _path()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            part.write_text(json.dumps({**recall(), **values}, indent=1), encoding="utf-8")


def _path() -> Path:
    from jupyter_core.paths import jupyter_config_dir

    return Path(jupyter_config_dir()) / _FILE
