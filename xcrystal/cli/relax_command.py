"""The command ``xcrystal relax``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xcrystal.cli.shared import Json, print_json, print_table

Folder = Annotated[
    Path | None,
    typer.Option(help="Keep relaxed crystals here as they are done; the same command goes on where it was stopped."),
]


def relax(
    files: Annotated[list[Path], typer.Argument(help="Crystal files: CIF, POSCAR, ...", show_default=False)],
    potential: Annotated[str, typer.Option(help="Interatomic potential: chgnet, sevennet.")] = "chgnet",
    steps: Annotated[int, typer.Option(min=0, help="The most steps for a crystal.")] = 500,
    fmax: Annotated[float, typer.Option(help="The force below which a crystal is relaxed, eV/Å.")] = 0.05,
    fixed_cell: Annotated[bool, typer.Option("--fixed-cell", help="Relax positions only.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write relaxed crystals as CIF files into this folder.")] = None,
    folder: Folder = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the crystals.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps.")] = "cpu",
    as_json: Json = False,
) -> None:
    """Relax crystals with CHGNet or SevenNet, and tell their energy above the hull of the known crystals.

    Needs pip install "xcrystal[relax]", or "xcrystal[relax-sevennet]" for SevenNet. A file that fails is named and the
    others done; the exit status is then 1.
    """
    from xcrystal.crystal.formats.cif import cif_text
    from xcrystal.energetics.relaxing import relax as relax_all
    from xcrystal.model.checkpoint import write_text

    found = relax_all(
        files,
        potential=potential,
        steps=steps,
        fmax=fmax,
        cell=not fixed_cell,
        folder=folder,
        workers=workers,
        device=device,
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    records = []
    for place, (file, result) in enumerate(zip(files, found, strict=True), start=1):
        record = result.to_dict()
        if out is not None and result.structure is not None:
            path = out / f"{place:04}_{file.stem}.cif"
            state = "relaxed" if result.converged else "not relaxed to the end"
            write_text(cif_text(result.structure, f"{file.name}, {state} by {potential}, not verified by DFT"), path)
            record["file"] = str(path)
        records.append(record)
    if as_json:
        print_json(records)
    elif any(not result.error for result in found):
        head = ["file", "steps", "relaxed", "eV/atom", "formation", "above hull", "space group", "same structure"]
        rows = [
            [
                result.name,
                result.steps,
                "yes" if result.converged else "no",
                f"{result.energy_per_atom:.4f}",
                f"{result.formation_energy_per_atom:.3f}",
                f"{result.e_above_hull:.3f}",
                f"{result.space_group_before} → {result.space_group}",
                "yes" if result.matches_start else "no",
            ]
            for result in found
            if not result.error
        ]
        print_table([head, *rows])
    failed = [result for result in found if result.error]
    for result in failed:
        typer.echo(f"{result.name}: {result.error}", err=True)
    if failed:
        raise typer.Exit(1)
