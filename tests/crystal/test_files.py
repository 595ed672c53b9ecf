"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xcrystal.cli.main import write_codes
from xcrystal.crystal.files import replacing


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
