"""The panel that finds crystals, as far as Python sees it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from xcrystal.explorer.panels.search_panel import EXAMPLES, SHOWN, FindView
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


@pytest.fixture
def panel(model: CrystalModel, atlas: Atlas) -> Iterator[FindView]:
    session = Session(model, atlas)
    worker = Worker(session.settle, lambda error: None)
    view = FindView(session, worker)
    yield view
    worker.close()
    view.close()


def say(panel: FindView, **message: Any) -> dict[str, Any]:
    """What the script sends; what it is then to draw."""
    panel._answer(message, [])
    return panel.state


def test_a_search_fills_the_table(panel: FindView, atlas: Atlas) -> None:
    assert panel.state["count"] == 0 and panel.state["of"] == len(atlas)
    state = say(panel, act="search", query="oxide perovskites")
    assert state["count"] > SHOWN == len(state["rows"])
    assert state["understood"].startswith("contains O; perovskite")
    row, formula, name, group, energy, gap, hull = state["rows"][0]
    record = atlas.table.iloc[row]
    assert (formula, name) == (record.formula, record.material_id)
    assert group.split()[0] == str(record.space_group)
    assert float(energy.replace("−", "-")) == pytest.approx(record.formation_energy_per_atom, abs=0.006)
    assert [title for title, *_ in state["columns"]] == ["Energy", "Gap", "Hull"]
    assert gap and hull
    assert len(json.dumps(state, allow_nan=False)) < 8000
    say(panel, act="go", row=row)
    assert panel.session.state.point.material_id == name
    assert say(panel, act="clear")["rows"] == []


def test_every_example_finds_something(panel: FindView) -> None:
    for query in EXAMPLES:
        state = say(panel, act="search", query=query)
        assert state["title"] == query and state["count"] > 0 and state["trouble"] == ""


@pytest.mark.parametrize("query", ["unobtainium", "P222_1O", ""])
def test_what_is_not_found_is_said_beside_the_box(panel: FindView, query: str) -> None:
    say(panel, act="search", query="Ti")
    state = say(panel, act="search", query=query)
    assert state["trouble"] and state["title"] == "Ti"
    assert say(panel, act="search", query="Ti O")["trouble"] == ""


def test_two_groups_make_a_direction(panel: FindView) -> None:
    say(panel, act="search", query="oxide perovskites")
    say(panel, act="keep", group=0)
    say(panel, act="search", query="oxide")
    state = say(panel, act="keep", group=1)
    assert [group[0] for group in state["groups"]] == ["oxide perovskites", "oxide"]
    state = say(panel, act="concept", name="")
    assert state["concepts"][0][0] == "oxide perovskites against oxide" and "AUC" in state["concepts"][0][1]
    assert say(panel, act="drop", group=1)["groups"][1] is None
    assert say(panel, act="remove", name="oxide perovskites against oxide")["concepts"] == []
    say(panel, act="search", query="mp-5986")
    say(panel, act="keep", group=0)
    assert "at least 5" in say(panel, act="concept", name="one")["trouble"]


def test_the_table_of_the_selection_can_be_downloaded(panel: FindView, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str, bytes]] = []
    monkeypatch.setattr(panel, "offer", lambda *file: sent.append(file))
    say(panel, act="search", query="Sr-Ti-O")
    say(panel, act="csv")
    ((name, kind, content),) = sent
    assert (name, kind) == ("selection.csv", "text/csv")
    table = pd.read_csv(io.BytesIO(content))
    assert table["formula"].tolist() == panel.session.selections.table["formula"].tolist()


def test_an_atlas_may_know_nothing_but_formulas(model: CrystalModel, bare_atlas: Atlas) -> None:
    bare_atlas.table.drop(columns="space_group", inplace=True)
    session = Session(model, bare_atlas)
    panel = FindView(session, Worker(session.settle, lambda error: None))
    state = say(panel, act="search", query="no O")
    assert state["columns"] == [] and state["rows"][0][3] == "–"
    assert "no numbers" in say(panel, act="search", query="gap > 1")["trouble"]
    panel.worker.close()
    panel.close()


@pytest.mark.parametrize(
    "message", [{"act": "go"}, {"act": "go", "row": 10**9}, {"act": "keep", "group": 7}, {"act": "remove"}]
)
def test_a_message_that_makes_no_sense_is_said_and_changes_nothing(panel: FindView, message: dict[str, Any]) -> None:
    state = panel.session.state
    say(panel, **message)
    assert panel.session.state is state and panel.session.message


def test_columns_sort_both_ways_until_the_next_search(panel: FindView, atlas: Atlas) -> None:
    def gaps(state: dict[str, Any]) -> list[float]:
        return atlas.table["band_gap"].iloc[[row[0] for row in state["rows"]]].tolist()

    plain = say(panel, act="search", query="Sr-Ti-O")["rows"]
    up = say(panel, act="sort", column="band_gap")
    assert gaps(up) == sorted(gaps(up)) and up["sorted"] == ["band_gap", False]
    assert sorted(row[0] for row in up["rows"]) == sorted(row[0] for row in plain)
    down = say(panel, act="sort", column="band_gap")
    assert gaps(down) == sorted(gaps(down), reverse=True) and down["sorted"] == ["band_gap", True]
    assert say(panel, act="search", query="spinel")["sorted"] is None


def test_pictures_come_for_the_rows_that_are_asked_for(panel: FindView, atlas: Atlas) -> None:
    sent: list[dict[str, Any]] = []
    panel.send = sent.append
    panel._receive(panel, {"act": "pictures", "rows": [3, 5, -1, 10**9, "x"]}, [])
    drawn = dict(sent[0]["pictures"])
    assert list(drawn) == [3, 5] and all(picture.startswith("<svg") for picture in drawn.values())
    assert len(json.dumps(sent[0])) < 30_000
    panel._receive(panel, {"act": "pictures", "rows": [5]}, [])
    assert dict(sent[1]["pictures"]) == {5: drawn[5]}


def test_when_nothing_is_found_there_is_a_way_on(panel: FindView, atlas: Atlas) -> None:
    state = say(panel, act="search", query="SrTiO4")
    formulas, gallery, propose = state["help"]
    assert "SrTiO4 is not in this atlas" in state["trouble"]
    assert formulas[0] == "SrTiO3" and gallery == [] and propose == "SrTiO4"
    state = say(panel, act="search", query="garnet")
    assert "80 atoms" in state["trouble"] and state["help"][1:] == [["garnet"], ""]
    state = say(panel, act="search", query="rutile")
    assert state["trouble"] == "" and state["help"] == [[], ["rutile"], ""]
    say(panel, act="gallery", name="rutile")
    loaded = panel.session.state.loaded
    assert loaded is not None and loaded.structure.composition.reduced_formula == "TiO2"
    say(panel, act="gallery", name="no such")
    assert "no entry" in panel.session.message
