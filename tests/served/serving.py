"""A model server of its own process, for tests and measurements."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

TOKEN = "of-the-tests-0123456789"
PATIENCE = 120.0  # seconds that a server may take to end


@contextmanager
def model_server(*options: str, environment: Mapping[str, str] | None = None) -> Iterator[tuple[str, int]]:
    """The address and the process id of an ``xcrystal model-server``, which ends with the block."""
    words = [sys.executable, "-m", "xcrystal", "model-server", "--device", "cpu", *options]
    given = {**os.environ, "XCRYSTAL_SERVER_TOKEN": TOKEN, **(environment or {})}
    process = subprocess.Popen(words, env=given, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        found = re.search(r"http://\S+?(?=;)", said)
        assert found, said
        yield found[0], process.pid
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
