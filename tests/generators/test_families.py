"""Families of generators behind one pair of functions, on the command line, in a notebook, and in one table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import xcrystal as xc
from xcrystal.cli.main import app
from xcrystal.crystal.collections.tables import read_table, write_table
from xcrystal.errors import DatasetError, InvalidCrystalError
from xcrystal.evaluation.generative.families_report import ABILITIES, ALL, evaluate_families, shipped_report
from xcrystal.explorer.notebook.frame_stepper import FilmStrip, FrameStepper
from xcrystal.generator import CrystalModel
from xcrystal.generators.families import NAMES, open_family
from xcrystal.training.perovskites import write_idealized_perovskites


def test_each_family_samples_and_shows_the_way(model: CrystalModel) -> None:
    for family in NAMES:
        crystals = xc.sample(family, n=2, seed=5, model=model)
        assert [len(c) > 0 for c in crystals] == [True, True]
        frames = xc.sample_steps(family, seed=5, model=model, count=6)
        assert len(frames) >= 3
        assert frames[-1].crystal is not None and frames[-1].progress == 1
        assert [f.progress for f in frames] == sorted(f.progress for f in frames)
        assert "<svg" in FilmStrip(frames)._repr_html_()


def test_what_is_shown_piece_by_piece_is_what_was_drawn() -> None:
    frames = xc.sample_steps("autoregressive", seed=1)
    crystal = frames[-1].crystal
    assert crystal is not None
    elements = [f.taken for f in frames if f.what.startswith("element")]
    symbols = [str(e) for e in crystal.to_structure().composition.elements]
    assert set(elements) == set(symbols) and len(elements) == len(crystal.elements)
    for frame in frames:
        if frame.alternatives:
            assert frame.taken in [one.name for one in frame.alternatives]
            assert 0 < sum(one.probability for one in frame.alternatives) <= 1 + 1e-6


def test_alternatives_have_the_probabilities_that_were_drawn_with() -> None:
    cold = xc.sample_steps("autoregressive", seed=1, space_group=225, temperature=0.01)
    assert cold[0].taken.endswith("(225)") and cold[0].alternatives == ()
    chosen = [one.probability for frame in cold for one in frame.alternatives if one.name == frame.taken]
    assert min(chosen) > 0.9


def test_the_slider_shows_the_step_it_stands_at() -> None:
    frames = xc.sample_steps("autoregressive", seed=1)
    stepper = FrameStepper(frames)
    assert frames[0].taken in stepper._view.value
    stepper.slider.value = len(frames) - 1
    assert "cell" in stepper._view.value and "<svg" in stepper._view.value


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"family": "gan"}, "no family 'gan'"),
        ({"family": "diffusion", "space_group": 231}, "no space group 231"),
        ({"family": "diffusion", "elements": ["Xx"]}, "symbols"),
        ({"family": "autoregressive", "elements": []}, "symbols"),
        ({"family": "diffusion", "temperature": 0.9}, "no temperature"),
        ({"family": "autoregressive", "temperature": -1}, "between 0 and 2"),
        ({"family": "vae", "elements": ["Na"]}, "xc.design"),
        ({"family": "autoregressive", "n": -1}, "neither is negative"),
    ],
)
def test_what_cannot_be_had_is_said_in_a_sentence(wanted: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidCrystalError, match=reason):
        xc.sample(**wanted)  # type: ignore[arg-type]


def test_the_command_samples_a_family(tmp_path: Path) -> None:
    words = ["sample", "--family", "autoregressive", "-n", "2", "--space-group", "225", "--element", "Na"]
    done = CliRunner().invoke(app, [*words, "--element", "Cl", "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    assert {r["space_group"] for r in json.loads(done.stdout)} == {225}
    assert len(list(tmp_path.glob("*.cif"))) == 2
    refused = CliRunner().invoke(app, ["sample", "--element", "Na"])
    assert refused.exit_code == 1 and "for a --family" in refused.output


def test_the_command_trains_a_generator(tmp_path: Path) -> None:
    write_idealized_perovskites(tmp_path)
    table = read_table(tmp_path / "train.parquet")
    write_table(table.iloc[:8], tmp_path / "val.parquet")
    write_table(table.iloc[8:24], tmp_path / "train.parquet")
    words = ["fit-generator", "autoregressive", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*words, "--steps", "1", "--device", "cpu", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["steps"] == 1
    made = open_family("autoregressive", folder=tmp_path / "out")
    assert len(made.sample(1)) == 1
    refused = CliRunner().invoke(app, ["fit-generator", "gan", *words[2:]])
    assert refused.exit_code == 1 and "no family 'gan'" in refused.output


def test_all_families_are_measured_alike(model: CrystalModel, tmp_path: Path) -> None:
    write_idealized_perovskites(tmp_path)
    table = read_table(tmp_path / "train.parquet")
    write_table(table.iloc[:8], tmp_path / "val.parquet")
    write_table(table.iloc[8:40], tmp_path / "train.parquet")
    report = evaluate_families(model, tmp_path, 3, families=("autoregressive", "substitution"))
    assert list(report.families) == ["autoregressive", "substitution"]
    for figures in report.families.values():
        assert all(0 <= figures["shares"][key]["share"] <= 1 for key in ("valid", "novel", "unique"))
        assert figures["milliseconds"] > 0 and np.isfinite(figures["distances"]["density"])
    assert report.families["substitution"]["distances"]["elements"] == 0  # three elements, as in all of them
    assert "elements exchanged" in report.table()
    with pytest.raises(DatasetError, match="no family"):
        evaluate_families(model, tmp_path, 3, families=("gan",))


def test_the_shipped_table_has_all_families() -> None:
    report = shipped_report()
    assert list(report.families) == list(ALL)
    assert report.crystals == 1000
    for by in ABILITIES.values():
        assert set(by) <= set(ALL)
