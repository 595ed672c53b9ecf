"""Tables of crystals as arrays: taken apart and put together, each crystal keeps its orbits and orders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.crystals import CRYSTALS
from xcrystal.crystal.tables import read_table
from xcrystal.crystal.tokens import Tokens, load_tokens, tokenize
from xcrystal.errors import DatasetError


@pytest.fixture(scope="module")
def tokens(crystal_table: Path) -> Tokens:
    return tokenize(read_table(crystal_table), workers=1)


def contents(tokens: Tokens, k: int) -> tuple[list[object], ...]:
    """All that there is of one crystal."""
    orbits, orders = (slice(s[k], s[k + 1]) for s in (tokens.start, tokens.permutation_start))
    whole = [getattr(tokens, name)[k].tolist() for name in ("row", "group", "cell", "atoms")]
    parts = [getattr(tokens, name)[orbits].tolist() for name in ("letter", "element", "coordinates")]
    return whole, parts, tokens.permutations[orders].tolist(), np.nan_to_num(tokens.properties[k], nan=-9).tolist()


def test_taken_and_joined_crystals_stay_what_they_are(tokens: Tokens) -> None:
    order = np.array([5, 0, 13, 2])
    taken = tokens.take(order)
    joined = Tokens.joined([taken, tokens])
    assert len(joined) == len(order) + len(tokens)
    for k, place in enumerate([*order, *range(len(tokens))]):
        assert contents(joined, k) == contents(tokens, int(place))
    assert [c.space_group for c in joined.crystals()] == joined.group.tolist()
    assert len(tokens.take(np.zeros(0, dtype=int))) == 0


def test_only_crystals_within_limits_are_kept(tokens: Tokens) -> None:
    orbits = np.diff(tokens.start)
    few = tokens.within(64, 2)
    assert few.row.tolist() == tokens.row[orbits <= 2].tolist()
    assert 0 < len(tokens.within(6, 64)) == (tokens.atoms <= 6).sum() < len(CRYSTALS)
    assert tokens.within(64, 24) is tokens
    with pytest.raises(DatasetError, match="at most 0 atoms"):
        tokens.within(0, 24)


def test_tables_are_read_up_to_the_limits_given(crystal_table: Path) -> None:
    failed: dict[int, str] = {}
    table = read_table(crystal_table)
    assert len(tokenize(table, 1, failed, most_orbits=2)) + len(failed) == len(table)
    assert all("at most 2" in reason for reason in failed.values()) and failed


def test_a_script_without_a_main_guard_may_call_it(crystal_table: Path, tmp_path: Path) -> None:
    table = read_table(crystal_table)
    pd.concat([table] * (600 // len(table) + 1)).to_parquet(tmp_path / "many.parquet")
    script = tmp_path / "plain.py"
    script.write_text(
        "from pathlib import Path\n"
        "from xcrystal.crystal.tables import read_table\n"
        "from xcrystal.crystal.tokens import tokenize\n"
        f"print(len(tokenize(read_table(Path({str(tmp_path / 'many.parquet')!r})))))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 500


def test_a_damaged_file_of_tokens_is_made_again(crystal_table: Path, tmp_path: Path) -> None:
    made = load_tokens(crystal_table, tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"PK no archive"):
        file.write_bytes(content)
        with pytest.raises(DatasetError, match="missing or damaged"):
            Tokens.load(file)
        assert np.array_equal(load_tokens(crystal_table, tmp_path).coordinates, made.coordinates)
        assert [path.name for path in tmp_path.iterdir()] == [file.name]
