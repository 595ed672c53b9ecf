"""Scores have the same colours wherever they are drawn, and none where there is nothing to explain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.explanation.attribution import Attribution
from xcrystal.explanation.score_scale import ScoreScale
from xcrystal.explorer.drawing.palette import hex_color
from xcrystal.explorer.drawing.scene_message import atom_colors
from xcrystal.explorer.panels.attribution_bars import bars
from xcrystal.generator import CrystalModel

PEROVSKITE = CRYSTALS["perovskite SrTiO3"].to_structure()


@pytest.fixture(scope="module")
def found(model: CrystalModel) -> Attribution:
    return xc.explain(model, PEROVSKITE)


def test_signed_scores_are_blue_white_and_red() -> None:
    low, zero, high = ScoreScale(2.0).colors(np.array([-2.0, 0.0, 2.0]))
    assert low[2] > low[0] and high[0] > high[2] and (zero > 0.95).all()
    assert ScoreScale(2.0).colors(np.zeros((3, 4))).shape == (3, 4, 3)


def test_scores_without_a_sign_begin_at_white_and_only_darken() -> None:
    scale = ScoreScale(2.0, signed=False)
    light = scale.colors(np.linspace(0, 2, 9)) @ [0.299, 0.587, 0.114]
    assert scale.low == 0 and light[0] > 0.95 and (np.diff(light) < 0).all()


@pytest.mark.parametrize("method", ["integrated_gradients", "saliency"])
def test_bars_and_atoms_have_one_palette(model: CrystalModel, method: str) -> None:
    found = xc.explain(model, PEROVSKITE, method=method)
    assert found.atom_scores is not None
    drawn = atom_colors(PEROVSKITE, found.atom_scores, found.scale())
    rows = bars(found, np.arange(5))["rows"]
    assert [row["color"] for row in rows] == [hex_color(color) for color in drawn]


def test_within_the_error_there_is_nothing_to_explain(found: Attribution) -> None:
    assert found.interval is not None and found.interval[0] < found.target_value < found.interval[1]
    assert found.beyond_error and not found.scale().muted  # SrTiO3 is far from the mean crystal
    within = replace(found, baseline_value=found.target_value - 0.01)
    assert not within.beyond_error
    colors = within.scale().colors(found.scores)
    assert within.nothing_to_explain and "nothing to explain" in repr(within)
    assert np.ptp(colors) == 0 and "nothing to explain" in within.plot().layout.title.text
    assert replace(within, method="saliency").beyond_error  # its scores share out no difference
    assert replace(within, interval=None).beyond_error
    assert Attribution.from_dict(within.to_dict()).interval == within.interval


def test_colours_are_as_strong_as_the_difference_is_sure(found: Attribution) -> None:
    assert found.interval is not None
    above = found.interval[1] - found.target_value

    def span(errors: float) -> float:
        seen = replace(found, baseline_value=found.target_value + errors * above)
        assert seen.error == pytest.approx(above)
        return seen.scale().span

    assert span(1.5) == pytest.approx(2 * span(3)) and span(3) == pytest.approx(span(30))


def test_the_error_of_what_is_no_property_is_not_known(model: CrystalModel) -> None:
    assert xc.explain(model, PEROVSKITE, "space group").interval is None
