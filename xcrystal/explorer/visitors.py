"""What visitors of a served explorer may reach: they use the machine of somebody else, and are not to read its files.

``xcrystal serve`` says in an environment variable, which kernels inherit, that they are visitors, and which files and
folders are open to them. Nothing of a visit is remembered either: it would be there for the next visitor.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xcrystal.errors import ReadError

_VARIABLE = "XCRYSTAL_SERVED_FILES"


def environment(files: Iterable[Path]) -> dict[str, str]:
    """The variable for a server whose visitors may read these files, and what is in these folders."""
    return {_VARIABLE: json.dumps([str(path.resolve()) for path in files])}


def is_served() -> bool:
    """Whether the explorer is shown to visitors."""
    return _VARIABLE in os.environ


def check_file(source: Any) -> None:
    """Raise ReadError if a visitor names a file that is not open to them, whether or not it exists."""
    if not is_served() or not isinstance(source, (str, os.PathLike)):
        return
    named = Path(source).resolve()
    if not any(named.is_relative_to(opened) for opened in json.loads(os.environ[_VARIABLE])):
        raise ReadError(
            "There is no such crystal in the atlas, and files of the serving machine are not open to visitors: upload "
            "the file instead."
        )
