"""The explorer is a workbench of one view: nothing that is in use has to be scrolled to, whatever the window's size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.browser.explorer import ExplorerPage
from tests.browser.lab import LabNotebook

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

NOTEBOOK = "workbench.ipynb"
SIZES = ((1000, 800), (1400, 900), (1920, 1080))
PARTS = (".xc-map .xc-points", ".xc-canvas", ".xc-sliders")
LEAST = {".xc-map .xc-points": (200, 150), ".xc-canvas": (200, 150), ".xc-sliders": (200, 120)}  # px, wide and high


class Box(NamedTuple):
    """Pixels of the window."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, other: Box) -> bool:
        """Whether another box is inside, but for a pixel."""
        return (
            other.left >= self.left - 1
            and other.top >= self.top - 1
            and other.right <= self.right + 1
            and other.bottom <= self.bottom + 1
        )

    def meets(self, other: Box) -> bool:
        """Whether they overlap by more than a pixel."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > 1 and down > 1


@pytest.fixture(scope="module")
def explorer(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    server.write_notebook(NOTEBOOK, "import xcrystal as xc\n\nexplorer = xc.explore(mode='beginner')\nexplorer", "1")
    lab = LabNotebook(browser, server, NOTEBOOK)  # with the file browser beside it
    page = ExplorerPage(lab)
    page.open(0, 90)
    yield page
    lab.close()


def box(explorer: ExplorerPage, selector: str) -> Box:
    found = explorer.page.locator(selector).first.bounding_box()
    assert found is not None, f"{selector} is not drawn"
    return Box(found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"])


def resize(explorer: ExplorerPage, width: int, height: int) -> None:
    explorer.page.set_viewport_size({"width": width, "height": height})
    explorer.lab.show_cell(0)
    explorer.page.wait_for_timeout(1000)


@pytest.mark.parametrize("mode", ["beginner", "researcher"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_map_crystal_and_sliders_are_seen_at_once(explorer: ExplorerPage, width: int, height: int, mode: str) -> None:
    explorer.lab.python(f"explorer.session.controls.show_mode({mode!r})")
    resize(explorer, width, height)
    explorer.lab.screenshot(f"workbench-{mode}-{width}")
    view = box(explorer, ".jp-WindowedPanel-outer")
    found = {name: box(explorer, name) for name in PARTS}
    for name, part in found.items():
        assert view.holds(part), f"{name} is not in view"
        wide, high = LEAST[name]
        assert part.right - part.left >= wide
        assert part.bottom - part.top >= high, name
    for name, part in found.items():
        assert not any(part.meets(other) for one, other in found.items() if one != name), f"{name} is covered"
    sideways = (
        "[...document.querySelectorAll('.xc-explorer, .xc-tabbed > *')].filter(e => e.scrollWidth > e.clientWidth)"
    )
    assert explorer.page.evaluate(f"{sideways}.map(e => e.className)") == []


def test_the_page_is_filled(explorer: ExplorerPage) -> None:
    resize(explorer, 1920, 1080)
    whole, points = box(explorer, ".xc-explorer"), box(explorer, ".xc-map .xc-points")
    view = box(explorer, ".jp-WindowedPanel-outer")
    assert whole.bottom > view.bottom - 40
    assert points.bottom - points.top > 0.5 * (whole.bottom - whole.top)
    assert box(explorer, ".xc-tabbed").right > whole.right - 20


def test_a_click_on_the_map_shows_its_crystal_and_moves_nothing(explorer: ExplorerPage) -> None:
    explorer.lab.python("explorer.session.controls.show_mode('beginner')")
    resize(explorer, 1000, 800)
    before = box(explorer, ".xc-map .xc-points")
    label = explorer.label
    explorer.page.mouse.click(before.left + 100, before.top + 60)
    explorer.lab.wait_until(lambda: explorer.label != label, "another crystal")
    explorer.lab.wait_until(lambda: explorer.summary != "", "a change summary")
    explorer.lab.python("explorer.session.report('A sentence that says what to do. ' * 6)")
    explorer.lab.wait_until(lambda: explorer.message != "", "a message")
    assert box(explorer, ".xc-map .xc-points") == before, "the map has moved under the pointer"
    assert box(explorer, ".jp-WindowedPanel-outer").holds(box(explorer, ".xc-canvas"))


def test_large_type_is_for_all_and_remembered(explorer: ExplorerPage) -> None:
    resize(explorer, 1920, 1080)
    size = "parseFloat(getComputedStyle(document.querySelector('{}')).fontSize)"
    parts = (".xc-sliders label", ".xc-facts td", ".xc-legend", ".xc-label", ".xc-change-summary")
    before = [explorer.page.evaluate(size.format(part)) for part in parts]
    explorer.page.locator(".xc-projector.xc-button").click()
    explorer.page.locator(".xc-explorer.xc-projector").wait_for()
    after = [explorer.page.evaluate(size.format(part)) for part in parts]
    assert all(large > 1.3 * small for small, large in zip(before, after, strict=True)), (before, after)
    told = explorer.lab.python("other = xc.explore(); print(other.session.controls.projector); other.close()")
    explorer.page.locator(".xc-projector.xc-button").click()
    explorer.page.locator(".xc-explorer:not(.xc-projector)").wait_for()
    assert told.strip() == "True"


def test_ctrl_z_after_a_click_on_the_canvas(explorer: ExplorerPage) -> None:
    explorer.lab.python("explorer.session.select('mp-22862')")
    explorer.lab.wait_until(lambda: explorer.label.startswith("NaCl"), "rock salt")
    canvas = box(explorer, ".xc-canvas")
    explorer.page.mouse.click(canvas.left + 8, canvas.bottom - 8)
    explorer.page.keyboard.press("ControlOrMeta+z")
    explorer.lab.wait_until(lambda: not explorer.label.startswith("NaCl"), "the crystal before it")
    explorer.page.keyboard.press("ControlOrMeta+Shift+z")
    explorer.lab.wait_until(lambda: explorer.label.startswith("NaCl"), "rock salt again")
