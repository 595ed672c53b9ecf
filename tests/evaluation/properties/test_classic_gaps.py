"""Gaps of the classics: every crystal is what the reference says, and the report counts honestly."""

from __future__ import annotations

import json

import pytest
from pymatgen.core import Composition
from typer.testing import CliRunner

from xcrystal.cli import app
from xcrystal.crystal.gallery.compounds import compounds
from xcrystal.errors import CheckpointError
from xcrystal.evaluation.properties.classic_gaps import (
    ClassicGap,
    ClassicsReport,
    classic_crystals,
    evaluate_classics,
    references,
)
from xcrystal.generator import CrystalModel

KNOWN = ("SrTiO3", "TiO2", "C", "Si", "GaAs", "NaCl", "ZnO", "MoS2", "GaN")


def test_the_references_are_of_crystals_that_are_built(model: CrystalModel) -> None:
    found = references()
    built = {(one.name, one.formula) for one in classic_crystals()}
    pairs = list(zip(found.kind, found.formula, strict=True))
    assert set(pairs) <= built and len(set(pairs)) == len(pairs)
    assert (found.band_gap > 0).sum() >= 60 and set(KNOWN) <= set(found.formula)
    assert found.band_gap.between(0, 10).all() and found.material_id.str.fullmatch(r"mp-\d+").all()


@pytest.mark.parametrize("k", range(0, 43, 7))
def test_compounds_have_the_symmetry_that_is_written_down(k: int, model: CrystalModel) -> None:
    one = compounds()[k]
    assert model.canonical(one.structure).crystal.space_group == one.space_group
    assert one.structure.composition.reduced_composition == Composition(one.formula).reduced_composition


def test_the_report_counts() -> None:
    sure = ClassicGap("rock salt", "NaCl", "mp-1", 5.0, 4.5, 6.0, 0.99, 5.1)
    missed = ClassicGap("diamond", "Si", "mp-2", 1.5, 1.4, 1.6, 0.8, 0.7)
    metal = ClassicGap("A2", "W", "mp-3", 0.01, 0.0, 0.01, 0.02, 0.0)
    report = ClassicsReport((sure, missed, metal), {"X": "too large"})
    found = report.to_dict()
    assert (found["crystals"], found["insulators"]) == (3, 2)
    assert found["inside"] == pytest.approx(2 / 3) and found["inside_insulators"] == 0.5
    assert found["within_0.6_eV"] == pytest.approx(2 / 3) and found["right_side"] == 1
    assert found["median_width_insulators"] == pytest.approx(0.85)
    assert report.table().count("outside") == 1 and "too large" in report.table()


def test_the_command_prints_what_the_model_says(model: CrystalModel) -> None:
    printed = CliRunner().invoke(app, ["evaluate", "classics", "--json"])
    assert printed.exit_code == 0, printed.output
    found = json.loads(printed.stdout)
    assert found["crystals"] >= 90 and set(KNOWN) <= {one["formula"] for one in found["classics"]}
    assert found["inside"] > 0.8  # of crystals that were nearly all learned from
    salt = next(one for one in found["classics"] if one["formula"] == "NaCl")
    entry = next(one for one in classic_crystals() if one.formula == "NaCl")
    z = model.encode(entry.structure)
    assert salt["value"] == pytest.approx(model.predict(z)["band_gap"][0], abs=1e-3)
    assert [salt["low"], salt["high"]] == pytest.approx(model.predict_interval(z)["band_gap"][0], abs=1e-3)


def test_a_model_without_gaps_is_told(model: CrystalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "properties", ("formation_energy_per_atom",))
    with pytest.raises(CheckpointError, match="gaps"):
        evaluate_classics(model)
