"""Writing an atlas rows after rows, so that no more of them than are written at once need be in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.files import array_header, replacing
from xcrystal.latent.atlas import CODES, STRUCTURES, TABLE

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 2**14  # that are read together, too, where one of them is asked for


@contextmanager
def writing_rows(
    folder: Path, shape: tuple[int, int], half: bool, table: pa.Schema, structures: pa.Schema | None = None
) -> Iterator[Callable[..., None]]:
    """Write table, latent vectors and crystals of an atlas, each file atomically, and the table as the last.

    Parameters
    ----------
    folder
        Which is there.
    shape
        Crystals and latent dimensions.
    half
        Whether the numbers of latent vectors have 16 bits instead of 32.
    table, structures
        The columns of each; without the latter no crystals are written.

    Yields
    ------
    callable
        Write the next rows: latent vectors (n, latent_dim), the rows of the table, and those of the crystals.
    """
    from pyarrow.parquet import ParquetWriter

    with ExitStack() as stack:

        def parquet(name: str, schema: pa.Schema) -> ParquetWriter:
            part = stack.enter_context(replacing(folder / name))
            return stack.enter_context(ParquetWriter(part, schema, compression="zstd"))

        writers = [parquet(TABLE, table), *([] if structures is None else [parquet(STRUCTURES, structures)])]
        codes = stack.enter_context(stack.enter_context(replacing(folder / CODES)).open("wb"))
        codes.write(array_header("z", shape, half))

        def write(z: np.ndarray, *rows: pa.Table) -> None:
            for writer, part in zip(writers, rows, strict=True):
                writer.write_table(part, row_group_size=ROWS)
            codes.write(z.astype("<f2" if half else "<f4").tobytes())

        yield write
