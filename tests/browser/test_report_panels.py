"""Verdicts, explanations, runners-up, neighbours, the change summary and its strip, in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.explorer import ExplorerPage
from tests.browser.lab import LabNotebook

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

NOTEBOOK = "report.ipynb"
CELL = "import xcrystal as xc\nexplorer = xc.explore(mode='beginner')\nexplorer"
FOCUSED = "document.activeElement.className"


@pytest.fixture(scope="module")
def opened(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    server.write_notebook(NOTEBOOK, CELL)
    lab = LabNotebook(browser, server, NOTEBOOK)
    lab.hide_sidebar()
    lab.run()
    lab.show_cell(0)
    page = ExplorerPage(lab)
    lab.wait_until(lambda: page.root.locator(".xc-neighbour img").count() == 6, "drawn neighbours", 90)
    yield page
    lab.close()


@pytest.fixture
def explorer(opened: ExplorerPage) -> ExplorerPage:
    """The explorer at a draw from the prior, about which there is something to say."""
    opened.lab.python("explorer.session.reset(); explorer.session.navigation.sample(3)")
    opened.lab.wait_until(lambda: "draw 3" in opened.label and waiting(opened) == 0, "verdicts on draw 3")
    return opened


def waiting(page: ExplorerPage) -> int:
    return page.root.locator(".xc-badge-waiting").count()


def place(page: ExplorerPage) -> int:
    return int(page.lab.python("print(explorer.session.place_in_history)"))


def test_verdicts_explain_themselves_to_the_keyboard(explorer: ExplorerPage) -> None:
    page, root = explorer.page, explorer.root
    badge = root.locator(".xc-badge").first
    badge.focus()
    page.keyboard.press("Enter")
    said = root.locator(".xc-term-text:popover-open").inner_text()
    assert "covalent radii" in said and "chemistry" in said
    explorer.lab.screenshot("verdict")
    page.keyboard.press("Escape")
    explorer.lab.wait_until(lambda: root.locator(".xc-term-text:popover-open").count() == 0, "a closed explanation")
    assert "xc-badge" in page.evaluate(FOCUSED)
    explorer.lab.wait_until(lambda: badge.get_attribute("aria-expanded") == "false", "a button that says so")


def test_terms_are_explained_in_the_beginner_view_only(explorer: ExplorerPage) -> None:
    lab, root = explorer.lab, explorer.root
    root.locator(".xc-facts .xc-term").nth(1).click()
    assert "230 sets of symmetries" in root.locator(".xc-term-text:popover-open").inner_text()
    explorer.page.keyboard.press("Escape")
    rows = set(explorer.facts)
    assert "Space group" in rows and "Volume" not in rows
    lab.python("explorer.session.controls.show_mode('researcher')")
    lab.wait_until(lambda: root.locator(".xc-facts .xc-term").count() == 0, "no question marks for researchers")
    assert rows < set(explorer.facts)
    lab.python("explorer.session.controls.show_mode('beginner')")


def test_a_runner_up_is_one_click_away_and_undo_one_key(explorer: ExplorerPage) -> None:
    lab, page, root = explorer.lab, explorer.page, explorer.root
    if root.locator(".xc-certainty[open]").count() == 0:
        root.locator(".xc-certainty summary").click()
    before, here = explorer.facts["Formula"], place(explorer)
    root.locator(".xc-runner").first.click()
    lab.wait_until(lambda: ", but " in explorer.label and waiting(explorer) == 0, "the runner-up")
    assert explorer.summary.startswith("Looked at it ")
    lab.screenshot("runner-up")
    # the button is gone, but not the place of the keyboard
    assert root.evaluate("node => node.contains(document.activeElement)")
    root.locator(".xc-neighbour").first.focus()
    page.keyboard.press("Control+z")
    lab.wait_until(lambda: place(explorer) == here and explorer.facts["Formula"] == before, "the crystal before")
    page.keyboard.press("Control+Shift+z")
    lab.wait_until(lambda: place(explorer) == here + 1, "the runner-up again")
    assert page.evaluate("window.xcrystalPanel.content.widgets.length") == 1  # JupyterLab undid nothing


def test_keys_of_undo_are_left_to_who_types(explorer: ExplorerPage) -> None:
    field, here = explorer.root.locator(".xc-path input"), place(explorer)
    field.fill("something")
    explorer.page.keyboard.press("Control+z")
    explorer.page.wait_for_timeout(500)
    assert place(explorer) == here
    field.fill("")


def test_neighbours_and_the_strip_lead_there_and_back(explorer: ExplorerPage) -> None:
    lab, root = explorer.lab, explorer.root
    visited = root.locator(".xc-visited").count()
    label = explorer.label
    root.locator(".xc-neighbour").nth(2).click()
    lab.wait_until(lambda: root.locator(".xc-visited").count() == visited + 1, "another crystal in the strip")
    assert "decode of mp-" in explorer.label and explorer.summary.startswith("Went to mp-")
    lab.wait_until(lambda: root.locator(".xc-visited img").count() == visited + 1, "its picture")
    assert "xc-neighbour" in explorer.page.evaluate(FOCUSED)
    root.locator(".xc-visited").nth(visited - 1).click()
    lab.wait_until(lambda: explorer.label == label, "the crystal before")
    assert root.locator(".xc-visited[aria-current]").count() == 1
    root.locator(".xc-log summary").click()
    lab.wait_until(lambda: "Undone" in root.locator(".xc-log-lines li").last.inner_text(), "the log")
    root.locator(".xc-log summary").click()


def test_far_from_the_data_there_is_a_warning(explorer: ExplorerPage) -> None:
    lab = explorer.lab
    assert explorer.root.locator(".xc-warning").inner_text() == ""
    lab.python(
        "import numpy as np\nexplorer.session.go(3 * np.random.default_rng(0).normal(size=len(explorer.session.z)))"
    )
    lab.wait_until(lambda: "Extrapolation" in explorer.root.locator(".xc-warning").inner_text(), "a warning")
    assert any("far from data" in badge for badge in explorer.badges)
    lab.screenshot("far-from-data")
    lab.assert_no_errors()
