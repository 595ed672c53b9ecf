"""Stability in a session: the hull, the signals, and a real run of CHGNet that holds nothing up."""

from __future__ import annotations

import importlib.util
import sys
import threading

import pytest
from pymatgen.core import Lattice, Structure

from xcrystal.explorer.panels.stability_panel import StabilityView
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.session.tabs.crystal_stability import MOST_ATOMS
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

relaxing = pytest.mark.skipif(sys.version_info >= (3, 13), reason="CHGNet has no wheels for this Python")


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    made = Session(model, atlas)
    made.select("mp-22862")
    return made


def rock_salt(a: float) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), ["Na", "Cl"], [[0, 0, 0], [0.5] * 3])


def test_the_hull_is_at_the_energy_that_is_predicted_for_the_crystal(session: Session) -> None:
    heard: list[str] = []
    session.subscribe(heard.append)
    assert session.stability.standing is None
    found = session.stability.make()
    assert "stability" in heard
    assert session.stability.standing is found is session.stability.make()
    assert found.hull is not None
    assert found.energy == session.points.achieved(session.state.point)["formation_energy_per_atom"]
    level = found.energy - found.hull.e_above_hull
    assert level == pytest.approx(found.hull.decomposition[0].formation_energy_per_atom)
    assert found.signals is not None
    assert len(found.signals.signals) == 5
    session.select("mp-5986")
    assert session.stability.standing is None


def test_what_cannot_be_compared_says_why(session: Session) -> None:
    mixed = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.6), [{"Na": 0.5, "K": 0.5}, "Cl"], [[0, 0, 0], [0.5] * 3]
    )
    assert session.load(mixed)
    found = session.stability.make()
    assert found.hull is None
    assert "ordered approximant" in found.trouble
    assert found.signals is None
    assert found.silence


@relaxing
def test_what_cannot_be_relaxed_says_why(session: Session) -> None:
    mixed = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.6), [{"Na": 0.5, "K": 0.5}, "Cl"], [[0, 0, 0], [0.5] * 3]
    )
    session.load(mixed)
    assert not session.stability.relax()
    assert "disordered" in session.message
    large = rock_salt(5.6)
    large.make_supercell([4, 2, 2])
    assert len(large) > MOST_ATOMS
    session.load(large)
    before = session.state
    assert not session.stability.relax()
    assert f"more than {MOST_ATOMS}" in session.message
    assert session.state is before


def test_without_chgnet_one_sentence_says_what_to_install(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chgnet", None)
    assert not session.stability.relax()
    assert session.message == 'Relaxing needs CHGNet: pip install "xcrystal[relax]".'


@relaxing
def test_a_decode_is_relaxed_while_another_crystal_is_looked_at(session: Session) -> None:
    service, start = session.stability, session.state
    began = threading.Event()
    session.subscribe(lambda event: began.set() if event == "stability" and service.running is not None else None)
    done: list[bool] = []
    thread = threading.Thread(target=lambda: done.append(service.relax()))
    thread.start()
    assert began.wait(60)
    session.select("mp-5986")  # no lock is held meanwhile
    assert service.running is not None
    assert not service.relax()
    assert "is being relaxed" in session.message
    thread.join(120)
    assert done == [True]
    assert session.state.point.material_id == "mp-5986"  # nobody is taken away from what they look at
    assert service.show_relaxed()
    last, state = service.last, session.state
    assert last is not None
    assert last.hull is not None
    assert last.relaxation.matches_start
    assert state.point is start.point
    assert state.shown == "both"
    assert state.loaded is not None
    assert state.loaded.structure is last.after
    assert len(last.before) == len(state.loaded.structure) == 8  # both in the conventional cell
    assert session.display.alignment is not None
    assert "session.load(Structure(" in session.code()
    assert "relaxed by CHGNet" in service.cif()
    assert state.loaded.caption == "relaxed NaCl"
    assert service.opinions == {"chgnet": last}
    session.undo()
    assert session.state.loaded is None
    assert service.go_to_relaxed()
    assert session.label == "reconstruction of relaxed NaCl"


@relaxing
def test_a_loaded_crystal_gives_place_to_the_relaxed_one(session: Session) -> None:
    session.load(rock_salt(5.9))
    before = session.state.loaded
    assert session.stability.relax()
    last, now = session.stability.last, session.state.loaded
    assert last is not None
    assert last.hull is not None
    assert last.hull_before is not None
    assert now is not None
    assert before is not None
    assert session.state.shown == "loaded"
    assert now.structure.volume < before.structure.volume
    assert last.hull.e_above_hull < last.hull_before.e_above_hull
    assert "not verified by DFT" in session.message
    session.undo()
    assert session.state.loaded is before


@relaxing
@pytest.mark.skipif(importlib.util.find_spec("sevenn") is None, reason="SevenNet is not installed")
def test_two_potentials_relax_the_same_crystal_and_are_compared(session: Session) -> None:
    session.load(rock_salt(5.9).get_primitive_structure())
    began = session.state.loaded
    worker = Worker(session.settle, lambda error: session.report(str(error)))
    panel = StabilityView(session, worker)
    for potential in ("chgnet", "sevennet"):  # the second from where the first began, and not from what it led to
        assert session.stability.relax(potential)
        assert session.stability.opinions[potential].subject is began
    assert session.state.loaded is not None
    last = session.stability.last
    assert last is not None and session.state.loaded.structure is last.after
    standing = session.stability.make()
    names = [row["name"] for row in panel._standing(standing)["rows"]]
    assert [name for name in names if "relaxed by" in name] == [
        "Hull of the table, relaxed by CHGNet",
        "Hull of the table, relaxed by SevenNet",
    ]
    assert names[-1] == "The two potentials"
    worker.close()
    panel.close()


@relaxing
def test_it_is_stopped(session: Session) -> None:
    session.load(rock_salt(5.9))
    state = session.state
    session.subscribe(lambda event: session.stability.stop() if event == "stability" else None)
    assert not session.stability.relax()
    assert "was stopped" in session.message
    assert session.state is state
    assert session.stability.running is None
