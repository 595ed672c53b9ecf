"""``xcrystal model-server``: one model for the kernels of many."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer

from xcrystal.cli.shared import Device, Model
from xcrystal.errors import TargetError


def model_server(
    model: Model = "mp20",
    device: Device = "auto",
    ip: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8765,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="A file that holds the token, or gets a new one that only you can read. Without it the token is that "
            "of XCRYSTAL_SERVER_TOKEN."
        ),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Crystals that are computed together at most.")] = 64,
    wait: Annotated[float, typer.Option(min=0, max=1000, help="Milliseconds that a batch waits at most.")] = 3.0,
    certificate: Annotated[
        Path | None, typer.Option(help="A file with a certificate, PEM: the server then speaks HTTPS.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Of the certificate, PEM, without a password; or it is in the same file.")
    ] = None,
) -> None:
    """Serve a model to many kernels: xc.load("mp20", server="http://127.0.0.1:8765").

    What they ask at the same time is computed together. Kernels need no weights and no torch, and go on with the model
    that they have themselves where this one is gone. Ctrl-C ends it.
    """
    token = _token(token_file)
    from xcrystal.generator import open_model
    from xcrystal.model_server.web import encryption, run_server

    if key is not None and certificate is None:
        raise TargetError("A --key needs the --certificate that it belongs to.")
    encrypted = None if certificate is None else encryption(certificate, key)
    os.environ.pop("XCRYSTAL_SERVER", None)  # it is the server
    opened = open_model(model, device, server="")

    def started(address: str) -> None:
        where = f"xcrystal: The model {opened.name!r} ({opened.digest}) on {opened.device} is served at {address}"
        typer.echo(f"{where}; Ctrl-C ends it.", err=True)

    run_server(opened, token, ip, port, batch, wait / 1000, encrypted, started)
    typer.echo("xcrystal: The model server has ended.", err=True)


def _token(file: Path | None) -> str:
    """Of a file or the environment; never of the command line, which all users of a machine can see."""
    from xcrystal.crystal.files import read_whole
    from xcrystal.served.connection import checked_token

    if file is None:
        token = checked_token(os.environ.pop("XCRYSTAL_SERVER_TOKEN", ""))
        if not token:
            raise TargetError("A model server needs a token: set XCRYSTAL_SERVER_TOKEN, or give a --token-file.")
        return token
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(24) + "\n")
    token = checked_token(read_whole(file, 10_000).decode("utf-8", "replace"))
    if not token:
        raise TargetError(f"{file} holds no token; an empty one would let everybody in.")
    return token
