"""The Diffraction tab in JupyterLab: a pattern, another one over it, and a file that leads to its crystal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import xcrystal as xc
from tests.browser.explorer import ExplorerPage, open_explorer
from tests.crystals import CRYSTALS

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

NOTEBOOK = "diffraction.ipynb"
CELL = "import xcrystal as xc\nexplorer = xc.explore(mode='researcher')\nexplorer"
# drop a file on the tab, as from a folder
DROP = """(node, [name, text]) => {
  const files = new DataTransfer();
  files.items.add(new File([text], name));
  for (const type of ['dragover', 'drop'])
    node.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: files}));
}"""


@pytest.fixture(scope="module")
def explorer(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    yield from open_explorer(server, browser, NOTEBOOK, CELL)


@pytest.fixture(scope="module")
def tab(explorer: ExplorerPage) -> Locator:
    found = explorer.tab("diffraction")
    explorer.lab.wait_until(lambda: found.locator(".xc-pattern-first").count() == 1, "a pattern")
    return found


def drawn(tab: Locator) -> str:
    """What is written above the curves."""
    return tab.locator(".xc-pattern svg").text_content() or ""


def test_peaks_say_their_planes_to_mouse_and_keyboard(explorer: ExplorerPage, tab: Locator) -> None:
    lab, said = explorer.lab, tab.locator(".xc-readout")
    assert "BaTiO3 P4mm" in drawn(tab)
    tab.locator(".xc-pattern").focus()
    explorer.page.keyboard.press("Home")
    lab.wait_until(lambda: "BaTiO3 001: 2θ = 2" in said.inner_text(), "the first peak")
    assert "multiplicity 2" in said.inner_text()
    label = tab.locator(".xc-pattern text", has_text="101").bounding_box()
    assert label is not None
    explorer.page.mouse.move(label["x"] + label["width"] / 2, label["y"] + label["height"] + 12)
    lab.wait_until(lambda: "101: 2θ = 30." in said.inner_text(), "the peak under the mouse")
    assert "intensity 100.0 %" in said.inner_text()


def test_it_follows_a_slider_and_another_crystal_lies_over_it(explorer: ExplorerPage, tab: Locator) -> None:
    lab, first = explorer.lab, tab.locator(".xc-pattern-first")
    before = first.get_attribute("d")
    lab.python("explorer.session.pin(); explorer.session.move(0, 0.8)")
    lab.wait_until(lambda: first.get_attribute("d") != before, "another pattern")
    lab.python("explorer.session.settle(); explorer.session.select('mp-22862')")
    lab.wait_until(lambda: "NaCl" in drawn(tab), "the pattern of NaCl")
    tab.locator(".xc-diffraction-second").select_option("pin 1")
    second = tab.locator(".xc-pattern-second")
    lab.wait_until(lambda: second.count() == 1, "a second pattern")
    assert second.get_attribute("stroke-dasharray") and "BaTiO3" in drawn(tab)
    assert tab.locator(".xc-pattern-marks").count() == 2
    lab.screenshot("diffraction-two")


def test_a_file_leads_to_its_crystal(explorer: ExplorerPage, tab: Locator, tmp_path: Path) -> None:
    lab = explorer.lab
    x, y = xc.xrd(CRYSTALS["quartz SiO2"], broadening=0.15).profile(np.arange(12, 80, 0.02))
    counts = np.random.default_rng(0).poisson(20 * y + 300 * np.exp(-x / 20) + 50)
    text = "\n".join(f"{a:.2f} {b}" for a, b in zip(x, counts, strict=True))
    tab.evaluate(DROP, ["broken.xy", "no numbers"])
    trouble = tab.locator(".xc-diffraction-trouble")
    lab.wait_until(lambda: "broken.xy holds no columns" in trouble.inner_text(), "why it is not read")
    assert "NaCl" in explorer.label, "nothing is lost"
    tab.evaluate(DROP, ["quartz.xy", text])
    lab.wait_until(lambda: tab.locator(".xc-pattern-measured").count() == 1, "the measured pattern")
    assert "NaCl" in explorer.label and "quartz.xy" in drawn(tab)
    tab.locator(".xc-diffraction-elements").fill("Si O")
    explorer.page.keyboard.press("Enter")
    matches = tab.locator(".xc-match")
    lab.wait_until(lambda: matches.count() > 0 and tab.locator(".xc-match img").count() > 0, "matches", 90)
    assert "SiO2" in matches.first.inner_text() and "152" in matches.first.inner_text()
    lab.wait_until(lambda: explorer.root.locator(".xc-marker-match.xc-marker-line").count() > 0, "matches on the map")
    matches.first.click()
    lab.wait_until(lambda: "SiO2" in explorer.label, "the crystal that was measured")
    lab.wait_until(lambda: matches.first.get_attribute("aria-current") == "true", "the match that is shown")
    lab.wait_until(lambda: "SiO2 P3₁21" in drawn(tab), "its pattern under the measured one")
    assert tab.locator(".xc-pattern-measured").count() == 1
    group = json.loads(lab.python("print(explorer.session.structure.properties['space_group'])"))
    assert group in (152, 154)
    lab.screenshot("diffraction-match")


def test_picture_and_peaks_are_saved(explorer: ExplorerPage, tab: Locator, tmp_path: Path) -> None:
    with explorer.page.expect_download() as picture:
        tab.locator(".xc-pattern-svg").click()
    picture.value.save_as(tmp_path / "pattern.svg")
    text = (tmp_path / "pattern.svg").read_text(encoding="utf-8")
    assert picture.value.suggested_filename == "SiO2-pattern.svg"
    assert text.startswith("<svg") and "xc-pattern-first" in text and "pointer" not in text
    with explorer.page.expect_download() as table:
        tab.locator(".xc-pattern-csv").click()
    table.value.save_as(tmp_path / "peaks.csv")
    assert (tmp_path / "peaks.csv").read_text().startswith("two_theta,q,d,intensity,hkl,multiplicity\n")
    explorer.lab.assert_no_errors()
