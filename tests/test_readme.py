"""What the README shows works: its Python runs, its commands and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.crystals import CRYSTALS
from tests.markdown import ROOT, blocks, check_make_targets, check_options, run_python
from xcrystal.cli import app

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_begins_with_the_two_commands() -> None:
    first = blocks(README, "sh")[0]
    assert README.index(first) < 60
    assert [line.split()[:2] for line in first.splitlines()] == [["make", "lab"], ["make", "test"]]


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_python(README, "README.md", tmp_path)
    assert len(blocks(README, "python")) == 4
    assert names["z"].shape == (1, 128)  # type: ignore[attr-defined]
    assert len(names["new"]) == 16  # type: ignore[arg-type]
    assert len(names["attribution"].scores) == len(names["salt"]) == 8  # type: ignore[arg-type, attr-defined]
    assert "formation_energy_per_atom" in capsys.readouterr().out

    from xcrystal.crystal.tables import read_table, structures

    splits = [read_table(tmp_path / "mine" / f"{split}.parquet") for split in ("train", "val")]
    assert sum(map(len, splits)) == len(CRYSTALS)
    assert not set(splits[0]["formula"]) & set(splits[1]["formula"])
    for table in splits:
        for name, structure in zip(table["material_id"], structures(table), strict=True):
            assert structure.matches(CRYSTALS[name.removesuffix(".cif")].to_structure())


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
