"""The Concepts tab without a browser: what it shows, what its buttons do, and that it sleeps until it is seen."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from xcrystal.explorer.drawing.point_colors import coloring, colors
from xcrystal.explorer.panels.concept_panel import ConceptView
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def view(session: Session) -> Iterator[ConceptView]:
    worker = Worker(session.settle, lambda error: session.report(str(error)))
    made = ConceptView(session, worker)
    yield made
    worker.close()
    made.close()


def act(view: ConceptView, action: str, **more: object) -> None:
    """What the script sends."""
    view.act({"act": action, **more}, [])
    view.refresh()
    json.dumps(view.state, allow_nan=False)


def test_nothing_is_looked_for_until_it_is_seen(session: Session, view: ConceptView) -> None:
    state = view.state
    assert state["near"] is None and state["concepts"] is None and state["region"] is None and state["selected"] is None
    assert [name for name, _ in state["targets"]] == list(session.predicted)
    session.search("Sr-Ti-O")
    assert view.state["selected"] is None
    act(view, "awake", value=True)
    assert view.state["selected"][0] == len(session.selections.table)
    assert len(view.state["near"]["rows"]) == 8 and "nearest known crystals" in view.state["near"]["said"]


def test_neighbours_follow_the_crystal_and_are_clicked(session: Session, view: ConceptView) -> None:
    act(view, "awake", value=True)
    before = view.state["near"]["rows"]
    row, formula, material = before[3][:3]
    act(view, "go", row=row)
    assert session.state.point.material_id == material
    after = view.state["near"]["rows"]
    assert after[0][:4] == [row, formula, material, "0.00"]
    act(view, "target", value="band_gap")
    assert view.state["near"]["unit"] == "eV"
    act(view, "target", value="no such property")
    assert view.state["target"] == "band_gap"
    act(view, "go", row=10**9)  # not one of the neighbours
    assert session.state.point.material_id == material


def test_concepts_become_rows_that_say_what_counts(session: Session, view: ConceptView) -> None:
    act(view, "awake", value=True)
    act(view, "target", value="band_gap")
    act(view, "concepts")
    assert session.group_explanations.concepts_tested is not None
    found = view.state["concepts"]
    assert "band gap" in found["said"] and "drawn at random" in found["said"]
    for row, result in zip(found["rows"], session.group_explanations.concepts_tested.results, strict=True):
        assert row["name"] == result.name and row["significant"] == result.significant
        assert row["said"].startswith("used: it" if result.significant else "not used")
        assert "p =" not in row["said"] and "AUC" not in row["said"], "figures are for those who ask for more"
        assert f"p = {result.adjusted:.2g} " in row["figures"] and f"AUC {result.auc:.2f}" in row["figures"]
        assert 0 <= row["random"][0] <= row["random"][1] <= 1


def test_elements_are_averaged_over_the_selection(session: Session, view: ConceptView) -> None:
    act(view, "awake", value=True)
    act(view, "region")
    assert view.state["region"] is None and "Select crystals first" in session.message
    session.search("Sr-Ti-O")
    act(view, "region")
    found = view.state["region"]
    assert session.group_explanations.region is not None and not found["old"] and "Sr-Ti-O" in found["said"]
    cells = {cell["symbol"]: cell for cell in found["elements"]}
    assert {"Sr": 38, "Ti": 22, "O": 8}.items() <= {name: cell["z"] for name, cell in cells.items()}.items()
    for element in session.group_explanations.region.elements:
        red, blue = (int(cells[element.element]["color"][k : k + 2], 16) for k in (1, 5))
        assert (red > blue) == (element.mean > 0)
        assert f"{element.crystals} crystal" in cells[element.element]["text"]
        assert ("±" in cells[element.element]["text"]) == np.isfinite(element.error)
    assert "that the model decodes" in found["note"]
    session.search("K Cl")
    assert view.state["region"]["old"]


def test_a_single_crystal_has_no_error(session: Session, view: ConceptView) -> None:
    session.search("mp-5986")
    act(view, "awake", value=True)
    act(view, "region")
    texts = [cell["text"] for cell in view.state["region"]["elements"]]
    assert texts and all("±" not in text and "1 crystal" in text for text in texts)


def test_long_work_is_shown_and_stopped(session: Session, view: ConceptView) -> None:
    reported = []

    def stop(event: str) -> None:
        if event == "progress" and session.progress is not None:
            reported.append(view.state["progress"])
            view._receive(view, {"act": "stop"}, [])

    session.subscribe(stop)
    act(view, "concepts")
    assert reported and reported[-1][0] == "Testing concepts"
    assert session.group_explanations.concepts_tested is not None and "stopped" in view.state["concepts"]["notes"][-1]
    assert view.state["progress"] is None


def test_an_atlas_of_somebodys_own_is_explained(model: CrystalModel, bare_atlas: Atlas) -> None:
    session = Session(model, bare_atlas)
    worker = Worker(session.settle, lambda error: session.report(str(error)))
    view = ConceptView(session, worker)
    act(view, "awake", value=True)
    assert not view.state["near"]["measured"] and view.state["near"]["rows"][0][4] == "–"
    assert view.state["near"]["rows"][0][2].startswith("<b>mine")
    act(view, "concepts")
    assert any("Not offered" in note for note in view.state["concepts"]["notes"])
    worker.close()
    view.close()


def test_labels_colour_the_map_as_yes_and_no(atlas: Atlas) -> None:
    labels = [name for name in colors(atlas) if name in atlas.table and atlas.table[name].dtype == bool]
    assert {"perovskite", "layered", "rock_salt", "close_packed", "in_train"} == set(labels)
    reported = coloring(atlas, "close_packed")
    assert reported.title == "Close-packed" and reported.kinds == ("no", "yes")
    yes = int(np.flatnonzero(atlas.table["close_packed"])[0])
    assert reported.text(yes) == "Close-packed: yes"
