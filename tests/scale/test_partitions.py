from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase.io import write

from tests.crystals import structures
from xcrystal.crystal.collections.datasets import read_dataset
from xcrystal.crystal.collections.sources.parts import FIRST
from xcrystal.errors import DatasetError, TargetError
from xcrystal.scale.partitions import Rows, partitions_of, read_partition

BYTES_READ = Path("/proc/self/io")
UNREADABLE = Path("/proc/self/mem")  # nothing is mapped where it begins


@pytest.mark.parametrize("size", [1, 7, 20, 25, 30, 1000])
def test_each_row_is_in_one_partition_as_the_whole_data_set_has_it(crystals: Path, size: int) -> None:
    found = [read_partition(p) for p in partitions_of(crystals, size).partitions]
    assert all(0 < len(one.table) <= size for one in found)
    whole = read_dataset(crystals).table
    pd.testing.assert_frame_equal(pd.concat([one.table for one in found], ignore_index=True), whole)


def test_row_groups_stay_whole_where_they_fit(crystals: Path) -> None:
    contents = [p.content for p in partitions_of(crystals, 25).partitions]
    assert all(isinstance(one, Rows) for one in contents)
    assert [(one.groups, one.skip, one.count, one.first) for one in contents if isinstance(one, Rows)] == [
        ((0,), 0, 20, 0),
        ((1,), 0, 10, 20),
        ((0,), 0, 25, 0),
        ((0,), 25, 5, 25),
    ]
    together = partitions_of(crystals / "a.parquet", 30).partitions
    assert [one.content.groups for one in together if isinstance(one.content, Rows)] == [(0, 1)]


def test_partitions_say_what_they_are(crystals: Path, tmp_path: Path) -> None:
    assert [str(p) for p in partitions_of(crystals, 20).partitions][:2] == [
        "a.parquet, rows 1 to 20",
        "a.parquet, rows 21 to 30",
    ]
    for name in ("x.cif", "y.cif", "z.cif"):
        structures()[0].to(filename=str(tmp_path / name))
    found = partitions_of(tmp_path, 2).partitions
    assert [(p.name, str(p), p.crystals) for p in found] == [
        ("00000000", "x.cif to y.cif", 2),
        ("00000001", "z.cif", 1),
    ]


def test_rows_without_names_are_numbered_through_the_file(crystals: Path, tmp_path: Path) -> None:
    pd.read_parquet(crystals / "a.parquet").drop(columns="material_id").to_parquet(tmp_path / "t.parquet")
    found = [read_partition(p).table["material_id"].tolist() for p in partitions_of(tmp_path, 20).partitions]
    assert [name for names in found for name in names] == [f"t#{k}" for k in range(1, 31)]


def test_files_that_cannot_be_read_are_listed(crystals: Path, tmp_path: Path) -> None:
    whole = (crystals / "a.parquet").read_bytes()
    (tmp_path / "footer.parquet").write_bytes(whole[:-50])
    (tmp_path / "middle.parquet").write_bytes(whole[:60] + bytes(400) + whole[460:])
    pd.DataFrame({"a": [1.0]}).to_parquet(tmp_path / "other.parquet")
    (tmp_path / "broken.cif").write_text("data_nothing")
    partitions = partitions_of(tmp_path, 100).partitions
    found = [read_partition(p) for p in partitions]
    assert all(not len(one.table) for one in found)
    assert [len(one.skipped) for one in found] == [max(p.crystals, 1) for p in partitions] == [1, 30, 1, 1]
    skipped = pd.concat([one.skipped for one in found]).set_index("source")["reason"].to_dict()
    assert set(skipped) == {"footer.parquet", "middle.parquet", "other.parquet", "broken.cif"}
    assert "lacks the columns a, b, c" in skipped["other.parquet"] or "lacks the columns b" in skipped["other.parquet"]
    assert "cannot be read as parquet" in skipped["footer.parquet"]


def test_properties_are_known_beforehand(crystals: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(crystals / "a.parquet")
    table.assign(hardness=3, density=1.5, word="x", sure=True).to_parquet(tmp_path / "a.parquet")
    table.assign(**{"bulk modulus": np.float32(2)}).to_parquet(tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and then nothing")
    text = structures()[0].to(fmt="cif")
    pd.DataFrame({"cif": [text, "none"], "gap": [1.5, 2.5]}).to_csv(tmp_path / "d.csv", index=False)
    structures()[0].to(filename=str(tmp_path / "e.cif"))
    found = partitions_of(tmp_path, 100)
    assert found.properties == ("band_gap", "hardness", "given_density", "bulk_modulus", "gap")
    read = [read_partition(p).properties for p in found.partitions]
    assert set(found.properties) == {name for names in read for name in names}


def test_empty_cells_make_no_numbers_of_words(tmp_path: Path) -> None:
    table = pd.DataFrame({"cif": [structures()[0].to(fmt="cif")], "known": [1.0]})
    pd.concat([table] * (FIRST + 1)).assign(late=[None] * FIRST + [2.0]).to_csv(tmp_path / "a.csv", index=False)
    pd.concat([table] * (FIRST + 1)).assign(word=[""] + ["5 GPa"] * FIRST).to_csv(tmp_path / "b.csv", index=False)
    assert partitions_of(tmp_path, 10).properties == ("known", "late")


@pytest.mark.skipif(not BYTES_READ.exists(), reason="only Linux counts what a process has read")
def test_of_large_files_only_the_beginning_is_read_beforehand(tmp_path: Path) -> None:
    def read() -> int:
        return int(dict(line.split(": ") for line in BYTES_READ.read_text().splitlines())["rchar"])

    crystal = structures()[0]
    row = pd.DataFrame({"cif": [crystal.to(fmt="cif")], "gap": [1.5]})
    frame = tmp_path / "one.xyz"
    atoms = crystal.to_ase_atoms()
    atoms.info = {"gap": 1.5}
    write(frame, atoms, format="extxyz")
    (tmp_path / "b.xyz").write_text(frame.read_text() * (20_000_000 // frame.stat().st_size))
    frame.unlink()
    once = row.to_csv(index=False, header=False)
    (tmp_path / "a.csv").write_text("cif,gap\n" + once * (20_000_000 // len(once)))
    partitions_of(tmp_path, 100)  # imports what it needs
    before = read()
    assert partitions_of(tmp_path, 100).properties == ("gap",)
    assert read() - before < 3_000_000


def test_what_changed_or_cannot_be_reached_is_no_skipped_crystal(crystals: Path, tmp_path: Path) -> None:
    data = shutil.copytree(crystals, tmp_path / "data")
    (data / "x.cif").write_text("data_nothing")
    a, *_, x = partitions_of(data, 100).partitions
    for partition, path in ((a, data / "a.parquet"), (x, data / "x.cif")):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        with pytest.raises(DatasetError, match=f"has {len(whole) - 1} bytes, and had {len(whole)} when"):
            read_partition(partition)
        path.unlink()
        with pytest.raises(DatasetError, match="is not there, or this worker does not see it"):
            read_partition(partition)


@pytest.mark.skipif(not UNREADABLE.exists(), reason="a Linux file of which no byte can be read")
@pytest.mark.parametrize("name", ["a.cif", "a.csv", "a.xyz", "a.db", "a.json"])
def test_what_cannot_be_read_now_is_no_skipped_crystal_either(name: str, tmp_path: Path) -> None:
    """As on a shared disk that has gone: the file is there, with its size, and reading it fails."""
    (tmp_path / name).touch()
    (partition,) = partitions_of(tmp_path, 100).partitions
    assert len(read_partition(partition).skipped) == 1
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to(UNREADABLE)
    with pytest.raises(OSError, match="Input/output error") as raised:
        read_partition(partition)
    assert raised.value.errno == errno.EIO
    if name != "a.cif":  # whose numbers are asked for beforehand
        with pytest.raises(DatasetError, match=f"{name} cannot be read: Input/output error"):
            partitions_of(tmp_path, 100)


def test_names_and_sizes_tell_data_sets_apart_and_their_place_does_not(crystals: Path, tmp_path: Path) -> None:
    first = partitions_of(crystals, 20)
    moved = tmp_path / "elsewhere"
    shutil.copytree(crystals, moved)
    assert partitions_of(moved, 20).digest == first.digest
    (moved / "a.parquet").rename(moved / "c.parquet")
    assert partitions_of(moved, 20).digest != first.digest


def test_mistakes_are_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no dataset"):
        partitions_of(tmp_path / "nothing", 10)
    with pytest.raises(DatasetError, match="it is empty"):
        partitions_of(tmp_path, 10)
    with pytest.raises(TargetError, match="The size of a partition is a whole number of at least 1, not '0'"):
        partitions_of(tmp_path, 0)
