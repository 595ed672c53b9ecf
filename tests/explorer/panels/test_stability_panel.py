"""The Stability tab without a browser: what it shows, and that it sleeps until it is seen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from xcrystal.explorer.panels.stability_panel import TESTED, StabilityView
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

SIGNALS = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "defects.md"


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def view(session: Session) -> Iterator[StabilityView]:
    worker = Worker(session.settle, lambda error: session.report(str(error)))
    made = StabilityView(session, worker)
    yield made
    worker.close()
    made.close()


def act(view: StabilityView, action: str, **more: object) -> None:
    """What the script sends."""
    view.act({"act": action, **more}, [])
    view.refresh()
    json.dumps(view.state, allow_nan=False)


def test_nothing_is_computed_until_it_is_seen(session: Session, view: StabilityView) -> None:
    assert view.state["standing"] is None
    session.select("mp-22862")
    assert session.stability.standing is None
    act(view, "awake", value=True)
    session.stability.make()
    standing = view.state["standing"]
    assert [row["name"] for row in standing["rows"]] == [
        "Hull of the table, energy predicted",
        "Predicted as a property",
        "In the table",
    ]
    assert standing["diagram"]["elements"] == ["Na", "Cl"]
    assert [phase["formula"] for phase in standing["phases"] if phase["share"]] == ["NaCl"]
    assert {signal["name"] for signal in standing["signals"]} == set(TESTED)
    json.dumps(view.state, allow_nan=False)
    session.move(0, 1.0)
    assert view.state["standing"] is None  # during a drag nothing is said of what is gone


def test_a_phase_of_the_atlas_is_gone_to_and_no_other(session: Session, view: StabilityView) -> None:
    act(view, "awake", value=True)
    act(view, "phase", id="mp-22862")
    assert session.state.point.material_id == "mp-22862"
    act(view, "phase", id="../../etc")
    assert session.state.point.material_id == "mp-22862"


def test_each_signal_says_what_it_was_tested_on() -> None:
    printed = re.findall(
        r"^\| ([\w ]+) \| [-\d.]+ \| [-\d.]+ \| ([\d.]+) \(([\d.]+) to ([\d.]+)\) \|$", SIGNALS.read_text(), re.M
    )
    assert {name: tuple(map(float, numbers)) for name, *numbers in printed} == TESTED
