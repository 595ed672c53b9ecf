"""Editing in a session: an edited crystal is a crystal of the user's own, and all of it can be undone and repeated."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Structure

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.widget import Explorer
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

PEROVSKITE = CRYSTALS["perovskite SrTiO3"].to_structure()
RUTILE = CRYSTALS["rutile TiO2"].to_structure()


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


def orbit_of(session: Session, element: str) -> int:
    return next(site.orbit for site in session.modifications.editable().opened.sites() if site.element == element)


def again(session: Session, model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A new session that has run the code of this one."""
    made = Explorer(Session(model, atlas))
    monkeypatch.setattr(xc, "explore", lambda **_: made)
    exec(session.code().replace("\nexplorer\n", "\n"), {})
    made.close()
    return made.session


def test_another_element_is_another_crystal(session: Session) -> None:
    events: list[str] = []
    session.load(PEROVSKITE)
    before = session.state
    session.subscribe(events.append)
    assert session.modifications.substitute(orbit_of(session, "Ti"), "Zr")
    assert session.display.structure.composition.reduced_formula == "SrZrO3" and session.state.shown == "loaded"
    assert (
        session.state.loaded is not None
        and session.state.loaded.z is session.z
        and session.state.loaded.space_group == 221
    )
    assert np.allclose(session.z, session.model.encode(session.display.structure)[0], atol=1e-5)
    assert {"crystal", "shown", "history", "summary"} <= set(events)
    assert "Ti on 1b became Zr" in session.change_summary and session.change_summary.startswith("Ti on 1b")
    change = session.modifications.change
    assert change is not None and change.before.formula == "SrTiO3" and change.after.formula == "SrZrO3"
    assert change.after.predicted == session.predicted and "stays" in change.symmetry
    session.undo()
    assert session.state is before and session.modifications.change is None
    session.redo()
    assert session.modifications.change is change


def test_without_a_loaded_crystal_the_decode_is_edited(session: Session) -> None:
    session.select("mp-22862")
    assert session.state.loaded is None
    assert session.modifications.substitute(orbit_of(session, "Na"), "K")
    assert (
        session.display.structure.composition.reduced_formula == "KCl" and len(session.display.structure) == 8
    )  # as it was drawn


def test_one_atom_alone_tells_which_symmetry_is_lost(session: Session) -> None:
    session.load(PEROVSKITE)
    orbit = orbit_of(session, "O")
    atom = session.modifications.editable().opened.sites()[orbit].atoms[0]
    assert session.modifications.substitute(orbit, "F", only_atom=atom)
    assert session.display.structure.composition.reduced_formula == "SrTiO2F"
    assert "16 of 48 operations" in session.change_summary and "3-fold axes" in session.change_summary
    assert session.modifications.remove(orbit_of(session, "F"))
    assert session.display.structure.composition.reduced_formula == "SrTiO2"


def test_far_from_the_data_it_says_so(session: Session) -> None:
    session.load(PEROVSKITE)
    session.modifications.substitute(orbit_of(session, "O"), "Pu")
    session.modifications.substitute(orbit_of(session, "Sr"), "Ar")
    assert session.modifications.change is not None and session.state.loaded is not None
    assert session.modifications.change.extrapolates == ("an extrapolation" in session.change_summary)
    assert "Ar: never or hardly seen" in session.message


def test_a_hand_moves_an_orbit_as_one_step(session: Session) -> None:
    session.load(RUTILE)
    orbit, place = orbit_of(session, "O"), session.place_in_history
    at = next(site.coordinates[0] for site in session.modifications.editable().opened.sites() if site.orbit == orbit)
    for amount in (0.004, 0.008, 0.012):
        assert session.modifications.move_orbit(orbit, "x", amount, moving=True)
        assert session.modifications.held is not None and not session.idle
    session.settle()
    assert session.modifications.held is None and session.place_in_history == place + 1
    now = next(site for site in session.modifications.editable().opened.sites() if site.element == "O")
    assert min(abs(now.coordinates[0] - at - 0.012), abs(1 - now.coordinates[0] - at - 0.012)) < 2e-3
    assert session.state.loaded is not None and session.state.loaded.space_group == 136
    assert not session.structure.properties.get("quick", False) and not session.state.point.quick
    session.undo()
    assert session.modifications.change is None


def test_mistakes_are_said_and_nothing_is_lost(session: Session) -> None:
    session.load(PEROVSKITE)
    state = session.state
    for act, said in (
        (lambda: session.modifications.substitute(0, "Xx"), "no element"),
        (lambda: session.modifications.substitute(9, "Zr"), "no orbit 9"),
        (lambda: session.modifications.move_orbit(0, "x", 0.1), "no free coordinate"),
        (lambda: session.modifications.move_orbit(0, "x", "far"), "by a number"),  # type: ignore[arg-type]
        (lambda: session.modifications.strain("c", 0.02), "fixes c"),
        (lambda: session.counterfactual_search.take(0), "no counterfactual 0"),
    ):
        assert act() is False
        assert said in session.message and session.state is state
    assert session.counterfactual_search.search("a gas") == 0 and "no outcome" in session.message
    assert (
        session.counterfactual_search.search("metal") + session.counterfactual_search.search("insulator") > 0
    )  # it is one of them


def test_the_code_and_the_file_lead_here_again(
    session: Session, model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.load(PEROVSKITE)
    orbit = orbit_of(session, "O")
    session.modifications.substitute(
        orbit, "F", only_atom=session.modifications.editable().opened.sites()[orbit].atoms[1]
    )
    session.modifications.strain("all", 0.01)
    assert "session.modifications.substitute(" in session.code() and session.code().count("session.load(") == 1
    copied = again(session, model, atlas, monkeypatch)
    assert copied.display.structure.composition == session.display.structure.composition
    assert np.allclose(copied.z, session.z, atol=1e-4) and copied.state.shown == "loaded"
    opened = Session(model, atlas)
    assert opened.file.open_json(session.file.to_json()), opened.message
    assert opened.display.structure.composition == session.display.structure.composition and np.allclose(
        opened.z, session.z, atol=1e-4
    )
    assert opened.code() == session.code()


def test_the_code_of_one_atom_of_a_primitive_cell(
    session: Session, model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.select("mp-22862")
    session.display.show_cell("primitive")
    orbit = orbit_of(session, "Na")
    session.modifications.substitute(
        orbit, "K", only_atom=session.modifications.editable().opened.sites()[orbit].atoms[0]
    )
    assert session.display.structure.composition.reduced_formula == "KCl" and "cell='primitive'" in session.code()
    copied = again(session, model, atlas, monkeypatch)
    assert copied.display.structure.composition.reduced_formula == "KCl"


def test_counterfactuals_are_found_shown_and_stopped(session: Session) -> None:
    session.load(RUTILE)
    count = session.counterfactual_search.search("metal")
    search = session.counterfactual_search.last
    assert count > 0 and search is not None and search.complete and len(search.found) == count
    assert len(session.history) == 2  # to look is no act
    assert session.counterfactual_search.take(0)
    assert session.modifications.change is not None
    assert session.modifications.change.after.predicted["band_gap"] == pytest.approx(
        search.found[0].value_after, abs=1e-3
    )
    # another of them begins where the search began, not at the first
    assert session.counterfactual_search.take(1)
    assert session.display.structure.composition.reduced_formula == search.found[1].formula
    session.load(RUTILE)
    session.subscribe(lambda event: session.stop() if event == "progress" else None)
    session.counterfactual_search.search("metal")
    assert session.counterfactual_search.last is not None and not session.counterfactual_search.last.complete
    assert "stopped" in session.message


def test_a_crystal_that_is_too_large_cannot_be_edited(session: Session) -> None:
    large: Structure = CRYSTALS["triclinic P1"].to_structure()
    large.make_supercell([4, 4, 6])
    large.replace(0, "Zr")
    session.load(large)
    assert session.state.shown == "loaded"
    assert not session.modifications.substitute(0, "Zr") and "too large" in session.message


def test_an_edit_may_be_too_large_for_the_model(session: Session) -> None:
    most = session.model.max_atoms
    large: Structure = CRYSTALS["rock salt NaCl"].to_structure()
    large.make_supercell([most, 1, 1])
    session.load(large)
    assert session.state.loaded is not None and not session.state.loaded.reason, "as rock salt it is small enough"
    steps = len(session.history)
    assert not session.modifications.substitute(0, "K", only_atom=0)
    assert f"at most {most}" in session.message
    assert len(session.history) == steps
