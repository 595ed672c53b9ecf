"""What the README shows works: its Python runs, its commands and links exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from typer.testing import CliRunner

from tests.crystals import CRYSTALS
from tests.markdown import ROOT, blocks, check_make_targets, check_options, run_python
from xcrystal.cli import app
from xcrystal.latent.atlas import open_atlas

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_begins_with_the_two_commands() -> None:
    first = blocks(README, "sh")[0]
    assert README.index(first) < 60
    assert [line.split()[:2] for line in first.splitlines()] == [["make", "lab"], ["make", "test"]]


@pytest.fixture
def shell() -> Iterator[None]:
    """What ``xc.draw_structures`` needs around it."""
    InteractiveShell.instance()
    yield
    InteractiveShell.clear_instance()


@pytest.mark.usefixtures("shell")
def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_python(README, "README.md", tmp_path)
    assert len(blocks(README, "python")) == 6
    assert names["z"].shape == (1, 128)  # type: ignore[attr-defined]
    assert len(names["new"]) == 16  # type: ignore[arg-type]
    assert len(names["attribution"].scores) == len(names["salt"]) == 8  # type: ignore[arg-type, attr-defined]
    assert "formation_energy_per_atom" in capsys.readouterr().out

    assert names["back"].composition.reduced_formula == "TiO2"  # type: ignore[attr-defined]

    own = open_atlas(tmp_path / "maps/own model")
    assert set(CRYSTALS) <= set(own.table["material_id"])
    assert own.z.shape[1] == 3


def test_its_commands_exist() -> None:
    commands = re.findall(r"^xcrystal (\S+)(?: ([a-z]+)(?= ))?", "\n".join(blocks(README, "sh")), flags=re.MULTILINE)
    assert {c.name or c.callback.__name__ for c in app.registered_commands} | {"evaluate"} == {c for c, _ in commands}
    for command, sub in commands:
        words = [command, sub] if command == "evaluate" else [command]
        assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0, words


def test_its_options_exist() -> None:
    check_options(README)


def test_its_make_targets_exist() -> None:
    check_make_targets(README)


def test_its_links_exist() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).is_file(), target
