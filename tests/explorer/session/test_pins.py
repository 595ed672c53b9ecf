"""Pinned crystals in a session: kept, ordered, gone to, walked between, undone, saved, and reported as code."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Structure

from tests.crystals import CRYSTALS
from xcrystal.errors import TargetError
from xcrystal.explorer.session.saving.saved_session import plain_structure, read_plain_structure
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.session.state import MOST_PINS
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

TITANATE, SALT = "mp-5986", "mp-22862"


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def pinned(session: Session) -> Session:
    """With BaTiO3 and NaCl pinned, in this order, and NaCl shown."""
    assert session.pin()
    session.select(SALT)
    assert session.pin()
    return session


def formulas(session: Session) -> list[str]:
    return [pin.structure.composition.reduced_formula for pin in session.state.pins]


def test_what_is_shown_is_pinned_and_reported(session: Session) -> None:
    heard: list[str] = []
    session.subscribe(heard.append)
    assert session.pin()
    assert session.state.pins == (session.state.point,)
    assert "pins" in heard
    assert session.change_summary == "BaTiO3 (decode of mp-5986) is pinned."


def test_a_crystal_is_not_pinned_twice(pinned: Session) -> None:
    before = pinned.state
    assert pinned.pin()
    assert pinned.state is before
    assert pinned.message == "NaCl is already pinned."


def test_what_a_hand_is_moving_is_pinned_as_it_is_decoded_with_care(session: Session) -> None:
    session.move(0, 2.0)
    assert session.state.point.quick
    assert session.pin()
    (pin,) = session.state.pins
    assert not pin.quick and pin is session.state.point
    np.testing.assert_array_equal(session.model.decode(pin.z[None])[0].frac_coords, pin.structure.frac_coords)


def test_what_has_no_place_in_latent_space_cannot_be_pinned(session: Session) -> None:
    large = CRYSTALS["rock salt NaCl"].to_structure().copy() * (4, 4, 4)
    large.replace(0, "K")  # no smaller cell describes it
    session.load(large)
    assert session.state.shown == "loaded" and session.state.loaded is not None and session.state.loaded.reason
    assert not session.pin()
    assert "cannot be pinned" in session.message and session.state.pins == ()


def test_there_are_only_so_many_pins(session: Session) -> None:
    for row in range(MOST_PINS):
        session.select(row)
        assert session.pin()
    session.select(MOST_PINS)
    assert not session.pin()
    assert str(MOST_PINS) in session.message and len(session.state.pins) == MOST_PINS


def test_unpinning_is_undone(pinned: Session) -> None:
    pinned.pins.remove(0)
    assert formulas(pinned) == ["NaCl"]
    assert pinned.change_summary == "BaTiO3 (decode of mp-5986) is no longer pinned."
    pinned.undo()
    assert formulas(pinned) == ["BaTiO3", "NaCl"]
    pinned.redo()
    assert formulas(pinned) == ["NaCl"]


def test_the_order_is_the_users(pinned: Session) -> None:
    pinned.select(5)
    pinned.pin()
    pinned.pins.move(2, 0)
    assert formulas(pinned)[1:] == ["BaTiO3", "NaCl"]
    assert pinned.change_summary == "The pinned crystals are in another order."
    steps = pinned.place_in_history
    pinned.pins.move(0, -3)
    assert pinned.place_in_history == steps
    pinned.pins.move(0, 99)
    assert formulas(pinned)[:2] == ["BaTiO3", "NaCl"]


def test_going_to_a_pin_brings_back_the_very_crystal(pinned: Session) -> None:
    there = pinned.state.pins[0]
    pinned.pins.go_to(0)
    assert pinned.state.point is there and pinned.display.structure.composition.reduced_formula == "BaTiO3"
    assert pinned.change_summary.startswith("Went to the pinned BaTiO3: BaTiO3 instead of NaCl")


def test_a_path_between_two_pins_is_one_step_and_brings_its_tab_to_the_front(pinned: Session) -> None:
    heard: list[str] = []
    pinned.subscribe(heard.append)
    place = pinned.place_in_history
    assert pinned.pins.interpolate(1, 0, frames=5)
    path = pinned.state.path
    assert path is not None and len(path.frames) == 5
    assert pinned.state.ends == (pinned.state.pins[1], pinned.state.pins[0])
    assert pinned.state.point is path.frames[0]
    assert pinned.controls.front == "paths" and heard.index("front") > heard.index("path")
    assert pinned.place_in_history == place + 1
    pinned.undo()
    assert pinned.state.ends == (None, None) and pinned.state.path is None


def test_a_path_from_a_crystal_of_another_explorer(pinned: Session) -> None:
    foreign = read_plain_structure(plain_structure(CRYSTALS["rutile TiO2"].to_structure()), pinned)
    assert pinned.pins.interpolate(foreign, 0, frames=3)
    start, _ = pinned.state.ends
    assert start is not None and start.structure.composition.reduced_formula == "TiO2"
    np.testing.assert_allclose(start.z, pinned.model.encode(CRYSTALS["rutile TiO2"].to_structure())[0], atol=1e-3)


def test_a_path_needs_two_pins_that_differ(pinned: Session) -> None:
    assert not pinned.pins.interpolate(0, 0)
    assert pinned.message == "A path needs two different crystals."
    assert not pinned.pins.interpolate(0, 1, frames=1)
    assert "frames" in pinned.message and pinned.state.path is None
    large = CRYSTALS["rock salt NaCl"].to_structure().copy() * (4, 4, 4)
    large.replace(0, "K")
    assert not pinned.pins.interpolate(large, 0)
    assert pinned.message and pinned.state.path is None


def test_pins_that_do_not_exist_are_the_callers_mistake(pinned: Session) -> None:
    for act in (pinned.pins.remove, pinned.pins.go_to, pinned.file.pin_code, lambda k: pinned.pins.move(k, 0)):
        for number in (-1, 2):
            with pytest.raises(TargetError, match="2 crystals are pinned"):
                act(number)
    with pytest.raises(TargetError, match="kind of path"):
        pinned.pins.interpolate(0, 1, kind="winding")


# -- kept


def run(code: str, model: CrystalModel, atlas: Atlas) -> Session:
    """The session after running copied code, with an explorer of the same model but without widgets."""
    new = Session(model, atlas)
    lines = [line for line in code.splitlines() if line.startswith("session.")]
    exec("\n".join(lines), {"session": new, "Structure": Structure})
    return new


def test_the_code_of_a_session_pins_what_was_pinned(pinned: Session, model: CrystalModel, atlas: Atlas) -> None:
    pinned.load(CRYSTALS["rutile TiO2"].to_structure())
    pinned.pin()
    pinned.pins.interpolate(0, 1, frames=4)
    pinned.interpolation.show_frame(2)
    pinned.pin()
    again = run(pinned.code(), model, atlas)
    assert formulas(again) == formulas(pinned)
    for one, other in zip(again.state.pins, pinned.state.pins, strict=True):
        np.testing.assert_allclose(one.z, other.z, atol=1e-6)
    np.testing.assert_allclose(again.z, pinned.z, atol=1e-6)
    assert again.state.path is not None and again.state.path.frame == 2


def test_the_code_of_one_pin_leads_to_it(pinned: Session, model: CrystalModel, atlas: Atlas) -> None:
    assert pinned.file.pin_code(0).splitlines()[-2:] == ["session.select('mp-5986')", "explorer"]
    pinned.pins.interpolate(0, 1, frames=4)
    pinned.interpolation.show_frame(2)
    pinned.pin()
    there = run(pinned.file.pin_code(2), model, atlas)
    assert there.structure.species == pinned.state.pins[2].structure.species
    assert np.allclose(there.structure.lattice.matrix, pinned.state.pins[2].structure.lattice.matrix, atol=1e-3)


def test_pins_are_saved_and_opened_again(pinned: Session, model: CrystalModel, atlas: Atlas) -> None:
    other = Session(model, atlas)
    assert other.file.open_json(pinned.file.to_json())
    assert formulas(other) == ["BaTiO3", "NaCl"]
    assert [pin.label for pin in other.state.pins] == [pin.label for pin in pinned.state.pins]
    assert other.pin() and len(other.state.pins) == 2  # NaCl is known again
    other.undo()
    assert other.state.pins == ()


def test_sessions_that_were_saved_before_there_were_pins_still_open(pinned: Session) -> None:
    content = json.loads(pinned.file.to_json())
    del content["state"]["pins"]
    assert pinned.file.open_json(json.dumps(content))
    assert pinned.state.pins == ()


@pytest.mark.parametrize("pins", [None, {}, [1], [{}], "many", [{"z": [0.0], "label": "", "code": []}]])
def test_damaged_pins_are_one_sentence(pinned: Session, pins: Any) -> None:
    content = json.loads(pinned.file.to_json())
    content["state"]["pins"] = content["state"]["pins"] * MOST_PINS if pins == "many" else pins
    before = pinned.state
    assert not pinned.file.open_json(json.dumps(content))
    assert pinned.state is before and "damaged" in pinned.message


def test_a_reset_takes_pins_away_and_undo_brings_them_back(pinned: Session) -> None:
    pinned.reset()
    assert pinned.state.pins == ()
    pinned.undo()
    assert len(pinned.state.pins) == 2
