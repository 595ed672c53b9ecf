"""The strip of pins as its script has it, and what the page around the explorer receives."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Structure

from tests.crystals import CRYSTALS
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.explorer.panels.pins_panel import PinsView
from xcrystal.explorer.session.saving.saved_session import plain_structure
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

FIELDS = Path(__file__).parents[3] / "extension" / "src" / "latentspace" / "pin_fields.json"


@pytest.fixture
def view(model: CrystalModel, atlas: Atlas) -> Iterator[PinsView]:
    session = Session(model, atlas)
    worker = Worker(session.settle, lambda error: (_ for _ in ()).throw(error))
    made = PinsView(session, worker)
    yield made
    made.close()
    worker.close()


def act(view: PinsView, **message: Any) -> None:
    view.act(message, [])


def two(view: PinsView) -> tuple[int, int]:
    """Pins BaTiO3 and NaCl; their keys."""
    act(view, act="pin")
    view.session.select("mp-22862")
    act(view, act="pin")
    one, other = view.pins
    return one["key"], other["key"]


def test_the_first_message_to_the_page_has_the_name(view: PinsView) -> None:
    assert len(view.get_state()["uid"]) == 16
    other = PinsView(view.session, view.worker)
    assert other.get_state()["uid"] != view.uid
    other.close()


def test_nothing_is_reported_of_no_pins(view: PinsView) -> None:
    assert view.pins == []
    assert view.state["formula"] == "BaTiO3" and view.state["shown"] == -1 and not view.state["full"]


def test_a_pin_is_described_with_all_that_can_be_taken_away(view: PinsView) -> None:
    act(view, act="pin")
    (pin,) = view.pins
    point = view.session.state.pins[0]
    assert (pin["formula"], pin["label"]) == ("BaTiO3", "decode of mp-5986")
    assert pin["group"] == point.structure.properties["space_group"]
    assert ET.fromstring(pin["picture"]).tag.endswith("svg")
    assert match_rms(Structure.from_str(pin["cif"], "cif"), point.structure) == pytest.approx(0, abs=1e-3)
    assert "session.select('mp-5986')" in pin["code"]
    assert pin["structure"]["species"] == [site.specie.symbol for site in point.structure]
    assert view.state["shown"] == pin["key"]


def test_pins_are_sent_only_when_they_change(view: PinsView) -> None:
    two(view)
    sent: list[Any] = []
    view.observe(sent.append, "pins")
    view.session.select(3)
    assert sent == [] and view.state["shown"] == -1
    view.session.pins.remove(0)
    assert len(sent) == 1


def test_the_script_goes_moves_unpins_and_undo_gives_the_same_key(view: PinsView) -> None:
    titanate, salt = two(view)
    act(view, act="go", key=titanate)
    assert view.session.state.point.material_id == "mp-5986" and view.state["shown"] == titanate
    act(view, act="move", key=salt, to=0)
    assert [pin["key"] for pin in view.pins] == [salt, titanate]
    act(view, act="unpin", key=salt)
    assert [pin["key"] for pin in view.pins] == [titanate]
    view.session.undo()
    assert [pin["key"] for pin in view.pins] == [salt, titanate]


def test_the_script_asks_for_paths_also_from_another_explorer(view: PinsView) -> None:
    titanate, salt = two(view)
    act(view, act="interpolate", **{"from": salt, "to": titanate})
    assert view.session.state.ends == (view.session.state.pins[1], view.session.state.pins[0])
    act(view, act="interpolate", **{"from": plain_structure(CRYSTALS["rutile TiO2"].to_structure()), "to": salt})
    start, end = view.session.state.ends
    assert start is not None and start.structure.composition.reduced_formula == "TiO2"
    assert end is view.session.state.pins[1]


@pytest.mark.parametrize(
    "start",
    [
        None,
        99,
        "0",
        {},
        {"species": ["Na"] * 2000, "matrix": [1.0] * 9, "frac_coords": [0.0] * 6000},
        {"species": ["Zz"], "matrix": [3, 0, 0, 0, 3, 0, 0, 0, 3], "frac_coords": [0, 0, 0]},
        {"species": ["Na"], "matrix": "x", "frac_coords": [0, 0, 0]},
    ],
)
def test_what_is_no_end_of_a_path_is_one_sentence(view: PinsView, start: Any) -> None:
    _, salt = two(view)
    before = view.session.state
    act(view, act="interpolate", **{"from": start, "to": salt})
    assert view.session.state is before and 0 < len(view.session.message) < 400


def test_requests_that_come_too_late_do_nothing(view: PinsView) -> None:
    two(view)
    before = view.session.state
    for message in ({"act": "unpin", "key": 99}, {"act": "go"}, {"act": "move", "key": 0, "to": "x"}, {"act": "?"}):
        act(view, **message)
    assert view.session.state is before


def test_a_pin_has_the_fields_that_the_page_reads(view: PinsView) -> None:
    act(view, act="pin")
    assert list(view.pins[0]) == json.loads(FIELDS.read_text(encoding="utf-8"))
