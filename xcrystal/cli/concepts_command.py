"""The command ``xcrystal concepts``."""

from __future__ import annotations

from typing import Annotated

import typer

import xcrystal
from xcrystal.cli.shared import Device, Json, Model, Seed, print_json, print_table


def concepts(
    target: Annotated[str, typer.Option(help="A property, 'latent 17', 'space group 221', 'density'.")] = "band_gap",
    concept: Annotated[
        list[str] | None, typer.Option(help="A built-in concept or a query of the atlas; may be repeated.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="Crystals whose target is asked about, such as 'layered'; else drawn at random.")
    ] = None,
    layer: Annotated[
        list[int] | None, typer.Option(min=1, help="A block of the encoder, instead of latent space; may be repeated.")
    ] = None,
    runs: Annotated[int, typer.Option(min=5, help="Classifiers for each concept.")] = 20,
    model: Model = "mp20",
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Whether concepts such as perovskite matter to a prediction, tested against random concepts (TCAV)."""
    from xcrystal.explanation.concepts import test_concepts

    opened = xcrystal.load(model, device)
    report = test_concepts(opened, xcrystal.atlas(model), target, concept, query, runs, seed, layers=layer or ())
    if as_json:
        print_json(report.to_dict())
        return
    print_table(report.lines())
    for note in report.notes:
        typer.echo(note)
