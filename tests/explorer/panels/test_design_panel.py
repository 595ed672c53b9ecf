"""The Design tab without a browser: the count, a design and its cards, undo, what is saved, and the map."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from xcrystal.explorer.panels.design_panel import DesignView
from xcrystal.explorer.session.commands import read_command
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

WANTED = {"band_gap": [2.0, None], "require": ["O"], "exclude": ["Pb"], "crystal_system": "cubic"}


@pytest.fixture(scope="module")
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def view(session: Session) -> Iterator[DesignView]:
    worker = Worker(session.settle, lambda error: session.report(str(error)))
    made = DesignView(session, worker)
    yield made
    worker.close()
    made.close()


def act(view: DesignView, action: str, **more: object) -> None:
    """What the script sends."""
    view.act({"act": action, **more}, [])
    view.refresh()
    json.dumps(view.state, allow_nan=False)


def test_data_are_sent_once_it_is_seen(view: DesignView) -> None:
    assert view.data == {}
    act(view, "awake", value=True)
    names = [row[0] for row in view.data["properties"]]
    assert names == ["band_gap", "formation_energy_per_atom", "e_above_hull"]
    assert all(max(row[5]) == 1 for row in view.data["properties"])
    assert view.data["elements"][7] == "O"


def test_known_crystals_are_counted_and_contradictions_said(view: DesignView, session: Session) -> None:
    act(view, "count", **WANTED)
    assert view.state["count"] == session.crystal_design.count(
        band_gap=(2, None), require=["O"], exclude=["Pb"], crystal_system="cubic"
    )
    act(view, "count", require=["O"], exclude=["O"])
    assert view.state["count"] is None
    assert "both required and excluded" in view.state["trouble"]
    act(view, "count", band_gap=[50.0, 60.0])
    assert "extrapolation" in view.state["caution"]
    act(view, "count")
    assert view.state["trouble"] == view.state["caution"] == ""  # nothing was said yet


def test_a_rectangle_of_the_diagram_selects_known_crystals(view: DesignView, session: Session) -> None:
    act(view, "awake", value=True)
    assert len(view.data["points"]) > 100
    act(view, "brush", band_gap=[1.0, 2.0], formation_energy_per_atom=[-2.0, -1.0])
    assert session.state.selection is not None
    chosen = session.atlas.table.iloc[session.state.selection.rows]
    assert chosen["band_gap"].between(1, 2).all() and chosen["formation_energy_per_atom"].between(-2, -1).all()
    session.undo()
    assert session.state.selection is None
    act(view, "brush", band_gap=[90.0, 91.0])
    assert "No known crystal has" in session.message


def test_a_design_can_be_shown_undone_saved_and_repeated(view: DesignView, session: Session) -> None:
    wanted = {"band_gap": (2.0, None), "require": ("O",), "exclude": ("Pb",), "crystal_system": "cubic"}
    before = session.state
    assert session.crystal_design.design(**wanted, count=2) == 2
    act(view, "awake", value=True)
    assert [card["nearest"] != "" for card in view.state["cards"]] == [True, True]
    assert len(view.pictures) == 2
    assert all(card["values"]["band_gap"] > 0 and card["inside"] in (True, False) for card in view.state["cards"])
    act(view, "candidate", number=1)
    assert view.state["shown"] == 1
    assert session.structure.composition == session.crystal_design.last.structures[1].composition
    code = session.code()
    assert "session.crystal_design.design(band_gap=(2.0, None), require=('O',)" in code
    assert "session.crystal_design.show(1)" in code
    again = Session(session.model, session.atlas)
    assert again.file.open_json(session.file.to_json())
    assert again.structure.composition == session.structure.composition
    assert len(again.state.designs) == 2
    for kept, made in zip(again.state.designs, session.state.designs, strict=True):
        assert again.crystal_design.in_range(kept) == session.crystal_design.design_of[made].in_range(
            session.crystal_design.candidates[made]
        )
        assert again.crystal_design.hull_height(kept) == pytest.approx(
            session.crystal_design.hull_height(made), abs=0.05
        )
    for kept, made in zip(again.state.designs, session.state.designs, strict=True):
        assert kept.predicted == pytest.approx(made.predicted, rel=0.05, abs=0.05)  # of the crystals, not of draws
    command = session.state.designs[0].commands[0]
    assert read_command(json.loads(json.dumps(command.plain()))) == command
    saved: list[bytes] = []
    view.offer = lambda name, kind, content: saved.append(content)  # type: ignore[method-assign]
    assert session.crystal_design.design(require=["S"], count=1) >= 0
    session.undo()  # so that the cards are those of the first request again
    act(view, "save")
    assert saved[0] == session.crystal_design.design_of[session.state.designs[0]].to_csv().encode()
    assert saved[0].count(b"\n") == 3
    session.undo()
    session.undo()
    assert session.state.designs == before.designs == ()


def test_what_lies_near_the_crystal_that_is_shown_is_repeated_from_there(session: Session) -> None:
    session.select("mp-22862")
    way = session.state.point.commands
    assert session.crystal_design.design(require=["Na"], near_shown=True, count=1) == 1
    session.select("mp-5986")
    session.crystal_design.show(0)
    *before, design, shown = session.state.point.commands
    assert tuple(before) == tuple(way)
    assert (design.call, shown.call) == ("crystal_design.design", "crystal_design.show")
    lines = session.code().splitlines()
    at = [
        next(k for k, line in enumerate(lines) if said in line) for said in ("mp-22862", "near_shown=True", "show(0)")
    ]
    assert at == sorted(at)


def test_it_stops_and_refuses_in_words(session: Session) -> None:
    session.crystal_design.design(require=["O"], exclude=["O"])
    assert "both required and excluded" in session.message
    session.crystal_design.design(require=["O"], count=1000)
    assert "1 to 50" in session.message
    session.crystal_design.show(99)
    assert "no candidate 99" in session.message
    stop = session.subscribe(lambda event: session.crystal_design.stop())
    session.crystal_design.design(band_gap=(9.0, 9.1), space_group=227, count=50)
    stop()
    assert session.crystal_design.running is None
    assert session.crystal_design.last.draws <= 256
