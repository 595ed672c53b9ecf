"""The commands ``xcrystal defects`` and ``xcrystal approximants``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import xcrystal
from xcrystal.cli.shared import Device, Json, Model, Seed, print_json, print_table
from xcrystal.errors import (
    InvalidCrystalError,
    ReadError,
    TargetError,
    UnsupportedCrystalError,
    UnsupportedCrystalWarning,
)

if TYPE_CHECKING:
    from pymatgen.core import Structure

Files = Annotated[list[Path], typer.Argument(help="Crystal files: CIF, POSCAR, ...", show_default=False)]
Folder = Annotated[Path | None, typer.Option(help="Write one CIF file a cell into this folder.")]
Progress = Callable[[int, int], object]
Record = dict[str, Any]


def defects(
    files: Files,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="vacancy, substitution, antisite or interstitial; may be repeated; by default all."),
    ] = None,
    dopant: Annotated[
        list[str] | None, typer.Option(help="Another element, such as Ca, that is put in; may be repeated.")
    ] = None,
    supercell: Annotated[
        str | None, typer.Option(help="Repeats, such as 2 or 2x2x1; by default as many as the model encodes.")
    ] = None,
    folder: Folder = None,
    model: Model = "mp20",
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Point defects that symmetry tells apart, and what a model makes of them: neutral, and not relaxed.

    A file that fails is named and the others done; the exit status is then 1.
    """
    from xcrystal.disorder.defects import KINDS, defects

    repeats = None if supercell is None else _repeats(supercell)
    opened = xcrystal.load(model, device)

    def made(place: int, file: Path, progress: Progress) -> tuple[Record, list[list[Any]]]:
        kinds = tuple(kind) if kind else KINDS
        found = defects(file, kinds, repeats, dopants=dopant or (), model=opened, progress=progress)
        cells = [defect.to_dict() for defect in found]
        named = ((defect.structure, f"{defect.name} on {defect.site} in {file.name}") for defect in found)
        _write(folder, place, file, cells, named)
        names = next((list(defect.predicted) for defect in found if defect.predicted), [])
        rows: list[list[Any]] = [["defect", "site", "of", "cell", "moved", *names, ""]]
        perfect = next((defect.before for defect in found if defect.before), None)
        if perfect is not None:
            rows.append(["none", "", "", "", "0.000", *(f"{perfect[name]:.3f}" for name in names), ""])
        for defect in found:
            moved = "" if defect.moved is None else f"{defect.moved:.3f}"
            values = ["" if defect.predicted is None else f"{defect.predicted[name]:.3f}" for name in names]
            formula = defect.structure.composition.formula
            rows.append([defect.name, defect.site, defect.multiplicity, formula, moved, *values, defect.problem])
        return {"defects": cells}, rows

    _each(files, made, "defect", as_json)


def approximants(
    files: Files,
    n: Annotated[int, typer.Option("-n", min=1, help="The most cells for a crystal.")] = 10,
    max_atoms: Annotated[
        int | None, typer.Option(min=1, help="The most atoms of a cell; by default as many as the model encodes.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, max=1, help="By how much an occupancy may be off: 0.05 allows smaller cells.")
    ] = 0.005,
    folder: Folder = None,
    seed: Seed = 0,
    model: Model = "mp20",
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Ordered cells that stand for disordered crystals, the most random first, and what is predicted for them.

    A file that fails is named and the others done; the exit status is then 1.
    """
    from xcrystal.disorder.approximants import approximants, weighted_title

    opened = xcrystal.load(model, device)

    def made(place: int, file: Path, progress: Progress) -> tuple[Record, list[list[Any]]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedCrystalWarning)  # it is printed below
            found = approximants(file, n, max_atoms, tolerance=tolerance, model=opened, seed=seed, progress=progress)
        if found.problem:
            typer.echo(f"{file}: {found.problem}", err=True)
        cells = [cell.to_dict() for cell in found]
        _write(folder, place, file, cells, ((cell.structure, f"ordered cell of {file.name}") for cell in found))
        spread, weighted = found.spread(), found.spread(weighted=True)
        rows: list[list[Any]] = found.rows()
        for number, words in enumerate(("mean", "standard deviation")):
            values = [f"{figures[number]:.3f}" for figures in spread.values()]
            rows += [["", words, "", "", "", *values, ""]] if spread else []
        if weighted:
            rows.append(
                ["", weighted_title(found.coverage), "", "", "", *(f"{mean:.3f}" for mean, _ in weighted.values()), ""]
            )
        record = {
            "arrangements": found.arrangements,
            "sampled": found.sampled,
            "composition_error": found.composition_error,
            "problem": found.problem,
            "spread": {name: {"mean": mean, "std": std} for name, (mean, std) in spread.items()},
            "coverage": found.coverage,
            "weighted_spread": {name: {"mean": mean, "std": std} for name, (mean, std) in weighted.items()},
            "cells": cells,
        }
        return record, rows

    _each(files, made, "cell", as_json)


def _repeats(text: str) -> tuple[int, int, int]:
    parts = text.split("x")
    if len(parts) not in (1, 3) or not all(part.isdecimal() and int(part) for part in parts):
        raise TargetError(f"A supercell is a number of repeats such as 2, or three such as 2x2x1, not {text[:40]!r}.")
    a, b, c = (int(part) for part in (parts * 3 if len(parts) == 1 else parts))
    return a, b, c


def _each(
    files: list[Path],
    make: Callable[[int, Path, Progress], tuple[Record, list[list[Any]]]],
    unit: str,
    as_json: bool,
) -> None:
    """Print what ``make`` gives for each file; those that fail are named at once."""
    from tqdm.auto import tqdm

    records: list[Record] = []
    for place, file in enumerate(files, start=1):
        try:
            with tqdm(desc=file.name, unit=unit, disable=None, leave=False) as bar:

                def show(done: int, total: int, bar: Any = bar) -> None:
                    bar.total = total
                    bar.update(done - bar.n)

                record, rows = make(place, file, show)
        except (ReadError, InvalidCrystalError, UnsupportedCrystalError) as error:
            records.append({"file": str(file), "error": str(error)})
            typer.echo(str(error) if file.name in str(error) else f"{file}: {error}", err=True)
            continue
        records.append({"file": str(file), **record})
        if not as_json:
            typer.echo(str(file))
            print_table(rows)
    if as_json:
        print_json(records)
    if any("error" in record for record in records):
        raise typer.Exit(1)


def _write(
    folder: Path | None, place: int, file: Path, records: list[Record], cells: Iterable[tuple[Structure, str]]
) -> None:
    """Write cells as CIF files, and their names into the records."""
    from xcrystal.crystal.formats.cif import cif_text
    from xcrystal.model.checkpoint import write_text

    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for number, (record, (structure, words)) in enumerate(zip(records, cells, strict=True), start=1):
        path = folder / f"{place:04}_{file.stem}_{number:03}.cif"
        write_text(cif_text(structure, f"{words}, not relaxed"), path)
        record["file"] = str(path)
