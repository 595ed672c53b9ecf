"""Moving along the path of a property, as a script does it and as a hand does."""

from __future__ import annotations

import time

import numpy as np
import pytest

from xcrystal.errors import TargetError
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.widget import Explorer
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


def test_a_value_is_set_undone_and_reported_in_python(session: Session, model: CrystalModel, atlas: Atlas) -> None:
    first = session.state.point
    before = session.points.achieved(first)["band_gap"]
    session.property_sliders.set("band_gap", before + 1.0)
    after = session.points.achieved(session.state.point)["band_gap"]
    assert after > before + 0.5 and session.idle and session.navigation.moved
    path = session.property_sliders.path("band_gap")
    assert path is not None and path.complete
    assert np.abs(path.values - (before + 1.0)).min() == pytest.approx(abs(after - before - 1.0), abs=0.05)
    again = Session(model, atlas)
    for command in session.state.point.commands:
        exec(command.code(), {"session": again})
    np.testing.assert_array_equal(again.z, session.z)
    session.property_sliders.set("band_gap", before)
    assert session.state.point is first
    session.undo()
    np.testing.assert_array_equal(again.z, session.z)


def test_a_hand_moves_among_what_is_known_and_is_one_step_of_undo(session: Session) -> None:
    first = session.state.point
    session.sliders.show_axes("property")
    session.property_sliders.set("band_gap", 9.0, moving=True)  # nothing has been found yet
    assert session.state.point is first and "no path" in session.message
    while (path := session.property_sliders.path("band_gap")) is None or len(path.stops) < 3:
        assert session.property_sliders.look_ahead()
    session.property_sliders.set("band_gap", path.values[-1], moving=True)
    assert not session.idle and not session.property_sliders.look_ahead()  # not during a drag
    session.property_sliders.set("band_gap", path.values[0], moving=True)
    np.testing.assert_array_equal(session.z, path.stops[0].z)
    session.settle()
    session.undo()
    assert session.state.point is first


def test_there_is_nothing_to_look_for_where_no_slider_of_a_property_is_shown(session: Session) -> None:
    assert session.state.family == "principal" and not session.property_sliders.look_ahead()


def test_invalid_requests(session: Session) -> None:
    with pytest.raises(TargetError, match="property to set"):
        session.property_sliders.set("colour", 1.0)


def test_the_explorer_looks_ahead_while_idle(session: Session) -> None:
    explorer = Explorer(session)
    try:
        session.sliders.show_axes("property")
        deadline = time.monotonic() + 60
        while (path := session.property_sliders.path("e_above_hull")) is None or len(path.stops) < 2:
            assert time.monotonic() < deadline and session.message == ""
            time.sleep(0.05)
        sliders = explorer.parts["move"].state["axes"]
        assert any(axis["stops"] for axis in sliders)
    finally:
        explorer.close()
