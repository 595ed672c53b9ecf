"""Files that are read within limits, and written whole or not at all."""

from __future__ import annotations

import lzma
import os
import secrets
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xcrystal.errors import ReadError

if TYPE_CHECKING:
    import numpy as np

MAX_BYTES = 20_000_000  # of a file that holds one crystal, one pattern or one session

ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError, OSError, ValueError
)  # fmt: skip
"""What zipfile raises over a damaged archive."""


def read_whole(path: Path, most: int = MAX_BYTES) -> bytes:
    """The content of a file of at most ``most`` bytes; pipes and devices, which may never end, are not read.

    Raises
    ------
    ReadError
        If there is none, it is too large, empty, or cannot be read.
    """
    shown = str(path)[:200]
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise ReadError(f"{shown} is a folder; give the path of one file.")
        if not stat.S_ISREG(found.st_mode):
            raise ReadError(f"{shown} is a pipe or a device, not a file.")
        check_bytes(found.st_size, shown, most)
        with path.open("rb") as file:
            return file.read(most)  # however it may have grown
    except FileNotFoundError:
        raise ReadError(f"There is no file {shown}.") from None
    except ReadError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ReadError(f"{shown} cannot be read: {reason}.") from error


def check_bytes(size: int, name: str, most: int = MAX_BYTES) -> None:
    """Refuse an empty file, and one that is larger than is read.

    Raises
    ------
    ReadError
        If it is.
    """
    if size == 0:
        raise ReadError(f"{name} is empty.")
    if size > most:
        raise ReadError(f"{name} has {size / 1e6:.0f} MB; files above {most / 1e6:.0f} MB are not read.")


def map_array(path: Path, name: str) -> np.ndarray:
    """An array (...,) float32 of a safetensors file, mapped: what is looked at is read then; changes stay in memory.

    Replace such a file by another (``replacing``), which leaves the mapped one as it is. To cut it off in place ends
    every process that looks at what is gone; Windows refuses both as long as it is mapped.

    Raises
    ------
    OSError, ValueError, KeyError, safetensors.SafetensorError
        If there is no such file or array, or it is damaged.
    """
    import json

    import numpy as np
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as checked:  # that all arrays lie within the file, one after another
        if name not in checked.keys():  # noqa: SIM118  (it is no dictionary)
            raise KeyError(f"{path} has no array {name}")
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        told = json.loads(file.read(size))[name]
    if told["dtype"] != "F32":
        raise ValueError(f"the array {name} has not 32 bits a number")
    return np.asarray(np.memmap(path, np.float32, "c", 8 + size + told["data_offsets"][0], tuple(told["shape"])))


def array_header(name: str, shape: tuple[int, int], half: bool) -> bytes:
    """The beginning of a safetensors file of an array, whose rows follow as little-endian numbers of 16 or 32 bits."""
    import json

    kind, size = ("F16", 2) if half else ("F32", 4)
    entry = {"dtype": kind, "shape": list(shape), "data_offsets": [0, size * shape[0] * shape[1]]}
    text = json.dumps({name: entry}).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


@contextmanager
def replacing(path: Path, within: Path | None = None) -> Iterator[Path]:
    """The path of a file to write, which takes the place of ``path`` once it is on the disk; not if it fails.

    It is another one for each who writes, so that two who write the same file at once do not mix. It lies beside
    ``path``, or in a folder ``within`` on the same disk, where what a killed process leaves of it disturbs nobody.
    """
    short = path.name.encode(errors="ignore")[:200].decode(errors="ignore")  # of a name, systems take 255 bytes
    part = (within or path.parent) / f"{short}.{os.getpid()}-{secrets.token_hex(4)}.part"
    try:
        yield part
        with part.open("rb+") as file:  # or after a power cut the new name may stand for an empty file
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def move_files(part: Path, folder: Path, new: Sequence[str], stale: Sequence[str] = ()) -> None:
    """Move files of ``part`` into ``folder``; if that is interrupted, the folder stays as it was.

    A folder is known by the last of the new files: the older one of that name goes first, and the new one comes last.
    The ``stale`` files go, too, whether there are new ones or not. Older files wait in a folder beside ``part``.
    """
    last, older = new[-1], part.with_name("older")
    older.mkdir()
    replaced = [name for name in dict.fromkeys((last, *stale, *new)) if (folder / name).is_file()]
    try:
        for name in replaced:
            (folder / name).replace(older / name)
        for name in new:
            (part / name).replace(folder / name)
    except BaseException:
        for name in reversed(new):
            if name not in replaced or (older / name).exists():
                (folder / name).unlink(missing_ok=True)
        for file in sorted(older.iterdir(), key=lambda file: file.name == last):
            file.replace(folder / file.name)
        raise
