"""Writing an atlas rows after rows, so that no more of them than are written at once need be in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.files import array_header, replacing
from xcrystal.errors import DatasetError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 2**14  # that are written, and where one of them is asked for read, together


@contextmanager
def writing_rows(
    codes: Path, shape: tuple[int, int], half: bool, tables: Mapping[Path, pa.Schema]
) -> Iterator[Callable[..., None]]:
    """Write latent vectors and tables of the same crystals, each file atomically, and the first table as the last.

    Parameters
    ----------
    codes
        The file of latent vectors.
    shape
        Crystals and latent dimensions.
    half
        Whether the numbers of latent vectors have 16 bits instead of 32.
    tables
        The files of tables, and the columns of each.

    Yields
    ------
    callable
        Write the next rows: latent vectors (n, latent_dim), and the rows of each of the tables.

    Raises
    ------
    DatasetError
        In the end, if these were not as many rows as the shape says; older files stay.
    """
    from pyarrow.parquet import ParquetWriter

    with ExitStack() as stack:
        writers = []
        for path, schema in tables.items():
            part = stack.enter_context(replacing(path))
            writers.append(stack.enter_context(ParquetWriter(part, schema, compression="zstd")))
        array = stack.enter_context(stack.enter_context(replacing(codes)).open("wb"))
        array.write(array_header("z", shape, half))

        written = 0

        def write(z: np.ndarray, *rows: pa.Table) -> None:
            nonlocal written
            written += len(z)
            for writer, part in zip(writers, rows, strict=True):
                writer.write_table(part, row_group_size=ROWS)
            array.write(z.astype("<f2" if half else "<f4").tobytes())

        yield write
        if written != shape[0]:
            raise DatasetError(f"An atlas of {shape[0]} crystals was to be written, and there were {written}.")
