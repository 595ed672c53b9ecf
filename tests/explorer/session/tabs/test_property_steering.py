"""Steering and proposals in a session: visible, stoppable, undoable, and never an error for a user's mistake."""

from __future__ import annotations

import numpy as np
import pytest

from xcrystal.errors import TargetError
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


def test_each_step_is_seen_and_undone(session: Session) -> None:
    formulas: list[str] = []
    session.subscribe(
        lambda event: formulas.append(session.structure.composition.reduced_formula) if event == "crystal" else None
    )
    first = session.state.point
    taken = session.steer("band_gap", "higher", steps=3, hold=("elements",))
    assert 1 <= taken <= 3
    assert session.steering.last is not None and len(session.steering.last.values) == taken + 1
    assert (np.diff(session.steering.last.values) > 0).all() and session.steering.last.reason
    assert len(formulas) >= taken and session.idle and session.progress is None
    assert len(session.history) == 1 + taken
    for _ in range(taken):
        session.undo()
    assert session.state.point is first
    session.redo()
    assert session.label.startswith("step 1 towards higher band gap, from the decode of")


def test_it_stops_when_it_is_stopped(session: Session) -> None:
    def stop(event: str) -> None:
        if event == "progress" and session.progress is not None and session.progress.done == 1:
            session.stop()

    session.subscribe(stop)
    assert session.steer("formation_energy_per_atom", "higher", steps=20) == 1
    assert session.steering.last is not None and session.steering.last.reason == "it was stopped"
    assert "ended after 1 step: it was stopped" in session.message


def test_it_ends_when_somebody_goes_elsewhere(session: Session) -> None:
    moved: list[str] = []

    def wander(event: str) -> None:
        if event == "progress" and session.progress is not None and session.progress.done == 1 and not moved:
            moved.append("once")
            session.select("mp-22862")

    session.subscribe(wander)
    session.steer("formation_energy_per_atom", "higher", steps=20)
    assert session.state.point.material_id == "mp-22862"
    assert session.steering.last is not None and session.steering.last.reason == "you went elsewhere"


def test_mistakes_are_said_or_raised(session: Session) -> None:
    assert session.steer("band_gap", steps=0) == 0
    assert "1 to 50 steps" in session.message and len(session.history) == 1
    for wrong in (("colour", "lower", ()), ("band_gap", "sideways", ()), ("band_gap", "lower", ("volume",))):
        with pytest.raises(TargetError):
            session.steer(wrong[0], wrong[1], hold=wrong[2])
    assert session.propose("pigs") == 0
    assert "not a formula" in session.message and len(session.history) == 1
    assert session.propose("NaCl", 0) == 0
    session.steering.show_candidate(3)
    assert "no proposal 3" in session.message and len(session.history) == 1


def test_code_of_a_step_leads_back(session: Session, model: CrystalModel, atlas: Atlas) -> None:
    taken = session.steer("band_gap", "higher", steps=2)
    other = Session(model, atlas)
    for command in session.state.point.commands:
        exec(command.code(), {"session": other})
    assert taken and np.allclose(other.z, session.z, atol=0.05) and other.label == session.label


def test_proposals_are_candidates_to_go_to(session: Session) -> None:
    first = session.state.point
    found = session.propose("KCl", 3)
    assert found == len(session.state.candidates) > 1 and session.state.point is first
    session.steering.show_candidate(1)
    assert session.state.point is session.state.candidates[1]
    assert session.structure.composition.reduced_formula == "KCl"
    assert "proposal 2 for KCl" in session.label
    proposal = session.steering.proposals[session.state.candidates[0]]
    assert proposal.material_id is not None and session.state.candidates[0].predicted == proposal.predicted
    session.undo()
    session.undo()
    assert session.state.candidates == ()


def test_a_formula_without_a_proposal_is_said(session: Session) -> None:
    assert session.propose("KXe2F61") == 0
    assert "No structure of KXe2F61 was found" in session.message
