"""A kernel that begins anew while a slider is pulled: the explorer says so, and its cell brings another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.explorer import ExplorerPage, open_explorer

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

NOTEBOOK = "restart.ipynb"
CELL = "import xcrystal as xc\nexplorer = xc.explore()\nexplorer"
RESTART = "() => { window.xcrystalRestart = window.xcrystalPanel.sessionContext.session.kernel.restart(); }"


@pytest.fixture(scope="module")
def explorer(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    yield from open_explorer(server, browser, NOTEBOOK, CELL)


def left_and_right(explorer: ExplorerPage) -> tuple[float, float]:
    box = explorer.map_canvas.bounding_box()
    assert box is not None
    return box["x"], box["width"]


def test_a_kernel_that_begins_anew_in_mid_drag_is_said(explorer: ExplorerPage) -> None:
    lab, page = explorer.lab, explorer.page
    slider = explorer.root.locator(".xc-slider-1")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    around = left_and_right(explorer)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(30):
        page.mouse.move(x + 2 * step, y)
        if step == 10:
            page.evaluate(RESTART)
        page.wait_for_timeout(40)
    page.mouse.up()
    lab.wait_until(lambda: "The kernel has ended or begun anew" in explorer.message, "the restart is said")
    assert left_and_right(explorer) == around  # ipywidgets' signs push nothing aside
    lab.screenshot("kernel-restart")
    page.evaluate("window.xcrystalRestart")

    lab.run()
    lab.wait_until(lambda: explorer.message == "" and bool(explorer.label), "a new explorer")
    label = explorer.label
    explorer.drag_slider(1, 1.0)
    lab.wait_until(lambda: explorer.label != label, "it answers")
