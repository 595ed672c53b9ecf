"""The commands ``xcrystal scale ...``: the same functions over millions of crystals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xcrystal.cli.shared import Effort, Json, Model, Seed, print_report
from xcrystal.errors import DatasetError
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


@dataclass(frozen=True)
class _Call:
    """What every command is given: the data, the folder of the run, and who does it."""

    source: Source
    out: Run
    workers: Workers = None
    scheduler: Scheduler = None
    partition_size: Size = None
    as_json: Json = False

    def run(self, task: Task) -> Report:
        """Run a task and print what it has done; the exit status is 1 if a partition failed, or nothing was done."""
        from xcrystal.scale.run_folder import RunFolder
        from xcrystal.scale.running import run_partitions

        how: dict[str, Any] = {"size": self.partition_size, "workers": self.workers, "scheduler": self.scheduler}
        try:
            report = run_partitions(task, self.source, self.out, **how)
        except KeyboardInterrupt:
            typer.echo(f"xcrystal: Stopped; the same command goes on with the run in {self.out}.", err=True)
            raise typer.Exit(130) from None
        print_report(report, self.as_json)
        if report.failed:
            failed = f"{len(report.failed)} partitions failed; the same command tries them again."
            typer.echo(f"xcrystal: {failed}", err=True)
            raise typer.Exit(1)
        if not report.crystals:
            first = RunFolder(self.out).first_skipped()
            raise DatasetError(f"Of {self.source} nothing could be done" + (f"; the first: {first}" if first else "."))
        return report


def _command(function: Callable[..., Report]) -> Callable[..., Report]:
    """Add a command that has the options of a call beside its own."""
    shared, own = ([*signature(one, eval_str=True).parameters.values()] for one in (_Call, function))

    @wraps(function)
    def command(**given: Any) -> Report:
        return function(_Call(**{option.name: given.pop(option.name) for option in shared}), **given)

    options = [*shared[:2], *own[1:], *shared[2:]]  # the data and the folder of the run first
    named = [option.replace(kind=Parameter.KEYWORD_ONLY) for option in options]
    command.__dict__["__signature__"] = Signature(named)
    return scale.command()(command)


@_command
def encode(call: _Call, model: Model = "mp20", device: On = "cpu") -> Report:
    """Latent vectors and predicted properties."""
    from xcrystal.scale.tasks import Encode

    return call.run(Encode(model, device))


@_command
def atlas(
    call: _Call,
    model: Model = "mp20",
    device: On = "cpu",
    sample: Annotated[int, typer.Option(min=2, help="The most crystals that UMAP lays out.")] = 20_000,
    seed: Seed = 0,
) -> Report:
    """An atlas, in OUT/atlas: UMAP lays out a sample, and neighbours in it place the others."""
    from xcrystal.scale.atlas_assembly import assemble_atlas
    from xcrystal.scale.tasks import MapRows

    report = call.run(MapRows(model, device))
    facts = assemble_atlas(call.out, call.out / "atlas", sample, seed)
    if not call.as_json:
        typer.echo(f"The atlas of {facts['crystals']} crystals is in {call.out / 'atlas'}.", err=True)
    return report


@_command
def reconstruct(call: _Call, model: Model = "mp20", device: On = "cpu", effort: Effort = "normal") -> Report:
    """Each crystal beside what the model makes of its latent vector, and how many are matched."""
    from xcrystal.scale.tasks import Reconstruct

    return call.run(Reconstruct(model, device, effort))


@_command
def explain(
    call: _Call,
    target: Annotated[str, typer.Option(help="A property, latent 17, space group, ...")] = "formation_energy_per_atom",
    method: Annotated[str | None, typer.Option(help="By default Shapley values.")] = None,
    level: Annotated[str, typer.Option(help="atoms, orbits, elements, pairs, lattice or latent.")] = "atoms",
    baseline: Annotated[str | None, typer.Option(help="By default the first that the method knows.")] = None,
    seed: Seed = 0,
    model: Model = "mp20",
    device: On = "cpu",
) -> Report:
    """An attribution of what the model says of each crystal."""
    from xcrystal.scale.tasks import Explain

    return call.run(Explain(model, device, target, method, level, baseline, seed))


@_command
def relax(
    call: _Call,
    potential: Annotated[str, typer.Option(help="Interatomic potential: chgnet, sevennet.")] = "chgnet",
    steps: Annotated[int, typer.Option(min=0, help="The most steps for a crystal.")] = 500,
    fmax: Annotated[float, typer.Option(help="The force below which a crystal is relaxed, eV/Å.")] = 0.05,
    fixed_cell: Annotated[bool, typer.Option("--fixed-cell", help="Relax positions only.")] = False,
    device: On = "cpu",
) -> Report:
    """Relaxed crystals, their energies, and their energies above the hull of the known crystals."""
    from xcrystal.scale.tasks import Relax

    return call.run(Relax(potential, steps, fmax, not fixed_cell, device))
