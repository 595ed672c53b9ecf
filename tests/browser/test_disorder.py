"""A disordered crystal and its ordered approximants, in JupyterLab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.explorer import ExplorerPage
from tests.browser.lab import LabNotebook

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

NOTEBOOK = "disorder.ipynb"
CELL = """\
import xcrystal as xc
from pymatgen.core import Lattice, Structure
sites = [{"Na": 0.5, "K": 0.5}, "Cl"]
Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.9), sites, [[0, 0, 0], [0.5, 0.5, 0.5]]).to("mixed salt.cif")
explorer = xc.explore("mixed salt.cif")
explorer"""


def test_approximants_are_made_listed_and_gone_to(server: JupyterServer, browser: BrowserContext) -> None:
    server.write_notebook(NOTEBOOK, CELL)
    lab = LabNotebook(browser, server, NOTEBOOK)
    lab.hide_sidebar()
    lab.run()
    lab.show_cell(0)
    page = ExplorerPage(lab)
    make = page.root.locator(".xc-make-approximants")
    lab.wait_until(make.is_visible, "the button", 90)
    assert "mixed salt.cif is disordered" in page.root.locator(".xc-disorder-what").inner_text()
    make.focus()
    page.page.keyboard.press("Enter")
    rows = page.root.locator(".xc-approximants tbody:last-child tr")
    markers = page.root.locator(".xc-marker-own[data-sign]")
    lab.wait_until(lambda: rows.count() > 2 and markers.count() >= rows.count(), "approximants in list and map", 60)
    assert page.root.locator(".xc-spread tr").count() == 3
    lab.screenshot("approximants")
    rows.nth(2).locator("button").click()
    lab.wait_until(lambda: "ordering 3, as loaded" in page.label, "the third", 60)
    lab.wait_until(lambda: rows.nth(2).get_attribute("aria-current") == "true", "a list that says so")
    lab.wait_until(lambda: not make.is_visible(), "no offer for an ordered crystal")
    lab.close()
