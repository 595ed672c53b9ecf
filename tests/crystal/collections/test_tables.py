"""Tables of crystals in parquet files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections import tables
from xcrystal.crystal.collections.tables import (
    StoredRows,
    csv_text,
    identifiers,
    read_table,
    structure_of,
    structures,
)
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import DatasetError, ReadError


def test_no_cell_of_a_csv_is_a_formula() -> None:
    bad = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "NaCl", ""]
    text = csv_text(pd.DataFrame({"material_id": bad, "=gap": [-1.5] * len(bad)}))
    rows = [line.split(",") for line in text.splitlines()]
    assert rows[0] == ["material_id", "'=gap"]
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "NaCl", ""]
    assert {row[1] for row in rows[1:]} == {"-1.5"}


def test_lines_of_a_csv_end_alike_on_all_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in which text is written ends them as the system does; ends of its own would be doubled."""
    monkeypatch.setattr("os.linesep", "\r\n")
    assert csv_text(pd.DataFrame({"a": [1]})) == "a\n1\n"


def test_only_the_groups_of_rows_that_were_read_last_stay_in_memory(
    crystal_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = read_table(crystal_table)
    table.to_parquet(tmp_path / "groups.parquet", row_group_size=2)
    monkeypatch.setattr(tables, "_GROUPS", 3)
    stored = StoredRows(tmp_path / "groups.parquet")
    order = [*range(len(stored)), 0, 5, 1]
    assert [stored.row(k)["material_id"] for k in order] == table["material_id"].iloc[order].tolist()
    assert list(stored._groups) == [(len(table) - 1) // 2, 0, 2]


def test_structures_come_back_from_a_table(crystal_table: Path) -> None:
    table = read_table(crystal_table)
    assert identifiers(table) == list(CRYSTALS)
    for structure, crystal in zip(structures(table), CRYSTALS.values(), strict=True):
        assert match_rms(structure, crystal.to_structure(), scale=False) == pytest.approx(0, abs=1e-4)
    first = next(table.itertuples(index=False))
    assert structure_of(first).composition.reduced_formula == "NaCl"


def test_rows_have_a_name_without_identifiers(crystal_table: Path) -> None:
    table = read_table(crystal_table).drop(columns="material_id")
    assert identifiers(table)[:2] == ["0", "1"]


@pytest.mark.parametrize("change", [{"species": ["Xx"]}, {"a": None}, {"frac_coords": [0.1]}, {"b": "wide"}])
def test_a_row_of_nonsense_is_named_so(crystal_table: Path, change: dict[str, object]) -> None:
    record = read_table(crystal_table).to_dict("records")[0] | change
    with pytest.raises(ReadError):
        structure_of(record)


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    (tmp_path / "noise.parquet").write_bytes(b"PAR1 but not really")
    pd.DataFrame({"a": [1.0]}).to_parquet(tmp_path / "columns.parquet")
    for name, reason in {"noise": "cannot be read", "columns": "lacks the columns", "none": "no dataset file"}.items():
        with pytest.raises(DatasetError, match=reason) as caught:
            read_table(tmp_path / f"{name}.parquet")
        assert len(str(caught.value)) <= 400


def test_a_damaged_table_never_ends_the_process(tmp_path: Path) -> None:
    """pyarrow ends it when asked for a column whose sizes are damaged, as in some of these."""
    code = (
        "import sys; from pathlib import Path; from tests.crystal.fuzzing import binary_files, read_changed\n"
        "from tests.crystal.guarded import outcome_of\n"
        "read = lambda name, content: outcome_of(name, content, 60) if name == 'a.parquet' else None\n"
        "for number in range(84, 90): read_changed(binary_files(), 20, read, number)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-1000:]


def test_an_empty_table_is_refused(crystal_table: Path, tmp_path: Path) -> None:
    read_table(crystal_table).iloc[:0].to_parquet(tmp_path / "empty.parquet")
    with pytest.raises(DatasetError, match="no rows"):
        read_table(tmp_path / "empty.parquet")


@pytest.mark.skipif(sys.platform == "win32", reason="asks the system for the most memory that was taken")
def test_what_is_packed_too_well_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "packed.parquet"
    pd.DataFrame({"species": ["a" * 4_000_000] * 60}).to_parquet(path, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 100_000
    code = (
        "import sys, resource, pathlib; from xcrystal.crystal.collections.tables import read_table\n"
        "from xcrystal.errors import DatasetError\n"
        "import pandas, pyarrow.parquet\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_table(pathlib.Path(sys.argv[1]))\n"
        "except DatasetError as error: print(error)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    said, megabytes = done.stdout.splitlines()
    assert "no crystals can be packed like that" in said
    assert int(megabytes) < 100 * (1024 if sys.platform == "darwin" else 1)
