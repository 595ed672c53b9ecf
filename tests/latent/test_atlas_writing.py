from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from xcrystal.errors import DatasetError
from xcrystal.latent.atlas_writing import writing_rows


@pytest.mark.parametrize("given", [2, 4])
def test_an_older_atlas_stays_if_rows_are_missing_or_too_many(tmp_path: Path, given: int) -> None:
    codes, table = tmp_path / "z.safetensors", tmp_path / "table.parquet"
    for file in (codes, table):
        file.write_text("older")
    rows = pa.table({"x": np.zeros(given)})
    with (
        pytest.raises(DatasetError, match=f"of 3 crystals was to be written, and there were {given}"),
        writing_rows(codes, (3, 2), True, {table: rows.schema}) as write,
    ):
        write(np.zeros((given, 2)), rows)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {codes.name: "older", table.name: "older"}
