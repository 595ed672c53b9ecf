"""What the README shows works: its Python runs, its commands and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.crystals import CRYSTALS
from xcrystal.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def test_it_begins_with_the_two_commands() -> None:
    first = blocks("sh")[0]
    assert README.index(first) < 60
    assert [line.split()[:2] for line in first.splitlines()] == [["make", "lab"], ["make", "test"]]


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for name, crystal in CRYSTALS.items():
        crystal.to_structure().to(str(tmp_path / f"{name}.cif"))
    names: dict[str, object] = {}
    python = blocks("python")
    assert len(python) == 4
    for block in python:
        exec(compile(block, "README.md", "exec"), names)
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
    commands = re.findall(r"^xcrystal (\S+)(?: ([a-z]+)(?= ))?", "\n".join(blocks("sh")), flags=re.MULTILINE)
    assert {c.name or c.callback.__name__ for c in app.registered_commands} | {"evaluate"} == {c for c, _ in commands}
    for command, sub in commands:
        words = [command, sub] if command == "evaluate" else [command]
        assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0, words


def test_its_options_exist() -> None:
    for line in "\n".join(blocks("sh")).splitlines():
        words = line.partition("#")[0].split()
        if words[:1] != ["xcrystal"]:
            continue
        command = words[1:3] if words[1] == "evaluate" else words[1:2]
        shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
        for option in (word for word in words if word.startswith("-")):
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", shown), (line, option)


def test_its_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make ([a-z]+)", README, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_its_links_exist() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).is_file(), target
