"""Whatever is done can be undone and done again, exactly."""

from __future__ import annotations

from contextlib import suppress
from operator import attrgetter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.errors import TargetError
from xcrystal.explorer.session.commands import Sample
from xcrystal.explorer.session.history import KEPT, Entry, History
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

SALT = CRYSTALS["rock salt NaCl"].to_structure()
PLACES = st.floats(-5, 15)
ALLOY = Structure(Lattice.cubic(3.7), [{"Cu": 0.6, "Au": 0.3}], [[0, 0, 0]])
ACTS = st.one_of(
    st.tuples(st.just("select"), st.integers(-1, 20_000)),
    st.tuples(st.just("select"), st.sampled_from(["mp-5986", "mp-22862", "no such id"])),
    st.tuples(st.just("move"), st.integers(0, 7), st.floats(-3, 3)),
    st.tuples(st.just("settle")),
    st.tuples(st.just("load"), st.sampled_from([SALT, ALLOY, "no such file.cif", None])),
    st.tuples(st.just("navigation.go_to_coordinates"), PLACES, PLACES),
    st.tuples(st.just("navigation.sample"), st.integers(0, 9)),
    st.tuples(st.just("navigation.random_step"), st.integers(0, 9)),
    st.tuples(st.just("navigation.undo_moves")),
    st.tuples(st.just("reset")),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
    st.tuples(st.just("show"), st.sampled_from(["loaded", "decoded", "both", "overlay"])),
    st.tuples(st.just("display.show_cell"), st.sampled_from(["primitive", "conventional"])),
    st.tuples(st.just("display.show_supercell"), st.tuples(*[st.integers(1, 3)] * 3)),
    st.tuples(st.just("display.show_boundary"), st.booleans()),
    st.tuples(st.just("display.show_bonds"), st.booleans()),
    st.tuples(st.just("display.show_perspective"), st.booleans()),
    st.tuples(st.just("display.label_atoms"), st.sampled_from(["none", "elements", "sites"])),
    st.tuples(st.just("display.show_polyhedra"), st.booleans()),
    st.tuples(st.just("display.show_style"), st.sampled_from(["ball-and-stick", "space-filling"])),
    st.tuples(st.just("display.hide_elements"), st.sampled_from([["O"], ["Ti", "O"], []])),
    st.tuples(st.just("display.color_by"), st.sampled_from(["band_gap", "space_group"])),
    st.tuples(st.just("explanations.attribute"), st.sampled_from([None, "band_gap"])),
    st.tuples(st.just("search"), st.sampled_from(["SrTiO3", "gap > 4", "nonsense?"])),
    st.tuples(st.just("selections.select_polygon"), st.just([(0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0)])),
    st.tuples(st.just("directions.keep_group"), st.integers(0, 1)),
    st.tuples(st.just("sliders.show_axes"), st.sampled_from(["principal", "latent", "property"])),
    st.tuples(st.just("set_end"), st.sampled_from(["A", "B"])),
    st.tuples(st.just("interpolate"), st.just("linear"), st.just(3)),
    st.tuples(st.just("interpolation.show_frame"), st.integers(0, 3)),
    st.tuples(st.just("interpolation.clear")),
)


@pytest.fixture(scope="module")
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


def do(session: Session, act: tuple[object, ...]) -> None:
    name, *arguments = act
    with suppress(TargetError):  # a request for what is not there, which must change nothing
        attrgetter(str(name))(session)(*arguments)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=8))
def test_any_acts_can_be_undone_to_the_start_and_done_again(session: Session, acts: list[tuple[object, ...]]) -> None:
    while session.place_in_history:
        session.undo()
    start = session.state
    for act in acts:
        before, place = session.state, session.place_in_history
        do(session, act)
        if act[0] not in ("undo", "redo", "settle") and session.idle and session.state is not before:
            assert session.place_in_history == place + 1
    session.settle()
    end, place = session.state, session.place_in_history
    while session.place_in_history:
        session.undo()
    assert session.state is start
    session.undo()  # there is nothing more to undo
    assert session.state is start
    for _ in range(place):
        session.redo()
    assert session.state is end


def test_a_drag_is_one_step(session: Session) -> None:
    session.reset()
    session.select(3)
    session.settle()
    start, place = session.state, session.place_in_history
    for value in np.linspace(-1, 1, 5):
        session.move(0, value)
    assert session.place_in_history == place + 1
    session.settle()
    session.move(0, 2.0)
    assert session.place_in_history == place + 2  # idle in between
    session.settle()
    session.undo()
    session.undo()
    assert session.state is start


def test_what_was_undone_is_forgotten_when_something_new_is_done(session: Session) -> None:
    session.reset()
    session.select(3)
    session.undo()
    session.select(4)
    assert [entry.title for entry in session.history][-1] == f"went to {session.atlas.table.material_id[4]}"
    session.redo()
    assert session.state.point.material_id == session.atlas.table.material_id[4]


def test_undo_emits_what_changed_and_says_so(session: Session) -> None:
    session.reset()
    session.display.color_by("band_gap")
    heard: list[str] = []
    stop = session.subscribe(heard.append)
    session.undo()
    stop()
    assert "color" in heard and "crystal" not in heard
    assert session.change_summary.startswith("Undone")


def test_invalid_requests_leave_no_trace(session: Session) -> None:
    before, place = session.state, session.place_in_history
    session.select("no such id")
    session.load("no such file")
    session.go([1.0, 2.0])
    session.move(0, float("inf"))
    session.navigation.go_to_coordinates(float("nan"), 0.0)
    session.navigation.go_to_coordinates(1e9, 0.0)
    with pytest.raises(TargetError):
        session.move("no such axis", 1.0)
    assert session.state is before
    assert session.place_in_history == place


def test_the_oldest_are_forgotten(session: Session) -> None:
    history = History(session.state)
    for number in range(KEPT + 20):
        history.add(Entry(Sample(seed=number), session.state))
    assert len(history.entries) == KEPT
    assert history.now.command == Sample(seed=KEPT + 19)
    assert history.go(KEPT) is None


def test_a_drag_on_the_map_leaves_no_moves_to_undo(session: Session) -> None:
    session.reset()
    x, y = session.state.point.position
    session.navigation.go_to_coordinates(x + 0.3, y + 0.2, moving=True)
    session.settle()
    assert not session.navigation.moved
