"""Tables of crystals: parquet in our format, and CSV with a column of CIF text or of structures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcrystal.crystal.collections.sources.parts import FIRST, Found, failed, found_crystal, numbers_of
from xcrystal.errors import DatasetError, XCrystalError

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core import Structure

TEXTS = ("cif", "structure", "cif_text", "cif_file", "file", "path")
_NAMES = ("material_id", "id", "name")


def read_parquet(path: Path, name: str) -> Iterator[Found]:
    """The rows of a parquet file in our format (``collections.tables``); all its numbers are properties."""
    from xcrystal.crystal.collections.tables import read_table

    try:
        table = read_table(path)
    except DatasetError as error:
        yield failed(name, error)
        return
    yield from read_rows(table, name)


def read_rows(table: pd.DataFrame, name: str, first: int = 0) -> Iterator[Found]:
    """The rows of a table in our format, the first of which is row ``first`` of a file."""
    from xcrystal.crystal.collections.tables import CELL, STRUCTURE_COLUMNS, row_of, structure_of

    more = [column for column in table.columns if column not in (*STRUCTURE_COLUMNS, "material_id", "formula")]
    for k, record in enumerate(table.to_dict("records"), start=first):
        row: dict[str, Any] = {str(column): value for column, value in record.items()}
        called = str(row["material_id"]) if "material_id" in row else f"{name}#{k + 1}"
        try:
            # a row that says its formula is taken as it is, since to build a structure takes 20 times as long
            if isinstance(row.get("formula"), str):
                kept = {column: row[column] for column in ("formula", *CELL, "species", "frac_coords")}
                yield Found(called, {"material_id": called} | kept, numbers_of({c: row[c] for c in more}))
            else:
                kept = row_of(structure_of(row), called)
                yield Found(called, kept, numbers_of({c: row[c] for c in more}))
        except XCrystalError as error:
            yield failed(called, error)


def read_csv(path: Path, name: str) -> Iterator[Found]:
    """The rows of a CSV file: its column "cif" or "structure" is CIF text, JSON of pymatgen, or a file beside it."""
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except Exception as error:  # noqa: BLE001  (pandas raises whatever it meets)
        yield failed(name, f"{path.name} cannot be read as a table: {error}")
        return
    text, called, others = _roles(table)
    if text is None:
        yield failed(name, f"{path.name} has no column cif or structure.")
        return
    for k, (_, row) in enumerate(table.iterrows()):
        own = f"{name}#{k + 1}" if called is None or pd.isna(row[called]) else str(row[called])
        try:
            yield found_crystal(own, _structure(row[text], path), numbers_of({str(c): row[c] for c in others}))
        except XCrystalError as error:
            yield failed(own, error)


def numbers_of_csv(path: Path) -> Iterator[str]:
    """What the columns of numbers of a CSV file are called, as far as its first rows tell."""
    import pandas as pd

    table = pd.read_csv(path, nrows=FIRST)
    text, _, others = _roles(table)
    for column in others if text is not None else ():
        # empty cells say nothing unless these are all: then no crystal has it
        if table[column].dtype.kind in "iuf" and (table[column].notna().any() or len(table) == FIRST):
            yield str(column)


def _roles(table: pd.DataFrame) -> tuple[Any, Any, list[Any]]:
    """The columns of the structures and of the names, None without, and the others."""
    columns = {str(column).strip().lower(): column for column in table.columns}
    text = next((columns[c] for c in TEXTS if c in columns), None)
    called = next((columns[c] for c in _NAMES if c in columns), None)
    # pandas calls a column without a name so: the index of whoever wrote the table
    unnamed = [column for column in table.columns if str(column).startswith("Unnamed: ")]
    return text, called, [column for column in table.columns if column not in (text, called, *unnamed)]


def _structure(value: Any, table: Path) -> Structure:
    """What a cell of a table holds; a file is looked for in the folder of the table only."""
    from xcrystal.crystal.reading import parse_structure, read_structure

    if not isinstance(value, str) or not value.strip():
        raise DatasetError("The cell of the table that should hold it is empty.")
    content = value.strip()
    if "\n" not in content and len(content) < 300 and not content.startswith("{"):
        file = (table.parent / content).resolve()
        if not file.is_relative_to(table.parent.resolve()):
            raise DatasetError(f"{content} is not in the folder of {table.name}.")
        return read_structure(file)
    kind = "json" if content.startswith("{") else "cif"
    try:
        return parse_structure(content.encode(), f"its entry.{kind}")
    except XCrystalError as error:
        raise type(error)(re.sub(r"^its entry\.\w+", "Its entry", str(error))) from error
