"""What the README shows works: it is short, its Python runs, its commands and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.markdown import ROOT, blocks, check_make_targets, run_python

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_short_and_begins_with_the_two_commands() -> None:
    assert len(README.splitlines()) <= 120
    first = blocks(README, "sh")[0]
    assert README.index(first) < 60
    assert [line.split()[:2] for line in first.splitlines()] == [["make", "lab"], ["make", "test"]]


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_python(README, "README.md", tmp_path)
    assert names["z"].shape == (1, 128)  # type: ignore[attr-defined]
    assert names["crystal"].composition.reduced_formula == "NaCl"  # type: ignore[attr-defined]
    assert len(names["new"]) == 16  # type: ignore[arg-type]
    assert len(names["attribution"].scores) == len(names["salt"])  # type: ignore[arg-type, attr-defined]
    assert "formation_energy_per_atom" in capsys.readouterr().out


def test_its_make_targets_exist() -> None:
    check_make_targets(README)


def test_its_links_exist() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).is_file(), target
