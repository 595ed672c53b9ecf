"""``xcrystal page`` in a browser: from a server of plain files and from a disk, without any other address."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.lab import ARTIFACTS
from tests.browser.page_server import served
from xcrystal.explorer.static_page.page_export import INDEX, export_page
from xcrystal.latent.atlas import Atlas

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from xcrystal.generator import CrystalModel

pytestmark = pytest.mark.browser
LIMIT = 60_000  # ms


@pytest.fixture(scope="module")
def folder(model: CrystalModel, atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of a hundred crystals, of which a few are decoded."""
    rows = np.unique([atlas.row("mp-22862"), atlas.row("mp-1265"), *range(0, len(atlas), len(atlas) // 100)])
    part = Atlas("few", atlas.table.iloc[rows].reset_index(drop=True), atlas.z[rows])
    target = tmp_path_factory.mktemp("page") / "page"
    export_page(target, model, part, "Few crystals", crystals=12, grid=4, effort="fast", progress=False)
    return target


def opened(browser: BrowserContext, address: str) -> tuple[Page, list[str]]:
    """The page once map and crystal are drawn, and what it complains of or asks of others."""
    page = browser.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    own = re.escape(address.rsplit("/", 1)[0])
    page.on("request", lambda asked: None if re.match(rf"{own}|data:|blob:", asked.url) else troubles.append(asked.url))
    page.goto(address)
    page.locator("[data-ready=true]").wait_for(timeout=LIMIT)
    page.locator(".xc-viewer-canvas[data-drawn]").wait_for(timeout=LIMIT)
    return page, troubles


def test_a_page_from_a_server_of_files(browser: BrowserContext, folder: Path) -> None:
    with served(folder) as address:
        page, troubles = opened(browser, address)
        heading = page.locator(".xc-page-crystal > header h2")
        assert heading.inner_text().replace("\n", "") == "NaCl"
        assert page.locator(".xc-viewer-canvas").get_attribute("data-drawn") == "27"  # 8 atoms, and those on faces

        # a search shows a crystal, marks it, and lists it
        page.get_by_role("searchbox").fill("OMg")
        page.keyboard.press("Enter")
        heading.get_by_text("MgO").wait_for()
        assert page.locator(".xc-page-found li").count() >= 1
        page.locator(".xc-selected", has_text="selected: OMg").wait_for()
        page.locator(".xc-selected button").click()
        page.locator(".xc-page-found li").wait_for(state="detached")

        # why: the atoms get other colours, and the bars the method's name
        page.get_by_label("What colours the atoms").select_option("formation_energy_per_atom")
        page.locator(".xc-page-why", has_text="Shapley values").wait_for()
        assert page.locator(".xc-page-why li").count() == 2

        # a path: the slider goes from salt to oxide
        page.get_by_label("Path", exact=True).select_option(label="NaCl to MgO")
        page.locator(".xc-page-formula", has_text="NaCl").wait_for()
        page.locator(".xc-page-path input").fill("16")
        page.locator(".xc-page-formula", has_text="MgO").wait_for()
        page.locator(".xc-page-crystal > header", has_text="step 16 of 16").wait_for()
        assert page.locator(".xc-stop").count() == 16

        # a click between points shows what the grid holds there
        page.locator(".nsewdrag").click(position={"x": 4, "y": 4})
        page.locator(".xc-page-crystal > header", has_text="decoded between crystals").wait_for()
        page.locator(".xc-off", has_text="grid of 4 × 4").wait_for()

        # dark, and another colouring
        page.get_by_role("button", name="Light or dark").click()
        page.locator("body[data-jp-theme-light=false]").wait_for()
        page.locator(".xc-tools select").select_option("crystal_system")
        page.locator(".xc-key", has_text="monoclinic").wait_for()
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than a phone"
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=ARTIFACTS / "page.png", full_page=True)
        assert troubles == []
        page.close()


def test_a_page_from_a_disk(browser: BrowserContext, folder: Path) -> None:
    page, troubles = opened(browser, (folder / INDEX).as_uri())
    assert troubles == []
    # a request fails without a network, too: what counts is that the page's own policy forbids it
    forbidden = """new Promise(resolve => {
        document.addEventListener('securitypolicyviolation', event => resolve(event.effectiveDirective));
        fetch('https://example.org').then(() => resolve('reached'), () => setTimeout(resolve, 2000, 'failed'));
    })"""
    assert page.evaluate(forbidden) == "connect-src"
    page.close()
