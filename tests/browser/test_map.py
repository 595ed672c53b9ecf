"""The map in JupyterLab, by mouse and by keyboard: tools, tooltip, boxes, colours, own crystals, zoom, looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.explorer import ExplorerPage, open_explorer
from tests.browser.pixels import canvas_pixels, changed_share, screen_pixels
from tests.crystals import CRYSTALS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
NOTEBOOK = "map.ipynb"
CELL = "import xcrystal as xc\n\nexplorer = xc.explore('mp-22862', mode='researcher')\nexplorer"
OWN = ("rock salt NaCl", "perovskite SrTiO3")
_RANGES = "plot => [plot._fullLayout.xaxis.range, plot._fullLayout.yaxis.range]"


@pytest.fixture(scope="module")
def opened(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    yield from open_explorer(server, browser, NOTEBOOK, CELL, 60)


@pytest.fixture
def explorer(opened: ExplorerPage) -> ExplorerPage:
    """The explorer as it was in the beginning, with the whole map in view."""
    opened.lab.python("explorer.session.reset()")
    opened.lab.wait_until(lambda: opened.label.endswith("decode of mp-22862"), "the beginning")
    opened.root.locator(".xc-zoom-reset").click()
    opened.root.locator(".xc-tool-go").click()
    return opened


def extent(explorer: ExplorerPage) -> float:
    """Width of the part of the map that is in view."""
    x, _ = explorer.root.locator(".xc-map .js-plotly-plot").evaluate(_RANGES)
    return float(x[1] - x[0])


def pressed(explorer: ExplorerPage) -> list[str]:
    """Names of the tools that are in hand."""
    return explorer.root.locator(".xc-tools button[aria-pressed='true']").all_inner_texts()


def asked(explorer: ExplorerPage, expression: str) -> str:
    """What the session in the kernel says."""
    return explorer.lab.python(f"session = explorer.session; print({expression})").strip()


def test_keys_choose_tools_zoom_and_move_the_place(explorer: ExplorerPage) -> None:
    lab, keyboard = explorer.lab, explorer.page.keyboard
    explorer.root.locator(".xc-layer").focus()
    for key, name in (("p", "Pan"), ("l", "Lasso"), ("b", "Box"), ("g", "Go")):
        keyboard.press(key)
        assert pressed(explorer) == [name]
    whole = extent(explorer)
    keyboard.press("+")
    lab.wait_until(lambda: extent(explorer) < 0.9 * whole, "a closer look")
    keyboard.press("0")
    lab.wait_until(lambda: extent(explorer) == pytest.approx(whole, rel=0.01), "the whole map")
    before = explorer.marker("current")
    assert before is not None
    keyboard.press("ArrowRight")
    keyboard.press("Shift+ArrowUp")
    lab.wait_until(lambda: "of the map" in explorer.label, "a decode beside it")
    expected = (before[0] + 0.01 * whole, before[1])
    lab.wait_until(lambda: (explorer.marker("wanted") or (0, -99))[1] > expected[1] + 0.01, "the place of both arrows")
    found = explorer.marker("wanted")
    assert found is not None
    assert found[0] == pytest.approx(expected[0], abs=1e-3)
    assert "% of the map's width" in explorer.root.locator(".xc-off").inner_text()


def test_a_point_under_the_mouse_says_what_it_is(explorer: ExplorerPage) -> None:
    place = explorer.marker("current")
    assert place is not None
    explorer.root.locator(".xc-map .js-plotly-plot").scroll_into_view_if_needed()
    x, y = explorer._on_screen(*place)
    explorer.page.mouse.move(x - 2, y - 2)
    explorer.page.mouse.move(x, y)
    tip = explorer.root.locator(".xc-tip")
    explorer.lab.wait_until(lambda: "mp-22862" in tip.inner_text(), "its name")
    assert tip.inner_text().splitlines()[0] == "NaCl"
    assert "eV" in tip.inner_text()
    explorer.page.mouse.move(5, 5)
    explorer.lab.wait_until(lambda: tip.inner_text() == "", "no tooltip")


def test_names_show_the_way_and_others_come_with_a_zoom(explorer: ExplorerPage) -> None:
    labels = explorer.root.locator(".xc-layer text:not(.xc-sign)")
    explorer.lab.wait_until(lambda: labels.count() > 5, "names on the map")
    boxes = [box for box in (label.bounding_box() for label in labels.all()) if box is not None]
    for k, one in enumerate(boxes):
        for other in boxes[:k]:
            apart_x = max(one["x"], other["x"]) >= min(one["x"] + one["width"], other["x"] + other["width"]) - 2
            apart_y = max(one["y"], other["y"]) >= min(one["y"] + one["height"], other["y"] + other["height"]) - 6
            assert apart_x or apart_y, (one, other)
    before = set(labels.all_text_contents())
    place, whole = explorer.marker("current"), extent(explorer)
    assert place is not None
    at = explorer._on_screen(*place)
    explorer.root.locator(".xc-zoom-in").click()
    explorer.lab.wait_until(lambda: extent(explorer) < 0.6 * whole, "half the map")
    assert explorer._on_screen(*place) == pytest.approx(at, abs=4)  # about the current crystal
    explorer.lab.wait_until(lambda: bool(set(labels.all_text_contents()) - before), "names of what is there")


def test_the_card_of_a_crystal_has_its_picture_and_is_inside_of_the_map(explorer: ExplorerPage) -> None:
    tip, layer = explorer.root.locator(".xc-tip"), explorer.root.locator(".xc-layer")
    layer.scroll_into_view_if_needed()
    place = explorer.marker("current")
    assert place is not None
    explorer.page.mouse.move(*np.subtract(explorer._on_screen(*place), 2))
    explorer.page.mouse.move(*explorer._on_screen(*place))
    explorer.lab.wait_until(lambda: tip.locator("img").count() == 1, "a picture of it")
    card, around = tip.bounding_box(), layer.bounding_box()
    assert card is not None and around is not None
    for corner, size in (("x", "width"), ("y", "height")):
        assert around[corner] <= card[corner]
        assert card[corner] + card[size] <= around[corner] + around[size]


def test_a_box_selects_crystals_and_the_others_fade_until_escape(explorer: ExplorerPage) -> None:
    lab, whole = explorer.lab, extent(explorer)
    place = explorer.marker("current")
    assert place is not None
    explorer.page.mouse.move(5, 5)
    lab.page.wait_for_timeout(300)
    plain = canvas_pixels(explorer.map_canvas)
    side = 0.05 * whole
    explorer.press("Box", ".xc-tools")
    explorer.drag_map([(place[0] - side, place[1] + side), (place[0] + side, place[1] - side)])
    selected = explorer.root.locator(".xc-selected")
    lab.wait_until(lambda: "selected" in selected.inner_text(), "a selection")
    count = int(asked(explorer, "len(explorer.selection)"))
    assert 0 < count < 18_000
    assert f"{count:,} selected" in selected.inner_text()
    assert "mp-22862" in asked(explorer, "set(explorer.selection.material_id)")
    inside = asked(
        explorer, f"bool((explorer.selection[['x', 'y']] - {list(place)}).abs().max(axis=None) < {1.05 * side})"
    )
    assert inside == "True"
    lab.wait_until(lambda: changed_share(plain, canvas_pixels(explorer.map_canvas)) > 0.05, "the others fading")
    lab.screenshot("map-box")
    explorer.root.locator(".xc-layer").focus()
    explorer.page.keyboard.press("Escape")
    lab.wait_until(lambda: selected.inner_text() == "", "no selection")
    lab.wait_until(lambda: changed_share(plain, canvas_pixels(explorer.map_canvas)) < 0.01, "all points as before")


def test_colours_and_their_legend_follow_the_choice(explorer: ExplorerPage) -> None:
    lab, key = explorer.lab, explorer.root.locator(".xc-key:not(.xc-marks)")
    choose = explorer.root.locator(".xc-map .xc-color select")
    before = canvas_pixels(explorer.map_canvas)
    for name, ready in (
        ("crystal_system", lambda: key.locator("span:has(> i)").count() >= 7 and "cubic" in key.inner_text()),
        ("element:O", lambda: "Share of O atoms" in key.inner_text() and "no O" in key.inner_text()),
    ):
        choose.select_option(name)
        lab.wait_until(ready, f"the legend of {name}")
        lab.wait_until(lambda old=before: changed_share(old, canvas_pixels(explorer.map_canvas)) > 0.02, "new colours")
        before = canvas_pixels(explorer.map_canvas)
        lab.screenshot(f"map-{name.replace(':', '-')}")


def test_own_crystals_lie_over_the_map_and_open_by_a_click(explorer: ExplorerPage, tmp_path: Path) -> None:
    for number, name in enumerate(OWN):
        CRYSTALS[name].to_structure().to(filename=str(tmp_path / f"own-{number}.cif"), fmt="cif")
    explorer.lab.python(f"explorer.session.overlay({str(tmp_path)!r})")
    signs = explorer.root.locator(".xc-layer .xc-sign")
    explorer.lab.wait_until(lambda: sorted(signs.all_text_contents()) == ["1", "2"], "two numbered diamonds")
    explorer.root.locator(".xc-map .js-plotly-plot").scroll_into_view_if_needed()
    x, y = map(float, asked(explorer, "*session.state.own[1].position").split())
    explorer.page.mouse.click(*explorer._on_screen(x, y))
    explorer.lab.wait_until(lambda: explorer.label.endswith("own-1.cif, as loaded"), "the second of them")
    assert "SrTiO3" in explorer.label
    explorer.lab.screenshot("map-own")


def test_the_view_zooms_about_the_current_crystal_and_comes_home(explorer: ExplorerPage) -> None:
    plot, lab, whole = explorer.root.locator(".xc-map .js-plotly-plot"), explorer.lab, extent(explorer)
    here = np.array(explorer.marker("current"), dtype=float)

    def seen_at() -> np.ndarray:
        low, high = np.array(plot.evaluate(_RANGES), dtype=float).T
        return (here - low) / (high - low)

    before = seen_at()
    explorer.root.locator(".xc-zoom-in").click()
    lab.wait_until(lambda: extent(explorer) < 0.9 * whole, "a closer look")
    assert seen_at() == pytest.approx(before, abs=0.03)
    closer = extent(explorer)
    explorer.root.locator(".xc-zoom-out").click()
    lab.wait_until(lambda: extent(explorer) > 1.1 * closer, "a wider look")
    explorer.root.locator(".xc-zoom-in").click()
    explorer.root.locator(".xc-zoom-reset").click()
    lab.wait_until(lambda: extent(explorer) == pytest.approx(whole, rel=0.01), "the whole map")


def test_it_can_be_read_when_narrow_and_when_dark(explorer: ExplorerPage) -> None:
    page, lab, view = explorer.page, explorer.lab, explorer.root.locator(".xc-map")
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": 540, "height": 1000})
    lab.wait_until(lambda: (view.bounding_box() or {"width": 9999})["width"] < 440, "a narrow map")
    page.wait_for_timeout(600)
    lab.show_cell(0)
    plot, over = view.locator(".main-svg").first.bounding_box(), view.evaluate("n => n.scrollWidth - n.clientWidth")
    lab.screenshot("map-narrow")
    page.set_viewport_size(size)
    assert over <= 1, f"{over} pixels are cut off"
    assert plot is not None and plot["width"] < 440
    theme = "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab %s'})"
    page.evaluate(theme % "Dark")
    lab.wait_until(lambda: page.evaluate("document.body.dataset.jpThemeLight") == "false", "the dark theme")
    page.wait_for_timeout(800)
    lab.show_cell(0)
    dark = screen_pixels(view)
    lab.screenshot("map-dark")
    page.evaluate(theme % "Light")
    lab.wait_until(lambda: page.evaluate("document.body.dataset.jpThemeLight") == "true", "the light theme")
    assert np.median(dark) < 90, "the map's ground is not dark"
    lab.assert_no_errors()
