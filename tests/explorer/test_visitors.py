"""Visitors of a served explorer reach no files of the machine, and leave nothing behind for the next one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.explorer import settings
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.visitors import check_file, environment


@pytest.fixture
def session() -> Session:
    return Session(xc.load("mp20"), xc.atlas("mp20"))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def be_served(*files: Path) -> None:
        for name, value in environment(files).items():
            monkeypatch.setenv(name, value)

    return be_served


def write(folder: Path, name: str = "rutile.cif") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    CRYSTALS["rutile TiO2"].to_structure().to(filename=str(path), fmt="cif")
    return path


def test_only_what_is_opened_to_visitors_is_read(session: Session, tmp_path: Path, serve: Callable[..., None]) -> None:
    secret, shared = write(tmp_path / "home"), write(tmp_path / "shared")
    link = tmp_path / "shared" / "link.cif"
    link.symlink_to(secret)
    saved = tmp_path / "home" / "session.json"
    saved.write_text(session.file.to_json(), encoding="utf-8")
    serve(tmp_path / "shared")
    before = session.label
    refused = {}
    for path in (secret, tmp_path / "home" / "nothing.cif", link, tmp_path / "shared" / ".." / "home" / "rutile.cif"):
        assert not session.navigation.load_text(str(path))
        refused[path] = session.message.replace(path.name, "").replace(str(path), "")
        assert "upload" in session.message
        assert not session.set_end("A", str(path))
        session.overlay([str(path)])
        assert not session.state.own
    assert len(set(refused.values())) == 1  # which files there are is not told
    assert not session.file.open(saved) and "upload" in session.message
    assert session.label == before
    assert session.load(str(shared)) and "rutile" in session.label
    assert session.load("mp-22862")
    session.navigation.load_bytes(secret.read_bytes(), "mine.cif")
    assert "mine" in session.label


def test_the_owner_reads_everything(session: Session, tmp_path: Path) -> None:
    check_file("/nowhere/at/all")
    assert session.load(str(write(tmp_path / "home")))


def test_nothing_is_remembered_of_visitors(serve: Callable[..., None]) -> None:
    settings.remember(mode="researcher")
    assert settings.recall()["mode"] == "researcher"
    serve()
    assert settings.recall() == {}
    settings.remember(mode="beginner")
    del os.environ["XCRYSTAL_SERVED_FILES"]
    assert settings.recall()["mode"] == "researcher"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits it")
def test_a_visitor_takes_no_more_memory_than_there_is_for_one() -> None:
    """What asks for more fails, and the explorer goes on."""
    code = (
        "import numpy as np, torch, xcrystal as xc\n"
        "session = xc.explore().session\n"
        "for ask in (lambda: np.ones(125_000_000), lambda: torch.ones(250_000_000)):\n"
        "    try:\n        print(len(ask()))\n"
        "    except (MemoryError, RuntimeError) as error:\n        print('no', type(error).__name__)\n"
        "print(session.select('mp-22862'), session.label)\n"
    )

    def printed(memory: int) -> list[str]:
        given = os.environ | environment([], memory)
        command = [sys.executable, "-W", "ignore", "-c", code]
        done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    limited, free = printed(500), printed(0)
    assert all(line.startswith("no ") for line in limited[:2])
    assert free[:2] == ["125000000", "250000000"]
    assert limited[2] == free[2] and "mp-22862" in free[2]
