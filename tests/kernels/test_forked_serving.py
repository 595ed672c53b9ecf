"""``xcrystal serve --forked``: kernels of visitors share memory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

if not sys.platform.startswith("linux"):
    pytest.skip("forks of a loaded process are for Linux", allow_module_level=True)

from tests.browser.server import OFFLINE
from tests.measure_hub import descendants
from tests.measure_load import TOKEN, ask
from tests.measure_memory import memory
from xcrystal.cli.main import app

LIMIT = 90.0


def test_a_visitor_gets_a_forked_kernel_and_nothing_stays_behind(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    command = [sys.executable, "-m", "xcrystal", "serve", "--forked", "--no-browser", "--port", "0", "--visitors", "1"]
    with log.open("wb") as output:
        environment = os.environ | OFFLINE | {"XCRYSTAL_TOKEN": TOKEN}
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=output, stderr=output)
    try:
        end, found = time.monotonic() + LIMIT, None
        while found is None and time.monotonic() < end and process.poll() is None:
            time.sleep(0.2)
            found = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())
        assert found is not None, log.read_text()
        assert len(re.findall(r'"kernelId": *"[0-9a-f-]{36}"', ask(found[0]))) == 1
        everyone = list(descendants(process.pid))
        (forking,) = (pid for pid in everyone if _parent(pid) == process.pid and b"fork-server" in _command(pid))
        kernels = [pid for pid in everyone if _parent(pid) == forking]
        assert kernels and all(memory(pid)["uss"] < 0.5 * memory(pid)["rss"] for pid in kernels)
        assert "one of its own is started" not in log.read_text()
    finally:
        process.terminate()
        process.wait(timeout=30)
    end = time.monotonic() + 10
    while any(Path(f"/proc/{pid}/cmdline").exists() for pid in (forking, *kernels)):
        assert time.monotonic() < end, "processes stay behind"
        time.sleep(0.1)


def test_another_device_is_refused() -> None:
    result = CliRunner().invoke(app, ["serve", "--forked", "--device", "cuda"])
    assert result.exit_code == 1 and "on the CPU" in result.stderr


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
