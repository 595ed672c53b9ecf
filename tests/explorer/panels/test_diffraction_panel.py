"""The Diffraction tab without a browser: what it draws, what it takes, and that it sleeps until it is seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.explorer.panels.diffraction_panel import DiffractionView
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def view(session: Session) -> Iterator[DiffractionView]:
    worker = Worker(session.settle, lambda error: session.report(str(error)))
    made = DiffractionView(session, worker)
    yield made
    worker.close()
    made.close()


def act(view: DiffractionView, action: str, content: bytes | None = None, **more: object) -> dict[str, Any]:
    """What the script sends, and the state after it."""
    view.act({"act": action, **more}, [] if content is None else [content])
    view.refresh()
    state: dict[str, Any] = json.loads(json.dumps(view.state, allow_nan=False))
    return state


def quartz() -> bytes:
    x, y = xc.xrd(CRYSTALS["quartz SiO2"], broadening=0.15).profile(np.arange(15, 75, 0.02))
    return "\n".join(f"{a:.2f}, {round(20 * b + 50)}" for a, b in zip(x, y, strict=True)).encode()


def test_nothing_is_calculated_until_it_is_seen(session: Session, view: DiffractionView) -> None:
    assert not view.state["patterns"]
    session.select("mp-22862")
    assert not view.state["patterns"]
    curve = act(view, "awake", value=True)["patterns"]["curves"][0]
    assert curve["name"] == "NaCl" and curve["group"] == "Fm3\u0305m" and max(curve["y"]) == 1000
    strongest = max(curve["peaks"], key=lambda peak: peak[2])
    assert strongest[2:] == [100.0, "200", 6]
    assert strongest[0] == pytest.approx(31.7, abs=0.7) and strongest[1] == pytest.approx(2.82, abs=0.06)
    session.select("mp-5986")
    assert view.state["patterns"]["curves"][0]["name"] == "BaTiO3"


def test_the_highest_point_of_the_curve_is_at_the_strongest_peak(session: Session, view: DiffractionView) -> None:
    act(view, "awake", value=True)
    for idle in (True, False):
        session._store.idle = idle
        state = act(view, "show", unit="q", fwhm=0.05)
        patterns = state["patterns"]
        curve, (low, high) = patterns["curves"][0], patterns["span"]
        strongest = max(curve["peaks"], key=lambda peak: peak[2])
        at = low + (high - low) * int(np.argmax(curve["y"])) / (len(curve["y"]) - 1)
        assert at == pytest.approx(strongest[0], abs=2 * (high - low) / len(curve["y"]))
        assert max(curve["y"]) >= 990


def test_a_dragged_slider_moves_the_pattern(session: Session, view: DiffractionView) -> None:
    act(view, "awake", value=True)
    view.pace = 0.0  # type: ignore[misc]
    before = view.state["patterns"]["curves"][0]["peaks"]
    session.move(0, 1.0)
    moving = view.state["patterns"]["curves"][0]
    assert not session.idle and moving["peaks"] != before
    session.settle()
    settled = view.state["patterns"]["curves"][0]["peaks"]
    assert settled[0][0] == pytest.approx(session.diffraction.pattern.two_theta[0], abs=1e-3)


def test_an_overlay_and_a_measured_pattern_are_second_curves(session: Session, view: DiffractionView) -> None:
    act(view, "awake", value=True)
    session.pin()
    session.select("mp-22862")
    state = act(view, "show", second="pin 1")
    assert state["choices"] == [["", "nothing"], ["pin 1", "pin 1: BaTiO3"]]
    assert [(curve["name"], curve["second"]) for curve in state["patterns"]["curves"]] == [
        ("NaCl", False),
        ("BaTiO3", True),
    ]
    state = act(view, "file", quartz(), name="<b>quartz.csv", unit="two_theta", line="")
    assert state["trouble"] == "" and state["measured"] == "<b>quartz.csv" and state["second"] == "measured"
    measured = state["patterns"]["curves"][1]
    assert measured["group"] == "" and measured["peaks"] == [] and max(measured["y"]) == 1000
    low, high = state["patterns"]["span"]
    at = low + (high - low) * int(np.argmax(measured["y"])) / (len(measured["y"]) - 1)
    assert at == pytest.approx(26.6, abs=0.2)
    assert min(measured["y"]) <= 5  # what lies under all peaks is the floor
    state = act(view, "remove")
    assert state["measured"] is None and len(state["patterns"]["curves"]) == 1


def test_what_is_wrong_is_said_in_the_tab(session: Session, view: DiffractionView) -> None:
    act(view, "awake", value=True)
    before = session.state
    assert "no columns of numbers" in act(view, "file", b"hello", name="a.xy")["trouble"]
    assert "is between" in act(view, "show", fwhm=7)["trouble"]
    assert act(view, "show", fwhm="wide")["trouble"]
    assert "no source" in act(view, "show", source="<b>")["trouble"]
    assert "first" in act(view, "identify", elements="", formula="")["trouble"]
    assert act(view, "match", number=3)["trouble"] == ""
    assert session.state is before
    assert act(view, "show", unit="two_theta")["trouble"] == ""


def test_matches_are_listed_and_clicked(session: Session, view: DiffractionView) -> None:
    act(view, "awake", value=True)
    act(view, "file", quartz(), name="quartz.csv")
    progress: list[Any] = []
    view.observe(lambda _: progress.append(view.state["progress"]), "state")
    state = act(view, "identify", elements="Si O", formula="")
    assert any(one and one[0] == "Crystals with this pattern" for one in progress) and state["progress"] is None
    rows = state["matches"]["rows"]
    assert rows[0]["formula"] == "SiO2" and rows[0]["group"].startswith("152 ") and float(rows[0]["similarity"]) > 0.9
    assert len(view.pictures) == len(rows) and all(picture.startswith("<svg") for picture in view.pictures)
    state = act(view, "match", number=0)
    assert session.state.point.material_id == rows[0]["id"]
    assert [row["shown"] for row in state["matches"]["rows"]] == [True] + [False] * (len(rows) - 1)


def test_peaks_are_saved_as_a_table(session: Session, view: DiffractionView) -> None:
    saved: list[tuple[Any, Any]] = []
    view.send = lambda content, buffers=None: saved.append((content, buffers))
    act(view, "csv")
    (content, buffers) = saved[0]
    assert content["name"] == "BaTiO3-peaks.csv"
    lines = buffers[0].decode().splitlines()
    assert lines[0] == "two_theta,q,d,intensity,hkl,multiplicity"
    assert len(lines) == 1 + len(session.diffraction.pattern)
