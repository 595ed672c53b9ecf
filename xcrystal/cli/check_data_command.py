"""The command that looks for doubtful crystals in tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xcrystal.cli.shared import Json, print_json, print_table


def check_data(
    tables: Annotated[list[Path], typer.Argument(help="Parquet files with one crystal a row.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="A CSV file to write what was found to.")] = None,
    as_json: Json = False,
) -> None:
    """Count crystals that are broken, far from stable, or there twice, also across tables.

    That is: atoms closer than half the sum of their covalent radii; more than 200 Å3 an atom, or less than 3 % of the
    volume inside covalent radii; more than 1 eV/atom above the hull; formation energies beyond -4.6 to 1.5 eV/atom; and
    the same structure as an earlier one.
    """
    import pandas as pd

    from xcrystal.crystal.collections.tables import csv_text, identifiers, read_table
    from xcrystal.crystal.quality import REASONS, count_flags, flags
    from xcrystal.model.checkpoint import write_text

    parts = [read_table(path) for path in tables]
    parts = [
        part.assign(material_id=identifiers(part), table=path.name) for path, part in zip(tables, parts, strict=True)
    ]
    every = pd.concat(parts, ignore_index=True)
    every["flag"] = flags(every)
    if out is not None:
        columns = [name for name in ("table", "material_id", "formula", "e_above_hull", "flag") if name in every]
        write_text(csv_text(every.loc[every["flag"] != "", columns]), out)
    found = {name: count_flags(rows["flag"].tolist()) for name, rows in every.groupby("table", sort=False)}
    if as_json:
        print_json(found)
        return
    print_table([("table", *REASONS), *((str(name), *map(str, counts.values())) for name, counts in found.items())])
