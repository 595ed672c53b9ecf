"""The explorer outside JupyterLab: in Notebook 7, as a Voilà page, and as a picture where no kernel runs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.explorer import ExplorerPage
from tests.browser.lab import ARTIFACTS, LabNotebook
from tests.browser.pixels import drawn_share, screen_pixels
from tests.browser.server import JupyterServer

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

NAME = "explore.ipynb"
LIMIT = 90.0
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module", autouse=True)
def _notebook(server: JupyterServer) -> None:
    server.write_notebook(NAME, "import xcrystal as xc\n\nexplorer = xc.explore('mp-22862')\nexplorer")


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    page = browser.new_page()
    page.route(
        lambda url: not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|file:", url), lambda r: r.abort()
    )
    yield page
    page.close()


def wait(page: Page, condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > deadline:
            page.screenshot(path=ARTIFACTS / "failure-frontends.png")
            raise AssertionError(f"waited {LIMIT:.0f} s in vain for: {what}")
        page.wait_for_timeout(200)


def try_it(page: Page, name: str) -> None:
    """The crystal is drawn, and a click on a neighbour goes there."""
    root = page.locator(".xc-explorer")
    wait(page, lambda: root.locator(".xc-canvas canvas").count() > 0, "a canvas")
    canvas = root.locator(".xc-canvas canvas").first
    wait(page, lambda: drawn_share(screen_pixels(canvas)) > 0.02, "a drawn crystal")
    wait(page, lambda: root.locator(".xc-map .gl-canvas-context").count() > 0, "a map")
    still = page.locator(".xc-still:visible")
    wait(page, lambda: still.count() == 0, "the still picture hidden, once the kernel has answered the explorer")
    label = root.locator(".xc-label")
    before = label.inner_text()
    assert "NaCl" in before
    root.locator(".xc-neighbour").nth(1).click()
    wait(page, lambda: label.inner_text() != before, "another crystal after a click on a neighbour")
    page.screenshot(path=ARTIFACTS / f"frontend-{name}.png")


def test_notebook_7(page: Page, server: JupyterServer) -> None:
    page.goto(f"{server.url}/notebooks/{NAME}?token={server.token}")
    cell = page.locator(".jp-CodeCell .cm-content").first
    cell.wait_for(timeout=LIMIT * 1000)
    page.wait_for_timeout(2000)
    choose = page.locator(".jp-Dialog button", has_text="Select")
    if choose.count():  # which kernel
        choose.first.click()
    cell.click()
    page.keyboard.press("Shift+Enter")
    try_it(page, "notebook-7")


def test_voila(page: Page, server: JupyterServer) -> None:
    page.goto(f"{server.url}/voila/render/{NAME}?token={server.token}", timeout=LIMIT * 1000)
    try_it(page, "voila")
    assert page.locator(".cm-content, .jp-InputArea").count() == 0, "code is shown"


def test_without_a_kernel_the_last_view_is_a_picture(
    browser: BrowserContext, page: Page, server: JupyterServer
) -> None:
    from nbconvert import HTMLExporter

    lab = LabNotebook(browser, server, NAME)
    explorer = ExplorerPage(lab)
    explorer.open(0, LIMIT)
    explorer.load("mp-5986")
    lab.wait_until(lambda: explorer.label.endswith("decode of mp-5986"), "the decode of mp-5986")
    formula = explorer.label.split()[0]
    text = "[...document.querySelectorAll('.xc-still')].map(e => e.textContent).join()"
    lab.wait_until(lambda: "decode of mp-5986" in lab.page.evaluate(text), "a picture of the last view", 20)
    lab.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    saved = server.root / NAME
    lab.wait_until(lambda: "decode of mp-5986" in saved.read_text(encoding="utf-8"), "a saved notebook", 20)
    lab.close()
    html, _ = HTMLExporter(template_name="lab").from_filename(str(saved))
    exported = server.root / "explore.html"
    exported.write_text(html, encoding="utf-8")
    page.goto(exported.as_uri())
    still = page.locator(".xc-still")
    assert still.count() == 1 and still.is_visible()
    assert formula in still.inner_text().replace("\n", "") and "mp-5986" in still.inner_text()
    assert still.locator("svg").count() == 2
    assert drawn_share(screen_pixels(still)) > 0.02
    page.screenshot(path=ARTIFACTS / "frontend-html.png")
