"""The harness itself: it sees what is drawn, it notices what fails, and there is no way out to the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.lab import LabNotebook
from tests.browser.pixels import canvas_pixels, changed_share, colourful_share, drawn_share, screen_pixels

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

CELLS = (
    "import plotly.graph_objects as go\n"
    "figure = go.FigureWidget(go.Scattergl(x=[0, 1, 2], y=[0, 1, 0], mode='markers', marker_size=40))\nfigure",
    "print('working')",
    "raise RuntimeError('on purpose')",
)


@pytest.fixture(scope="module")
def notebook(server: JupyterServer, browser: BrowserContext) -> Iterator[LabNotebook]:
    server.write_notebook("harness.ipynb", *CELLS)
    opened = LabNotebook(browser, server, "harness.ipynb")
    yield opened
    opened.close()


def test_a_drawn_figure_is_seen_and_its_change_too(notebook: LabNotebook) -> None:
    notebook.run(0, 1)
    canvas = notebook.page.locator(".gl-canvas-context")
    notebook.wait_until(lambda: canvas.count() == 1, "a figure", timeout=60)
    notebook.wait_until(lambda: drawn_share(canvas_pixels(canvas)) > 0.003, "three points drawn")
    before = canvas_pixels(canvas)
    notebook.python("figure.data[0].marker.color = 'crimson'")
    notebook.wait_until(lambda: changed_share(before, canvas_pixels(canvas)) > 0.003, "the points in another colour")
    assert colourful_share(screen_pixels(notebook.page.locator(".js-plotly-plot").first)) > 0.003


def test_a_failing_cell_is_an_error(notebook: LabNotebook) -> None:
    with pytest.raises(AssertionError, match="on purpose"):
        notebook.run(1)


def test_waiting_in_vain_says_for_what(notebook: LabNotebook) -> None:
    with pytest.raises(AssertionError, match="waited 0 s in vain for: pigs to fly"):
        notebook.wait_until(lambda: False, "pigs to fly", timeout=0.2)


def test_the_network_is_out_of_reach(notebook: LabNotebook) -> None:
    assert notebook.outside == []
    assert notebook.page.evaluate("fetch('https://example.org').then(() => 'answer', () => 'refused')") == "refused"
    assert notebook.outside == ["https://example.org/"]


def test_blank_pictures_are_blank() -> None:
    blank = np.full((10, 240, 3), 255, np.uint8)
    assert drawn_share(blank) == colourful_share(blank) == changed_share(blank, blank) == 0
    blank[:5, :, 0] = 0
    assert drawn_share(blank) == colourful_share(blank) == 0.5
