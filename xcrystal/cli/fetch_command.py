"""The command ``xcrystal fetch``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xcrystal.cli.shared import Json, print_json


def fetch(
    out: Annotated[Path, typer.Option(help="The table (.parquet) to write.", show_default=False)],
    ids: Annotated[
        str, typer.Option(help="A file with one id a line; or validation: those the bundled model was selected with.")
    ] = "validation",
    system: Annotated[
        list[str] | None,
        typer.Option(help="Instead of ids all crystals of a chemical system, such as Sr-Ti-O; may be repeated."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="MP_API_KEY", help="Of the Materials Project: materialsproject.org/api.", metavar="KEY"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch crystals of the Materials Project by their ids or elements; xcrystal atlas --data OUT makes a map of them.

    The same command goes on where an error ended it.
    """
    from xcrystal.crystal.collections.fetching import fetch as fetch_ids
    from xcrystal.crystal.collections.fetching import ids_in, materials_project, materials_project_systems, read_ids

    wanted = ids_in(system, materials_project_systems(key)) if system else read_ids(ids)
    found = fetch_ids(wanted, out, materials_project(key))
    if as_json:
        print_json({"file": str(out), "crystals": found.crystals, "missing": found.missing})
        return
    typer.echo(f"{found.crystals} of {len(wanted)} crystals are in {out}")
    for name, reason in found.missing.items():
        typer.echo(f"{name}: {reason}", err=True)
