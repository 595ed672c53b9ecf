"""How Jupyter starts a kernel by asking the fork server for it: the kernel provisioner ``xcrystal-forked``.

Jupyter uses it where ``JUPYTER_DEFAULT_PROVISIONER_NAME`` says so; ``XCRYSTAL_FORK_SERVER`` is the server's socket. A
kernel of another language or environment, and any kernel while no server answers, is started as usual.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import socket
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from xcrystal.kernels.fork_server import VARIABLE, receive

NAME = "xcrystal-forked"
_PATIENCE = 30.0  # seconds; the server answers one request after the other
_LAUNCHER = ["-m", "ipykernel_launcher"]


def environment(path: Path) -> dict[str, str]:
    """The variables with which Jupyter asks the fork server at a socket for its kernels."""
    return {"JUPYTER_DEFAULT_PROVISIONER_NAME": NAME, VARIABLE: str(path)}


class ForkedKernel:
    """A kernel that the fork server has made, with what Jupyter uses of ``subprocess.Popen``.

    Parameters
    ----------
    path
        The server's socket.
    arguments
        Of the kernel, such as ``["-f", connection_file]``.
    cwd, env
        Its folder and environment.

    Raises
    ------
    OSError
        If no server answers, or it refuses.
    """

    stdin = stdout = stderr = None

    def __init__(self, path: str, arguments: list[str], cwd: str, env: dict[str, str]) -> None:
        self.returncode: int | None = None
        self._connection = socket.socket(socket.AF_UNIX)  # the kernel ends when it is closed
        try:
            self._connection.settimeout(_PATIENCE)
            self._connection.connect(path)
            request = {"arguments": arguments, "cwd": cwd, "env": env}
            self._connection.sendall(json.dumps(request).encode() + b"\n")
            answer = receive(self._connection)
            if "pid" not in answer:
                raise OSError(answer.get("error", "The server closed the connection."))
            self.pid: int = answer["pid"]
            self._watched = os.pidfd_open(self.pid)
        except BaseException:
            self._connection.close()
            raise

    def poll(self) -> int | None:
        """None while it runs; the status of what is no child of this process is not known, and given as 0."""
        if self.returncode is None and select.select([self._watched], [], [], 0)[0]:
            self.returncode = 0
            os.close(self._watched)
            self._connection.close()
        return self.returncode

    def wait(self) -> int:
        """Wait until it has ended."""
        while (status := self.poll()) is None:
            time.sleep(0.02)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkedProvisioner(LocalProvisioner):
    """Kernels of this environment from the fork server, others as usual."""

    process: Any = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Ask for a kernel, or start one as usual."""
        path = os.environ.get(VARIABLE, "")
        if not path or cmd[0] != sys.executable or cmd[1:3] != _LAUNCHER:
            return await super().launch_kernel(cmd, **kwargs)
        cwd = str(kwargs.get("cwd") or Path.cwd())
        try:
            # the server of notebooks goes on while it waits
            self.process = await asyncio.to_thread(ForkedKernel, path, cmd[3:], cwd, kwargs["env"])
        except (OSError, ValueError) as error:
            self.log.warning("No kernel that shares memory (%s: %s): one of its own is started.", path, error)
            return await super().launch_kernel(cmd, **kwargs)
        self.pid = self.pgid = self.process.pid
        self.cwd = cwd
        return self.connection_info

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel and what it has started, unless it has ended: its number may be another's now."""
        if not isinstance(self.process, ForkedKernel) or self.process.poll() is None:
            await super().send_signal(signum)
