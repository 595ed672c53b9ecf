"""The commands ``xcrystal xrd`` and ``xcrystal identify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import xcrystal
from xcrystal.cli.shared import Device, Json, Model, Seed, print_json, print_table


def xrd(
    file: Annotated[Path, typer.Argument(help="A crystal file: CIF, POSCAR, ...", show_default=False)],
    source: Annotated[str, typer.Option(help="A line such as CuKa, MoKa, CoKa1, or a wavelength in Å.")] = "CuKa",
    low: Annotated[float, typer.Option("--from", help="Smallest 2θ, degrees.")] = 0.0,
    high: Annotated[float, typer.Option("--to", help="Largest 2θ, degrees.")] = 90.0,
    weakest: Annotated[float, typer.Option(min=0, max=100, help="Leave out peaks below so many per cent.")] = 0.1,
    out: Annotated[Path | None, typer.Option(help="Write the profile to this file, two columns.")] = None,
    as_json: Json = False,
) -> None:
    """The powder X-ray diffraction pattern of a crystal: peaks with their planes."""
    from xcrystal.diffraction.powder import xrd
    from xcrystal.model.checkpoint import write_text

    pattern = xrd(file, source=source, limits=(low, high))
    if out is not None:
        lines = [f"{x:.4f} {y:.5f}" for x, y in zip(*pattern.profile(), strict=True)]
        write_text(f"# {pattern.formula}, calculated, {pattern.wavelength:g} Å\n" + "\n".join(lines) + "\n", out)
    peaks = pattern.peaks[pattern.intensity >= weakest]
    if as_json:
        facts = {"formula": pattern.formula, "space_group": pattern.space_group, "wavelength": pattern.wavelength}
        print_json(facts | {"peaks": peaks.to_dict("records")})
        return
    rows = [
        [f"{p.two_theta:.3f}", f"{p.d:.4f}", f"{p.intensity:.1f}", p.hkl, p.multiplicity]
        for p in peaks.itertuples(index=False)
    ]
    print_table([["2θ", "d (Å)", "intensity", "hkl", "multiplicity"], *rows])


def identify(
    pattern: Annotated[
        Path,
        typer.Argument(
            help="A powder pattern: .xy, .xye, .csv, .xrdml, .brml, .raw, .uxd, .ras, .rasx.", show_default=False
        ),
    ],
    elements: Annotated[str | None, typer.Option(help="What it is made of, such as Na-Cl.")] = None,
    formula: Annotated[str | None, typer.Option(help="Its composition: structures are proposed, too.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many matches.")] = 5,
    source: Annotated[
        str | None, typer.Option(help="A line such as CuKa, or a wavelength in Å, if the file does not say it.")
    ] = None,
    unit: Annotated[str, typer.Option(help="Of the positions in columns: two_theta or q.")] = "two_theta",
    out: Annotated[Path | None, typer.Option(help="Write one CIF file a match into this folder.")] = None,
    seed: Seed = 0,
    model: Model = "mp20",
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Which crystals explain a measured powder pattern best: known ones, and with --formula proposed ones."""
    from typing import cast

    from tqdm.auto import tqdm

    from xcrystal.crystal.formats.cif import cif_text, model_output
    from xcrystal.diffraction.identification import identify
    from xcrystal.diffraction.measured import read_pattern
    from xcrystal.diffraction.powder import Unit
    from xcrystal.latent.atlas import open_atlas
    from xcrystal.model.checkpoint import write_text

    measured = read_pattern(pattern, source=source, unit=cast("Unit", unit))  # before the model is loaded
    with tqdm(desc="searching", bar_format="{desc}: {elapsed}", leave=False, disable=None) as bar:
        found = identify(
            measured,
            elements,
            formula,
            n,
            model=xcrystal.load(model, device),
            atlas=open_atlas(model),
            seed=seed,
            progress=bar.set_description,
        )
    records = [
        {
            "formula": match.formula,
            "space_group": match.space_group,
            "similarity": match.similarity,
            "score": match.score,
            "material_id": match.material_id,
            "origin": match.origin,
            "zero": match.zero,
        }
        for match in found
    ]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for number, match in enumerate(found, start=1):
            path = out / f"{number:02}_{match.formula}.cif"
            write_text(cif_text(match.structure, f"match {number} of {pattern.name}; {model_output(model)}"), path)
    if as_json:
        print_json([r | {"structure": m.structure.as_dict()} for r, m in zip(records, found, strict=True)])
    elif not found:
        typer.echo("No known crystal has this composition, and none could be proposed.")
    else:
        head = ["formula", "space group", "similarity", "score", "entry", "zero (°)"]
        rows = [
            [
                m.formula,
                m.space_group,
                f"{m.similarity:.3f}",
                "–" if m.score is None else f"{m.score:.3f}",
                m.material_id or f"from {m.origin}",
                f"{m.zero:.2f}",
            ]
            for m in found
        ]
        print_table([head, *rows])
        typer.echo("The best score comes first: the similarity, less what the change of the cell costs.")
