"""Powder patterns in a session: they follow the crystal, are kept and undone, and lead to crystals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.diffraction.measured import MeasuredPattern
from xcrystal.diffraction.powder import Pattern
from xcrystal.errors import TargetError
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.session.state import PatternView
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

QUARTZ = CRYSTALS["quartz SiO2"]


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture(scope="module")
def quartz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as a diffractometer writes it: counts with noise over a background."""
    x, y = xc.xrd(QUARTZ, broadening=0.15).profile(np.arange(15, 75, 0.02))
    counts = np.random.default_rng(0).poisson(20 * y + 300 * np.exp(-x / 20) + 50)
    path = tmp_path_factory.mktemp("patterns") / "quartz.xy"
    np.savetxt(path, np.column_stack([x, counts]), fmt="%.2f")
    return path


def test_the_pattern_is_that_of_the_crystal_that_is_shown(session: Session) -> None:
    diffraction = session.diffraction
    for crystal in ("mp-22862", "mp-7000"):
        session.select(crystal)
        expected = xc.xrd(session.structure, limits=diffraction.pattern.limits)
        np.testing.assert_allclose(diffraction.pattern.two_theta, expected.two_theta, atol=1e-6)
        np.testing.assert_allclose(diffraction.pattern.intensity, expected.intensity, atol=1e-4)
        assert diffraction.pattern.families == expected.families
    session.load(QUARTZ.to_structure())
    assert diffraction.pattern.two_theta[1] == pytest.approx(xc.xrd(QUARTZ).two_theta[1], abs=1e-4)
    session.show("decoded")
    assert diffraction.pattern.two_theta[1] != pytest.approx(xc.xrd(QUARTZ).two_theta[1], abs=1e-6)


def test_all_sources_show_the_same_planes(session: Session) -> None:
    diffraction = session.diffraction
    planes = {str(family) for peak in diffraction.pattern.families for family in peak}
    for source in ("MoKa", "CoKa", 0.5):
        diffraction.show(source=source)
        found = {str(family) for peak in diffraction.pattern.families for family in peak}
        assert len(found ^ planes) <= 2  # at the very end of the axis
    diffraction.show(unit="q")
    assert diffraction.pattern.position[-1] < 2 * np.pi / 1.08


def test_what_lies_over_it_is_chosen_and_undone(session: Session) -> None:
    diffraction = session.diffraction
    assert list(diffraction.choices) == [""] and diffraction.second is None
    session.pin()
    session.load(QUARTZ.to_structure())
    session.set_end("A")
    assert list(diffraction.choices) == ["", "loaded", "A", "pin 1"]
    diffraction.show(second="pin 1")
    assert isinstance(diffraction.second, Pattern) and diffraction.second.formula == "BaTiO3"
    diffraction.show(second="loaded", fwhm=0.5, size=20)
    assert isinstance(diffraction.second, Pattern) and diffraction.second.formula == "SiO2"
    assert diffraction.second.broadening.size == 20
    assert (
        session.change_summary == "Diffraction is shown with peaks 0.5° wide, for crystallites of 20 nm, beside loaded."
    )
    session.undo()
    assert session.state.diffraction == PatternView(second="pin 1")
    session.pins.remove(0)
    assert diffraction.second is None  # it is gone


@pytest.mark.parametrize(
    "wrong",
    [{"source": "ZzKa"}, {"source": 50}, {"unit": "d"}, {"fwhm": 0}, {"fwhm": 3}, {"size": -1}, {"size": 0.5},
     {"second": "pin 3"}, {"fwhm": float("nan")}],
)  # fmt: skip
def test_what_cannot_be_shown_raises_and_changes_nothing(session: Session, wrong: dict[str, object]) -> None:
    before = session.state
    with pytest.raises(TargetError):
        session.diffraction.show(**wrong)  # type: ignore[arg-type]
    assert session.state is before


def test_a_measured_pattern_is_laid_over_kept_and_undone(session: Session, quartz: Path, tmp_path: Path) -> None:
    diffraction = session.diffraction
    diffraction.show(source="MoKa")
    assert diffraction.read(quartz)
    assert session.state.diffraction == PatternView(source="CuKa", second="measured")
    assert diffraction.limits == pytest.approx((15.0, 74.98), abs=0.02)
    assert isinstance(diffraction.second, MeasuredPattern)
    assert session.change_summary.startswith("The pattern quartz.xy is measured from 15 to 75 degrees")
    session.save(tmp_path / "saved.json")
    other = Session(session.model, session.atlas)
    assert other.file.open(tmp_path / "saved.json"), other.message
    kept = other.state.measured
    assert kept is not None and kept.name == "quartz.xy" and other.state.diffraction == session.state.diffraction
    np.testing.assert_allclose(kept.two_theta, diffraction.second.two_theta, atol=1e-4)
    np.testing.assert_allclose(kept.intensity, diffraction.second.intensity)
    assert "session.diffraction.read('quartz.xy', line=1.54184)" in session.code()
    assert "session.diffraction.show(source='CuKa', second='measured')" in session.code()
    diffraction.remove()
    assert session.state.measured is None and session.state.diffraction.second == ""
    session.undo()
    session.undo()
    assert session.state.measured is None and session.state.diffraction == PatternView(source="MoKa")


def test_a_damaged_pattern_in_a_saved_session_is_refused(session: Session, quartz: Path) -> None:
    session.diffraction.read(quartz)
    before = session.state
    for name, wrong in (
        ("measured", {"intensity": []}),
        ("measured", {"two_theta": ["<b>"]}),
        ("measured", {"wavelength": -1.0}),
        ("diffraction", {"unit": "x"}),
        ("diffraction", {"source": 3}),
    ):
        content = json.loads(session.file.to_json())
        content["state"][name] |= wrong
        assert not session.file.open_json(json.dumps(content))
        assert "damaged" in session.message and session.state is before


def test_what_is_no_pattern_is_said_and_nothing_is_lost(session: Session, quartz: Path, tmp_path: Path) -> None:
    diffraction = session.diffraction
    assert diffraction.identify() == 0 and "Load a measured pattern first" in session.message
    diffraction.read(quartz)
    before = session.state
    assert not diffraction.read(tmp_path / "none.xy") and "no file" in session.message
    assert not diffraction.read_bytes(b"1 2\n3 4\n", "few.xy") and "at least 50" in session.message
    assert not diffraction.read_bytes(quartz.read_bytes(), "quartz.xy", line="Zz") and "no source" in session.message
    assert diffraction.identify("Na Xx") == 0 and "no element 'Xx'" in session.message
    assert diffraction.identify(formula="Si?") == 0 and "not a formula" in session.message
    assert session.state is before and diffraction.last is None
    diffraction.go_to_match(0)
    assert "no match 0" in session.message


def test_a_pattern_leads_to_its_crystal_and_can_be_stopped(session: Session, quartz: Path) -> None:
    diffraction = session.diffraction
    diffraction.read(quartz)
    heard: list[str] = []
    session.subscribe(heard.append)
    assert diffraction.identify("Si O", n=3) == 3
    found = diffraction.last
    assert found is not None and found.told == "Si O" and "matches" in heard
    first = found.matches[0]
    assert match_rms(first.structure, QUARTZ.to_structure()) is not None
    assert first.material_id is not None and found.positions[0] is not None
    np.testing.assert_allclose(found.positions[0], session.points.of_row(session.atlas.row(first.material_id)).position)
    diffraction.go_to_match(0)
    assert session.state.point.material_id == first.material_id
    session.undo()
    assert session.change_summary.startswith("Undone (")
    check_kept(session)
    session.undo()
    assert diffraction.last is None  # the search is undone
    session.redo()
    assert diffraction.last is found

    def stop(event: str) -> None:
        if event == "progress" and session.progress is not None and session.progress.done == 3:
            session.stop()

    session.subscribe(stop)
    assert diffraction.identify("Si O") == 0
    assert "stopped" in session.message and diffraction.last is found and session.progress is None


def check_kept(session: Session) -> None:
    """Matches come back with a saved session, and with code; what is damaged is refused."""
    found = session.diffraction.last
    assert found is not None
    other = Session(session.model, session.atlas)
    saved = session.file.to_json()
    assert other.file.open_json(saved), other.message
    again = other.diffraction.last
    assert again is not None and again.asked == found.asked
    assert [m.material_id for m in again.matches] == [m.material_id for m in found.matches]
    for one, kept in zip(found.matches, again.matches, strict=True):
        assert (kept.formula, kept.space_group, kept.origin) == (one.formula, one.space_group, one.origin)
        assert (kept.similarity, kept.score, kept.zero) == (one.similarity, one.score, one.zero)
        assert match_rms(kept.structure, one.structure) == pytest.approx(0, abs=1e-3)
        np.testing.assert_allclose(kept.pattern.two_theta, one.pattern.two_theta, atol=1e-3)
    for position, kept_position in zip(found.positions, again.positions, strict=True):
        assert kept_position == pytest.approx(position, abs=1e-3)
    other.diffraction.go_to_match(0)
    assert other.state.point.material_id == found.matches[0].material_id
    assert "session.diffraction.identify('Si O', '', 3)" in session.code()
    for name, wrong in (("material_id", "mp-none"), ("similarity", 2.0), ("space_group", 0), ("structure", {})):
        content = json.loads(saved)
        content["state"]["matches"]["found"][0][name] = wrong
        assert not other.file.open_json(json.dumps(content)) and "damaged" in other.message


def test_another_pattern_has_no_matches_yet(session: Session, quartz: Path) -> None:
    diffraction = session.diffraction
    diffraction.read(quartz)
    assert diffraction.identify("Si O", n=1) == 1
    diffraction.read(quartz)
    assert diffraction.last is None
    session.undo()
    assert diffraction.last is not None
    diffraction.remove()
    assert diffraction.last is None


def test_a_formula_proposes_crystals_that_are_loaded(session: Session, quartz: Path) -> None:
    diffraction = session.diffraction
    diffraction.read(quartz)
    assert diffraction.identify(formula="SiO2", n=2)
    assert diffraction.last is not None
    match = diffraction.last.matches[0]
    assert match_rms(match.structure, QUARTZ.to_structure()) is not None
    diffraction.go_to_match(0)
    shown = session.display.structure
    assert match_rms(shown, QUARTZ.to_structure()) is not None
    if match.material_id is None:
        assert session.state.loaded is not None and session.state.loaded.name == "SiO2, match 1"


def test_a_pin_that_is_laid_over_is_the_same_after_others_are_gone(session: Session) -> None:
    session.pin()
    session.load("mp-22862")
    session.pin()
    session.diffraction.show(second="pin 2")
    session.pins.move(1, 0)
    assert session.state.diffraction.second == "pin 1"
    session.pins.remove(1)
    assert session.diffraction.second is not None and session.diffraction.second.formula == "NaCl"
    session.pins.remove(0)
    assert session.state.diffraction.second == ""


def test_code_takes_the_measured_pattern_away_from_the_drawing_where_it_was(session: Session, quartz: Path) -> None:
    session.diffraction.read(quartz)
    session.diffraction.show(second="")
    (line,) = [line for line in session.code().splitlines() if "diffraction.show(" in line]
    assert "second=''" in line.replace('"', "'")
