"""Tables of crystals as arrays: taken apart and put together, each crystal keeps its orbits and orders."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tables import read_table
from xcrystal.crystal.collections.tokens import Tokens, TokenWriter, load_tokens, tokenize
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
        "from xcrystal.crystal.collections.tables import read_table\n"
        "from xcrystal.crystal.collections.tokens import tokenize\n"
        f"print(len(tokenize(read_table(Path({str(tmp_path / 'many.parquet')!r})))))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 500


def test_damaged_tokens_are_made_again(crystal_table: Path, tmp_path: Path) -> None:
    made = load_tokens(crystal_table, tmp_path)
    (folder,) = tmp_path.iterdir()
    for name in ("coordinates", "start", "permutation_start", "group"):
        file = folder / f"{name}.npy"
        whole = file.read_bytes()
        for content in (whole[: len(whole) // 2], b"", b"no array", whole[:-2]):
            file.unlink()
            file.write_bytes(content)
            with pytest.raises(DatasetError, match="missing or damaged"):
                Tokens.load(folder)
            again = load_tokens(crystal_table, tmp_path)
            assert all(contents(again, k) == contents(made, k) for k in range(len(made)))
            assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_table_in_parts_gives_what_it_gives_whole(
    crystal_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokens: Tokens
) -> None:
    """Also where a part has no crystal that can be encoded, and rows are counted on behind it."""
    table = read_table(crystal_table)
    bad = table.iloc[:4].assign(frac_coords=[[0.0] * len(f) for f in table["frac_coords"][:4]], a=0.1)
    pd.concat([table.iloc[:4], bad, table.iloc[4:]]).to_parquet(tmp_path / "mixed.parquet")
    monkeypatch.setattr("xcrystal.crystal.collections.tokens._PART", 4)
    found = load_tokens(tmp_path / "mixed.parquet", tmp_path / "kept")
    rows = np.where(tokens.row < 4, tokens.row, tokens.row + 4)
    assert found.row.tolist() == rows.tolist()
    for k in range(len(tokens)):
        assert contents(found, k)[0][1:] == contents(tokens, k)[0][1:]
        assert contents(found, k)[1:] == contents(tokens, k)[1:]
    bad.to_parquet(tmp_path / "bad.parquet")
    with pytest.raises(DatasetError, match=r"No crystal of this dataset can be encoded\. The first: "):
        load_tokens(tmp_path / "bad.parquet", tmp_path / "none")
    assert not list((tmp_path / "none").iterdir()), "nothing half-written is left"


def test_kept_tokens_are_read_from_the_disk_and_not_copied(crystal_table: Path, tmp_path: Path) -> None:
    kept = load_tokens(crystal_table, tmp_path)
    assert not kept.coordinates.flags.owndata and not kept.coordinates.flags.writeable
    assert Tokens.joined([kept]) is kept
    assert kept.within(10**6, 10**6) is kept


def test_a_failed_write_leaves_the_older_tokens(tokens: Tokens, tmp_path: Path) -> None:
    tokens.save(tmp_path / "kept")
    with suppress(KeyboardInterrupt), TokenWriter(tmp_path / "kept") as writer:
        writer.add(tokens.take(np.arange(2)))
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert len(Tokens.load(tmp_path / "kept")) == len(tokens)


@pytest.mark.skipif(sys.platform == "win32", reason="folders with open files are not moved there")
def test_newer_tokens_take_the_place_of_older_ones(tokens: Tokens, tmp_path: Path) -> None:
    tokens.save(tmp_path / "kept")
    older = Tokens.load(tmp_path / "kept")
    tokens.take(np.arange(2)).save(tmp_path / "kept")
    assert len(Tokens.load(tmp_path / "kept")) == 2
    assert contents(older, 5) == contents(tokens, 5), "whoever has mapped them keeps them"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.skipif(sys.platform == "win32", reason="folders with open files are not moved there")
def test_if_newer_tokens_cannot_be_put_in_place_the_older_ones_come_back(tokens: Tokens, tmp_path: Path) -> None:
    tokens.save(tmp_path / "kept")
    writer = TokenWriter(tmp_path / "kept").__enter__()
    writer.add(tokens.take(np.arange(2)))
    (part,) = tmp_path.glob("*.part")
    part.rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError):
        writer.__exit__(None, None, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "kept"]
    assert len(Tokens.load(tmp_path / "kept")) == len(tokens)


def test_older_tokens_that_cannot_come_back_are_kept_beside(
    tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens.save(tmp_path / "kept")
    rename = Path.rename

    def refused(self: Path, target: Path) -> Path:
        if target == tmp_path / "kept":
            raise PermissionError("a scanner looks at it")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(PermissionError):
        tokens.take(np.arange(2)).save(tmp_path / "kept")
    (left,) = tmp_path.iterdir()
    assert len(Tokens.load(left)) == len(tokens)


def test_what_ends_the_processes_is_not_taken_for_bad_crystals(
    crystal_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise DatasetError("The processes have ended.")

    monkeypatch.setattr("xcrystal.crystal.collections.tokens._tokenize", fail)
    with pytest.raises(DatasetError, match=r"The processes have ended\."):
        load_tokens(crystal_table, tmp_path)
