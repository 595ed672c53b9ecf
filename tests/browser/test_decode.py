"""The Decode tab in JupyterLab: stepping by keyboard, and another choice that changes the crystal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.explorer import ExplorerPage, open_explorer

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

CELL = "import xcrystal as xc\nexplorer = xc.explore(mode='researcher')\nexplorer"


@pytest.fixture(scope="module")
def explorer(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    yield from open_explorer(server, browser, "decode.ipynb", CELL)


def test_one_steps_through_a_decode_and_overrules_a_choice(explorer: ExplorerPage) -> None:
    lab, tab = explorer.lab, explorer.tab("decode")
    steps, place = tab.locator(".xc-decode-step"), tab.locator(".xc-decode-count")
    lab.wait_until(lambda: steps.count() > 5, "the steps")
    count = steps.count()
    lab.wait_until(lambda: place.inner_text() == f"{count} of {count}", "the last step")
    tab.locator(".xc-decode-place").focus()
    explorer.page.keyboard.press("Home")
    lab.wait_until(lambda: place.inner_text() == f"1 of {count}", "the first step")
    assert tab.locator(".xc-decode-picture").is_hidden()
    for _ in range(2):
        explorer.page.keyboard.press("ArrowRight")
    lab.wait_until(lambda: tab.locator(".xc-decode-picture").is_visible(), "the first orbit")
    assert "1 orbit so far" in tab.locator(".xc-decode-sofar").inner_text()

    tab.locator(".xc-decode-ask").first.click()
    lab.wait_until(lambda: tab.locator(".xc-share").count() > 3, "shares of the log-odds")
    other = steps.nth(2).locator(".xc-decode-choice[aria-pressed='false']").first
    choice = other.locator(".xc-decode-text").inner_text()
    other.focus()
    explorer.page.keyboard.press("Enter")
    lab.wait_until(lambda: f"but {choice} as element of orbit 1" in explorer.label, "another crystal")
    lab.wait_until(lambda: tab.locator(".xc-decode-overruled").count() == 1, "the overruled step")
    assert tab.locator(".xc-decode-why").is_hidden()
    tab.locator(".xc-greedy").click()
    lab.wait_until(lambda: tab.locator(".xc-decode-overruled").count() == 0, "the greedy decode")
