"""The Concepts tab: bars of concepts, elements over what a box on the map selects, neighbours; in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.explorer import ExplorerPage, open_explorer

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

NOTEBOOK = "concepts.ipynb"
CELL = "import xcrystal as xc\nexplorer = xc.explore(mode='researcher')\nexplorer"
THEME = "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab %s'})"
FOCUSED = "document.activeElement.textContent"


@pytest.fixture(scope="module")
def explorer(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    yield from open_explorer(server, browser, NOTEBOOK, CELL)


def panel_of(explorer: ExplorerPage) -> Locator:
    return explorer.tab("concept")


def test_concepts_are_tested_by_keyboard(explorer: ExplorerPage) -> None:
    lab, panel = explorer.lab, panel_of(explorer)
    assert panel.locator(".xc-ask-region").is_disabled()
    assert "Select crystals first" in panel.locator(".xc-concept-how").inner_text()
    panel.locator(".xc-ask-concepts").focus()
    explorer.page.keyboard.press("Enter")
    rows = panel.locator(".xc-concept-bars li")
    lab.wait_until(lambda: rows.count() == 5, "five concepts", 60)
    texts = rows.all_inner_texts()
    assert not any("p = " in text or "AUC" in text for text in texts), "figures are behind more"
    rows.first.locator("summary").click()
    lab.wait_until(lambda: "p = " in rows.first.inner_text() and "AUC" in rows.first.inner_text(), "the figures")
    for row in rows.all():
        sure = "not used" not in row.inner_text()
        hatched = "gradient" in row.locator(".xc-concept-bar").evaluate(
            "node => getComputedStyle(node).backgroundImage"
        )
        assert hatched is not sure
    assert panel.locator(".xc-ask-concepts").inner_text() == "Test concepts"


def test_a_box_on_the_map_becomes_a_heat_map(explorer: ExplorerPage) -> None:
    lab, panel, page = explorer.lab, panel_of(explorer), explorer.page
    x, y = map(float, lab.python("print(*explorer.session.state.point.position)").split())
    explorer.press("Box", ".xc-tools")
    explorer.drag_map([(x - 0.3, y - 0.3), (x + 0.3, y + 0.3)])
    button = panel.locator(".xc-ask-region")
    lab.wait_until(lambda: button.is_enabled(), "a selection")
    explorer.press("Go", ".xc-tools")
    button.focus()
    page.keyboard.press("Enter")
    cells = panel.locator(".xc-scored")
    lab.wait_until(lambda: cells.count() > 0, "a heat map", 90)
    shown = set(cells.all_inner_texts())
    known = set(lab.python("print(*(e.element for e in explorer.session.group_explanations.region.elements))").split())
    assert shown == known and "O" in shown
    oxygen = panel.locator(".xc-scored", has_text="O").filter(has_text="O").first
    oxygen.hover()
    said = panel.locator(".xc-about-element")
    assert "eV/atom" in said.inner_text() and "crystal" in said.inner_text()
    panel.locator(".xc-scored[tabindex='0']").focus()
    seen = {page.evaluate(FOCUSED)}
    for key in ["ArrowDown"] * 8 + ["ArrowRight"] * 18:
        page.keyboard.press(key)
        seen.add(page.evaluate(FOCUSED))
        assert said.inner_text().startswith(page.evaluate(FOCUSED))
    assert len(seen) > 2 and seen <= known
    assert page.locator(".xc-scored[tabindex='0']").count() == 1
    lab.screenshot("concepts-light")


def test_a_neighbour_is_a_click_away(explorer: ExplorerPage) -> None:
    lab, panel = explorer.lab, panel_of(explorer)
    rows = panel.locator(".xc-near-known tbody tr")
    lab.wait_until(lambda: rows.count() == 8, "neighbours")
    material = rows.nth(2).locator("td").nth(1).inner_text()
    rows.nth(2).locator("button").focus()
    explorer.page.keyboard.press("Enter")
    lab.wait_until(lambda: explorer.label.endswith(f"decode of {material}"), "the crystal of that row")
    lab.wait_until(lambda: material in rows.first.inner_text(), "its own neighbours")


def test_it_fits_any_width_and_the_dark_theme(explorer: ExplorerPage) -> None:
    lab, panel, page = explorer.lab, panel_of(explorer), explorer.page
    size = page.viewport_size
    assert size is not None
    page.evaluate(THEME % "Dark")
    lab.wait_until(lambda: page.evaluate("document.body.dataset.jpThemeLight") == "false", "the dark theme")
    for width in (600, 1000, 1600):
        page.set_viewport_size({"width": width, "height": 1700})
        page.wait_for_timeout(800)
        panel.scroll_into_view_if_needed()
        assert panel.evaluate("node => node.scrollWidth <= node.clientWidth + 1"), f"cut off at {width}"
        lab.screenshot(f"concepts-dark-{width}")
    page.evaluate(THEME % "Light")
    lab.wait_until(lambda: page.evaluate("document.body.dataset.jpThemeLight") == "true", "the light theme")
    page.wait_for_timeout(500)
    lab.screenshot("concepts-light-1600")
    page.set_viewport_size(size)
    lab.assert_no_errors()
