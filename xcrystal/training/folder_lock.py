"""One process at a time trains in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from xcrystal.errors import DatasetError


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from training in a folder; what is killed leaves nothing that has to be removed.

    Raises
    ------
    DatasetError
        If another process trains there.
    """
    try:
        with FileLock(folder / "training.lock", timeout=0):
            yield
    except Timeout:
        raise DatasetError(f"Another process is training in {folder}: choose another folder.") from None
