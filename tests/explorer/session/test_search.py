"""Three efforts of decoding: fast during a drag, normal at its end, thorough when idle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Structure

from xcrystal.explorer.session.commands import Move, SearchNearer, Select, SetProperty
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


class Searching(CrystalModel):
    """The bundled model with a search that finds one and the same crystal, and a note of what it was asked for."""

    def __init__(self, model: CrystalModel, found: Structure) -> None:
        super().__init__(model.network, model.name, model.facts, model.device, model.prior)
        self.found, self.asked = found, list[str]()

    def decode(  # type: ignore[override]
        self,
        z: Any,
        effort: str = "normal",
        group: int | None = None,
        *,
        on_step: Callable[[], None] | None = None,
    ) -> list[Structure]:
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
    assert not session.refinement.search_when_idle()  # the drag has not ended
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
    search = session.points.search

    def leave(z: np.ndarray, on_step: Callable[[], None]) -> Structure:
        session.select(5)
        return search(z, on_step)

    monkeypatch.setattr(session.points, "search", leave)
    assert not session.refinement.search_nearer()
    assert session.state.point.material_id == session.atlas.table["material_id"].iat[5]


# -- the search of the bundled model itself


@pytest.fixture
def hard(model: CrystalModel, atlas: Atlas) -> Session:
    """At a crystal (Ti3O5) that the decoder gets right only after a search."""
    made = Session(model, atlas)
    made.select("mp-556480")
    return made


def distance(session: Session) -> float:
    """From the latent vector that is shown to that of its crystal."""
    return float(np.linalg.norm(session.model.encode(session.structure)[0] - session.z))


def test_the_bundled_model_finds_a_nearer_crystal(hard: Session) -> None:
    before, place = distance(hard), hard.place_in_history
    assert hard.refinement.search_nearer()
    assert distance(hard) < before / 2
    assert hard.place_in_history == place + 1


def test_an_interrupted_search_changes_nothing_and_is_made_anew(hard: Session) -> None:
    state, answers = hard.state, iter([False, False, True])
    assert not hard.refinement.search_when_idle(lambda: next(answers))
    assert hard.state is state
    assert next(answers, None) is None  # it ended at the first True, between steps
    assert hard.refinement.search_when_idle()
    assert hard.state is not state


def test_a_loaded_crystal_is_matched_with_what_a_search_finds(hard: Session) -> None:
    assert isinstance(hard.model, CrystalModel)
    hard.load(hard.model.decode(hard.z, "thorough")[0])
    before = hard.state.loaded
    assert before is not None and before.rms != pytest.approx(0, abs=1e-3)
    assert hard.refinement.search_nearer()
    after = hard.state.loaded
    assert after is not None and after.rms == pytest.approx(0, abs=1e-3)
    hard.undo()
    assert hard.state.loaded is before


def test_a_verified_stop_of_a_slider_is_left_alone(hard: Session) -> None:
    hard.property_sliders.set("band_gap", 3.0)
    hard.settle()
    assert isinstance(hard.state.point.commands[-1], SetProperty)
    assert not hard.refinement.search_when_idle()


def test_when_idle_only_what_is_clearly_nearer_is_shown(session: Session, hard: Session) -> None:
    state = session.state  # where the search finds rock salt, which is nowhere near
    assert session.refinement.search_when_idle()
    assert session.state is state
    before = distance(hard)
    assert hard.refinement.search_when_idle()
    assert distance(hard) < before / 2
