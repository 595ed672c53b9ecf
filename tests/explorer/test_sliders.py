"""The panel of sliders, as far as Python sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import numpy as np
import pytest

from xcrystal.explorer.session import Session
from xcrystal.explorer.sliders import SliderView
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.axes import FAMILIES
from xcrystal.latent.chart import Atlas


@pytest.fixture
def panel(model: CrystalModel, atlas: Atlas) -> Iterator[SliderView]:
    session = Session(model, atlas)
    failures: list[Exception] = []
    worker = Worker(session.settle, failures.append)
    view = SliderView(session, worker)
    yield view
    worker.close()
    view.close()
    assert failures == []


def test_it_shows_the_axes_of_every_family(panel: SliderView) -> None:
    panel.session.make_concept("<b>oxides</b>", "oxide")
    for family in FAMILIES:
        panel.act({"act": "family", "family": family}, [])
        state = panel.state
        assert state["family"] == family
        assert [axis["name"] for axis in state["axes"]] == [axis.name for axis in panel.session.axes]
        assert all(axis["note"] for axis in state["axes"])
        values = [axis["value"] for axis in state["axes"]]
        np.testing.assert_allclose(values, panel.session.coordinates, atol=6e-4)
        assert len(json.dumps(state, allow_nan=False)) < 4000
    assert state["axes"][0]["removable"] and state["axes"][0]["name"] == "<b>oxides</b>"


def test_a_move_is_answered_and_followed_by_rest(panel: SliderView) -> None:
    before = [axis["value"] for axis in panel.state["axes"]]
    panel._receive(panel, {"act": "move", "key": "principal 1", "axis": "principal 1", "value": 2.5}, [])
    deadline = time.monotonic() + 20
    while not (panel.state["answered"] == 1 and panel.state["rest"]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    values = [axis["value"] for axis in panel.state["axes"]]
    assert values[0] == pytest.approx(2.5, abs=1e-3)
    np.testing.assert_allclose(values[1:], before[1:], atol=2e-3)
    assert panel.state["moved"] and panel.state["axes"][0]["base"] == before[0]
    panel.act({"act": "undo"}, [])
    assert not panel.state["moved"]
    assert [axis["value"] for axis in panel.state["axes"]] == before


def test_a_property_axis_says_what_was_achieved(panel: SliderView) -> None:
    panel.act({"act": "family", "family": "property"}, [])
    assert all(axis["achieved"] == "" for axis in panel.state["axes"])
    base = panel.state["axes"][0]["base"]
    panel.act({"act": "move", "axis": "lower formation energy", "value": base + 1}, [])
    moving = panel.state["axes"][0]["achieved"]
    assert moving.startswith("Moved by +1.00. Predicted formation energy at this place: −3.50 → ")
    assert "decoded crystal itself" not in moving
    panel.session.settle()
    assert "of the decoded crystal itself: −3.50 → " in panel.state["axes"][0]["achieved"]


def test_dimensions_and_directions_come_and_go(panel: SliderView) -> None:
    panel.act({"act": "latent", "number": 9}, [])
    assert panel.state["family"] == "latent"
    assert "latent 9" in {axis["name"] for axis in panel.state["axes"]}
    panel.session.make_concept("oxides", "oxide")
    panel.act({"act": "remove", "name": "oxides"}, [])
    assert panel.state["axes"] == []


@pytest.mark.parametrize(
    "message",
    [{"act": "move"}, {"act": "move", "axis": "gone", "value": 1}, {"act": "move", "axis": "principal 1", "value": "x"},
     {"act": "family", "family": "none"}, {"act": "latent", "number": 999}, {"act": "remove", "name": "gone"}],
)  # fmt: skip
def test_a_message_that_makes_no_sense_is_said_and_changes_nothing(
    panel: SliderView, message: dict[str, object]
) -> None:
    state = panel.session.state
    panel.act(message, [])
    assert panel.session.state is state and panel.session.message


def test_nothing_but_finite_numbers_moves(panel: SliderView) -> None:
    state = panel.session.state
    panel.act({"act": "move", "axis": "principal 1", "value": float("nan")}, [])
    assert panel.session.state is state
