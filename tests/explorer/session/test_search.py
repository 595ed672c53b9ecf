"""Three efforts of decoding: fast during a drag, normal after it, thorough when idle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pymatgen.core import Structure

from xcrystal.explorer.session.commands import Move, SearchNearer, Select
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


class Searching(CrystalModel):
    """The bundled model with a search that finds one and the same crystal, and a note of what it was asked for."""

    def __init__(self, model: CrystalModel, found: Structure) -> None:
        super().__init__(model.network, model.name, model.facts, model.device, model.prior)
        self.found, self.asked = found, list[str]()

    def decode(self, z: Any, effort: str = "normal", group: int | None = None) -> list[Structure]:  # type: ignore[override]
        self.asked.append(effort)
        found = super().decode(z, group=group)
        return [self.found for _ in found] if effort == "thorough" else found


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    salt = model.decode(atlas.z[atlas.row("mp-22862")])[0]
    made = Session(Searching(model, salt), atlas)
    asked(made).clear()
    return made


def asked(session: Session) -> list[str]:
    model = session.model
    assert isinstance(model, Searching)
    return model.asked


def test_a_move_is_fast_then_normal_then_thorough(session: Session) -> None:
    session.move(0, float(session.sliders.coordinates[0]) + 0.5)
    session.move(0, float(session.sliders.coordinates[0]) + 0.5)
    assert asked(session) == ["fast", "fast"]
    assert not session.refinement.search_when_idle()  # the hand has not come to rest
    session.settle()
    assert asked(session) == ["fast", "fast", "normal"]
    assert session.refinement.search_when_idle()
    assert asked(session)[3:] == ["thorough"]
    assert not session.refinement.search_when_idle()  # once is enough


def test_what_a_search_finds_is_said_and_can_be_undone(session: Session) -> None:
    before, z = session.state.point, session.z
    assert session.refinement.search_nearer()
    assert session.structure.composition.reduced_formula == "NaCl"
    np.testing.assert_array_equal(session.z, z)
    assert "search" in session.message and session.state.point.commands[-1] == SearchNearer()
    assert not session.navigation.moved
    session.undo()
    assert session.state.point is before
    assert not session.refinement.search_when_idle()  # what was undone is not done again
    session.redo()
    assert session.structure.composition.reduced_formula == "NaCl"
    assert not session.refinement.search_when_idle()


def test_a_slider_that_moves_on_forgets_what_was_found_on_the_way(session: Session) -> None:
    session.move(0, 0.5)
    session.settle()
    assert session.refinement.search_nearer()
    session.move(0, 0.7)
    assert [type(command) for command in session.state.point.commands] == [Select, Move]


def test_a_search_that_finds_the_same_says_nothing(session: Session) -> None:
    session.select("mp-22862")
    state = session.state
    assert not session.refinement.search_nearer()
    assert session.state is state and session.message == ""


def test_a_search_that_finds_what_looks_the_same_is_no_step(session: Session) -> None:
    model = session.model
    assert isinstance(model, Searching)
    session.select("mp-22862")
    salt = session.structure.copy()
    salt.scale_lattice(salt.volume * 1.01)
    model.found = salt
    state = session.state
    assert not session.refinement.search_nearer() and session.state is state
    salt.scale_lattice(salt.volume * 1.1)
    assert session.refinement.search_nearer()


def test_no_search_follows_undo_so_that_redo_stays(session: Session) -> None:
    session.select(5)
    session.select(6)
    session.undo()
    session.undo()
    assert not session.refinement.search_when_idle()
    session.redo()
    assert not session.refinement.search_when_idle()
    session.redo()
    assert session.state.point.material_id == session.atlas.table["material_id"].iat[6]


def test_what_is_found_for_a_crystal_that_was_left_is_forgotten(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = session.points.decode

    def leave(z: np.ndarray, effort: str = "normal") -> list[Structure]:
        if effort == "thorough":
            session.select(5)
        return decode(z, effort)

    monkeypatch.setattr(session.points, "decode", leave)
    assert not session.refinement.search_nearer()
    assert session.state.point.material_id == session.atlas.table["material_id"].iat[5]
