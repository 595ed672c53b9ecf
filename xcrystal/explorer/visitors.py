"""What visitors of a served explorer may reach: they use the machine of somebody else, and are not to read its files.

``xcrystal serve`` says in an environment variable, which kernels inherit, that they are visitors, and which files and
folders are open to them. Nothing of a visit is remembered either: it would be there for the next visitor.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xcrystal.errors import ReadError

_VARIABLE = "XCRYSTAL_SERVED_FILES"
_MEMORY = "XCRYSTAL_SERVED_MEMORY"


def environment(files: Iterable[Path], memory: int = 0) -> dict[str, str]:
    """The variables for a server whose visitors may read these files, and what is in these folders.

    ``memory`` is how much more a kernel may take once its explorer is open, in MB; 0 for as much as there is.
    """
    return {_VARIABLE: json.dumps([str(path.resolve()) for path in files]), _MEMORY: str(memory)}


def is_served() -> bool:
    """Whether the explorer is shown to visitors."""
    return _VARIABLE in os.environ


def limit_memory() -> None:
    """Keep the kernel of a visitor from taking more memory than is left to it."""
    megabytes = int(os.environ.get(_MEMORY, "0"))
    if is_served() and megabytes:
        limit_data(megabytes)


def limit_data(megabytes: int) -> None:
    """Keep this process from taking so much more memory than it has, in MB, where the system can (Linux).

    What asks for more gets a MemoryError. Counted is what the process writes into (``RLIMIT_DATA``): of the addresses
    that it has reserved, torch and its threads use a small part only.
    """
    if not sys.platform.startswith("linux"):
        return
    import resource

    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = int(status.partition("VmData:")[2].split()[0])
    most = 1024 * kilobytes + 1_000_000 * megabytes
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


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
