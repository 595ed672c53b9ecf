"""The Change tab: click an atom, give it another element, slide it, take a counterfactual, undo; in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.explorer import ExplorerPage, open_explorer

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

NOTEBOOK = "change.ipynb"
CELL = """import xcrystal as xc
from pymatgen.core import Lattice, Structure
rutile = Structure.from_spacegroup("P4_2/mnm", Lattice.tetragonal(4.59, 2.96), ["Ti", "O"],
    [[0, 0, 0], [0.305, 0.305, 0]])
explorer = xc.explore(rutile, mode="researcher")
explorer"""
THEME = "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab %s'})"


@pytest.fixture(scope="module")
def opened(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    yield from open_explorer(server, browser, NOTEBOOK, CELL)


@pytest.fixture
def explorer(opened: ExplorerPage) -> ExplorerPage:
    """The explorer at rutile, with the tab open."""
    opened.lab.python("explorer.session.load(rutile); explorer.session.show('loaded')")
    panel = opened.tab("change")
    opened.lab.wait_until(lambda: "Ti 2a" in panel.locator(".xc-orbits").inner_text(), "the orbits of rutile")
    return opened


def panel_of(explorer: ExplorerPage) -> Locator:
    return explorer.root.locator(".xc-tabbed > .xc-change")


def place(page: ExplorerPage) -> int:
    return int(page.lab.python("print(explorer.session.place_in_history)"))


def test_a_clicked_atom_gets_another_element(explorer: ExplorerPage) -> None:
    lab, panel = explorer.lab, panel_of(explorer)
    # an oxygen, clicked in the picture; where it is depends on how the crystal is turned, so a grid of places is tried
    canvas = explorer.structure_canvas
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    checked = panel.locator(".xc-orbit input:checked")
    chosen = checked.input_value()
    for k in range(25):  # away from the corners, where there are buttons
        x, y = box["x"] + box["width"] * (0.3 + 0.1 * (k % 5)), box["y"] + box["height"] * (0.3 + 0.1 * (k // 5))
        explorer.page.mouse.click(x, y)
        explorer.page.wait_for_timeout(600)
        if checked.input_value() != chosen:
            break
    assert checked.input_value() != chosen, "no click on an atom was heard"
    # back to titanium by the list, then its element
    panel.locator(".xc-orbit", has_text="Ti").click()
    lab.wait_until(lambda: panel.locator(".xc-element[aria-current='true']").inner_text() == "Ti", "titanium is chosen")
    marker, energy, here = explorer.marker("current"), explorer.facts["Formation energy, predicted"], place(explorer)
    panel.locator(".xc-element", has_text="Zr").click()
    lab.wait_until(lambda: "ZrO2" in explorer.facts["Formula"].replace("\n", ""), "zirconia")
    assert explorer.facts["Formation energy, predicted"] != energy
    lab.wait_until(lambda: explorer.marker("current") != marker, "another place on the map")
    assert "Ti on 2a became Zr" in explorer.summary
    rows = panel.locator(".xc-before-after tbody tr")
    lab.wait_until(lambda: rows.count() == 3, "before and after")
    assert " to " in rows.first.inner_text()
    lab.screenshot("change-element")
    panel.locator(".xc-element[tabindex='0']").focus()
    explorer.page.keyboard.press("Control+z")
    lab.wait_until(lambda: place(explorer) == here and "TiO2" in explorer.facts["Formula"], "titania again")
    assert explorer.marker("current") == marker


def test_the_table_is_walked_by_arrow_keys(explorer: ExplorerPage) -> None:
    panel, page = panel_of(explorer), explorer.page
    focused = "document.activeElement.textContent"
    panel.locator(".xc-element", has_text="Fe").focus()
    for key, name in (("ArrowRight", "Co"), ("ArrowDown", "Rh"), ("ArrowUp", "Co"), ("ArrowLeft", "Fe")):
        page.keyboard.press(key)
        assert page.evaluate(focused) == name
    assert "crystals that the model learned from" in panel.locator(".xc-about-element").inner_text()
    panel.locator(".xc-element", has_text="Pu").focus()
    page.keyboard.press("ArrowRight")  # the table ends there
    assert page.evaluate(focused) == "Pu"
    hardly = panel.locator(".xc-element.xc-hardly").first
    hardly.hover()
    assert "hardly knows it" in panel.locator(".xc-about-element").inner_text()


def test_one_atom_alone_says_which_symmetry_is_lost(explorer: ExplorerPage) -> None:
    lab, panel = explorer.lab, panel_of(explorer)
    panel.locator(".xc-orbit", has_text="O 4f").click()
    panel.get_by_label("This atom only").check()
    lab.wait_until(lambda: "4 of 16 symmetry operations" in panel.locator(".xc-loss").inner_text(), "the loss")
    panel.locator(".xc-element", has_text="Se").click()
    lab.wait_until(lambda: "Ti2SeO3" in explorer.facts["Formula"].replace("\n", ""), "one selenium")
    assert "4 of 16 operations" in explorer.summary
    panel.get_by_label("The whole orbit").check()
    lab.wait_until(lambda: not panel.locator(".xc-loss").is_visible(), "no loss")


def test_a_slider_moves_the_orbit(explorer: ExplorerPage) -> None:
    lab, panel, here = explorer.lab, panel_of(explorer), place(explorer)
    panel.locator(".xc-orbit", has_text="O 4f").click()
    slider = panel.locator(".xc-move-x")
    slider.focus()
    for _ in range(4):
        explorer.page.keyboard.press("ArrowRight")
    lab.wait_until(lambda: "moved by" in explorer.summary and place(explorer) == here + 1, "a moved orbit")
    lab.python("explorer.session.settle()")
    assert explorer.lab.python("print(explorer.session.state.loaded.space_group)").strip() == "136"
    assert "does not match" not in explorer.summary


def test_a_counterfactual_is_a_click_away(explorer: ExplorerPage) -> None:
    lab, panel, page = explorer.lab, panel_of(explorer), explorer.page
    panel.locator(".xc-outcome").select_option("metal")
    panel.locator(".xc-search").click()
    cards = panel.locator(".xc-card")
    lab.wait_until(lambda: cards.count() > 3 and cards.locator("img").count() == cards.count(), "cards", 60)
    texts = cards.all_inner_texts()
    assert any("within the error" in text for text in texts) and "beyond the error" in texts[0]
    lab.screenshot("change-counterfactuals")
    cards.first.click()
    lab.wait_until(lambda: "became" in explorer.summary, "the change")
    size = page.viewport_size
    assert size is not None
    page.evaluate(THEME % "Dark")
    lab.wait_until(lambda: page.evaluate("document.body.dataset.jpThemeLight") == "false", "the dark theme")
    panel.scroll_into_view_if_needed()
    lab.screenshot("change-dark")
    page.set_viewport_size({"width": 600, "height": 1000})
    page.wait_for_timeout(800)
    panel.scroll_into_view_if_needed()
    assert panel.evaluate("node => node.scrollWidth <= node.clientWidth + 1"), "something is cut off"
    lab.screenshot("change-narrow")
    page.set_viewport_size(size)
    page.evaluate(THEME % "Light")
    lab.wait_until(lambda: page.evaluate("document.body.dataset.jpThemeLight") == "true", "the light theme")
    lab.assert_no_errors()
