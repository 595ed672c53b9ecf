"""Files are read within limits, and written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import xcrystal as xc
from xcrystal.cli.main import write_codes
from xcrystal.crystal.files import read_whole, replacing
from xcrystal.errors import ReadError, XCrystalError


def write_half(path: Path) -> None:
    with replacing(path) as part:
        part.write_text("ne")
        raise OSError("the disk is full")


def test_what_was_there_stays_if_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="full"):
        write_half(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_latent_vectors_keep_their_name(tmp_path: Path) -> None:
    """numpy adds ``.npz`` to names of its own; the part has none of it."""
    write_codes(tmp_path / "z.npz", np.array(["a.cif"]), np.ones((1, 2), dtype=np.float32))
    assert [path.name for path in tmp_path.iterdir()] == ["z.npz"]
    assert np.load(tmp_path / "z.npz")["z"].shape == (1, 2)


@pytest.mark.parametrize("letter", ["a", "é", "\N{CRYSTAL BALL}"])
def test_names_may_be_as_long_as_the_system_takes_them(tmp_path: Path, letter: str) -> None:
    path = tmp_path / (letter * (255 // len(letter.encode())))
    with replacing(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"


def test_who_writes_at_the_same_time_does_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("one")
        second.write_text("the other")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_half_written_file_lies_where_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    path = tmp_path / "parts" / "a.txt"
    with replacing(path, within=tmp_path) as part:
        part.write_text("new")
        assert part.parent == tmp_path
        assert not list((tmp_path / "parts").iterdir())
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path.parent]


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    assert read_whole(path, 5) == b"12345"
    with pytest.raises(ReadError, match="not read"):
        read_whole(path, 4)
    path.write_bytes(b"")
    with pytest.raises(ReadError, match="is empty"):
        read_whole(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    ("read", "name"),
    [
        (xc.read_pattern, "pipe.xy"),
        (xc.xrd, "pipe.cif"),
        (xc.approximants, "pipe.cif"),
        (xc.atlas, "atlas"),
    ],
)
def test_pipes_and_devices_are_refused_not_waited_for(
    read: Callable[[Path], object], name: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / name)
    for path in (tmp_path / name, Path("/dev/zero")):
        with pytest.raises(XCrystalError):
            read(path)
