"""One process at a time works in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xcrystal.errors import DatasetError

LOCK = ".lock"
"""The file by which they know of each other; it may stay."""


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder, which is made; what is killed leaves nothing that has to be removed.

    Raises
    ------
    DatasetError
        If another process works there, or it is a file.
    """
    from filelock import FileLock, Timeout

    if folder.exists() and not folder.is_dir():
        raise DatasetError(f"{folder} is a file; give a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout:
        raise DatasetError(f"Another process works in {folder}: wait for it, or choose another folder.") from None
