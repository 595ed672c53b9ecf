"""The commands ``xcrystal scale ...``: the same functions over millions of crystals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xcrystal.cli.shared import Effort, Json, Model, Seed, print_report
from xcrystal.reporting import Report

if TYPE_CHECKING:
    from xcrystal.scale.tasks import Task

scale = typer.Typer(
    help="Encode, map, reconstruct, explain or relax millions of crystals, partition by partition.",
    no_args_is_help=True,
)
Source = Annotated[
    Path, typer.Argument(help="A folder of parquet files or crystal files, or one file.", show_default=False)
]
Run = Annotated[
    Path, typer.Option("--out", help="The folder of the run; the same command goes on with it.", show_default=False)
]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes of this machine that share the partitions.")]
Scheduler = Annotated[
    str | None, typer.Option(help="A Dask scheduler whose workers share them instead: tcp://HOST:8786.")
]
Size = Annotated[
    int | None,
    typer.Option(min=1, help="The most crystals of a partition; by default 5000, 500 or 20, by what they take."),
]
On = Annotated[str, typer.Option(help="cpu, cuda, mps, of each worker.")]


@scale.command()
def encode(
    source: Source,
    out: Run,
    model: Model = "mp20",
    device: On = "cpu",
    workers: Workers = None,
    scheduler: Scheduler = None,
    partition_size: Size = None,
    as_json: Json = False,
) -> Report:
    """Latent vectors and predicted properties."""
    from xcrystal.scale.tasks import Encode

    return _run(Encode(model, device), source, out, workers, scheduler, partition_size, as_json)


@scale.command("atlas")
def build(
    source: Source,
    out: Run,
    model: Model = "mp20",
    device: On = "cpu",
    workers: Workers = None,
    scheduler: Scheduler = None,
    partition_size: Size = None,
    sample: Annotated[int, typer.Option(min=2, help="The most crystals that UMAP lays out.")] = 20_000,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """An atlas, in OUT/atlas: UMAP lays out a sample, and neighbours in it place the others."""
    from xcrystal.scale.atlas_assembly import assemble_atlas
    from xcrystal.scale.tasks import MapRows

    _run(MapRows(model, device), source, out, workers, scheduler, partition_size, as_json)
    facts = assemble_atlas(out, out / "atlas", sample, seed)
    if not as_json:
        typer.echo(f"The atlas of {facts['crystals']} crystals is in {out / 'atlas'}.", err=True)


@scale.command()
def reconstruct(
    source: Source,
    out: Run,
    model: Model = "mp20",
    device: On = "cpu",
    effort: Effort = "normal",
    workers: Workers = None,
    scheduler: Scheduler = None,
    partition_size: Size = None,
    as_json: Json = False,
) -> Report:
    """Each crystal beside what the model makes of its latent vector, and how many are matched."""
    from xcrystal.scale.tasks import Reconstruct

    return _run(Reconstruct(model, device, effort), source, out, workers, scheduler, partition_size, as_json)


@scale.command()
def explain(
    source: Source,
    out: Run,
    target: Annotated[str, typer.Option(help="A property, latent 17, space group, ...")] = "formation_energy_per_atom",
    method: Annotated[str | None, typer.Option(help="By default Shapley values.")] = None,
    level: Annotated[str, typer.Option(help="atoms, orbits, elements, pairs, lattice or latent.")] = "atoms",
    baseline: Annotated[str | None, typer.Option(help="By default the first that the method knows.")] = None,
    seed: Seed = 0,
    model: Model = "mp20",
    device: On = "cpu",
    workers: Workers = None,
    scheduler: Scheduler = None,
    partition_size: Size = None,
    as_json: Json = False,
) -> Report:
    """An attribution of what the model says of each crystal."""
    from xcrystal.scale.tasks import Explain

    task = Explain(model, device, target, method, level, baseline, seed)
    return _run(task, source, out, workers, scheduler, partition_size, as_json)


@scale.command()
def relax(
    source: Source,
    out: Run,
    potential: Annotated[str, typer.Option(help="Interatomic potential: chgnet, sevennet.")] = "chgnet",
    steps: Annotated[int, typer.Option(min=0, help="The most steps for a crystal.")] = 500,
    fmax: Annotated[float, typer.Option(help="The force below which a crystal is relaxed, eV/Å.")] = 0.05,
    fixed_cell: Annotated[bool, typer.Option("--fixed-cell", help="Relax positions only.")] = False,
    device: On = "cpu",
    workers: Workers = None,
    scheduler: Scheduler = None,
    partition_size: Size = None,
    as_json: Json = False,
) -> Report:
    """Relaxed crystals, their energies, and their energies above the hull of the known crystals."""
    from xcrystal.scale.tasks import Relax

    task = Relax(potential, steps, fmax, not fixed_cell, device)
    return _run(task, source, out, workers, scheduler, partition_size, as_json)


def _run(
    task: Task, source: Path, out: Path, workers: int | None, scheduler: str | None, size: int | None, as_json: bool
) -> Report:
    """Run a task and print what it has done; the exit status is 1 if a partition failed."""
    from xcrystal.scale.running import run_partitions

    try:
        report = run_partitions(task, source, out, size=size, workers=workers, scheduler=scheduler)
    except KeyboardInterrupt:
        typer.echo(f"xcrystal: Stopped; the same command goes on with the run in {out}.", err=True)
        raise typer.Exit(130) from None
    print_report(report, as_json)
    if report.failed:
        typer.echo(f"xcrystal: {len(report.failed)} partitions failed; the same command tries them again.", err=True)
        raise typer.Exit(1)
    return report
