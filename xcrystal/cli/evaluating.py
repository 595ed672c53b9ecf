"""The commands ``xcrystal evaluate ...``."""

from __future__ import annotations

import os
from typing import Annotated

import typer

import xcrystal
from xcrystal.cli.shared import Device, Json, Model, Seed, Table, print_report

evaluate = typer.Typer(help="Measure a model, or any set of crystals.", no_args_is_help=True)


@evaluate.command()
def reconstruction(
    data: Table,
    model: Model = "mp20",
    device: Device = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many crystals, drawn at random.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that match crystals.")] = os.cpu_count() or 1,
    as_json: Json = False,
) -> None:
    """How many crystals come back from encoding and decoding, and how exactly."""
    from xcrystal.evaluation.reconstruction import evaluate_reconstruction

    print_report(evaluate_reconstruction(xcrystal.load(model, device), data, limit, workers), as_json)


@evaluate.command()
def interpolation(
    data: Table,
    model: Model = "mp20",
    device: Device = "auto",
    paths: Annotated[int, typer.Option(min=1, help="How many pairs of crystals, drawn at random.")] = 100,
    steps: Annotated[int, typer.Option(min=2, help="Frames of each path, both ends included.")] = 16,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that look at crystals.")] = os.cpu_count() or 1,
    as_json: Json = False,
) -> None:
    """What lies between crystals: whether it is possible, how often it changes, how far energies jump."""
    from xcrystal.evaluation.interpolation import evaluate_interpolation

    print_report(evaluate_interpolation(xcrystal.load(model, device), data, paths, steps, seed, workers), as_json)


@evaluate.command()
def invariance(
    data: Table,
    model: Model = "mp20",
    device: Device = "auto",
    limit: Annotated[int, typer.Option(min=1, help="How many crystals, drawn at random.")] = 200,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """How much the latent vector depends on how a crystal is written."""
    from xcrystal.evaluation.invariance import evaluate_invariance

    print_report(evaluate_invariance(xcrystal.load(model, device), data, limit, seed), as_json)
