"""Sixty made-up crystals in two files, of which one repeats another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scale.made_up import made_up


@pytest.fixture(scope="session")
def crystals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of parquet files: row groups of 20 and 10, and of 30."""
    folder = tmp_path_factory.mktemp("made-up")
    table = next(made_up(60, seed=1))
    table.loc[5] = table.loc[4]
    table.loc[5, "material_id"] = "made-000000005"
    table.iloc[:30].to_parquet(folder / "a.parquet", index=False, row_group_size=20)
    table.iloc[30:].to_parquet(folder / "b.parquet", index=False)
    return folder
