"""The command ``xcrystal nbgrader``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import xcrystal
from xcrystal.cli.shared import Json, print_json
from xcrystal.errors import ReadError


def nbgrader(
    folder: Annotated[Path, typer.Argument(help="The folder of the course, which nbgrader is run in.")],
    solutions: Annotated[
        list[Path] | None,
        typer.Option("--solution", help="A solved exercise; may be repeated. By default all of a clone of xcrystal."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the exercises for nbgrader, with hidden tests: FOLDER/source/NAME/NAME.ipynb.

    `nbgrader generate_assignment NAME`, run in FOLDER, then makes what is handed out.
    """
    from xcrystal.teaching.nbgrader_export import nbgrader_assignment

    found = solutions or sorted((Path(xcrystal.__file__).parents[1] / "notebooks" / "solutions").glob("*.ipynb"))
    if not found:
        raise ReadError("Solutions come with a clone of xcrystal only; name solved notebooks with --solution.")
    made = [str(nbgrader_assignment(path, folder)) for path in found]
    if as_json:
        print_json({"notebooks": made})
    else:
        typer.echo("\n".join(made))
