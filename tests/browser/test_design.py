"""The Design tab: ranges, elements, the live count, candidates as cards, and a click that shows one; in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.explorer import ExplorerPage, open_explorer

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, ViewportSize

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

NOTEBOOK = "design.ipynb"
CELL = "import xcrystal as xc\nexplorer = xc.explore('mp-5986', mode='researcher')\nexplorer"


@pytest.fixture(scope="module")
def explorer(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    yield from open_explorer(server, browser, NOTEBOOK, CELL)


def _is_in_view(node: Locator, window: ViewportSize | None) -> bool:
    box = node.bounding_box()
    return box is not None and window is not None and 0 <= box["y"] <= window["height"] - box["height"]


def test_what_is_wanted_is_counted_designed_and_shown(explorer: ExplorerPage) -> None:
    lab, root = explorer.lab, explorer.root
    panel = explorer.tab("design")
    lab.wait_until(lambda: panel.locator(".xc-range").count() == 3, "a histogram for each property", 60)
    run, count = panel.locator(".xc-run-design"), panel.locator(".xc-count")
    assert run.is_disabled()
    panel.get_by_label("Band gap, lowest").fill("2")
    panel.get_by_label("Band gap, highest").fill("4")
    lab.wait_until(lambda: "known crystals fit" in count.inner_text(), "a count", 30)
    first = count.inner_text()
    oxygen = panel.locator(".xc-element", has_text="O").get_by_text("O", exact=True)
    oxygen.click()
    lab.wait_until(lambda: count.inner_text() != first, "another count")
    lead = panel.locator(".xc-elements").get_by_role("button", name="Pb")
    lead.click()
    lead.click()
    assert panel.locator(".xc-chosen").inner_text() == "with O; without Pb"
    assert lead.get_attribute("aria-label") == "Pb, excluded"
    panel.locator(".xc-many").fill("4")
    lab.wait_until(run.is_enabled, "a button that can be pressed")
    run.click()
    lab.wait_until(lambda: panel.locator(".xc-candidate").count() == 4, "candidates", 120)
    lab.wait_until(lambda: panel.locator(".xc-candidate img").count() == 4, "their pictures")
    lab.wait_until(lambda: root.locator(".xc-marker-design").count() >= 4, "candidates on the map")
    marks = panel.locator(".xc-diagram .xc-mark")
    assert marks.count() == 4
    summary = panel.locator(".xc-summary")
    lab.wait_until(lambda: _is_in_view(summary, lab.page.viewport_size), "the candidates scrolled into view")
    lab.screenshot("design")
    values = panel.locator(".xc-candidate .xc-value", has_text="Formation energy").locator("b")
    panel.get_by_label("Order of the candidates").select_option("formation_energy_per_atom")
    energies = [float(text.split()[0].replace("−", "-")) for text in values.all_inner_texts()]
    assert len(energies) == 4
    assert energies == sorted(energies)
    panel.get_by_label("Order of the candidates").select_option("")
    plot = panel.locator(".xc-diagram-plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    lab.page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.1 * box["height"])
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.7 * box["height"], steps=4)
    lab.page.mouse.up()
    selected = explorer.root.locator(".xc-selected")
    lab.wait_until(lambda: "selected" in selected.inner_text(), "known crystals selected on the map")
    lab.screenshot("design-selected")
    lab.python("explorer.session.undo()")
    panel.locator(".xc-candidate").nth(1).click()
    current = panel.locator(".xc-candidate[aria-current='true']")
    lab.wait_until(lambda: current.count() == 1, "one that is shown")
    assert "O" in current.inner_text()
    lab.screenshot("design-shown")
    lab.python("explorer.session.undo()")
    lab.wait_until(lambda: current.count() == 0, "what was shown before")


def test_what_contradicts_itself_is_said_and_cannot_be_started(explorer: ExplorerPage) -> None:
    lab = explorer.lab
    panel = explorer.tab("design")
    panel.locator(".xc-group").fill("Fm-3m")
    panel.locator(".xc-system").select_option("hexagonal")
    lab.wait_until(lambda: "cubic" in panel.locator(".xc-trouble").inner_text(), "what is wrong")
    assert panel.locator(".xc-run-design").is_disabled()
    panel.locator(".xc-system").select_option("cubic")
    lab.wait_until(lambda: panel.locator(".xc-trouble").is_hidden(), "nothing wrong any more")
