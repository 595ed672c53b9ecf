"""Tables of crystals: parquet files with one crystal a row.

Columns: ``material_id``, ``formula``, ``a b c alpha beta gamma`` (Å, degrees), ``species`` (list of symbols),
``frac_coords`` (flat list of 3N numbers) and any number of property columns.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import gcd
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from xcrystal.crystal.files import replacing
from xcrystal.crystal.limits import check_count
from xcrystal.errors import DatasetError, ReadError

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core import Structure

Element = TypeVar("Element", str, int)
CELL = ("a", "b", "c", "alpha", "beta", "gamma")
STRUCTURE_COLUMNS = (*CELL, "species", "frac_coords")
PROPERTIES = ("formation_energy_per_atom", "band_gap", "e_above_hull")
_FEW_VALUES, _VALUES_A_BYTE = 2_000_000, 16  # in a parquet file; crystals that differ take a byte for some values
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a cell begins with that spreadsheets calculate
_GROUPS = 8  # of rows of a file that stay in memory
_FEW_BYTES, _PACKED = 50_000_000, 50
UNITS = {"formation_energy_per_atom": "eV/atom", "band_gap": "eV", "e_above_hull": "eV/atom"}


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of crystals.

    Raises
    ------
    DatasetError
        If the file is missing, is not parquet, has no rows, or lacks a column.
    """
    import pandas as pd

    if not path.is_file():
        what = "is a folder; give a table (parquet)" if path.is_dir() else "does not exist"
        raise DatasetError(f"There is no dataset file {path}: it {what}.")
    with _as_parquet(path):
        check_packing(path)
        table = pd.read_parquet(path)
    check_columns(table, path)
    if not len(table):
        raise DatasetError(f"{path} has no rows.")
    return table


def read_parts(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """The rows of a table, at most so many at a time, so that it may be larger than the memory.

    Raises
    ------
    DatasetError
        As ``read_table``.
    """
    from pyarrow import Table
    from pyarrow.parquet import ParquetFile

    if not path.is_file():
        read_table(path)  # says what is wrong
    try:
        check_packing(path)
        with ParquetFile(path) as file:
            few = file.metadata.num_rows <= rows
            for batch in () if few else file.iter_batches(rows):
                part = Table.from_batches([batch]).to_pandas()
                if any(name not in part for name in STRUCTURE_COLUMNS):
                    read_table(path)
                yield part
    except DatasetError:
        raise
    except Exception as error:
        raise DatasetError(f"{path} cannot be read as parquet: {error}") from error
    if few:
        yield read_table(path)


class StoredRows:
    """Rows of a table in a file, of which those are read that are asked for, with all that are stored in one group.

    The groups that were read last stay in memory.

    Raises
    ------
    DatasetError
        If the file is no parquet; where a row is read, if that fails or the table lacks a column.
    """

    def __init__(self, path: Path) -> None:
        from pyarrow.parquet import read_metadata

        with _as_parquet(path):
            check_packing(path)
            told = read_metadata(path)
        counts = [told.row_group(group).num_rows for group in range(told.num_row_groups)]
        self._path, self._ends = path, np.cumsum(counts, dtype=np.int64)
        self._groups: dict[int, pd.DataFrame] = {}

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def row(self, number: int) -> dict[str, Any]:
        """The columns of a row by name."""
        from pyarrow.parquet import ParquetFile

        group = int(np.searchsorted(self._ends, number, side="right"))
        table = self._groups.get(group)
        if table is None:
            with _as_parquet(self._path), ParquetFile(self._path) as file:
                table = file.read_row_group(group).to_pandas()
            check_columns(table, self._path)
            self._groups = dict([*self._groups.items(), (group, table)][-_GROUPS:])
        from_end = number - int(self._ends[group])  # of its group
        return {str(name): value for name, value in table.iloc[from_end].items()}


@contextmanager
def _as_parquet(path: Path) -> Iterator[None]:
    """Say of whatever fails that the file cannot be read."""
    try:
        yield
    except DatasetError:
        raise
    except Exception as error:
        other = "give a parquet file, or where that is offered a folder of CIF files"
        reason = str(error) if path.suffix == ".parquet" else other
        raise DatasetError(f"{path} cannot be read as parquet: {reason}") from error


def check_columns(table: pd.DataFrame, path: Path) -> None:
    """Raise DatasetError if a table lacks a column that crystals need."""
    missing = [name for name in STRUCTURE_COLUMNS if name not in table.columns]
    if missing:
        raise DatasetError(f"{path} lacks the columns {', '.join(missing)}.")


def check_packing(path: Path) -> None:
    """Refuse a parquet file of so many equal or well compressed values as no crystals are, before it is unpacked.

    Raises
    ------
    DatasetError
        If it is one.
    """
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        told, size = file.metadata, path.stat().st_size
        groups = [told.row_group(k) for k in range(told.num_row_groups)]
        unpacked = sum(group.total_byte_size for group in groups)
        if unpacked > _FEW_BYTES + _PACKED * size:
            raise DatasetError(
                f"{path} unpacks to {unpacked} bytes, and has {size}: no crystals can be packed like that."
            )
        # asked for a column whose description is damaged, pyarrow ends the process; this raises, and keeps no value
        file.scan_contents(batch_size=1024)
    values = sum(group.column(k).num_values for group in groups for k in range(group.num_columns))
    if values > _FEW_VALUES + _VALUES_A_BYTE * size:
        raise DatasetError(
            f"{path} has {told.num_rows} rows of {values} values in {size} bytes: no crystals can be packed like that."
        )


def structure_of(record: Any) -> Structure:
    """The pymatgen Structure of a row of a table (a named tuple, or a mapping of its columns), not checked yet.

    Raises
    ------
    ReadError
        If the row's values do not make a structure.
    """
    from pymatgen.core import Lattice, Structure

    row = SimpleNamespace(**record) if isinstance(record, dict) else record
    try:
        check_count(len(row.species), "It")
        lattice = Lattice.from_parameters(*(float(getattr(row, name)) for name in CELL))
        return Structure(lattice, list(row.species), np.asarray(row.frac_coords, dtype=float).reshape(-1, 3))
    except Exception as error:  # pymatgen raises whatever it meets in a row of nonsense
        raise ReadError(f"A row of this table is no crystal: {error}") from error


def row_of(structure: Structure, name: str) -> dict[str, Any]:
    """The row of an ordered structure, under a ``material_id``: the reverse of ``structure_of``."""
    return {
        "material_id": name,
        "formula": structure.composition.reduced_formula,
        **dict(zip(CELL, map(float, structure.lattice.parameters), strict=True)),
        "species": [site.specie.symbol for site in structure],
        "frac_coords": structure.frac_coords.ravel().tolist(),
    }


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a parquet file, atomically."""
    with replacing(path) as part:
        table.to_parquet(part, index=False, compression="zstd")


def csv_text(table: pd.DataFrame, header: bool = True) -> str:
    """A table as CSV text in which a spreadsheet takes no text for a formula: what begins like one gets an apostrophe.

    Without ``header`` it has no line of the columns' names.
    Names and words of a data set are somebody else's, and ``=HYPERLINK(...)`` would be carried out where it is opened.
    """

    def plain(value: Any) -> Any:
        return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value

    return str(table.map(plain).rename(columns=plain).to_csv(index=False, header=header, lineterminator="\n"))


def reduced_composition(atoms: Iterable[Element]) -> tuple[tuple[Element, int], ...]:
    """Elements and their smallest whole numbers, in order: the same for SrTiO3 and Sr2Ti2O6.

    Parameters
    ----------
    atoms
        The element of each atom, as a symbol or as an atomic number.
    """
    counts = Counter(atoms)
    divisor = gcd(*counts.values())
    return tuple(sorted((element, n // divisor) for element, n in counts.items()))


def selection_half(species: Iterable[Iterable[str]]) -> np.ndarray:
    """Which crystals of a validation split choose and calibrate; the others are the result.

    The halves are by reduced formula, so that no composition stands in both, and depend on nothing else: what was
    chosen on the one half can always be told from what it is measured on.

    Parameters
    ----------
    species
        Element symbols of each of n crystals, one for each atom.

    Returns
    -------
    ndarray
        (n,) bool.
    """
    keys = ("".join(f"{element}{count}" for element, count in reduced_composition(map(str, s))) for s in species)
    return np.array([hashlib.sha256(key.encode()).digest()[0] % 2 == 0 for key in keys], dtype=bool)


def structures(table: pd.DataFrame) -> Iterator[Structure]:
    """The structures of a table, one after the other."""
    for record in table[list(STRUCTURE_COLUMNS)].to_dict("records"):
        yield structure_of(record)


def identifiers(table: pd.DataFrame) -> list[str]:
    """A name for each row: its ``material_id`` where the table has one, otherwise its number."""
    return [str(name) for name in (table["material_id"] if "material_id" in table else range(len(table)))]
