"""The panel of sliders, as far as Python sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import numpy as np
import pytest

from xcrystal.explorer.panels.slider_panel import SliderView
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.axes import FAMILIES


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
    panel.session.directions.make("<b>oxides</b>", "oxide")
    for family in FAMILIES:
        panel.act({"act": "family", "family": family}, [])
        state = panel.state
        assert state["family"] == family
        assert [axis["name"] for axis in state["axes"]] == [axis.name for axis in panel.session.sliders.axes]
        assert all(axis["note"] and axis["label"] for axis in state["axes"])
        values = [axis["value"] for axis in state["axes"]]
        if family != "property":  # which count stops from where they are
            np.testing.assert_allclose(values, panel.session.sliders.coordinates, atol=6e-4)
        assert len(json.dumps(state, allow_nan=False)) < 4500
    assert state["axes"][0]["removable"] and state["axes"][0]["name"] == "<b>oxides</b>"


def test_a_move_is_answered_and_followed_by_idle(panel: SliderView) -> None:
    before = [axis["value"] for axis in panel.state["axes"]]
    panel._receive(panel, {"act": "move", "key": "principal 1", "axis": "principal 1", "value": 2.5}, [])
    deadline = time.monotonic() + 20
    while not (panel.state["answered"] == 1 and panel.state["idle"]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    values = [axis["value"] for axis in panel.state["axes"]]
    assert values[0] == pytest.approx(2.5, abs=1e-3)
    np.testing.assert_allclose(values[1:], before[1:], atol=2e-3)
    assert panel.state["moved"] and panel.state["axes"][0]["base"] == before[0]
    panel.act({"act": "undo"}, [])
    assert not panel.state["moved"]
    assert [axis["value"] for axis in panel.state["axes"]] == before


def look_ahead(session: Session, pieces: int = 3) -> None:
    for _ in range(pieces):
        session.property_sliders.look_ahead()


def test_a_property_slider_stops_at_verified_crystals(panel: SliderView) -> None:
    panel.act({"act": "family", "family": "property"}, [])
    assert all(axis["stops"] == [] and axis["least"] == axis["most"] == 0 for axis in panel.state["axes"])
    look_ahead(panel.session, 6)  # a step up and down for each of three properties
    energy = panel.state["axes"][0]
    assert (
        energy["name"] == "lower formation energy" and energy["achieved"] == "" and "looking for more" in energy["note"]
    )
    assert len(energy["stops"]) == energy["most"] - energy["least"] + 1 >= 2
    values = [float(text.split()[0].replace("−", "-")) for text in energy["stops"]]
    assert values == sorted(values, reverse=True)  # what one wants is on the right
    panel.act({"act": "stop at", "axis": energy["name"], "value": energy["least"]}, [])
    moved = panel.state["axes"][0]
    assert moved["value"] == energy["least"] and moved["stops"] == energy["stops"] and panel.state["moved"]
    assert f"{energy['stops'][-energy['least']]} → {energy['stops'][0]}" in moved["achieved"]
    panel.session.settle()
    own = panel.session.points.achieved(panel.session.state.point)["formation_energy_per_atom"]
    assert own == pytest.approx(values[0], abs=0.05)
    panel.act({"act": "stop at", "axis": energy["name"], "value": 0}, [])
    assert not panel.state["moved"] and panel.state["axes"][0]["achieved"] == ""


def test_a_stop_of_a_path_that_is_gone_moves_nothing(panel: SliderView) -> None:
    state = panel.session.state
    panel.act({"act": "stop at", "axis": "larger band gap", "value": 2}, [])
    assert panel.session.state is state


def test_along_a_straight_line_it_says_what_was_achieved(panel: SliderView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel.session.model, "lacks", lambda capability: "no" if capability == "gradients" else "")
    panel.act({"act": "family", "family": "property"}, [])
    assert all(axis["achieved"] == "" for axis in panel.state["axes"])
    base = panel.state["axes"][0]["base"]
    panel.act({"act": "move", "axis": "lower formation energy", "value": base + 1}, [])
    moving = panel.state["axes"][0]["achieved"]
    assert moving.startswith("Moved by +1.00. Predicted formation energy at this latent vector: ")
    assert "decoded crystal itself" not in moving
    panel.session.settle()
    assert "of the decoded crystal itself: " in panel.state["axes"][0]["achieved"]


def test_dimensions_and_directions_come_and_go(panel: SliderView) -> None:
    panel.act({"act": "latent", "number": 9}, [])
    assert panel.state["family"] == "latent"
    assert "latent 9" in {axis["name"] for axis in panel.state["axes"]}
    panel.session.directions.make("oxides", "oxide")
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


def test_principal_directions_are_named_by_what_grows_along_them(panel: SliderView) -> None:
    labels = [axis["label"] for axis in panel.describe()["axes"]]
    assert labels[0].startswith("More oxygen"), "the first direction of this atlas leads to oxides"
    assert not any("principal" in label for label in labels)
    assert len(set(labels)) == len(labels), "no two sliders have the same name"
