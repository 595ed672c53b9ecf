"""A model server, of its own process or in this one, for tests and measurements."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from tornado.netutil import bind_sockets

from xcrystal.generator import CrystalModel
from xcrystal.model_server.answers import compute
from xcrystal.model_server.batching import Batcher, Compute
from xcrystal.model_server.web import http_server

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
        found = re.search(r"https?://\S+?(?=;)", said)
        assert found, said
        yield found[0], process.pid
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


@contextmanager
def served_here(
    model: CrystalModel, computing: Compute | None = None, waiting: int = 1000, **options: Any
) -> Iterator[tuple[str, Batcher]]:
    """The address and the queue of a server in a thread of this process; options are those of ``http_server``."""
    batcher = Batcher(computing or partial(compute, model), waiting=waiting)
    sockets = bind_sockets(0, "127.0.0.1")
    loop, ended, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        server = http_server(model, batcher, TOKEN, **options)
        server.add_sockets(sockets)
        ready.set()
        await ended.wait()
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield f"{'https' if options.get('encrypted') else 'http'}://127.0.0.1:{sockets[0].getsockname()[1]}", batcher
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(PATIENCE)
        loop.close()
        batcher.close()
