"""Patterns are compared, and lead back to the crystals that they were calculated for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.cli import app
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.diffraction import fingerprints
from xcrystal.diffraction.comparing import WIDTHS, CellFit, Fit, Query, background
from xcrystal.diffraction.measured import MeasuredPattern, read_pattern
from xcrystal.diffraction.powder import unit_cell
from xcrystal.diffraction.reflections import UnitCell
from xcrystal.errors import ReadError, TargetError
from xcrystal.evaluation.diffraction.pattern_search import degraded
from xcrystal.generator import BUNDLED, CrystalModel
from xcrystal.latent.atlas import Atlas


def fit_cell(cell: UnitCell, query: Query) -> Fit:
    """The best cell of one crystal, at all widths."""
    fit = CellFit(cell, query)
    for width in WIDTHS:
        fit.run(width)
    return fit.fit


def measured(name: str, zero: float = 0.0, seed: int = 0) -> MeasuredPattern:
    """With a background and counting noise."""
    x, y = xc.xrd(CRYSTALS[name], broadening=0.12).profile()
    counts = np.random.default_rng(seed).poisson(20 * y + 300 * np.exp(-x / 20) + 50)
    return read_pattern((x + zero, counts))


def test_background_is_found_beneath_peaks() -> None:
    x = np.arange(10, 80, 0.02)
    smooth = 300 * np.exp(-x / 20) + 50
    peaks = sum(500 * np.exp(-(((x - at) / 0.1) ** 2)) for at in (20, 33, 51))
    found = background(smooth + peaks, 75)
    np.testing.assert_allclose(found, smooth, atol=6)


@pytest.mark.parametrize("name", ["rock salt NaCl", "rutile TiO2", "baddeleyite ZrO2", "triclinic P-1"])
def test_cell_and_zero_are_refined(name: str) -> None:
    cell = unit_cell(CRYSTALS[name])
    wrong = cell.parameters * np.array([1.015] * 3 + [1.0] * 3)
    fit = fit_cell(replace(cell, parameters=wrong), Query.of(measured(name, 0.08)))
    assert fit.similarity > 0.93
    np.testing.assert_allclose(fit.parameters[:3], cell.parameters[:3], rtol=4e-3)
    assert fit.zero == pytest.approx(0.08, abs=0.1)


def test_another_crystal_is_not_alike() -> None:
    query = Query.of(measured("perovskite SrTiO3"))
    right, wrong = (fit_cell(unit_cell(CRYSTALS[n]), query) for n in ("perovskite SrTiO3", "rutile TiO2"))
    assert right.similarity > 0.93
    assert wrong.similarity < 0.6


def test_what_symmetry_ties_stays_tied() -> None:
    for name in ("rutile TiO2", "hcp Mg", "spinel MgAl2O4"):
        found = fit_cell(unit_cell(CRYSTALS[name]), Query.of(measured(name))).parameters
        assert found[0] == found[1]
        assert (found[0] == found[2]) == (name == "spinel MgAl2O4")
        np.testing.assert_allclose(found[3:], CRYSTALS[name].lattice[3:])


def test_degraded_patterns_differ_from_ideal_ones_and_from_each_other() -> None:
    structure = CRYSTALS["hcp Mg"].to_structure()
    one, same, other = (degraded(structure, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one.intensity, same.intensity)
    assert not np.array_equal(one.intensity, other.intensity)
    assert one.intensity.min() > 0


@pytest.fixture(scope="module")
def model() -> CrystalModel:
    return xc.load("mp20")


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return xc.atlas("mp20")


@pytest.mark.parametrize("known", [{"elements": "Si-O"}, {"formula": "SiO2"}])
def test_quartz_is_identified(known: dict[str, str], model: CrystalModel, atlas: Atlas) -> None:
    pattern = measured("quartz SiO2", 0.08)
    found = xc.identify(pattern, model=model, atlas=atlas, n=3, **known)
    assert match_rms(found[0].structure, CRYSTALS["quartz SiO2"].to_structure()) is not None
    assert found[0].space_group in (152, 154)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(one.score < one.similarity for one in found)  # a cell that is changed costs something
    assert all(match_rms(found[0].structure, other.structure) is None for other in found[1:])
    np.testing.assert_allclose(found[0].structure.volume, CRYSTALS["quartz SiO2"].to_structure().volume, rtol=0.02)
    assert found[0].pattern.formula == "SiO2"


def test_nothing_known_finds_the_structure_type(model: CrystalModel, atlas: Atlas) -> None:
    found = xc.identify(measured("quartz SiO2"), model=model, atlas=atlas, n=5)
    assert "SiO2" in [match.formula for match in found]


def test_what_cannot_be_looked_for_is_said(model: CrystalModel, atlas: Atlas) -> None:
    pattern = measured("hcp Mg")
    for options, error, words in (
        ({"elements": "Xx"}, ReadError, "no element"),
        ({"elements": []}, ReadError, "at least one"),
        ({"elements": "Es"}, ReadError, "up to number"),
        ({"formula": "Mg?"}, ReadError, "not a formula"),
        ({"formula": "MgO", "elements": "Mg"}, ReadError, "other elements"),
        ({"n": 0}, TargetError, "no list"),
    ):
        with pytest.raises(error, match=words):
            xc.identify(pattern, model=model, atlas=atlas, **options)


@pytest.mark.parametrize(("low", "high", "source"), [(0.1, 1.5, "CuKa"), (30.0, 32.0, "CuKa"), (150.0, 170.0, 0.5)])
def test_too_small_a_range_is_said(low: float, high: float, source: str | float) -> None:
    x = np.linspace(low, high, 300)
    with pytest.raises(ReadError, match="too little to be compared"):
        Query.of(read_pattern((x, np.exp(-((x - x.mean()) ** 2))), source=source))


def test_a_comparison_does_not_depend_on_the_scale_of_intensities() -> None:
    pattern = measured("rutile TiO2")
    cell = unit_cell(CRYSTALS["rutile TiO2"])
    scaled = replace(pattern, intensity=pattern.intensity * 50)
    one, other = (fit_cell(cell, Query.of(p)).similarity for p in (pattern, scaled))
    assert one == pytest.approx(other, abs=0.02)


def test_commands_print_peaks_and_matches(tmp_path: Path) -> None:
    path, profile = tmp_path / "quartz.cif", tmp_path / "quartz.xy"
    CRYSTALS["quartz SiO2"].to_structure().to(str(path), fmt="cif")
    run = CliRunner()
    done = run.invoke(app, ["xrd", str(path), "--to", "80", "--out", str(profile), "--json"])
    assert done.exit_code == 0, done.output
    peaks = json.loads(done.stdout)["peaks"]
    assert max(peaks, key=lambda peak: peak["intensity"])["hkl"].split(", ") == ["011", "101"]
    assert "011" in run.invoke(app, ["xrd", str(path)]).stdout
    done = run.invoke(app, ["identify", str(profile), "--elements", "Si-O", "-n", "1", "--json"])
    assert done.exit_code == 0, done.output
    (match,) = json.loads(done.stdout)
    assert match["formula"] == "SiO2"
    assert match["space_group"] == 152
    done = run.invoke(app, ["identify", str(path)])
    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 1


def test_fingerprints_that_ship_are_those_of_the_atlas(model: CrystalModel, atlas: Atlas) -> None:
    """Otherwise they are calculated anew, which takes minutes."""
    kept = fingerprints._read(BUNDLED / "mp20" / fingerprints.FILE, fingerprints._digest(model, atlas), len(atlas))
    assert kept is not None, "delete the file, call atlas_fingerprints, and commit what it writes"
    rows = np.arange(0, len(atlas), 9000)
    made = fingerprints.Fingerprints.of(fingerprints.cells_of(model.decode_arrays(atlas.z[rows], effort="fast")))
    np.testing.assert_allclose(np.sort(kept.take(rows).strength), np.sort(made.strength), atol=0.005)
