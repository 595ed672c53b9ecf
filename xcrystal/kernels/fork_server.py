"""A server that forks Jupyter kernels, so that they share what it has imported and loaded (Linux).

A fork shares all pages of memory until one side writes to them: the libraries, the weights, the latent vectors and the
atlas are in memory once, however many kernels there are, and a kernel need not wait for them. The server has one
thread of Python, imports everything, opens an explorer as a student would, and then forks for whoever asks at its Unix
socket.

A kernel runs as the server's user, who alone may open the socket: a fork can read all that the server has in memory, so
none is made for somebody else. It gets the environment and the folder of who asked, and ends when the connection to who
asked does.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from xcrystal.errors import CapabilityError, TargetError

VARIABLE = "XCRYSTAL_FORK_SERVER"  # the socket's path, for who asks
READY = "Kernels are forked at"
_PATIENCE = 5.0  # seconds that who asks may take to say what for
_LONGEST = 2**22  # bytes of a request, which holds an environment
_OF_FORKS = {
    "CUDA_VISIBLE_DEVICES": "",  # what a fork inherits of a GPU it cannot use
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # or the debugger warns of what ipykernel tells kernels to do
}


def serve(path: Path, model: str = "mp20", memory: int = 0, ready: Callable[[], None] = lambda: None) -> NoReturn:
    """Fork a kernel for each request at a socket, until a signal ends the server; its kernels go on.

    Parameters
    ----------
    path
        The socket to make, in a folder that exists.
    model
        Name or folder of the model that kernels find loaded, on the CPU.
    memory
        How much more a kernel may take than it begins with, in MB; 0 for as much as there is.
    ready
        Called when requests are answered.

    Raises
    ------
    CapabilityError
        If this is not Linux, or importing has started threads, which a fork would not have.
    CheckpointError, DatasetError
        If there is no such model, or it has no atlas.
    TargetError
        If there is a file at the path, a server that answers, or no folder for it.
    """
    if not sys.platform.startswith("linux"):
        raise CapabilityError("Kernels that share memory need Linux.")
    with _listen(path) as listener:
        try:
            kept = preload(model)
            ready()
            # nobody waits for the kernels: their status is of no interest
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            connection, request = _fork_for_each(listener)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    _run_kernel(connection, request, memory)
    del kept
    raise SystemExit


@contextmanager
def running(path: Path, model: str = "mp20") -> Iterator[None]:
    """A server in a process of its own, which has loaded when the context begins, and ends with it.

    Raises
    ------
    CapabilityError
        If it does not start; it has said why on standard error.
    """
    command = [sys.executable, "-m", "xcrystal", "fork-server", str(path), "--model", model]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        if READY.encode() not in process.stdout.readline():  # it has ended
            raise CapabilityError("Kernels that share memory cannot be had.")
        yield
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def preload(model: str) -> list[Any]:
    """Import and load what an explorer of a model uses, and give what has to be kept so that kernels find it."""
    os.environ.update(_OF_FORKS, OMP_NUM_THREADS="1")  # a fork has no threads of libraries
    import torch

    import xcrystal
    from xcrystal.explorer.opening import shared_atlas, shared_model

    torch.set_num_threads(1)
    opened, atlas = shared_model(model), shared_atlas(model)
    explorer = xcrystal.explore(model=model)
    session = explorer.session
    session.move(1, 0.5)
    session.settle()
    session.refinement.search_when_idle(lambda: False)
    session.search("ABX3, O")
    if "band_gap" in opened.properties:
        session.steer("band_gap", "higher", steps=1)
    xcrystal.explain(opened, session.display.structure)
    opened.sample(1, seed=0)
    explorer.close()
    del explorer, session
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    for thread in others:  # such as the worker of the explorer, which ends once it is closed
        thread.join(_PATIENCE)
    if any(thread.is_alive() for thread in others):
        raise CapabilityError(f"Threads would be lost in a fork: {', '.join(thread.name for thread in others)}.")
    gc.collect()
    gc.freeze()  # or each collection in a kernel would write to every object, and no page would stay shared
    return [opened, atlas]


def _listen(path: Path) -> socket.socket:
    """A socket at a path, for this user alone; one that a server has left behind is replaced."""
    if not path.parent.is_dir():
        raise TargetError(f"There is no folder {path.parent} for the socket.")
    if path.is_socket():
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
    if path.exists():
        raise TargetError(f"{path} is there already.")
    listener = socket.socket(socket.AF_UNIX)
    previous = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:  # a path may have some 100 characters
        raise TargetError(f"No socket can be made at {path}: {error}.") from error
    finally:
        os.umask(previous)
    listener.listen(64)
    return listener


def _fork_for_each(listener: socket.socket) -> tuple[socket.socket, dict[str, Any]]:
    """Fork for each request; returns in the forks only, with the connection to who asked, and what was asked."""
    while True:
        connection, _ = listener.accept()
        try:
            connection.settimeout(_PATIENCE)
            request = receive(connection)
            if request and os.fork() == 0:
                return connection, request
        except (OSError, ValueError, RecursionError) as error:
            print(f"A request was refused: {error}", file=sys.stderr, flush=True)  # noqa: T201
        connection.close()


def receive(connection: socket.socket) -> dict[str, Any]:
    """A line of JSON from a connection; empty if that was closed.

    Raises
    ------
    ValueError, RecursionError
        If it is no JSON, or too long or too deep.
    """
    data = b""
    while not data.endswith(b"\n"):
        part = connection.recv(2**16)
        if not part:
            return {}
        data += part
        if len(data) > _LONGEST:
            raise ValueError(f"It has more than {_LONGEST} bytes.")
    found: dict[str, Any] = json.loads(data)
    return found


def _run_kernel(connection: socket.socket, request: dict[str, Any], memory: int) -> None:
    """Become the kernel that was asked for: its environment, folder and random numbers, then its loop."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    started_in = str(Path.cwd())
    try:
        os.environ.clear()
        os.environ.update(request["env"] | _OF_FORKS)
        os.chdir(request["cwd"])
        arguments = [str(word) for word in request["arguments"]]
        connection.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
    except (OSError, KeyError, TypeError, ValueError) as error:
        with suppress(OSError):  # who asked may be gone
            connection.sendall(json.dumps({"error": str(error)}).encode() + b"\n")
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for inherited in (0, 1):  # the server's terminal, and what tells that it is ready
        os.dup2(nothing, inherited)
    os.close(nothing)
    sys.argv = ["ipykernel_launcher", *arguments]
    connection.settimeout(None)  # open as long as the kernel runs
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    _forget_server(started_in)
    from ipykernel.kernelapp import IPKernelApp

    from xcrystal.explorer.visitors import limit_data

    if memory:
        limit_data(memory)
    # of a parent 1 ipykernel neither waits for the end, nor tells a terminal about this kernel
    kernel = IPKernelApp.instance()
    kernel.initialize([*arguments, "--IPKernelApp.parent_handle=1"])
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None:  # or figures would be drawn for nobody, as in the server
        matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]  # which the kernel has set unless who asked did
        matplotlib.use(os.environ["MPLBACKEND"])
    kernel.start()


def _end_with(connection: socket.socket) -> None:
    """End this process when who asked for it is gone."""
    connection.recv(1)
    os._exit(1)


def _forget_server(started_in: str) -> None:
    """Undo what all forks would have in common but kernels that were started have not."""
    import tempfile

    import numpy as np
    import torch

    tempfile.tempdir = None  # who asked may have another
    random.seed()
    np.random.seed()  # noqa: NPY002  (it is users who may draw from it)
    torch.seed()
    if sys.path[:1] == [started_in]:
        del sys.path[0]  # the server's folder, which ``python -m`` puts there
