"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The path of a file to write, which takes the place of ``path`` once it is on the disk; not if it fails."""
    part = path.with_name(path.name + ".part")
    try:
        yield part
        with part.open("rb+") as file:  # or after a power cut the new name may stand for an empty file
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
