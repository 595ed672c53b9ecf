"""The command ``xcrystal design``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xcrystal.cli import app


def test_candidates_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["design", "--formation-energy", "-", "-1", "--require", "O", "--exclude", "Pb Cd", "-n", "2"]
    app([*words, "--draws", "64", "--out", str(tmp_path / "new"), "--json"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    assert found["targets"] == "formation energy at most -1 eV/atom, with O, without Cd and Pb"
    assert len(found["candidates"]) == 2
    assert all("O" in row["formula"] for row in found["candidates"])
    assert len(list((tmp_path / "new").glob("*.cif"))) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--band-gap", "a", "2"], "two numbers"),
        (["--band-gap", "3", "2"], "empty"),
        ([], "Say what"),
        (["--require", "Xx"], "no element"),
        (["--require", "O", "--sort", "magic"], "no order"),
        (["--require", "O", "--source", "magic"], "no source"),
        (["--require", "O", "--potential", "magic"], "no potential"),
    ],
)
def test_bad_input_is_told_in_one_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["design", *words])
    assert ended.value.code == 1
    told = capsys.readouterr().err.strip()
    assert said in told
    assert "\n" not in told
