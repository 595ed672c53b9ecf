"""A real JupyterLab in a process of its own, with nothing of the user's configuration in it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat

START_SECONDS = 90
# Proxies that nothing listens on: whatever the kernel asks of the network fails at once, here as on a train.
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
OFFLINE |= {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
KERNEL = {
    "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": "Python 3",
    "language": "python",
}
QUIET = {"fetchNews": "false"}  # as after the first answer to the question whether to fetch news


@dataclass(frozen=True)
class JupyterServer:
    """Where a running JupyterLab is.

    Attributes
    ----------
    url
        Address with port, without a slash at the end.
    token
        What the address has to carry to be let in.
    root
        The folder that JupyterLab shows; notebooks under test are copied here.
    log
        What the server wrote, for failures.
    """

    url: str
    token: str
    root: Path
    log: Path

    def lab_url(self, path: str = "") -> str:
        """Address that opens JupyterLab on a notebook or folder (relative to ``root``) in a workspace of its own."""
        tree = f"/tree/{quote(path)}" if path else ""
        return f"{self.url}/lab/workspaces/{secrets.token_hex(4)}{tree}?token={self.token}"

    def write_notebook(self, name: str, *cells: str) -> None:
        """Put a notebook of code cells into the folder, for the kernel that is there."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
        names = {key: KERNEL[key] for key in ("display_name", "language")}
        notebook.metadata["kernelspec"] = {"name": "python3", **names}
        nbformat.write(notebook, self.root / name)

    def log_tail(self, lines: int = 30) -> str:
        """The last lines that the server wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@contextlib.contextmanager
def jupyter_server() -> Iterator[JupyterServer]:
    """Start JupyterLab with this interpreter, as server and as kernel, and stop it at the end.

    Raises
    ------
    RuntimeError
        If it does not answer in 90 s; with the end of its log.
    """
    with tempfile.TemporaryDirectory(prefix="xcrystal-lab-", ignore_cleanup_errors=True) as folder:
        base = Path(folder)
        root = base / "root"
        for name in ("root", "config", "data", "runtime", "home"):
            (base / name).mkdir()
        _write_json(base / "data/kernels/python3/kernel.json", KERNEL)
        _write_json(
            base / "config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings", QUIET
        )
        port, token, log = _free_port(), secrets.token_hex(16), base / "server.log"
        environment = os.environ | OFFLINE
        environment |= {f"JUPYTER_{name.upper()}_DIR": str(base / name) for name in ("config", "data", "runtime")}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *_flags(root, port, token)],
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        server = JupyterServer(f"http://127.0.0.1:{port}", token, root, log)
        try:
            _wait_until_up(server, process)
            yield server
        finally:
            _stop(server, process)


def _flags(root: Path, port: int, token: str) -> list[str]:
    return [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={token}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _request(server: JupyterServer, path: str, method: str = "GET") -> bytes:
    request = urllib.request.Request(
        f"{server.url}/api/{path}", method=method, headers={"Authorization": f"token {server.token}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=5) as answer:
        return bytes(answer.read())


def _wait_until_up(server: JupyterServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError):
            _request(server, "status")
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not come up in {START_SECONDS} s:\n{server.log_tail()}")


def _stop(server: JupyterServer, process: subprocess.Popen[bytes]) -> None:
    """Ask the server to shut down, which also ends its kernels; insist when it does not."""
    with contextlib.suppress(OSError, urllib.error.URLError):
        _request(server, "shutdown", "POST")
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
