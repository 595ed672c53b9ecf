"""``xcrystal serve --forked``: kernels of visitors share memory."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

if not sys.platform.startswith("linux"):
    pytest.skip("forks of a loaded process are for Linux", allow_module_level=True)

from tests.measure_hub import descendants
from tests.measure_load import ask, served
from tests.measure_memory import memory
from xcrystal.cli.main import app


def test_a_visitor_gets_a_forked_kernel_and_nothing_stays_behind() -> None:
    with served("--forked") as (server, address, log):
        assert len(re.findall(r'"kernelId": *"[0-9a-f-]{36}"', ask(address))) == 1
        everyone = list(descendants(server))
        (forking,) = (pid for pid in everyone if _parent(pid) == server and b"fork-server" in _command(pid))
        kernels = [pid for pid in everyone if _parent(pid) == forking]
        assert kernels and all(memory(pid)["uss"] < 0.5 * memory(pid)["rss"] for pid in kernels)
        assert "one of its own is started" not in log.read_text()
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
