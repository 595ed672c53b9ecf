"""The map as far as Python sees it: what a click, a drag, a lasso and a colour do, and what is drawn and reported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.crystals import CRYSTALS
from xcrystal.errors import TargetError
from xcrystal.explorer.drawing import point_colors
from xcrystal.explorer.map.map_figure import MOST, Points, nearest
from xcrystal.explorer.map.map_view import MapView
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


def _raise(error: Exception) -> None:
    raise error


@pytest.fixture
def view(model: CrystalModel, atlas: Atlas) -> Iterator[MapView]:
    worker = Worker(lambda: None, _raise)
    made = MapView(Session(model, atlas), worker)
    yield made
    made.close()
    worker.close()


def kinds(view: MapView) -> list[str]:
    return [mark["kind"] for mark in view.markers.state["markers"]]


def click(view: MapView, place: Any, pixel: float = 0.01) -> None:
    view.markers.act({"act": "click", "x": float(place[0]), "y": float(place[1]), "dx": pixel, "dy": pixel}, [])


def test_a_click_on_a_point_goes_to_that_crystal(view: MapView, atlas: Atlas) -> None:
    row = view.points.rows[77]
    click(view, atlas.inverse.places[row] + 1e-4, 1e-4)
    assert view.session.state.point.material_id == atlas.table.material_id[row]
    assert kinds(view) == ["current"]


def test_a_click_elsewhere_decodes_and_tells_how_far_off_it_is(view: MapView, atlas: Atlas) -> None:
    corner = atlas.inverse.places.max(axis=0)
    click(view, corner)
    session, state = view.session, view.markers.state
    assert (
        session.state.point.wanted == pytest.approx(tuple(corner), abs=1e-4) and session.state.point.landed is not None
    )
    share = np.linalg.norm(np.subtract(session.state.point.landed, corner)) / atlas.inverse.width
    assert f"{100 * share:.1f} %" in state["off"]
    assert kinds(view) == ["current", "wanted", "landed"]
    assert len(state["ring"]) == len(session.state.point.neighbours)


def test_a_drag_is_one_step_of_undo(view: MapView) -> None:
    session = view.session
    before = session.place_in_history
    for x in (3.0, 3.1, 3.2):
        view.markers.act({"act": "drag", "x": x, "y": 3.0}, [])
        assert not session.idle
    session.settle()
    assert session.place_in_history == before + 1 and session.state.point.wanted == (3.2, 3.0)


def test_a_lasso_selects_and_the_others_fade(view: MapView, atlas: Atlas) -> None:
    (x0, y0), (x1, y1) = np.quantile(atlas.inverse.places, [0.4, 0.6], axis=0)
    view.markers.act({"act": "polygon", "points": [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]}, [])
    chosen = view.session.state.selection
    assert chosen is not None and view.markers.state["selected"][0] == len(chosen.rows)
    opaque = sum(int((np.asarray(trace.marker.opacity) == 1).sum()) for trace in view.points.figure.data)
    assert opaque == len(chosen.rows)
    view.markers.act({"act": "deselect"}, [])
    assert view.markers.state["selected"] is None and view.points.figure.data[1].marker.opacity == 0.9


def test_what_is_not_selected_is_grey(view: MapView, atlas: Atlas) -> None:
    view.session.search("formation energy < -1, oxide")
    chosen = view.session.state.selection
    assert chosen is not None
    grey, bright = view.points.figure.data
    known = np.isin(view.points.rows, chosen.rows)
    assert len(bright.x) == known.sum() and len(grey.x) == (~known).sum() > 0
    assert (np.asarray(grey.marker.opacity) < 1).all() and grey.marker.color == "#b8b8b8"


def test_a_crystal_under_the_mouse_is_drawn(view: MapView, atlas: Atlas) -> None:
    sent: list[dict[str, Any]] = []
    view.markers.send = sent.append
    row = int(view.points.rows[7])
    x, y = map(float, atlas.inverse.places[row])
    view.markers._receive(view.markers, {"act": "hover", "x": x, "y": y, "dx": 1e-6, "dy": 1e-6}, [])
    view.markers._receive(view.markers, {"act": "still", "row": row}, [])
    assert sent[0]["row"] == row and sent[0]["lines"][0] == atlas.table["formula"].iat[row]
    assert sent[1]["row"] == row and sent[1]["drawing"].startswith("<svg") and len(sent[1]["drawing"]) < 20_000
    view.markers._receive(view.markers, {"act": "still", "row": len(atlas)}, [])
    assert len(sent) == 2


def test_the_first_view_leaves_out_the_fringe(view: MapView, atlas: Atlas) -> None:
    places = atlas.inverse.places
    window = np.array([view.points.figure.layout.xaxis.range, view.points.figure.layout.yaxis.range]).T
    outside = ((places < window[0]) | (places > window[1])).any(axis=1)
    assert 0 < outside.sum() == view.points.beyond < 0.03 * len(atlas)
    assert np.prod(np.diff(window, axis=0)) < 0.6 * np.prod(np.ptp(places, axis=0))
    assert f"{view.points.beyond:,} more" in view.markers.state["beyond"]


def test_landmarks_are_sent_once_and_small(view: MapView, atlas: Atlas) -> None:
    assert view.markers.landmarks == []
    view.markers._find_landmarks()
    assert len(json.dumps(view.markers.landmarks)) < 12_000
    named = {text: (x, y) for x, y, text, is_crystal in view.markers.landmarks if is_crystal}
    salt = atlas.inverse.places[atlas.row("mp-22862")]
    assert named["NaCl"] == pytest.approx(tuple(salt), abs=1e-3)


def test_crystals_without_a_value_are_grey_and_reported(view: MapView, atlas: Atlas) -> None:
    view.markers.act({"act": "color", "name": "band_gap"}, [])
    drawn = view.points.rows
    missing = drawn[atlas.table.band_gap.isna().to_numpy()[drawn]]
    grey, bright = view.points.figure.data
    assert len(missing) > 0 and len(grey.x) == len(missing) and len(grey.x) + len(bright.x) == len(drawn)
    assert np.isfinite(bright.marker.color).all()
    sent: list[dict[str, Any]] = []
    view.markers.send = sent.append
    x, y = atlas.inverse.places[missing[0]]
    hover = {"act": "hover", "x": x, "y": y, "dx": 1e-6, "dy": 1e-6}
    view.markers._receive(view.markers, hover, [])
    assert "Band gap (eV): not known" in sent[0]["lines"]
    view.markers._receive(view.markers, {**hover, "x": 1e3}, [])
    assert sent[1]["lines"] == []


@pytest.mark.parametrize("name", ["crystal_system", "number_of_elements", "density", "element:O", "space_group"])
def test_colours_match_what_the_table_says(atlas: Atlas, name: str) -> None:
    reported = point_colors.coloring(atlas, name)
    assert point_colors.known(atlas, name) and len(reported.values) == len(atlas)
    row = atlas.row("mp-5986")  # BaTiO3, tetragonal
    said = {"crystal_system": "tetragonal", "number_of_elements": "3", "element:O": "0.6", "space_group": "99"}
    assert reported.text(row).endswith(said.get(name, ""))
    low, high = reported.span
    assert low < high


def test_an_element_that_a_crystal_lacks_has_no_value(atlas: Atlas) -> None:
    reported = point_colors.coloring(atlas, "element:C")
    holds = atlas.table.formula.str.contains(r"C(?![a-z])")
    np.testing.assert_array_equal(np.isfinite(reported.values), holds)
    assert reported.text(atlas.row("mp-5986")).endswith("no C")


def test_only_crystals_of_the_materials_project_are_credited_to_it(
    view: MapView, model: CrystalModel, bare_atlas: Atlas
) -> None:
    assert view.markers.state["credit"] and view.markers.state["here"]["href"].endswith("/mp-5986")
    worker = Worker(lambda: None, _raise)
    own = MapView(Session(model, bare_atlas), worker)
    assert not own.markers.state["credit"] and own.markers.state["here"]["href"] == ""
    own.close()
    worker.close()


def test_own_crystals_are_numbered_and_gone_to(view: MapView, tmp_path: Path) -> None:
    names = ["rock salt NaCl", "perovskite SrTiO3"]
    for k, name in enumerate(names):
        CRYSTALS[name].to_structure().to(filename=str(tmp_path / f"{k}.cif"))
    (tmp_path / "2.cif").write_text("nonsense")
    session = view.session
    session.overlay(tmp_path)
    assert [own.name for own in session.state.own] == ["0.cif", "1.cif"]
    assert "2.cif" in session.message and session.progress is None
    assert kinds(view)[1:] == ["own", "own"]
    view.markers.act({"act": "own", "number": 1}, [])
    assert session.state.loaded is not None and session.state.loaded.name == "1.cif"
    with pytest.raises(TargetError):
        session.own_crystals.show(2)
    session.own_crystals.clear()
    assert session.state.own == ()
    session.undo()
    assert len(session.state.own) == 2


@pytest.mark.parametrize("source", [[], 5, "no such folder"])
def test_what_cannot_be_laid_over_the_map_is_said(view: MapView, source: Any) -> None:
    view.session.overlay(source)
    assert view.session.message and view.session.state.own == ()


def test_many_points_are_thinned_and_more_come_with_a_zoom(atlas: Atlas) -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(atlas), 60_000)
    table = atlas.table.iloc[rows].reset_index(drop=True)
    table[["x", "y"]] += rng.normal(0, 0.1, (len(table), 2))
    many = Atlas("many", pd.DataFrame(table), atlas.z[rows])
    points = Points(many, "band_gap")
    assert points.thinned and 0.8 * MOST < len(points.rows) <= MOST
    first = points.rows
    points.look_at(tuple(x for axis in (points.figure.layout.xaxis, points.figure.layout.yaxis) for x in axis.range))
    assert points.rows is first  # so that opening sends the points once
    (x0, y0), (x1, y1) = np.quantile(many.inverse.places, [0.45, 0.55], axis=0)
    before = ((points.xy[points.rows] > (x0, y0)) & (points.xy[points.rows] < (x1, y1))).all(axis=1).sum()
    points.look_at((x0, x1, y0, y1))
    after = ((points.xy[points.rows] > (x0, y0)) & (points.xy[points.rows] < (x1, y1))).all(axis=1).sum()
    assert after > before
    assert sum(len(trace.x) for trace in points.figure.data) == len(points.rows)
    points.figure.close()


def test_the_selection_is_drawn_though_others_are_thinned(atlas: Atlas) -> None:
    rows = np.random.default_rng(0).integers(0, len(atlas), 60_000)
    many = Atlas("many", atlas.table.iloc[rows].reset_index(drop=True), atlas.z[rows])
    points = Points(many, "band_gap")
    selected = np.setdiff1d(np.arange(len(many)), points.rows)[:500]
    points.select(selected)
    assert np.isin(selected, points.rows).all() and len(points.rows) <= MOST
    points.select(np.arange(len(many)))
    assert 0.8 * MOST < len(points.rows) <= MOST
    points.select(None)
    assert not np.isin(selected, points.rows).any()
    points.figure.close()


def test_what_is_sent_is_small(view: MapView) -> None:
    assert len(json.dumps(view.markers.state)) < 10_000
    arrays = [a for t in view.points.figure.data for a in (t.x, t.y, t.marker.color) if isinstance(a, np.ndarray)]
    assert sum(array.nbytes for array in arrays) < 400_000


def test_nearest_is_measured_in_pixels() -> None:
    points = np.array([[0.0, 1.0], [3.0, 0.0]])
    assert nearest(points, (0, 0), (1, 1)) == 0
    assert nearest(points, (0, 0), (10, 1)) == 1
