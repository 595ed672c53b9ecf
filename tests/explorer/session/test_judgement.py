"""The report of the crystal in a session, the decoder's runners-up, and the line in words about every change."""

from __future__ import annotations

import numpy as np
import pytest

from tests.crystals import CRYSTALS
from xcrystal.errors import TargetError
from xcrystal.explorer.session.commands import ShowAlternative
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

EVIL = "<img src=x onerror=alert(1)>.cif"


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def events(session: Session) -> list[str]:
    heard: list[str] = []
    session.subscribe(heard.append)
    session.assessment.schedule = session.assessment.make
    return heard


def test_the_judgement_comes_after_the_crystal_and_is_there_at_once_after_undo(
    session: Session, events: list[str]
) -> None:
    session.select(11)
    assert events.index("crystal") < events.index("judged")
    first = session.assessment.report
    assert first is not None and first.formula == session.structure.composition.reduced_formula
    session.select(12)
    events.clear()
    session.undo()
    assert session.assessment.report is first
    assert "judged" not in events


def test_there_is_no_judgement_while_a_hand_moves(session: Session, events: list[str]) -> None:
    session.select(11)
    session.move(0, 1.0)
    assert session.assessment.report is None and not session.idle
    session.settle()
    assert session.assessment.report is not None
    assert session.assessment.report.formula == session.structure.composition.reduced_formula


def test_a_script_judges_when_it_asks(session: Session) -> None:
    session.select(11)
    assert session.assessment.report is None
    report = session.assessment.make()
    assert session.assessment.report is report is session.assessment.make()
    assert not report.novelty.new


def test_runners_up_are_less_certain_than_certain_choices(session: Session) -> None:
    for seed in range(3):
        session.navigation.sample(seed)
        found = session.assessment.alternatives()
        assert all(0.001 <= a.probability <= 1 for a in found)
        own = session.structure
        for a in found:
            if a.kind == "group":
                assert a.value != own.properties["space_group"]
            else:
                site = own.site_properties["orbit"].index(a.orbit)
                assert own[site].specie.symbol != a.value


def test_a_runner_up_can_be_looked_at_and_undone(session: Session) -> None:
    session.navigation.sample(3)
    before = session.state.point
    alternatives = session.assessment.alternatives()
    assert alternatives
    for a in alternatives:
        session.assessment.show_alternative(a.kind, a.value, a.orbit)
        label, commands = session.label, session.state.point.commands
        assert label.startswith(f"{before.label}, but ")
        assert commands[: len(before.commands)] == before.commands
        assert commands[-1] == ShowAlternative(a.kind, a.value, a.orbit)
        if not session.message:
            if a.kind == "group":
                assert session.structure.properties["space_group"] == a.value
            else:
                assert a.value in session.structure.composition.as_dict()
        session.undo()
        assert session.state.point is before


def test_the_code_of_a_runner_up_brings_it_back(session: Session, model: CrystalModel, atlas: Atlas) -> None:
    session.select("mp-5986")
    session.move(1, 1.0)
    session.assessment.show_alternative("group", 221)
    other = Session(model, atlas)
    for command in session.state.point.commands:
        exec(command.code(), {"session": other})
    np.testing.assert_allclose(other.z, session.z, atol=1e-5)
    assert other.label == session.label


@pytest.mark.parametrize(
    ("kind", "value", "orbit"),
    [("colour", 1, None), ("group", 231, None), ("group", "x", None), ("element", "Qq", 0), ("element", "O", 99)],
)
def test_what_is_no_alternative_raises(session: Session, kind: str, value: int | str, orbit: int | None) -> None:
    before = session.state
    with pytest.raises(TargetError, match="There is no"):
        session.assessment.show_alternative(kind, value, orbit)
    assert session.state is before


def test_the_summary_of_a_move_is_of_the_crystal_that_is_shown(session: Session) -> None:
    session.select(123)
    for value in (0.5, 1.0, 2.0, -2.0):
        session.move(0, value)
    old, new = session.history[-2].state.point, session.state.point
    assert len(session.change_summaries) == 2
    session.settle()
    new = session.state.point
    one, other = (p.structure.composition.reduced_formula for p in (old, new))
    assert (f"{one} became {other}" if one != other else f"still {one}") in session.change_summary
    assert session.change_summaries[-1] == session.change_summary and len(session.change_summaries) == 2
    assert f"{new.predicted['band_gap']:.1f} eV" in session.change_summary
    assert f"nearest known crystal {new.neighbours[0].material_id}" in session.change_summary


def test_every_kind_of_change_has_a_summary(session: Session) -> None:
    said = []

    def tell(act: object, *words: str) -> None:
        said.append(session.change_summary)
        assert session.change_summaries[-1] == session.change_summary
        assert all(word in session.change_summary for word in words), (session.change_summary, words)
        assert session.change_summary[0].isupper() and session.change_summary.endswith(".")
        assert "None" not in session.change_summary and "_" not in session.change_summary

    tell(session.select("mp-22862"), "Went to mp-22862", "NaCl instead of BaTiO3", "space group 99 → 225")
    tell(session.display.color_by("band_gap"), "The map is coloured by band gap.")
    tell(session.undo(), "Undone (map coloured by band gap)", "formation energy")
    tell(session.display.show_supercell((2, 1, 3)), "The cell is drawn 2 × 1 × 3 times.")
    tell(session.display.show_bonds(False), "Bonds are not drawn.")
    tell(session.display.show_perspective(True), "Perspective is on.")
    tell(session.display.label_atoms("sites"), "Atoms are labelled by site.")
    tell(session.display.show_polyhedra(False), "Polyhedra are not drawn.")
    tell(session.display.show_style("space-filling"), "Atoms are drawn space-filling.")
    tell(session.display.show_element_colors("vesta"), "Elements have the colours of VESTA.")
    tell(session.display.hide_elements(["O"]), "O not drawn.")
    tell(session.display.hide_elements([]), "All elements are drawn.")
    tell(session.display.show_boundary(False), "Atoms on the boundary are drawn once.")
    tell(session.display.show_cell("primitive"), "The primitive cell is drawn.")
    tell(session.explanations.attribute("band_gap"), "predicted band gap")
    tell(session.navigation.sample(1), "Drew from the prior", "instead of NaCl")
    tell(session.load(CRYSTALS["rock salt NaCl"].to_structure()), "the reconstruction of NaCl matches it, RMS 0.0")
    tell(session.show("both"), "Two crystals are drawn side by side.")
    tell(session.reset(), "Reset: BaTiO3 instead of NaCl")
    tell(session.undo(), "Undone (reset): NaCl instead of BaTiO3")
    assert len(session.change_summaries) == len(said)


def test_the_summary_of_an_undo_stays_that_of_an_undo(session: Session) -> None:
    session.select(123)
    session.move(0, 2.0)  # not settled: the crystal is decoded with care only when we come back to it
    session.select(124)
    session.undo()
    assert not session.state.point.quick
    formula = session.structure.composition.reduced_formula
    assert session.change_summary.startswith("Undone (went to ") and (f"{formula} instead of" in session.change_summary)
    session.select(125)
    session.go_to_entry(1)
    assert session.change_summary.startswith(f"Back to the {session.label}: ")
    session.go_to_entry(3)
    assert session.change_summary.startswith(f"Forward to the {session.label}: ")


def test_a_summary_shows_file_names_as_they_are(session: Session) -> None:
    session.navigation.load_bytes(CRYSTALS["rock salt NaCl"].to_structure().to(fmt="cif").encode(), EVIL)
    assert f"Loaded {EVIL}:" in session.change_summary


def test_a_move_tells_which_way_it_went(session: Session) -> None:
    session.sliders.show_axes("property")
    axis = next(a for a in session.sliders.axes if a.name.startswith("lower formation energy"))
    here = float(axis.coordinates(session.z)[0])
    session.move(axis.name, here + 1)
    session.settle()
    assert session.change_summary.startswith(f"Towards {axis.name}: ")
    session.move(axis.name, here - 1)
    session.settle()
    assert session.change_summary.startswith(f"Away from {axis.name}: ")
    session.sliders.show_axes("principal")
    name = session.sliders.axes[0].name
    session.move(name, float(session.sliders.coordinates[0]) - 0.7)
    session.settle()
    assert session.change_summary.startswith(f"Moved along {name} by −0.7: ")
    assert session.change_summaries[-1] == session.change_summary
