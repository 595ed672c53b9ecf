"""Partitions of a data set: pieces of at most so many crystals, found without reading all of these.

Of a parquet file its footer tells how many rows its row groups hold. Of other files each counts as one crystal; one
that holds many (extended XYZ, CSV, a database) is not divided. Which properties come with the crystals is known
beforehand, so that all partitions have the same: of parquet files their footers tell, and of other files the first
crystals of each. So of an extended XYZ or CSV file the beginning is read, and of a .json file all, to tell what it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from xcrystal.crystal.collections.datasets import (
    Dataset,
    collected,
    crystals_of,
    dataset_files,
    first_properties,
    name_in,
    property_name,
)
from xcrystal.crystal.collections.sources.parts import Found, failed
from xcrystal.crystal.collections.sources.table_files import read_rows
from xcrystal.crystal.collections.tables import STRUCTURE_COLUMNS, check_columns, check_packing
from xcrystal.errors import DatasetError, check_whole_number

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_BATCH = 8192  # rows that are read at once on the way to those of a partition
_BYTES = 1 << 20  # that are read at once of other files
_OF_A_CRYSTAL = (*STRUCTURE_COLUMNS, "material_id", "formula")


@dataclass(frozen=True)
class Rows:
    """Rows of one parquet file.

    Attributes
    ----------
    path
        Of the file.
    groups
        Row groups that hold them; none of a file whose footer cannot be read.
    skip, count
        How many rows of these groups come before them, and how many they are.
    first
        The number of the first in the file.
    """

    path: Path
    groups: tuple[int, ...]
    skip: int
    count: int
    first: int


@dataclass(frozen=True)
class Partition:
    """A piece of a data set: rows of a parquet file, or some other files whole.

    Attributes
    ----------
    name
        Its place in the data set, in eight digits.
    source
        The data set, a folder or a file.
    content
        What belongs to it.
    crystals
        How many it holds, as far as is known without reading.
    sizes
        Of its files, bytes, when the data set was divided.
    """

    name: str
    source: Path
    content: Rows | tuple[Path, ...]
    crystals: int
    sizes: tuple[int, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """What it is read from."""
        return (self.content.path,) if isinstance(self.content, Rows) else self.content

    def __str__(self) -> str:
        if isinstance(self.content, Rows):
            last = self.content.first + self.content.count
            return f"{name_in(self.content.path, self.source)}, rows {self.content.first + 1} to {last}"
        first, *more = (name_in(path, self.source) for path in self.files)
        return f"{first} to {more[-1]}" if more else first


@dataclass(frozen=True)
class Partitioned:
    """A data set in partitions.

    Attributes
    ----------
    name
        Of the folder or file, without where it is: that may change.
    partitions
        In the order of the names of the files, and of the rows within.
    files, bytes
        How many files there are, and how large they are together.
    digest
        What tells their names and sizes from others.
    properties
        Names of the numbers that come with crystals, as ``Dataset.properties``.
    """

    name: str
    partitions: tuple[Partition, ...]
    files: int
    bytes: int
    digest: str
    properties: tuple[str, ...]


def partitions_of(source: Path, size: int) -> Partitioned:
    """Divide a data set into partitions of at most ``size`` crystals.

    Parameters
    ----------
    source
        A folder of parquet files or of crystal files, folders within included, or one file: see
        ``xcrystal.crystal.collections.datasets``. Of a folder with ``train.parquet`` only that.

    Raises
    ------
    DatasetError
        If there is no such folder or file, or it holds nothing that is known.
    TargetError
        If the size is no whole number of at least 1.
    """
    size = check_whole_number(size, "The size of a partition")
    source = source.resolve()  # workers run elsewhere
    files = dataset_files(source)
    sizes = {path: path.stat().st_size for path in files}
    told = hashlib.sha256()
    for path, length in sizes.items():
        told.update(f"{name_in(path, source)}\0{length}\n".encode(errors="surrogateescape"))
    found, single = list[Partition](), list[Path]()
    properties: dict[str, None] = {}

    def add(content: Rows | tuple[Path, ...], crystals: int, of: Sequence[Path]) -> None:
        found.append(Partition(f"{len(found):08}", source, content, crystals, tuple(sizes[path] for path in of)))

    for path in files:
        if path.suffix.lower() == ".parquet":
            counts, names = _footer(path)
            properties.update(dict.fromkeys(names))
            for rows in _rows_of(path, counts, size):
                add(rows, rows.count, [path])
            continue
        single.append(path)
        with _damage_passed_over(path):
            for name in first_properties(path):
                properties[name] = None
    for start in range(0, len(single), size):
        group = tuple(single[start : start + size])
        add(group, len(group), group)
    length, digest = sum(sizes.values()), told.hexdigest()[:16]
    return Partitioned(source.name, tuple(found), len(files), length, digest, tuple(properties))


@contextmanager
def _damage_passed_over(path: Path) -> Iterator[None]:
    """Pass over what is wrong in a file, which whoever reads it will say, but not that it cannot be reached."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:  # pyarrow, pandas and ASE raise whatever they meet in a damaged file
        if isinstance(error, OSError) and error.errno is not None:  # of damage pyarrow gives no number
            raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error


def _footer(path: Path) -> tuple[list[int] | None, tuple[str, ...]]:
    """How many rows the row groups of a parquet file hold, None if it is damaged, and its columns of numbers."""
    from pyarrow.parquet import ParquetFile

    with _damage_passed_over(path), ParquetFile(path) as file:
        groups = range(file.metadata.num_row_groups)
        return [file.metadata.row_group(k).num_rows for k in groups], _numbers(file.schema_arrow)
    return None, ()


@lru_cache(maxsize=64)  # most files of a data set have the same
def _numbers(schema: pa.Schema) -> tuple[str, ...]:
    """The columns of numbers that pandas makes of a table, without those that say what the crystal is."""
    kinds = schema.empty_table().to_pandas().dtypes
    return tuple(
        property_name(name) for name, kind in kinds.items() if kind.kind in "iuf" and name not in _OF_A_CRYSTAL
    )


def _rows_of(path: Path, counts: Sequence[int] | None, size: int) -> Iterator[Rows]:
    """Pieces of a parquet file: neighbouring row groups together, a larger one in pieces."""
    if counts is None:
        yield Rows(path, (), 0, 0, 0)  # whoever reads it will say what is wrong with it
        return
    groups: list[int] = []
    first = held = 0  # the first row of the groups that wait, and how many rows these have
    for group, count in enumerate(counts):
        if groups and held + count > size:
            yield Rows(path, tuple(groups), 0, held, first)
            groups, first, held = [], first + held, 0
        if count > size:
            for skip in range(0, count, size):
                yield Rows(path, (group,), skip, min(size, count - skip), first + skip)
            first += count
        elif count:
            groups.append(group)
            held += count
    if groups:
        yield Rows(path, tuple(groups), 0, held, first)


def read_partition(partition: Partition) -> Dataset:
    """Read a partition; what is damaged is listed, and if all is, the table has no rows.

    Raises
    ------
    DatasetError
        If a file is not there, or has another size than when the data set was divided.
    OSError, MemoryError
        If one cannot be reached, or there is no memory for it, which says nothing of what is in it.
    """
    content, source = partition.content, partition.source
    for path, size in zip(partition.files, partition.sizes, strict=True):
        if not path.is_file():
            raise DatasetError(f"{path} is not there, or this worker does not see it.")
        if (found := path.stat().st_size) != size:
            raise DatasetError(f"{path} has {found} bytes, and had {size} when the run was begun or gone on with.")
    if isinstance(content, Rows):
        return collected(_read_rows(content, name_in(content.path, source)), 1)
    for path in content:
        _reach(path)
    return collected(crystals_of(content, source), len(content))


def _reach(path: Path) -> None:
    """Read a file once for nothing: whoever makes crystals of it would take what cannot be reached for damaged."""
    with path.open("rb") as file:
        while file.read(_BYTES):
            pass


def _read_rows(rows: Rows, shown: str) -> Iterator[tuple[str, Found]]:
    name = shown.removesuffix(rows.path.suffix)
    try:
        status = rows.path.stat()
        _check(rows.path, status.st_size, status.st_mtime_ns)
        table = _table(rows)
        check_columns(table, rows.path)
    except MemoryError:
        raise  # as a file that cannot be reached: the partition has failed, and is tried again by the next call
    except Exception as error:  # pyarrow raises whatever it meets in a damaged file
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = str(error) if isinstance(error, DatasetError) else f"{shown} cannot be read as parquet: {error}"
        names = [f"{name}#{rows.first + k + 1}" for k in range(rows.count)] or [name]  # each counts as skipped
        yield from ((shown, failed(one, said)) for one in names)
        return
    yield from ((shown, found) for found in read_rows(table, name, rows.first))


@lru_cache(maxsize=1024)
def _check(path: Path, _size: int, _changed: int) -> None:
    """Check a file once in each process, as long as it stays the same."""
    check_packing(path)


def _table(rows: Rows) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    if not rows.groups:
        raise DatasetError(f"{rows.path.name} cannot be read as parquet: its footer is damaged.")
    taken, seen = list[pa.RecordBatch](), 0
    with ParquetFile(rows.path) as file:
        for batch in file.iter_batches(batch_size=max(rows.count, _BATCH), row_groups=list(rows.groups)):
            begin, end = max(rows.skip - seen, 0), min(rows.skip + rows.count - seen, len(batch))
            if begin < end:
                taken.append(batch.slice(begin, end - begin))
            seen += len(batch)
            if seen >= rows.skip + rows.count:
                break
        return pa.Table.from_batches(taken, file.schema_arrow).to_pandas()
