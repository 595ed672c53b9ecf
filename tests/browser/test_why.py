"""Explanations in JupyterLab: chosen by keyboard, linked with the atoms both ways, trusted as far as is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.explorer import ExplorerPage, open_explorer
from tests.browser.pixels import changed_share

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.browser.server import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NOTEBOOK = "why.ipynb"
CELL = "import xcrystal as xc\nexplorer = xc.explore(mode='researcher')\nexplorer"
WITHIN = 50  # milliseconds from looking at a bar to marked atoms

# Looks at a bar, and takes the time until its atoms are marked and a frame with them is asked for.
_LIGHT = """async (number) => {
  const canvas = document.querySelector('.xc-canvas[data-drawn]'), rows = document.querySelectorAll('.xc-why-row');
  const begun = performance.now();
  const marked = new Promise((done) => {
    new MutationObserver((_, watch) => { watch.disconnect(); done(performance.now() - begun); })
      .observe(canvas, {attributes: true, attributeFilter: ['data-lit']});
    setTimeout(() => done(9999), 3000);
  });
  rows[number].dispatchEvent(new PointerEvent('pointerenter'));
  return await marked;
}"""


@pytest.fixture(scope="module")
def explorer(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    for page in open_explorer(server, browser, NOTEBOOK, CELL, 90):
        page.lab.python("explorer.session.load('mp-5986')")
        yield page


@pytest.fixture
def why(explorer: ExplorerPage) -> Locator:
    """The tab, with the formation energy explained in the usual way."""
    tab = explorer.tab("why")
    explorer.lab.python("explorer.session.explain(None); explorer.session.explain('formation_energy_per_atom')")
    explorer.lab.wait_until(lambda: trusted(tab) and tab.locator(".xc-why-row").count() == 5, "bars", 60)
    return tab


def trusted(tab: Locator) -> bool:
    return tab.locator(".xc-trust li").count() == 4 and tab.locator(".xc-trust-waiting").count() == 0


def lit(explorer: ExplorerPage) -> str:
    return explorer.root.locator(".xc-canvas[data-drawn]").first.get_attribute("data-lit") or ""


def asked(explorer: ExplorerPage, expression: str) -> str:
    return explorer.lab.python(f"session = explorer.session; print({expression})").strip()


def test_everything_is_chosen_by_keyboard(explorer: ExplorerPage) -> None:
    lab, page, tab = explorer.lab, explorer.page, explorer.tab("why")
    assert tab.locator(".xc-why-row:visible").count() == 0
    assert asked(explorer, "session.explanations.attribution") == "None"
    tab.locator(".xc-why-target").focus()
    page.keyboard.type("Band gap")  # a list of choices jumps to what is typed
    lab.wait_until(lambda: asked(explorer, "session.explanations.target") == "band_gap", "a target")
    lab.wait_until(lambda: tab.locator(".xc-why-row").count() == 5, "bars", 60)
    for name, key, wanted in (
        ("method", "Integrated", "integrated_gradients"),
        ("level", "orbits", "orbits"),
        ("baseline", "vacancy", "vacancy"),
    ):
        page.keyboard.press("Tab")
        assert f"xc-why-{name}" in page.evaluate("document.activeElement.className")
        page.keyboard.type(key)
        lab.wait_until(lambda n=name, w=wanted: asked(explorer, f"session.state.why.{n}") == w, f"the {name}")  # type: ignore[misc]
    lab.wait_until(lambda: tab.locator(".xc-why-row").count() == 4 and trusted(tab), "four orbits", 60)
    # undone choice by choice
    for name, wanted in (("baseline", "mean_element"), ("level", "atoms"), ("method", "shapley")):
        page.keyboard.press("Control+z")
        lab.wait_until(lambda n=name, w=wanted: asked(explorer, f"session.state.why.{n}") == w, f"the {name} before")  # type: ignore[misc]
    lab.wait_until(lambda: tab.locator(".xc-why-method").input_value() == "shapley", "the control before")
    assert tab.locator(".xc-why-level").input_value() == "atoms"


def test_a_bar_lights_up_its_atoms_at_once(explorer: ExplorerPage, why: Locator) -> None:
    lab, page = explorer.lab, explorer.page
    page.mouse.move(0, 0)
    before, drawn = explorer.structure_pixels(), explorer.scenes_drawn
    row = why.locator(".xc-why-row").nth(1)
    row.hover()
    lab.wait_until(lambda: lit(explorer) == "1", "a marked atom")
    lab.screenshot("why-bar")
    assert changed_share(before, explorer.structure_pixels()) > 0.001
    assert explorer.scenes_drawn == drawn  # the scene was not sent again
    page.mouse.move(0, 0)
    lab.wait_until(lambda: lit(explorer) == "", "no marked atom")
    times = [float(page.evaluate(_LIGHT, number)) for number in (0, 1, 2, 3, 0, 1, 2, 3)]
    assert np.median(times) < WITHIN, f"milliseconds: {times}"
    # by keyboard, too
    why.locator(".xc-why-row").first.focus()
    page.keyboard.press("ArrowDown")
    lab.wait_until(lambda: lit(explorer) == "1", "the next bar's atom")
    why.locator(".xc-why-level").select_option("elements")
    lab.wait_until(lambda: why.locator(".xc-why-row").count() == 3, "elements")
    why.locator(".xc-why-row", has_text="O").hover()
    lab.wait_until(lambda: len(lit(explorer).split()) == 3, "three atoms of oxygen")


def test_an_atom_lights_up_its_bar(explorer: ExplorerPage, why: Locator) -> None:
    lab, page = explorer.lab, explorer.page
    explorer.root.locator(".xc-view-menu > summary").click()
    explorer.root.locator(".xc-fit").click()
    explorer.page.keyboard.press("Escape")
    explorer.structure_pixels()
    box = explorer.structure_canvas.bounding_box()
    assert box is not None
    found = False
    # somewhere near the middle there is an atom
    for dx, dy in ((0, 0), (-20, 0), (20, 0), (0, 25), (0, -25), (-60, 40), (60, -40), (40, 60), (-40, -60)):
        page.mouse.move(box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2 + dy)
        page.wait_for_timeout(600)
        if why.locator(".xc-why-row.xc-lit").count() == 1:
            found = True
            break
    lab.screenshot("why-atom")
    assert found, "no atom under the mouse lit up a bar"
    label = explorer.root.locator(".xc-atom-label").first.inner_text()
    assert why.locator(".xc-why-row.xc-lit .xc-why-value").inner_text().strip("−+") in label
    page.mouse.move(0, 0)
    lab.wait_until(lambda: why.locator(".xc-why-row.xc-lit").count() == 0, "no lit bar")


def test_the_effect_of_a_baseline_is_seen_beside_the_bars(explorer: ExplorerPage, why: Locator) -> None:
    lab = explorer.lab
    assert why.locator(".xc-why-track .xc-why-tick").count() == 0
    why.locator(".xc-why-baseline").select_option("vacancy")
    lab.wait_until(lambda: why.locator(".xc-why-track .xc-why-tick").count() == 5, "where the bars were")
    assert "before: from mean element" in why.locator(".xc-why-ticks").inner_text()
    assert "no element on any site" in why.locator(".xc-why-said").inner_text()
    why.locator(".xc-why-compare").click()
    others = int(asked(explorer, "len(session.explanations.compare_baselines()) - 1"))
    assert others >= 3
    lab.wait_until(lambda: why.locator(".xc-why-track .xc-why-tick").count() == 5 * others, "all baselines", 60)
    lab.screenshot("why-baselines")
    why.locator(".xc-why-compare").click()
    lab.wait_until(lambda: why.locator(".xc-why-track .xc-why-tick").count() == 5, "the one before")


def test_the_trust_line_has_four_parts_in_words(explorer: ExplorerPage, why: Locator) -> None:
    parts = {part.get_attribute("data-part"): part.text_content() or "" for part in why.locator(".xc-trust li").all()}
    assert list(parts) == ["completeness", "agreement", "tasks", "extrapolation"]
    assert "Adds up" in parts["completeness"] and "integrated gradients" in parts["agreement"]
    assert "nown" in parts["tasks"] and "known crystals" in parts["extrapolation"]
    signs = why.locator(".xc-trust-sign")
    assert all(signs.nth(k).inner_text() and signs.nth(k).get_attribute("aria-label") for k in range(4))


def test_pairs_are_a_heat_map_and_a_wrong_number_one_sentence(explorer: ExplorerPage, why: Locator) -> None:
    lab = explorer.lab
    why.locator(".xc-why-level").select_option("pairs")
    lab.wait_until(lambda: why.locator(".xc-why-matrix tbody td").count() == 16, "four by four pairs", 60)
    assert why.locator(".xc-why-method").input_value() == "shapley"
    why.locator(".xc-why-matrix tbody td").nth(1).hover()
    lab.wait_until(lambda: len(lit(explorer).split()) == 2, "both atoms of a pair")
    lab.screenshot("why-pairs")
    why.locator(".xc-why-target").select_option("latent")
    number = why.locator(".xc-why-number")
    lab.wait_until(lambda: asked(explorer, "session.explanations.target") == "latent 0", "the first latent dimension")
    number.fill("9999")
    number.press("Enter")
    lab.wait_until(lambda: "no latent dimension 9999" in why.locator(".xc-why-trouble").inner_text(), "one sentence")
    assert asked(explorer, "session.explanations.target") == "latent 0"


@pytest.mark.parametrize("width", [600, 1000, 1600])
def test_bars_and_crystal_are_seen_together_in_a_small_window(explorer: ExplorerPage, why: Locator, width: int) -> None:
    page, lab = explorer.page, explorer.lab
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": width, "height": 800})
    lab.show_cell(0)
    page.wait_for_timeout(800)
    # within the tab: the explorer is one view, in which the notebook itself need not be scrolled
    why.locator(".xc-why-bars").evaluate("node => node.scrollIntoView({block: 'nearest'})")
    page.wait_for_timeout(500)
    bars, canvas = why.locator(".xc-why-bars").bounding_box(), explorer.structure_canvas.bounding_box()
    over = explorer.root.evaluate("root => root.scrollWidth - root.clientWidth")
    lab.screenshot(f"why-{width}")
    page.set_viewport_size(size)
    assert bars is not None and canvas is not None
    for box in (bars, canvas):
        assert box["y"] >= 60 and box["y"] + box["height"] <= 800
    beside = bars["x"] + bars["width"] <= canvas["x"] or canvas["x"] + canvas["width"] <= bars["x"]
    assert beside or canvas["y"] + canvas["height"] <= bars["y"] + 1
    assert over <= 1


def test_nothing_went_wrong_on_the_way(explorer: ExplorerPage) -> None:
    explorer.lab.assert_no_errors()
