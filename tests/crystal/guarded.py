"""Reading under limits of time and memory, on Linux: what reads a file must need little for little."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from tests.crystal.fuzzing import is_pattern
from xcrystal.crystal.collections.datasets import read_dataset
from xcrystal.crystal.reading import check_structure, parse_structure
from xcrystal.diffraction.measured import parse_pattern
from xcrystal.errors import XCrystalError

ROOM = 600  # MB that reading may need beyond what the process has when it begins
_TABLES = (".parquet", ".csv", ".db", ".extxyz", ".xyz", ".json")


class TooSlow(BaseException):
    """Raised by the alarm; no Exception, so that nothing takes it for a fault of the file."""


@dataclass(frozen=True)
class Outcome:
    """What came of a file: seconds, MB that the process has grown by, and the error; "" for a crystal."""

    seconds: float
    megabytes: float
    error: str
    message: str = ""


def _alarm(number: int, frame: FrameType | None) -> None:
    raise TooSlow


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def limit_memory(megabytes: int = ROOM) -> None:
    """Let this process have so much more than it has, once what reads files is loaded."""
    salt = 'Lattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3'
    for name, text in (("a.extxyz", f"1\n{salt}\nC 0 0 0\n"), ("a.xsf", "CRYSTAL\n"), ("a.xy", "1 1\n")):
        outcome_of(name, text.encode(), 60)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + megabytes * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def outcome_of(name: str, content: bytes, seconds: float) -> Outcome:
    """What comes of one file: of a table and what may hold several crystals as a dataset, too.

    Raises
    ------
    TooSlow
        If it takes longer.
    MemoryError
        If it needs more than there is, also where that was taken for a fault of the file.
    """
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = message = ""
    with warnings.catch_warnings(), _limited(seconds):
        warnings.simplefilter("ignore")
        for read in (_read_one, _read_all):
            try:
                if read is _read_one or name.endswith(_TABLES):
                    read(name, content)
            except XCrystalError as said:
                cause: BaseException | None = said
                while cause is not None:
                    if isinstance(cause, MemoryError) or "MemoryError" in str(cause):
                        raise MemoryError from said
                    cause = cause.__cause__ or cause.__context__
                error, message = type(said).__name__, str(said)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return Outcome(round(time.monotonic() - began, 3), round(grown / 1000, 1), error, message)


def _read_one(name: str, content: bytes) -> None:
    if is_pattern(name):
        parse_pattern(content, name)
    elif not name.endswith((".parquet", ".csv", ".db")):
        check_structure(parse_structure(content, name))


def _read_all(name: str, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        read_dataset(path)


def in_another_process(module: str, name: str, timeout: float) -> Outcome:
    """The outcome that ``python -m module NAME`` prints; "too slow" or "no memory" where there is none."""
    command = [sys.executable, "-m", module, name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return Outcome(timeout, 0.0, "TooSlow")
    if done.returncode:
        return Outcome(0.0, 0.0, "MemoryError", done.stderr[-300:])
    return Outcome(**json.loads(done.stdout))


def print_outcome(make: Callable[[], tuple[str, bytes]], seconds: float) -> None:
    """Print the outcome of a file as JSON."""
    name, content = make()
    limit_memory(6000)
    print(json.dumps(asdict(outcome_of(name, content, seconds))))  # noqa: T201
