"""The command ``xcrystal page``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import xcrystal
from xcrystal.cli.shared import Device, Effort, Model


def page(
    out: Annotated[Path, typer.Option(help="The folder of the page; an earlier page is replaced.", show_default=False)],
    model: Model = "mp20",
    atlas: Annotated[
        str | None, typer.Option(help="A bundled atlas, or the folder of one; by default that of the model.")
    ] = None,
    title: Annotated[str, typer.Option(help="Of the page.")] = "A map of crystals",
    crystals: Annotated[int, typer.Option(min=1, help="Crystals of the atlas that are decoded.")] = 4000,
    grid: Annotated[
        int, typer.Option(min=0, help="Points along each side of the map that are decoded where no crystal is.")
    ] = 36,
    effort: Effort = "normal",
    device: Device = "auto",
) -> None:
    """Write the map of an atlas as a page that needs no Python: to put on a web server, or to open from a disk.

    All crystals that it draws are decoded now, which takes some minutes.
    """
    index = xcrystal.export_page(out, model, atlas, title, crystals, grid, effort, device)
    size = sum(file.stat().st_size for file in index.parent.iterdir())
    typer.echo(f"{index} ({size / 1e6:.1f} MB with all its files)")
