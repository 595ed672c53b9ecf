"""The map of an atlas of 100,000 made-up crystals: a density, with single crystals where one looks closer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.explorer import ExplorerPage
from tests.browser.lab import LabNotebook
from tests.made_up_atlas import made_up_atlas
from xcrystal.explorer.map.map_figure import DENSE, MOST

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.browser.server import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
_NOTEBOOK = "large.ipynb"
_CELL = "import xcrystal as xc\n\nexplorer = xc.explore(atlas={folder!r}, mode='researcher')\nexplorer"
_POINTS = (
    """plot => plot._fullData.reduce((sum, trace) => sum + (trace.type === 'scattergl' ? trace.x.length : 0), 0)"""
)
# share of the picture in which there are crystals
_COVERED = """image => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.filter((value, k) => k % 4 === 3 && value > 0).length / (pixels.length / 4);
}"""


@pytest.fixture(scope="module")
def opened(
    server: JupyterServer, browser: BrowserContext, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExplorerPage]:
    folder = tmp_path_factory.mktemp("large")
    made_up_atlas(DENSE).save(folder)
    server.write_notebook(_NOTEBOOK, _CELL.format(folder=str(folder)))
    lab = LabNotebook(browser, server, _NOTEBOOK)
    lab.hide_sidebar()
    lab.run()
    page = ExplorerPage(lab)
    lab.wait_until(lambda: lab.page.locator(".xc-map [data-ready='true']").count() == 1, "a map that hears", 90)
    yield page
    lab.close()


@pytest.fixture
def explorer(opened: ExplorerPage) -> Iterator[ExplorerPage]:
    """The explorer with the whole map in view."""
    opened.lab.python("explorer.session.reset()")
    opened.root.locator(".xc-zoom-reset").click()
    opened.lab.wait_until(lambda: density(opened).is_visible(), "the density")
    yield opened
    opened.lab.assert_no_errors()


def density(explorer: ExplorerPage) -> Locator:
    """The picture under the points."""
    return explorer.root.locator(".xc-map .xc-density")


def map_legend(explorer: ExplorerPage) -> str:
    """What the colours say, and their strength."""
    return explorer.root.locator(".xc-key:not(.xc-marks)").inner_text()


def points(explorer: ExplorerPage) -> int:
    """How many points are drawn."""
    return int(explorer.root.locator(".xc-map .js-plotly-plot").evaluate(_POINTS))


def test_a_density_is_drawn_in_place_of_all_points(explorer: ExplorerPage) -> None:
    assert points(explorer) == 0
    assert 0.05 < float(density(explorer).evaluate(_COVERED)) < 0.9
    assert f"{DENSE:,} crystals" in explorer.root.locator(".xc-map").inner_text()
    assert "log scale" in map_legend(explorer)
    explorer.lab.screenshot("large-map")


def test_closer_there_are_points_and_further_away_the_density_again(explorer: ExplorerPage) -> None:
    layer, keyboard = explorer.root.locator(".xc-layer"), explorer.page.keyboard
    layer.focus()
    for _ in range(12):
        keyboard.press("+")
    explorer.lab.wait_until(lambda: 0 < points(explorer) <= MOST, "points of the part that is in view")
    assert not density(explorer).is_visible()
    explorer.lab.screenshot("large-map-closer")
    keyboard.press("0")
    explorer.lab.wait_until(lambda: density(explorer).is_visible() and points(explorer) == 0, "the density")


def test_a_click_goes_to_the_nearest_of_all(explorer: ExplorerPage) -> None:
    before = explorer.label
    told = explorer.lab.python(
        "atlas = explorer.session.atlas; row = 4321; print(*atlas.inverse.places[row], atlas.table.material_id[row])"
    ).split()
    place, name = (float(told[0]), float(told[1])), told[2]
    explorer.click_map(*place)
    explorer.lab.wait_until(lambda: explorer.label != before and "made-up" in explorer.label, "a crystal of the click")
    apart = explorer.lab.python(
        f"here = explorer.session.state.point.material_id; width = atlas.inverse.width\n"
        f"print(abs(atlas.inverse.places[atlas.row(here)] - atlas.inverse.places[atlas.row({name!r})]).max() / width)"
    )
    assert float(apart) < 0.01


def test_a_search_stands_out_and_another_colour_is_that_of_the_density(explorer: ExplorerPage) -> None:
    address = density(explorer).get_attribute("src")
    explorer.root.locator(".xc-map .xc-color select").select_option("band_gap")
    explorer.lab.wait_until(lambda: density(explorer).get_attribute("src") != address, "another density")
    assert "Band gap" in map_legend(explorer)
    explorer.lab.python("explorer.session.search('perovskite oxides')")
    explorer.lab.wait_until(lambda: points(explorer) > 0, "what was found, as points")
    explorer.lab.screenshot("large-map-search")
    found = int(explorer.lab.python("print(len(explorer.session.state.selection.rows))"))
    assert points(explorer) <= found
