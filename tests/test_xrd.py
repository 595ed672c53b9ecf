"""Calculated powder patterns: positions and extinctions by hand, intensities against pymatgen."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from pymatgen.analysis.diffraction.xrd import WAVELENGTHS as THEIR_WAVELENGTHS
from pymatgen.analysis.diffraction.xrd import XRDCalculator
from pymatgen.core import Lattice, Structure

import xcrystal as xc
from tests.crystals import CRYSTALS, build
from xcrystal.crystal.symmetry.conventional import conventional
from xcrystal.diffraction.powder import WAVELENGTHS, Broadening, Pattern
from xcrystal.diffraction.reflections import cell_of_crystal, cell_of_decode, reflections_of
from xcrystal.errors import ReadError, TargetError

FIXED = (0.0, 0.0, 0.0)


def seen(pattern: Pattern) -> list[str]:
    return [str(families[0]) for families in pattern.families]


def test_bragg_positions_by_hand() -> None:
    pattern = xc.xrd(CRYSTALS["rock salt NaCl"], source=1.54184)
    (at,) = np.flatnonzero([name == "220" for name in seen(pattern)])
    d = 5.64 / math.sqrt(8)
    assert pattern.d[at] == pytest.approx(d)
    assert pattern.two_theta[at] == pytest.approx(2 * math.degrees(math.asin(1.54184 / (2 * d))))
    assert pattern.peaks["q"].iloc[at] == pytest.approx(2 * math.pi / d)
    assert pattern.families[at][0].multiplicity == 12


@pytest.mark.parametrize(
    ("name", "there", "extinct"),
    [
        ("rock salt NaCl", ["111", "200", "220"], ["100", "110", "210"]),
        ("diamond C", ["111", "220"], ["200", "222", "100"]),
        ("bcc W", ["110", "200", "211"], ["100", "111", "210"]),
        ("hcp Mg", ["100", "002", "101"], ["001", "111"]),
    ],
)
def test_extinctions(name: str, there: list[str], extinct: list[str]) -> None:
    found = seen(xc.xrd(CRYSTALS[name], limits=(0, 120)))
    assert set(there) <= set(found)
    assert not set(extinct) & set(found)


def test_caesium_chloride_has_all_reflections_the_odd_ones_weak() -> None:
    pattern = xc.xrd(build(221, (4.12, 4.12, 4.12, 90, 90, 90), ("Cs", "a", FIXED), ("Cl", "b", FIXED)))
    intensity = dict(zip(seen(pattern), pattern.intensity, strict=True))
    assert intensity["110"] == 100
    assert 0 < intensity["100"] < 50 and 0 < intensity["111"] < 50


def test_strength_of_few_electrons_is_the_sum_of_all_electrons() -> None:
    """At the smallest angles a reflection with all atoms in phase scatters as all electrons together."""
    crystal = build(221, (400.0, 400.0, 400.0, 90, 90, 90), ("Cs", "a", FIXED))
    found = reflections_of(cell_of_crystal(crystal), 399.0)
    assert found.strength == pytest.approx(6 * 55**2, rel=1e-3)


@pytest.mark.parametrize("name", CRYSTALS)
@pytest.mark.parametrize("source", ["CuKa", "MoKa"])
def test_agrees_with_pymatgen(name: str, source: str) -> None:
    primitive = CRYSTALS[name].to_structure()
    for structure in (primitive, conventional(primitive)):
        theirs, ours = XRDCalculator(source).get_pattern(structure), xc.xrd(structure, source=source)
        np.testing.assert_allclose(ours.two_theta, theirs.x, rtol=1e-6)
        np.testing.assert_allclose(ours.intensity, theirs.y, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(ours.d, theirs.d_hkls, rtol=1e-6)


def test_multiplicities_count_all_reflections() -> None:
    """Families are by the Laue group: of low symmetry they are smaller, though the peak is one."""
    cubic = xc.xrd(CRYSTALS["perovskite SrTiO3"])
    assert {str(f): f.multiplicity for peak in cubic.families for f in peak}["210"] == 24
    quartz = xc.xrd(CRYSTALS["quartz SiO2"])
    theirs = XRDCalculator().get_pattern(CRYSTALS["quartz SiO2"].to_structure())
    assert quartz.peaks["multiplicity"].tolist() == [sum(f["multiplicity"] for f in hkls) for hkls in theirs.hkls]


def test_extinct_reflections_are_not_counted() -> None:
    """Of pyrite's 210 and 120, which pymatgen counts as 24 equivalent reflections, Pa-3 extinguishes one family."""
    pyrite = Structure.from_spacegroup("Pa-3", Lattice.cubic(5.42), ["Fe", "S"], [[0, 0, 0], [0.385] * 3])
    multiplicity = {str(f): f.multiplicity for peak in xc.xrd(pyrite).families for f in peak}
    assert multiplicity["210"] == 12 and "120" not in multiplicity


def test_any_cell_gives_one_pattern() -> None:
    primitive = CRYSTALS["spinel MgAl2O4"].to_structure()
    pattern, other = xc.xrd(primitive), xc.xrd(primitive * (2, 1, 1))
    np.testing.assert_allclose(other.intensity, pattern.intensity, rtol=1e-6)
    assert seen(other) == seen(pattern) == seen(xc.xrd(CRYSTALS["spinel MgAl2O4"]))


def test_a_disordered_site_scatters_by_its_occupancies() -> None:
    lattice = Lattice.cubic(3.6)
    half = xc.xrd(Structure(lattice, [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]]))
    theirs = XRDCalculator().get_pattern(Structure(lattice, [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]]))
    np.testing.assert_allclose(half.intensity, theirs.y, rtol=1e-6)
    assert not np.allclose(half.intensity, xc.xrd(Structure(lattice, ["Cu"], [[0, 0, 0]])).intensity, rtol=1e-3)


def test_profile_has_its_peaks_where_they_are_and_as_wide_as_asked() -> None:
    pattern = xc.xrd(CRYSTALS["diamond C"], broadening=0.3)
    x, y = pattern.profile(np.arange(40, 48, 0.001))
    assert x[y.argmax()] == pytest.approx(pattern.two_theta[0], abs=2e-3)
    assert np.ptp(x[y > 50]) == pytest.approx(0.3, abs=0.01)
    in_q = xc.xrd(CRYSTALS["diamond C"], unit="q")
    assert in_q.position[0] == pytest.approx(2 * math.pi / pattern.d[0])
    assert in_q.profile()[0].max() < 10


def test_small_crystallites_broaden_as_scherrer_says() -> None:
    (width,) = Broadening(1e-6, size=10).widths(np.array([60.0]), 1.54184)
    assert width == pytest.approx(math.degrees(0.9 * 1.54184 / (100 * math.cos(math.radians(30)))), rel=1e-4)


def test_peaks_explain_themselves() -> None:
    pattern = xc.xrd(CRYSTALS["rock salt NaCl"])
    assert pattern.explain(31.7)["hkl"].tolist() == ["200"]
    assert pattern.explain(60.0).empty
    negative = xc.xrd(CRYSTALS["baddeleyite ZrO2"]).peaks["hkl"].str.cat(sep=" ")
    assert "1\u0305" in negative


def test_figure_overlays_two() -> None:
    one, other = (xc.xrd(CRYSTALS[name]) for name in ("rock salt NaCl", "fluorite CaF2"))
    figure = one.figure(other)
    assert {trace.name for trace in figure.data if trace.name} == {"NaCl", "CaF<sub>2</sub>"}
    assert max(figure.data[0].y) == pytest.approx(100) and min(figure.data[2].y) == pytest.approx(-100)
    assert "200" in figure.data[1].text


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "NaCl.cif"
    CRYSTALS["rock salt NaCl"].to_structure().to(str(path), fmt="cif")
    np.testing.assert_allclose(xc.xrd(path).two_theta, xc.xrd(CRYSTALS["rock salt NaCl"]).two_theta, atol=1e-3)
    with pytest.raises(ReadError, match="no file"):
        xc.xrd(tmp_path / "none.cif")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": "CuKz"}, "no source"),
        ({"source": 99}, "wavelength"),
        ({"unit": "d"}, "no unit"),
        ({"broadening": 0}, "broadening"),
        ({"broadening": math.nan}, "broadening"),
        ({"limits": (50, 20)}, "range"),
        ({"limits": (1, 3)}, "no reflection"),
        ({"limits": 3}, "two angles"),
    ],
)
def test_what_cannot_be_is_said(options: dict[str, object], words: str) -> None:
    with pytest.raises(TargetError, match=words):
        xc.xrd(CRYSTALS["rock salt NaCl"], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(CRYSTALS))
def test_the_symmetry_of_a_decode_need_not_be_looked_for(name: str) -> None:
    structure = CRYSTALS[name].to_structure()
    quick, careful = xc.xrd(cell_of_decode(structure)), xc.xrd(structure)
    np.testing.assert_allclose(quick.two_theta, careful.two_theta, atol=1e-4)
    np.testing.assert_allclose(quick.intensity, careful.intensity, atol=1e-3)
    assert quick.space_group == CRYSTALS[name].space_group


def test_a_decode_whose_cell_was_changed_has_its_own_symmetry() -> None:
    structure = CRYSTALS["rock salt NaCl"].to_structure()
    assert cell_of_decode(structure).group == 225
    structure.lattice = Lattice(structure.lattice.matrix @ np.diag([1.0, 1.0, 1.2]))
    assert cell_of_decode(structure).group != 225


def test_the_wavelengths_are_those_of_pymatgen() -> None:
    assert WAVELENGTHS == THEIR_WAVELENGTHS
