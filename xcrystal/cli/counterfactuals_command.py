"""The command ``xcrystal counterfactuals``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import xcrystal
from xcrystal.cli.shared import Device, Json, Model, print_json, print_table
from xcrystal.errors import DatasetError


def counterfactuals(
    file: Annotated[Path, typer.Argument(help="A crystal file: CIF, POSCAR, ...", show_default=False)],
    outcome: Annotated[
        str,
        typer.Option(
            help="metal, insulator, on the hull, near the hull, above the hull, "
            "or a property and a number: 'band_gap > 2'."
        ),
    ] = "insulator",
    near_hull: Annotated[
        float,
        typer.Option(
            "--near-hull",
            "--stable-below",
            min=0,
            help="A predicted energy above hull (eV/atom) up to here counts as near the hull.",
        ),
    ] = 0.05,
    most: Annotated[int, typer.Option(min=1, help="How many changes are shown, and as many within the error.")] = 12,
    out: Annotated[Path | None, typer.Option(help="Write one CIF file a changed crystal into this folder.")] = None,
    model: Model = "mp20",
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """The smallest changes of a crystal after which the model predicts another outcome.

    Single substitutions and small strains, those beyond the model's error first. Not relaxed by DFT.
    """
    from tqdm.auto import tqdm

    from xcrystal.crystal.formats.cif import cif_text, model_output
    from xcrystal.explanation.counterfactuals import candidates, counterfactuals
    from xcrystal.model.checkpoint import write_text

    opened = xcrystal.load(model, device)
    try:
        atlas = xcrystal.atlas(model)
    except DatasetError:  # without one it cannot be told what extrapolates
        atlas = None
    crystal = opened.canonical(file).crystal
    with tqdm(total=len(candidates(opened, crystal)), desc="changing", disable=None, leave=False) as bar:

        def tick(words: str, steps: int) -> bool:
            bar.set_postfix_str(words)
            bar.update(steps)
            return True

        found = counterfactuals(
            opened,
            crystal,
            outcome,
            near_hull=near_hull,
            most=most,
            atlas=atlas,
            progress=tick,
        )
    records: list[dict[str, Any]] = [
        {
            "change": one.words,
            "formula": one.formula,
            "space_group": one.crystal.space_group,
            "target": one.target,
            "unit": one.unit,
            "before": one.value_before,
            "after": one.value_after,
            "error": one.error,
            "size": one.size,
            "dz": one.dz,
            "beyond_error": one.beyond_error,
            "extrapolates": one.extrapolates,
        }
        for one in found
    ]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for number, (one, record) in enumerate(zip(found, records, strict=True), start=1):
            path = out / f"{number:02}_{one.formula}.cif"
            write_text(
                cif_text(one.structure, f"{file.name}: {one.words}, not relaxed; {model_output(opened.name)}"), path
            )
            record["file"] = str(path)
    if as_json:
        print_json(records)
    elif not found:
        typer.echo("No single substitution or small strain is predicted to do it.")
    else:
        unit = found[0].unit
        head = ["change", "formula", "group", f"{found[0].target} ({unit})", "± 90 %", "size", "|dz|", "verdict"]
        rows = [
            [
                one.words,
                one.formula,
                one.crystal.space_group,
                f"{one.value_before:.3f} → {one.value_after:.3f}",
                f"{one.error:.3f}",
                f"{one.size:.2f}",
                f"{one.dz:.1f}",
                one.verdict,
            ]
            for one in found
        ]
        print_table([head, *rows])
