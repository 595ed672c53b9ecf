"""The Decode tab and the reasons of a path without a browser: what they show, and what clicks do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from xcrystal.explorer.panels.decode_panel import DecodeView
from xcrystal.explorer.panels.path_panel import PathView
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    made = Session(model, atlas)
    made.select("mp-22862")  # NaCl
    return made


@pytest.fixture
def worker(session: Session) -> Iterator[Worker]:
    made = Worker(session.settle, lambda error: session.report(str(error)))
    yield made
    made.close()


@pytest.fixture
def view(session: Session, worker: Worker) -> Iterator[DecodeView]:
    made = DecodeView(session, worker)
    yield made
    made.close()


def act(view: DecodeView | PathView, action: str, **more: object) -> None:
    """What the script sends."""
    view.act({"act": action, **more}, [])
    view.refresh()
    json.dumps(view.state, allow_nan=False)


def test_nothing_is_decoded_until_the_tab_is_seen(view: DecodeView) -> None:
    assert view.state["waiting"] and not view.pictures
    act(view, "awake", value=True)
    names = [step["name"] for step in view.state["steps"]]
    assert names[:3] == ["space group", "position of orbit 1", "element of orbit 1"] and names[-1] == "cell"
    assert next(one["text"] for one in view.state["steps"][2]["alternatives"]) == "Na"
    assert len(view.pictures) == 2 and all(picture.startswith("<svg") for picture in view.pictures)
    assert len({picture.split("viewBox=")[1].split(">")[0] for picture in view.pictures}) == 1  # one scale


def test_a_click_overrules_and_the_greedy_decode_comes_back(session: Session, view: DecodeView) -> None:
    act(view, "awake", value=True)
    act(view, "overrule", step="element of orbit 1", choice="K")
    assert (view.state["formula"], view.state["overruled"]) == ("KCl", 1)
    assert [step["overruled"] for step in view.state["steps"]].count(True) == 1
    act(view, "greedy")
    assert (view.state["formula"], view.state["overruled"]) == ("NaCl", 0)
    act(view, "overrule", step="element of orbit 1", choice="<b>")
    assert "knows no element '<b>'" in session.message


def test_reasons_are_of_the_decode_that_is_shown(view: DecodeView) -> None:
    act(view, "awake", value=True)
    act(view, "why", step="space group")
    why = view.state["why"]
    assert why["step"] == "space group" and max(abs(row["share"]) for row in why["rows"]) == 1
    act(view, "overrule", step="element of orbit 1", choice="K")
    assert view.state["why"] is None
    act(view, "why", step="cell")
    assert view.state["why"] is None


def test_a_path_says_why_the_crystal_changes(session: Session, worker: Worker) -> None:
    view = PathView(session, worker)
    session.set_end("A", "mp-22862")
    session.set_end("B", "mp-5986")
    session.interpolate("linear", 6)
    path = view.state["path"]
    kinds = list(zip(path["formulas"], path["groups"], strict=True))
    assert path["changes"] == [k for k in range(1, 6) if kinds[k] != kinds[k - 1]] != []
    assert path["change"] is None
    frame = path["changes"][0]
    act(view, "why", frame=frame)
    change = view.state["path"]["change"]
    assert change["frame"] == frame and "becomes" in change["said"] and change["shares"]["rows"]
    act(view, "why", frame=0)
    assert "No frame lies before frame 0" in session.message
    act(view, "close")
    assert view.state["path"]["change"] is None
    view.close()
