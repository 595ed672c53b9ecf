"""Selecting crystals and making directions of them, without a browser."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xcrystal.errors import TargetError
from xcrystal.explorer.session.selections import inside
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.axes import FAMILIES, LATENTS
from xcrystal.latent.searching import search


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


def test_a_search_selects_crystals_as_a_table(session: Session, atlas: Atlas) -> None:
    assert session.state.selection is None and session.selections.table.empty
    heard: list[str] = []
    session.subscribe(heard.append)
    session.search("  oxide   perovskites ")
    assert "selection" in heard and "crystal" not in heard
    assert session.state.selection is not None and session.state.selection.title == "oxide perovskites"
    table = session.selections.table
    assert list(table.columns) == ["row", *atlas.table.columns]
    assert table["material_id"].tolist() == atlas.table["material_id"].iloc[table["row"]].tolist()
    assert table["row"].tolist() == search(atlas, "oxide perovskites").tolist()
    session.selections.clear()
    assert session.state.selection is None
    session.undo()
    assert len(session.selections.table) == len(table)


@pytest.mark.parametrize("query", ["unobtainium", "", "P222_1O", "mp-0", "colour > 3", "<b>O</b>"])
def test_a_search_that_finds_nothing_says_so_and_changes_nothing(session: Session, query: str) -> None:
    session.search("Ti")
    state, entries = session.state, len(session.history)
    session.search(query)
    assert session.message
    assert session.state is state and len(session.history) == entries


def test_a_polygon_on_the_map_selects_what_lies_in_it(session: Session, atlas: Atlas) -> None:
    x, y = atlas.table[["x", "y"]].to_numpy(dtype=float).T
    session.selections.select_polygon([[0, 0], [2, 0], [2, 1], [0, 1]])
    assert session.selections.table["row"].tolist() == np.flatnonzero((x > 0) & (x < 2) & (y > 0) & (y < 1)).tolist()
    state = session.state
    for bad in (
        [[0, 0], [1, 1]],
        [[0, 0], [1, np.nan], [1, 1]],
        "polygon",
        [[500, 500], [501, 500], [501, 501]],
        [1, 2, 3],
    ):
        session.selections.select_polygon(bad)
        assert session.message and session.state is state


@settings(max_examples=50, deadline=None)
@example([(0.0, 0.0), (0.0, 0.0), (1.0, 2.2250738585e-313)], 0)  # hardly higher than nothing
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=3, max_size=12), st.integers(0, 100))
def test_inside_is_what_a_careful_loop_says(corners: list[tuple[float, float]], seed: int) -> None:
    points = np.random.default_rng(seed).uniform(-5, 5, (40, 2))
    found = inside(points, np.array(corners))
    for (x, y), is_in in zip(points, found, strict=True):
        crossings = 0
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
                crossings += 1
        assert is_in == crossings % 2


def test_rows_can_be_given(session: Session) -> None:
    session.selections.select_rows([5, 3, 3], "mine")
    assert session.selections.table["row"].tolist() == [3, 5]
    state = session.state
    for bad in ([], [-1], [10**9], [1.5], "rows", [True, False], [None]):
        session.selections.select_rows(bad)
        assert session.message and session.state is state, bad


def test_a_direction_between_kept_groups(session: Session) -> None:
    session.directions.make()
    assert "group A" in session.message
    session.directions.keep_group(0)
    assert "Select crystals first" in session.message
    session.search("oxide perovskites")
    session.directions.keep_group(0)
    session.search("oxide")
    session.directions.keep_group(1)
    made = session.directions.make()
    assert made is not None and made.name == "oxide perovskites against oxide"
    assert session.state.family == "concept" and session.sliders.axes == (made,)
    assert "AUC" in made.note
    session.directions.drop_group(1)
    other = session.directions.make("  to   perovskites ")
    assert other is not None and other.name == "to perovskites"
    assert other.vector @ made.vector < 0.999
    session.directions.remove(made.name)
    assert session.sliders.axes == (other,)
    session.undo()
    assert session.sliders.axes == (made, other)
    with pytest.raises(TargetError):
        session.directions.remove("nothing")
    with pytest.raises(TargetError):
        session.directions.keep_group(2)


def test_a_direction_from_queries_and_rows(session: Session, atlas: Atlas) -> None:
    one = session.directions.make("oxides", "oxide")
    same = session.directions.make("oxides", search(atlas, "oxide").tolist(), search(atlas, "no O").tolist())
    assert one is not None and same is not None
    assert (one.name, same.name) == ("oxides", "oxides 2")
    np.testing.assert_allclose(one.vector, same.vector, atol=1e-12)
    assert session.directions.make("principal 1", "oxide").name == "principal 1 2"  # type: ignore[union-attr]
    state = session.state
    for positive, negative in (([1, 2], None), ("unobtainium", None), ("oxide", "oxide"), ([10**9], None)):
        assert session.directions.make("bad", positive, negative) is None
        assert session.message and session.state is state


def test_a_direction_can_be_added_as_numbers(session: Session) -> None:
    made = session.directions.make("oxides", "oxide")
    assert made is not None
    fresh = Session(session.model, session.atlas)
    fresh.directions.add("oxides", made.vector.tolist(), made.mean.tolist(), made.scale, made.note)
    assert fresh.sliders.axis("oxides").coordinates(session.z)[0] == pytest.approx(made.coordinates(session.z)[0])
    state = fresh.state
    for vector, scale in (
        ([0.0] * 128, 1.0),
        ([1.0] * 5, 1.0),
        ([1.0] * 128, 0.0),
        (["x"] * 128, 1.0),
        ([np.nan] * 128, 1),
    ):
        fresh.directions.add("bad", vector, made.mean, scale)
        assert fresh.message and fresh.state is state


def test_axes_by_family_number_and_name(session: Session) -> None:
    session.directions.make("oxides", "oxide")
    for family in FAMILIES:
        session.sliders.show_axes(family)
        assert all(axis.family == family for axis in session.sliders.axes)
        assert session.sliders.coordinates.shape == (len(session.sliders.axes),)
        for k, axis in enumerate(session.sliders.axes):
            assert session.sliders.axis(k) is axis and session.sliders.axis(axis.name) is axis
    # by name whatever is shown
    for name in ("principal 2", "latent 100", "lower formation energy", "oxides"):
        assert session.sliders.axis(name).name == name
    for bad in (99, -1, "nothing", "latent 128", "latent x"):
        with pytest.raises(TargetError):
            session.sliders.axis(bad)
    with pytest.raises(TargetError):
        session.sliders.show_axes("nothing")


def test_single_dimensions_can_be_added(session: Session) -> None:
    session.sliders.show_axes("latent")
    first = session.sliders.axes
    assert len(first) == LATENTS
    hidden = next(k for k in range(128) if f"latent {k}" not in {axis.name for axis in first})
    session.sliders.show_latent(hidden)
    session.sliders.show_latent(hidden)
    assert session.state.latents == (hidden,) and session.sliders.axes[-1].name == f"latent {hidden}"
    session.move(LATENTS, 1.0)
    assert session.sliders.coordinates[-1] == pytest.approx(1.0, abs=1e-4)
    state = session.state
    for bad in (128, -1, "many"):
        session.sliders.show_latent(bad)  # type: ignore[arg-type]
        assert session.message and session.state is state


def test_what_a_move_achieved_is_said_of_the_decoded_crystal(session: Session, model: CrystalModel) -> None:
    session.move(
        "lower formation energy", float(session.sliders.axis("lower formation energy").coordinates(session.z)[0]) + 2
    )
    session.settle()
    found = session.points.achieved(session.state.point)
    again = model.predict(model.encode(session.structure))
    assert found == {name: pytest.approx(float(values[0])) for name, values in again.items()}
    assert session.points.achieved(session.state.point) is found


def test_everything_can_be_undone(session: Session) -> None:
    begin = session.state
    session.search("oxide")
    session.directions.keep_group(0)
    session.directions.make()
    session.sliders.show_axes("latent")
    session.sliders.show_latent(9)
    session.selections.select_polygon([[0, 0], [2, 0], [2, 1]])
    session.selections.clear()
    while session.place_in_history:
        session.undo()
    assert session.state is begin
