"""The command ``xcrystal design``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import xcrystal
from xcrystal.cli import app
from xcrystal.errors import TargetError
from xcrystal.generator import CrystalModel
from xcrystal.inverse_design.candidates import Design
from xcrystal.inverse_design.design_targets import read_targets
from xcrystal.latent.atlas import Atlas


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


def test_nothing_is_found_in_any_order_and_only_predicted_properties_are_orders(
    model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = Design(read_targets(elements={"require": ["O"]}), (), known=0, draws=0, kept=0, seed=0, atlas=atlas)
    assert nothing.sorted_by("band_gap") is nothing
    with pytest.raises(TargetError, match="no order"):
        nothing.sorted_by("magic")
    monkeypatch.setattr(model, "properties", ("band_gap",))
    monkeypatch.setattr(xcrystal, "load", lambda *_: model)
    with pytest.raises(SystemExit):
        app(["design", "--require", "O", "--sort", "formation_energy_per_atom"])
    assert "does not predict" in capsys.readouterr().err
