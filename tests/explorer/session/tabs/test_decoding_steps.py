"""Choices of the decoder are overruled in a session: undone, saved, repeated as code, and refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest

from xcrystal.crystal.geometry.matching import looks_the_same
from xcrystal.explorer.session.commands import OverruleChoice
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    made = Session(model, atlas)
    made.select("mp-22862")  # NaCl
    return made


def test_overruling_shows_another_crystal_of_the_same_vector(session: Session) -> None:
    before = session.state.point
    assert session.decoding.overrule("element of orbit 1", "K")
    assert session.structure.composition.reduced_formula == "KCl"
    assert session.label == "decode of mp-22862, but K as element of orbit 1"
    assert np.array_equal(session.z, before.z)
    assert session.state.point.predicted == pytest.approx(before.predicted)
    found = session.decoding.shown()
    assert not found.refined and found.steps.overruled == (("element of orbit 1", "K"),)
    session.undo()
    assert session.state.point is before
    session.redo()
    assert session.structure.composition.reduced_formula == "KCl"


def test_what_is_decided_anew_is_no_longer_overruled(session: Session) -> None:
    session.decoding.overrule("element of orbit 2", "Br")
    session.decoding.overrule("element of orbit 1", "K")
    assert session.label == "decode of mp-22862, but K as element of orbit 1"
    assert [type(one).__name__ for one in session.state.point.commands] == ["Select", "OverruleChoice"]
    session.decoding.show_greedy()
    assert session.structure.composition.reduced_formula == "NaCl"


def test_an_impossible_choice_is_said_and_nothing_changes(session: Session) -> None:
    before = session.state.point
    assert not session.decoding.overrule("position of orbit 1", "z")
    assert "has no Wyckoff position 'z'" in session.message
    assert session.state.point is before
    assert session.decoding.explain("cell") is None
    assert "not a choice among a few" in session.message


def test_overruled_choices_are_saved_and_written_as_code(session: Session, model: CrystalModel, atlas: Atlas) -> None:
    session.decoding.overrule("space group", "221 (Pm-3m)")
    session.decoding.overrule("element of orbit 1", "Cs")
    shown = session.structure
    assert "session.decoding.overrule('element of orbit 1', 'Cs')" in session.code()
    other = Session(model, atlas)
    assert other.file.open_json(session.file.to_json())
    assert looks_the_same(other.structure, shown)
    other.decoding.overrule("element of orbit 1", "K")
    assert other.label == "decode of mp-22862, but 221 (Pm-3m) as space group, but K as element of orbit 1"
    again = Session(model, atlas)
    names = {"session": again}
    for line in session.code().splitlines():
        if line.startswith("session."):
            exec(line, names)
    assert looks_the_same(again.structure, shown)
    # a slider goes on from the vector, whose decode is decided anew
    again.move(0, 0.0)
    assert not isinstance(again.state.point.commands[-1], OverruleChoice)


def test_a_damaged_choice_of_a_saved_session_is_one_sentence(session: Session) -> None:
    session.decoding.overrule("element of orbit 1", "K")
    before = session.state
    assert not session.file.open_json(session.file.to_json().replace('"K"', '"Xx"'))
    assert "knows no element 'Xx'" in session.message
    assert session.state is before


def test_a_refined_crystal_is_not_said_to_be_the_greedy_decode(session: Session, model: CrystalModel) -> None:
    # latent vectors of nobody: reranking takes another crystal at some of them
    for z in model.sample_latent(40, seed=1):
        chosen, greedy = model.decode(z)[0], model.decode(z, effort="fast")[0]
        if not looks_the_same(chosen, greedy):
            break
    else:
        pytest.fail("reranking has changed none of 40 crystals")
    session.go(z)
    found = session.decoding.shown()
    assert found.refined
    assert not looks_the_same(found.steps.structure, session.structure)
    session.decoding.show_greedy()
    assert looks_the_same(session.structure, greedy)
    assert not session.decoding.shown().refined
    assert not session.refinement.search_when_idle()
    session.undo()
    assert looks_the_same(session.structure, chosen)
