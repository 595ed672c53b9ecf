"""The Stability tab: the hull of known crystals, Relax, its curves, and the crystal before and after; in JupyterLab."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.explorer import ExplorerPage, open_explorer

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.version_info >= (3, 13), reason="CHGNet has no wheels for this Python"),
]

NOTEBOOK = "stability.ipynb"
CELL = "import xcrystal as xc\nexplorer = xc.explore('mp-5986', mode='researcher')\nexplorer"


@pytest.fixture(scope="module")
def explorer(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    yield from open_explorer(server, browser, NOTEBOOK, CELL)


def test_a_crystal_is_compared_and_relaxed(explorer: ExplorerPage) -> None:
    lab, root = explorer.lab, explorer.root
    panel = explorer.tab("stability")
    lab.wait_until(lambda: panel.locator(".xc-hull-row").count() >= 2, "energies above the hull", 60)
    assert panel.locator(".xc-reaction sub").count() > 0
    assert panel.locator(".xc-own-phase").count() == 1
    assert panel.locator(".xc-hull-edge").count() > 3
    assert panel.locator(".xc-signal").count() == 5
    lab.screenshot("stability")
    panel.locator(".xc-relax").click()
    lab.wait_until(lambda: panel.locator(".xc-relax").inner_text() == "Stop", "a button that stops")
    before = explorer.sliders
    lab.python("explorer.session.move(0, 1.0)")  # nothing waits for what is relaxed
    lab.wait_until(lambda: explorer.sliders != before or not before, "a slider that moves meanwhile")
    lab.python("explorer.session.undo()")
    lab.wait_until(lambda: panel.locator(".xc-before-after-pictures img").count() == 2, "before and after", 120)
    assert panel.locator(".xc-chart polyline").count() == 2
    rows = panel.locator(".xc-relaxed tbody tr").all_inner_texts()
    assert rows[0].startswith("Space group")
    assert "still matches the decode" in panel.locator(".xc-relaxed").inner_text()
    lab.wait_until(lambda: root.locator(".xc-canvas:visible").count() == 2, "two crystals side by side")
    lab.screenshot("stability-relaxed")
    lab.python("explorer.session.undo()")
    lab.wait_until(lambda: root.locator(".xc-canvas:visible").count() == 1, "the decode alone")
    panel.get_by_role("button", name="Show", exact=True).click()
    lab.wait_until(lambda: root.locator(".xc-canvas:visible").count() == 2, "both again")


def test_a_phase_is_one_click_away(explorer: ExplorerPage) -> None:
    lab, panel = explorer.lab, explorer.tab("stability")
    label = explorer.label
    lab.wait_until(lambda: panel.locator(".xc-phases .xc-link").count() > 3, "phases")
    phase = panel.locator(".xc-phases .xc-link").nth(2)
    wanted = (phase.get_attribute("title") or "").removeprefix("Go to ")
    phase.click()
    lab.wait_until(lambda: explorer.label != label and wanted in explorer.label, "the phase")
