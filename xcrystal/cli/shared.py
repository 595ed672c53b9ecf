"""What the commands share: options, and how results are printed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from xcrystal.reporting import Report, columns, plain

Model = Annotated[str, typer.Option(help="A bundled model, or the folder of your own.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Seed = Annotated[int, typer.Option(min=0, help="Of everything random.")]
Effort = Annotated[
    str,
    typer.Option(help="Of the decoder: fast (the most probable crystal alone), normal, or thorough (a longer search)."),
]
Half = Annotated[
    str | None,
    typer.Option(
        help="report (without the crystals that choose models and calibrate), selection (these alone) or all; by "
        "default report for the model's own validation split, otherwise all."
    ),
]
Fitted = Annotated[str, typer.Option(help="The folder of a model, or a bundled one; it is changed.")]
Kept = Annotated[Path | None, typer.Option(help="The folder of the training run, where canonical forms are kept.")]
Also = Annotated[
    list[Path] | None, typer.Option(help="Another table to learn from, beside train.parquet; may be given again.")
]
Table = Annotated[Path, typer.Option(help="A parquet file with one crystal a row.", show_default=False)]
Crystals = Annotated[
    Path,
    typer.Option(
        help="A parquet file with one crystal a row, a CSV file with CIF texts, or a folder of CIF files.",
        show_default=False,
    ),
]
Dataset = Annotated[Path, typer.Option(help="A folder with train.parquet and val.parquet.", show_default=False)]


def print_report(report: Report, as_json: bool) -> Report:
    """Print a report, and give it back: a command returns it to whoever calls it from Python."""
    if as_json:
        print_json(report.to_dict())
    else:
        typer.echo(report.table())
    return report


def print_json(value: Any) -> None:
    """Print what ``plain`` makes of ``value`` as strict JSON."""
    typer.echo(json.dumps(plain(value), indent=1, allow_nan=False))


def print_table(rows: Iterable[Sequence[Any]]) -> None:
    """Print rows in aligned columns."""
    typer.echo(columns(rows))
