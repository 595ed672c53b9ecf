"""How an explorer begins: device, colours, attribution method, crystals laid over the map."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.errors import CheckpointError, TargetError
from xcrystal.explanation.methods import METHODS
from xcrystal.explorer.drawing.palette import COLOR_MAP, COLOR_MAPS
from xcrystal.explorer.drawing.point_colors import coloring
from xcrystal.explorer.map.map_figure import scale
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

SRTIO3 = CRYSTALS["perovskite SrTiO3"].to_structure()


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


def luminance(color: str) -> float:
    """Relative luminance of "#rrggbb", as in WCAG."""
    parts = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return float(np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", COLOR_MAPS)
def test_a_colour_map_is_ordered_by_lightness_and_seen_on_dark_and_on_white(name: str) -> None:
    light = np.array([luminance(color) for color in COLOR_MAPS[name]])
    assert (np.diff(light) > 0.01).all(), "not told apart by lightness, which every eye sees"
    assert (light[0] + 0.05) / (luminance("#111111") + 0.05) > 1.7
    assert 1.05 / (light[-1] + 0.05) > 1.25


def test_everything_is_chosen_at_the_beginning(model: CrystalModel, atlas: Atlas) -> None:
    explorer = xc.explore(SRTIO3, model=model, atlas=atlas, device="cpu", color_map="cividis", method="shapley")
    try:
        session = explorer.session
        assert session.state.color_map == "cividis"
        drawn = explorer.parts["map"].points.figure.data[1].marker.colorscale
        assert [color for _, color in drawn] == COLOR_MAPS["cividis"]
        assert explorer.parts["map"].markers.state["legend"]["colors"] == COLOR_MAPS["cividis"]
        assert len(session.history) == 1, "what is chosen at the beginning is not to be undone"
        why = explorer.parts["why"]
        why.act({"act": "why", "target": "band_gap", "method": "", "level": "", "baseline": ""}, [])
        assert session.state.why is not None
        assert (session.state.why.method, session.state.why.target) == ("shapley", "band_gap")
        session.display.show_color_map("plasma")
        drawn = explorer.parts["map"].points.figure.data[1].marker.colorscale
        assert [color for _, color in drawn] == COLOR_MAPS["plasma"]
        session.undo()
        assert session.state.color_map == "cividis"
        assert "colours of plasma" in session.change_summaries[-2]
    finally:
        explorer.close()


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"device": "abacus"}, CheckpointError, "abacus"),
        ({"color_map": "rainbow"}, TargetError, "There is no colour map 'rainbow'; there are: viridis"),
        ({"method": "tea_leaves"}, TargetError, "There is no method 'tea_leaves'; there are: shapley"),
    ],
)
def test_what_does_not_exist_is_said(wrong: dict[str, str], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        xc.explore(**wrong)  # type: ignore[arg-type]


def test_a_model_that_is_open_stays_where_it_is(model: CrystalModel, atlas: Atlas) -> None:
    with pytest.raises(CheckpointError, match="This model is on cpu"):
        xc.explore(model=model, atlas=atlas, device="cuda")


def test_numbers_have_the_scale_and_kinds_do_not(atlas: Atlas) -> None:
    assert scale(coloring(atlas, "band_gap"), "magma") != scale(coloring(atlas, "band_gap"), "viridis")
    assert scale(coloring(atlas, "crystal_system"), "magma") == scale(coloring(atlas, "crystal_system"), "viridis")


def test_colours_and_method_are_saved_and_written_as_code(session: Session, model: CrystalModel, atlas: Atlas) -> None:
    session.display.show_color_map("plasma")
    session.explanations.begin_with("occlusion")
    code = session.code()
    assert "session.display.show_color_map('plasma')" in code
    assert "session.explanations.begin_with('occlusion')" in code
    other = Session(model, atlas)
    assert other.file.open_json(session.file.to_json()), other.message
    assert (other.state.color_map, other.explanations.method) == ("plasma", "occlusion")
    old = json.loads(session.file.to_json())
    del old["method"], old["state"]["color_map"]
    assert other.file.open_json(json.dumps(old)), other.message
    assert (other.state.color_map, other.explanations.method) == (COLOR_MAP, "shapley")


@pytest.mark.parametrize("damage", [{"method": "tea"}, {"method": 3}, {"state": {"color_map": "x"}}])
def test_saved_choices_are_not_trusted(session: Session, damage: dict[str, object]) -> None:
    content = json.loads(session.file.to_json())
    state = {**content["state"], **damage.get("state", {})}  # type: ignore[dict-item]
    assert not session.file.open_json(json.dumps({**content, **damage, "state": state}))
    assert "damaged" in session.message


@pytest.mark.parametrize("level", ["atoms", "lattice", "pairs"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_to_begin_with_goes_with_every_level(session: Session, method: str, level: str) -> None:
    session.explanations.begin_with(method)
    chosen = session.explanations.method_at(level)
    assert level in METHODS[chosen].levels
    assert chosen == method or level not in METHODS[method].levels


def test_crystals_laid_over_the_map_and_one_that_is_not_there(
    model: CrystalModel, atlas: Atlas, tmp_path: Path
) -> None:
    path = tmp_path / "it's mine.cif"
    SRTIO3.to(str(path))
    odd = tmp_path / "odd.cif"
    odd.write_text(path.read_text().replace("'Sr1 Ti1 O3'", "'Ca1 Ti1 O3'"))
    explorer = xc.explore(path, model=model, atlas=atlas, overlay=[path, odd, tmp_path / "gone.cif"])
    try:
        assert [own.name for own in explorer.session.state.own] == [path.name, odd.name]
        assert "odd.cif make SrTiO3, while its formula is Ca1 Ti1 O3" in explorer.session.message
        assert explorer.session.state.loaded is not None
        assert "gone.cif" in explorer.session.message
    finally:
        explorer.close()
