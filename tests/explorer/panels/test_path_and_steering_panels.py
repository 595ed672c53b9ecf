"""The panels for paths and steering: what they tell their scripts, and what their scripts may ask for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from xcrystal.explorer.panels.path_panel import PathView
from xcrystal.explorer.panels.steering_panel import SteerView
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

Panels = tuple[Session, PathView, SteerView]


@pytest.fixture
def panels(model: CrystalModel, atlas: Atlas) -> Iterator[Panels]:
    session = Session(model, atlas)
    worker = Worker(session.settle, lambda error: session.report(f"{error!r}"))
    path, steer = PathView(session, worker), SteerView(session, worker)
    yield session, path, steer
    worker.close()
    path.close()
    steer.close()


def sent(panel: Any) -> list[dict[str, Any]]:
    """What the panel sends to its script from now on."""
    messages: list[dict[str, Any]] = []
    panel.send = lambda content, buffers=None: messages.append({**content, "buffers": buffers})
    return messages


def test_a_path_is_described_in_plain_json(panels: Panels) -> None:
    session, view, _ = panels
    assert view.state["path"] is None and view.state["ends"] == [None, None]
    view.act({"act": "end", "end": "A"}, [])
    messages = sent(view)
    view.act({"act": "end", "end": "B", "source": " mp-22862 "}, [])
    assert [m["type"] for m in messages] == ["taken"]
    view.act({"act": "make", "kind": "linear", "frames": 4}, [])
    path = json.loads(json.dumps(view.state, allow_nan=False))["path"]
    assert path["formulas"][0] == "BaTiO3" and path["formulas"][-1] == "NaCl" and len(path["valid"]) == 4
    assert [lane["name"] for lane in path["lanes"]][:2] == ["formation_energy_per_atom", "band_gap"]
    assert all(len(lane["values"]) == 4 for lane in path["lanes"])
    assert [len(lane["thin"] or ()) for lane in path["lanes"]] == [4] * len(session.predicted) + [0] * 3
    view.act({"act": "frame", "frame": 2}, [])
    assert view.state["path"]["frame"] == 2
    view.act({"act": "export", "format": "xyz"}, [])
    assert messages[-1]["name"] == "path-BaTiO3-NaCl.xyz" and messages[-1]["buffers"][0].startswith(b"5\n")
    view.act({"act": "both", "on": True}, [])
    assert view.state["both"] is False or session.state.shown == "both"
    view.act({"act": "swap"}, [])
    assert view.state["path"]["formulas"][0] == "NaCl"
    view.act({"act": "clear"}, [])
    assert view.state["path"] is None


@pytest.mark.parametrize(
    "message",
    [
        {"act": "end", "end": "C"},
        {"act": "make", "kind": "zigzag"},
        {"act": "make", "kind": "linear", "frames": 3},
        {"act": "frame", "frame": 7},
        {"act": "both", "on": True},
        {"act": "export", "format": "exe"},
        {"act": "export", "format": "cif"},
        {"act": "nonsense"},
    ],
)
def test_invalid_requests_change_nothing(panels: Panels, message: dict[str, Any]) -> None:
    session, view, steer = panels
    before = session.state
    view.act(message, [])
    steer.act({**message, "target": "colour", "number": 9}, [])
    assert session.state is before


def test_steering_is_reported_step_by_step_and_stopped_at_once(panels: Panels) -> None:
    _, _, view = panels
    running = threading.Event()
    progress = []

    def watch(_: Any) -> None:
        if view.state["progress"]:
            progress.append(view.state["progress"])
            if view.state["progress"][2] == 1:
                running.set()

    view.observe(watch, "state")
    message = {"act": "steer", "target": "band_gap", "direction": "higher", "steps": 40, "hold": ["elements", "x"]}
    thread = threading.Thread(target=view.act, args=(message, []))
    thread.start()
    assert running.wait(60)
    view._receive(view, {"act": "stop"}, [])
    thread.join(60)
    assert not thread.is_alive() and view.state["progress"] is None
    assert progress[0][:3] == ["Steering towards higher band gap", "", 0]
    reported = json.loads(json.dumps(view.state, allow_nan=False))["steered"]
    assert reported["hold"] == ["elements"] and reported["reason"]
    assert 2 <= len(reported["values"]) == len(reported["formulas"]) == len(reported["quantiles"]) < 40


def test_candidates_have_pictures_that_are_sent_once(panels: Panels) -> None:
    session, _, view = panels
    view.act({"act": "propose", "formula": "KCl", "count": 2}, [])
    candidates = view.state["candidates"]
    assert len(candidates) == len(view.pictures) == len(session.state.candidates) > 0
    assert all(picture.startswith("<svg") for picture in view.pictures)
    assert candidates[0]["formula"] == "KCl" and candidates[0]["known"].startswith("mp-")
    assert len(json.dumps(view.state)) < 5_000
    view.act({"act": "candidate", "number": 0}, [])
    assert view.state["shown"] == 0
    view.act({"act": "wander"}, [])
    view.act({"act": "surprise"}, [])
    assert view.state["shown"] == -1 and "prior" in session.label


def test_a_slider_that_moves_leaves_the_panels_alone(panels: Panels) -> None:
    session, path, steer = panels
    before = path.state, steer.state
    session.move(0, 1.0)
    assert path.state is before[0] and steer.state is before[1]
    session.settle()
    assert steer.state is not before[1]
