"""``xcrystal fork-server``: kernels that share memory, for a class on one machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from xcrystal.cli.shared import Model


def fork_server(
    socket: Annotated[Path, typer.Argument(help="Where to make the Unix socket at which kernels are asked for.")],
    model: Model = "mp20",
    memory: Annotated[int, typer.Option(min=0, help="MB that a kernel may take beyond the start; 0: no limit.")] = 0,
) -> None:
    """Fork kernels that share the libraries, the weights and the atlas (Linux, on the CPU).

    A Jupyter server asks it for its kernels where JUPYTER_DEFAULT_PROVISIONER_NAME is xcrystal-forked, and
    XCRYSTAL_FORK_SERVER the socket. They run as the user who starts this, and nobody else may ask for them.
    """
    os.environ.pop("XCRYSTAL_SERVER", None)  # kernels share the model that is here
    from xcrystal.kernels.fork_server import READY, serve

    serve(socket.absolute(), model, memory, ready=lambda: typer.echo(f"{READY} {socket}"))
