"""Kernels that are forked share memory, and are otherwise like any other."""

from __future__ import annotations

import json
import logging
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("forks of a loaded process are for Linux", allow_module_level=True)

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

import xcrystal as xc
from tests.measure_memory import OPEN, memory, run
from xcrystal.errors import TargetError
from xcrystal.kernels import fork_server
from xcrystal.kernels.provisioner import ForkedKernel, environment

LIMIT = 90.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Process and socket."""
    folder = tmp_path_factory.mktemp("kernels")
    path, log = folder / "socket", folder / "log.txt"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "xcrystal", "fork-server", str(path), "--memory", "1500"]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        end = time.monotonic() + LIMIT
        while fork_server.READY not in log.read_text():
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield process.pid, path
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def kernel(path: Path, **more: str) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel that Jupyter has asked the server at a path for."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(path).items():
            patch.setenv(name, value)
        manager = KernelManager()
        manager.start_kernel(env=os.environ | more)
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=LIMIT)
            yield manager, client
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def told(client: BlockingKernelClient, code: str, path: Path) -> object:
    """The value of an expression in a kernel, which writes it to a file."""
    run(client, f"import json\nfrom pathlib import Path\nPath({str(path)!r}).write_text(json.dumps({code}))")
    return json.loads(path.read_text())


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").exists()


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + 10
    while is_there(pid):
        assert time.monotonic() < end, "the kernel goes on"
        time.sleep(0.05)


def test_a_kernel_shares_memory_and_computes_the_same(server: tuple[int, Path], tmp_path: Path) -> None:
    crystal = xc.load("mp20").decode(np.zeros(xc.load("mp20").latent_dim), "fast")[0]
    crystal.to(filename=str(tmp_path / "own.cif"))
    with kernel(server[1], OF_WHO_ASKS="yes") as (manager, client):
        run(client, "import os, sys, threading\nbefore = 'torch' in sys.modules")
        facts = told(client, "[before, os.getppid(), os.environ['OF_WHO_ASKS'], os.getcwd()]", tmp_path / "facts")
        assert facts == [True, server[0], "yes", os.getcwd()]
        run(client, OPEN)
        z = told(client, f"explorer.session.model.encode({str(tmp_path / 'own.cif')!r})[0].tolist()", tmp_path / "z")
        np.testing.assert_allclose(np.array(z), xc.load("mp20").encode(str(tmp_path / "own.cif"))[0], atol=1e-4)
        sizes = memory(manager.provisioner.pid)
        assert sizes["uss"] < 0.3 * sizes["rss"]


def test_threads_and_processes_of_libraries_work_after_the_fork(server: tuple[int, Path], tmp_path: Path) -> None:
    table = Path(xc.__file__).parent / "data" / "mp20" / "atlas.parquet"
    with kernel(server[1]) as (_, client):
        run(client, f"import pandas as pd\nrows = len(pd.read_parquet({str(table)!r}))")
        run(client, "import torch\ntorch.set_num_threads(2)\na = torch.ones(600, 600)\nones = (a @ a)[0, 0]")
        run(client, "import subprocess, sys\nstatus = subprocess.run([sys.executable, '-c', 'exit(3)']).returncode")
        assert told(client, "[rows, float(ones), status]", tmp_path / "facts") == [len(xc.atlas("mp20")), 600.0, 3]


def test_what_takes_more_than_its_share_fails_and_the_kernel_goes_on(server: tuple[int, Path], tmp_path: Path) -> None:
    with kernel(server[1]) as (_, client):
        with pytest.raises(RuntimeError, match="MemoryError"):
            run(client, "much = bytearray(2 * 10**9)")
        run(client, "less = bytearray(10**9)")
        assert told(client, "len(less)", tmp_path / "facts") == 10**9


def test_random_numbers_of_two_kernels_differ(server: tuple[int, Path], tmp_path: Path) -> None:
    found = []
    for number in range(2):
        with kernel(server[1]) as (_, client):
            run(client, "import random, numpy as np, torch")
            found.append(
                told(client, "[random.random(), np.random.rand(), float(torch.rand(1))]", tmp_path / str(number))
            )
    assert all(one != other for one, other in zip(*found, strict=True))


def test_figures_are_shown_as_in_any_kernel(server: tuple[int, Path]) -> None:
    with kernel(server[1]) as (_, client):
        asked = client.execute("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
        shown: set[str] = set()
        while True:
            message = client.get_iopub_msg(timeout=LIMIT)
            if message["parent_header"].get("msg_id") != asked:
                continue
            shown |= set(message["content"].get("data", {}))
            if message["content"].get("execution_state") == "idle":
                break
    assert "image/png" in shown


def test_a_kernel_is_interrupted_restarted_and_ended(server: tuple[int, Path]) -> None:
    with kernel(server[1]) as (manager, client):
        first = manager.provisioner.pid
        asked = client.execute("import time\nprint('it runs', flush=True)\ntime.sleep(60)")
        while client.get_iopub_msg(timeout=LIMIT)["msg_type"] != "stream":  # what it says before it sleeps
            pass
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=LIMIT)
        assert reply["parent_header"]["msg_id"] == asked and reply["content"]["ename"] == "KeyboardInterrupt"
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=LIMIT)
        second = manager.provisioner.pid
        assert second != first and is_there(second)
        wait_until_gone(first)
    wait_until_gone(second)


def test_a_kernel_ends_with_who_asked_for_it(server: tuple[int, Path], tmp_path: Path) -> None:
    asked = ForkedKernel(str(server[1]), ["-f", str(tmp_path / "connection.json")], str(tmp_path), dict(os.environ))
    assert asked.poll() is None and is_there(asked.pid)
    asked._connection.close()
    wait_until_gone(asked.pid)
    assert asked.wait() == 0


def test_what_is_no_request_is_refused_and_the_next_is_answered(server: tuple[int, Path], tmp_path: Path) -> None:
    for data in (b"", b"no JSON\n", b"[" * 10_000 + b"\n", b"{}\n", b"[1]\n", b'{"env": {"a": 1}}\n'):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(server[1]))
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            assert "pid" not in fork_server.receive(client)
    with pytest.raises(OSError, match="nowhere"):
        ForkedKernel(str(server[1]), [], "/nowhere", {})
    with kernel(server[1]) as (manager, _):
        assert is_there(manager.provisioner.pid)


def test_without_a_server_a_kernel_is_started_as_usual(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), kernel(tmp_path / "nothing") as (manager, _):
        assert not isinstance(manager.provisioner.process, ForkedKernel)
        assert is_there(manager.provisioner.pid)


def test_a_file_in_the_way_is_kept_and_a_socket_that_was_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    path.write_text("precious")
    with pytest.raises(TargetError, match="is there already"):
        fork_server._listen(path)
    assert path.read_text() == "precious"
    path.unlink()
    fork_server._listen(path).close()
    with fork_server._listen(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(TargetError, match="is there already"):
            fork_server._listen(path)
