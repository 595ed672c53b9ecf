"""One tour through all that the explorer offers, in one JupyterLab, by mouse and keyboard, with pictures on the way."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.explorer import ExplorerPage
from tests.browser.lab import LabNotebook
from tests.browser.pixels import changed_share, drawn_share, screen_pixels
from tests.crystals import CRYSTALS

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
NOTEBOOK = "tour.ipynb"
CELLS = ["import xcrystal as xc\n\nexplorer = xc.explore(mode='researcher')\nexplorer"]

# What people who cannot see the screen are told of each control that can be used now; empty strings are controls
# without a name.
_NAMES = """() => [...document.querySelectorAll('.xc-explorer :is(button, input, select, textarea, [tabindex="0"])')]
  .filter(e => e.checkVisibility() && !e.closest('.nglview, .js-plotly-plot'))
  .map(e => (e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent || e.title || '').trim())"""


@pytest.fixture(scope="module")
def lab(server: JupyterServer, browser: BrowserContext) -> Iterator[LabNotebook]:
    server.write_notebook(NOTEBOOK, *CELLS)
    opened = LabNotebook(browser, server, NOTEBOOK)
    opened.hide_sidebar()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def opened(lab: LabNotebook) -> ExplorerPage:
    explorer = ExplorerPage(lab)
    explorer.open(0, 60)
    return explorer


@pytest.fixture
def explorer(opened: ExplorerPage) -> ExplorerPage:
    """The explorer as it was in the beginning."""
    opened.lab.python("explorer.session.reset()")
    opened.lab.wait_until(lambda: opened.label.endswith("decode of mp-5986"), "the beginning")
    return opened


def asked(explorer: ExplorerPage, expression: str) -> str:
    """What the session in the kernel says."""
    return explorer.lab.python(f"session = explorer.session; print({expression})").strip()


def test_a_property_slider_says_what_it_achieved(explorer: ExplorerPage) -> None:
    move = explorer.tab("move")
    move.get_by_text("Properties", exact=True).click()
    explorer.lab.wait_until(
        lambda: move.locator(".xc-grid[data-family='property'] input").count() == 3, "three sliders"
    )
    slider = move.locator(".xc-slider-0")
    explorer.lab.wait_until(lambda: slider.evaluate("node => !node.disabled && node.max > 0"), "a verified step")
    slider.focus()
    slider.press("ArrowRight")
    achieved = move.locator(".xc-achieved").first
    explorer.lab.wait_until(lambda: "eV/atom" in achieved.inner_text(), "what was achieved")
    explorer.lab.wait_until(lambda: "hanged the formation energy" in explorer.summary, "the change summary")
    explorer.lab.screenshot("tour-1-property")


def test_two_groups_make_a_direction(explorer: ExplorerPage) -> None:
    find = explorer.tab("find")
    field = find.locator(".xc-query")
    field.fill("ABX3, O")
    field.press("Enter")
    explorer.lab.wait_until(lambda: find.locator(".xc-results tbody tr").count() == 50, "a table")
    assert explorer.root.locator(".xc-selected").inner_text().strip() != ""
    explorer.press("Keep as A", ".xc-find")
    field.fill("oxide")
    field.press("Enter")
    explorer.lab.wait_until(lambda: "oxide" in find.locator(".xc-found").inner_text(), "oxides")
    explorer.press("Keep as B", ".xc-find")
    find.locator(".xc-concept-name").fill("ABX3 oxides")
    explorer.press("Make a direction", ".xc-find")
    explorer.lab.wait_until(lambda: "AUC" in find.locator(".xc-concepts").inner_text(), "a direction", 60)
    assert float(asked(explorer, "session.state.concepts[0].note.split('AUC ')[1].split()[0].strip(',;')")) > 0.8
    move = explorer.tab("move")
    explorer.lab.wait_until(lambda: "ABX3 oxides" in move.inner_text(), "its slider")
    explorer.lab.screenshot("tour-2-concept")


def test_a_lasso_selects_crystals_and_a_row_goes_there(explorer: ExplorerPage) -> None:
    x, y = map(float, asked(explorer, "*session.state.point.position").split())
    explorer.press("Lasso", ".xc-tools")
    explorer.drag_map([(x - 0.7, y - 0.7), (x + 0.7, y - 0.7), (x + 0.7, y + 0.7), (x - 0.7, y + 0.7)])
    explorer.lab.wait_until(lambda: asked(explorer, "len(explorer.selection)") not in ("0", ""), "a selection")
    assert "mp-5986" in asked(explorer, "set(explorer.selection.material_id)")
    explorer.press("Go", ".xc-tools")
    find = explorer.tab("find")
    row = find.locator(".xc-results tbody tr").nth(1)
    name = row.locator("td").nth(2).inner_text()
    assert name.startswith("mp-")
    row.click()
    explorer.lab.wait_until(lambda: explorer.label.endswith(f"decode of {name}"), "the crystal of the row")
    explorer.lab.screenshot("tour-3-lasso")


def test_an_empty_place_of_the_map_is_decoded_and_a_drag_is_followed(explorer: ExplorerPage) -> None:
    where = (
        "import numpy as np\n_xy = explorer.session.atlas.table[['x', 'y']].to_numpy()\n"
        "_g = [np.linspace(*np.quantile(_xy[:, k], [.1, .9]), 60) for k in (0, 1)]\n"
        "_g = np.stack(np.meshgrid(*_g), -1).reshape(-1, 2)\n"
        "_d = np.array([((_xy - g) ** 2).sum(1).min() for g in _g])\nprint(*_g[_d.argmax()])"
    )
    x, y = map(float, explorer.lab.python(where).split())
    explorer.click_map(x, y)
    explorer.lab.wait_until(lambda: f"decode at ({x:.2f}" in explorer.label, "a decode at that place")
    explorer.lab.wait_until(
        lambda: "% of the map's width" in explorer.root.locator(".xc-off").inner_text(), "how far off"
    )
    assert explorer.marker("wanted") == pytest.approx((x, y), abs=0.05)
    drawn = explorer.scenes_drawn
    explorer.drag_map([(x + 0.02 * k, y + 0.15 * k) for k in range(8)])
    explorer.lab.wait_until(lambda: explorer.scenes_drawn >= drawn + 3, "a crystal that follows the hand")
    explorer.lab.screenshot("tour-4-empty-place")


def test_a_path_is_made_played_and_exported(explorer: ExplorerPage, tmp_path: Path) -> None:
    paths = explorer.tab("paths")
    explorer.press("Set to current", ".xc-end-A")
    source = paths.locator(".xc-end-B input")
    source.fill("mp-22862")
    source.press("Enter")
    explorer.lab.wait_until(lambda: "NaCl" in paths.locator(".xc-end-B").inner_text(), "B")
    paths.locator(".xc-how .xc-frames").fill("8")
    explorer.press("Make path", ".xc-paths")
    explorer.lab.wait_until(lambda: paths.locator(".xc-place").inner_text() == "1 of 8", "a path", 60)
    paths.locator(".xc-play").click()
    explorer.lab.wait_until(lambda: paths.locator(".xc-place").inner_text() == "8 of 8", "the end of the movie", 60)
    explorer.lab.wait_until(lambda: explorer.label.startswith("NaCl"), "B at the end")
    scrub = paths.locator(".xc-scrub")
    scrub.focus()
    explorer.page.keyboard.press("ArrowLeft")
    explorer.lab.wait_until(lambda: paths.locator(".xc-place").inner_text() == "7 of 8", "one frame back")
    place = asked(explorer, "session.place_in_history")
    assert asked(explorer, "session.history[session.place_in_history].title") == "went along the path", place
    assert paths.locator("svg").count() >= 1
    assert explorer.root.locator(".xc-map polyline").count() >= 1
    for kind, magic in (("gif", b"GIF8"), ("xyz", b""), ("cif", b"PK")):
        with explorer.page.expect_download() as downloaded:
            paths.locator(f".xc-export-{kind}").click()
        file = tmp_path / downloaded.value.suggested_filename
        downloaded.value.save_as(file)
        assert file.read_bytes().startswith(magic)
    assert len(zipfile.ZipFile(file).namelist()) >= 8
    path = explorer.picture(0, "path")
    assert 20_000 < path.stat().st_size < 500_000
    if os.environ.get("XCRYSTAL_UPDATE_SCREENSHOTS") == "1":
        shutil.copy(path, ROOT / "docs" / "images" / "path.png")


def test_steering_lowers_the_energy_in_steps_that_can_be_undone(explorer: ExplorerPage) -> None:
    explorer.load("mp-22862")
    explorer.lab.wait_until(lambda: explorer.label.endswith("mp-22862"), "NaCl")
    before = int(asked(explorer, "session.place_in_history"))
    steer = explorer.tab("steer")
    steer.locator(".xc-frames").fill("3")
    explorer.press("Start", ".xc-steer")
    explorer.lab.wait_until(lambda: "ended" in steer.locator(".xc-summary").inner_text(), "the end of steering", 60)
    values = json.loads(asked(explorer, "list(session.steering.last.values)"))
    assert len(values) >= 2 and values[-1] < values[0]
    assert int(asked(explorer, "session.place_in_history")) == before + len(values) - 1
    explorer.lab.screenshot("tour-6-steered")
    explorer.press("Surprise me", ".xc-steer")
    explorer.lab.wait_until(lambda: "from the prior" in explorer.label, "a draw from the prior")
    while (place := int(asked(explorer, "session.place_in_history"))) > before:
        explorer.root.locator(".xc-history button").first.click()
        one_back = str(place - 1)
        explorer.lab.wait_until(lambda: asked(explorer, "session.place_in_history") == one_back, "one step back")  # noqa: B023
    explorer.lab.wait_until(lambda: explorer.label == "NaCl decode of mp-22862", "NaCl again")


def test_the_crystal_is_explained_from_a_baseline_that_is_chosen(explorer: ExplorerPage, lab: LabNotebook) -> None:
    why = explorer.tab("why")
    why.locator(".xc-why-target").select_option("formation_energy_per_atom")
    lab.wait_until(lambda: why.locator(".xc-why-row").count() == 5, "a bar for each atom", 60)
    lab.wait_until(
        lambda: why.locator(".xc-trust li").count() == 4 and why.locator(".xc-trust-waiting").count() == 0, "trust", 60
    )
    why.locator(".xc-why-baseline").select_option("vacancy")
    lab.wait_until(lambda: why.locator(".xc-why-track .xc-why-tick").count() == 5, "the bars before")
    why.locator(".xc-why-row").first.hover()
    marked = explorer.root.locator(".xc-canvas[data-drawn]").first
    lab.wait_until(lambda: marked.get_attribute("data-lit") == "0", "a marked atom")
    assert "eV/atom" in explorer.legend
    lab.screenshot("tour-7-why")
    path = explorer.picture(0, "why")
    assert 20_000 < path.stat().st_size < 500_000
    if os.environ.get("XCRYSTAL_UPDATE_SCREENSHOTS") == "1":
        shutil.copy(path, ROOT / "docs" / "images" / "why.png")
    explorer.root.locator(".xc-history button").first.click()
    lab.wait_until(lambda: asked(explorer, "session.state.why.baseline") == "mean_element", "the baseline before")


def test_a_formula_brings_proposals(explorer: ExplorerPage) -> None:
    steer = explorer.tab("steer")
    field = steer.locator(".xc-formula")
    field.fill("CaTiO3")
    field.press("Enter")
    explorer.lab.wait_until(lambda: steer.locator(".xc-candidate").count() >= 1, "proposals", 90)
    steer.locator(".xc-candidate").first.click()
    explorer.lab.wait_until(lambda: explorer.label.startswith("CaTiO3 proposal 1"), "the first proposal")
    field.fill("not a formula")
    field.press("Enter")
    explorer.lab.wait_until(lambda: bool(explorer.message), "one sentence")
    explorer.lab.screenshot("tour-7-proposals")


def test_code_and_a_saved_session_bring_the_view_back(explorer: ExplorerPage, lab: LabNotebook, tmp_path: Path) -> None:
    explorer.load("mp-22862")
    explorer.tab("move")
    explorer.drag_slider(1, to=1.5)
    lab.wait_until(lambda: "moved along" in explorer.label, "a moved crystal")
    lab.wait_until(lambda: asked(explorer, "session.state.point.quick") == "False", "a reranked crystal")
    explorer.page.wait_for_timeout(500)  # until the label is that of the kernel
    label = explorer.label
    explorer.root.locator(".xc-code").click()
    text = explorer.root.locator(".xc-dialog textarea")
    lab.wait_until(lambda: "session.move" in text.input_value(), "the code")
    code = text.input_value()
    explorer.press("Close", ".xc-dialog")
    difference = lab.python(
        f"scope = {{}}; exec({code!r}, scope); import numpy as np\n"
        "print(np.abs(scope['explorer'].session.z - explorer.session.z).max()); scope['explorer'].close()"
    )
    assert float(difference) < 1e-4
    with explorer.page.expect_download() as downloaded:
        explorer.root.locator(".xc-save").click()
    file = tmp_path / "lesson.json"
    downloaded.value.save_as(file)
    explorer.reset()
    lab.wait_until(lambda: explorer.label != label, "the beginning")
    explorer.upload(file)
    lab.wait_until(lambda: explorer.label == label, "the saved view")


def test_two_crystals_side_by_side_and_a_picked_atom(explorer: ExplorerPage, lab: LabNotebook, tmp_path: Path) -> None:
    path = tmp_path / "salt.cif"
    CRYSTALS["rock salt NaCl"].to_structure().to(filename=str(path), fmt="cif")
    explorer.upload(path)
    lab.wait_until(lambda: explorer.label.endswith("salt.cif, as loaded"), "a loaded crystal")
    alone = explorer.structure_pixels()
    explorer.root.locator("select.xc-shown").select_option(label="Overlay")
    lab.wait_until(lambda: changed_share(alone, explorer.structure_pixels()) > 0.02, "shells")
    assert explorer.root.locator(".xc-match").inner_text().startswith("Shells: the reconstruction; match")
    lab.screenshot("tour-9-overlay")
    explorer.root.locator("select.xc-shown").select_option(label="Side by side")
    canvases = explorer.root.locator(".xc-canvas canvas:visible")
    lab.wait_until(lambda: canvases.count() == 2, "two canvases")
    lab.wait_until(lambda: all(drawn_share(screen_pixels(canvases.nth(k))) > 0.01 for k in (0, 1)), "two crystals")
    assert "RMS" in explorer.root.locator(".xc-match").inner_text()
    lab.screenshot("tour-9-both")
    explorer.root.locator("select.xc-shown").select_option(label="Reconstruction")
    before = explorer.structure_pixels()
    explorer.root.locator(".xc-view-menu > summary").click()
    explorer.root.locator(".xc-supercell input").first.fill("2")
    explorer.root.locator(".xc-supercell input").first.press("Enter")
    explorer.page.keyboard.press("Escape")  # closes the menu
    assert not explorer.root.locator(".xc-fit").is_visible()
    lab.wait_until(lambda: changed_share(before, explorer.structure_pixels()) > 0.02, "two cells")
    atoms = explorer.root.locator(".xc-atoms select")
    atoms.select_option(index=1)
    facts = explorer.root.locator(".xc-atom-facts")
    lab.wait_until(lambda: "oordination" in facts.inner_text(), "what is known of the atom", 30)
    lab.screenshot("tour-9-atom")


def test_beginners_are_told_more_and_offered_less(explorer: ExplorerPage, lab: LabNotebook) -> None:
    assert explorer.root.locator(".xc-hint:visible").count() == 0
    explorer.root.locator(".xc-mode select").select_option("beginner")
    lab.wait_until(lambda: explorer.root.locator(".xc-hint:visible").count() >= 3, "hints")
    explorer.root.locator(".xc-view-menu > summary").click()
    assert explorer.root.locator(".xc-fit").is_visible()
    assert not explorer.root.locator(".xc-supercell").is_visible()
    explorer.root.locator(".xc-hint:visible .xc-term").first.click()
    lab.wait_until(lambda: explorer.page.locator(".xc-term-text:popover-open").count() == 1, "an explained term")
    lab.screenshot("tour-10-beginner")
    explorer.page.keyboard.press("Escape")
    remembered = lab.python("other = xc.explore(); print(other.session.controls.mode); other.close()").strip()
    explorer.root.locator(".xc-mode select").select_option("researcher")
    lab.wait_until(lambda: explorer.root.locator(".xc-hint:visible").count() == 0, "no hints")
    assert remembered == "beginner"


def test_a_lesson_hides_controls(explorer: ExplorerPage, lab: LabNotebook) -> None:
    lab.python("explorer.session.controls.hide('steer', 'load', 'move')")
    lab.wait_until(lambda: not explorer.root.locator(".xc-tab-xc-steer").is_visible(), "no tab for steering")
    assert not explorer.root.locator(".xc-path").is_visible()
    assert explorer.root.locator(".xc-tab-xc-find").get_attribute("aria-selected") == "true"
    lab.python("explorer.session.controls.hide()")
    lab.wait_until(lambda: explorer.root.locator(".xc-tab-xc-steer").is_visible(), "all tabs")
    explorer.tab("move")


def test_every_control_has_a_name_and_tabs_move_by_arrow(explorer: ExplorerPage, lab: LabNotebook) -> None:
    for tab in ("find", "paths", "steer", "why", "decode", "change", "concept", "stability", "diffraction", "move"):
        explorer.tab(tab)
        names = explorer.page.evaluate(_NAMES)
        assert len(names) > 20
        assert all(names), f"controls without a name beside {[name for name in names if name][:3]} under {tab}"
    explorer.root.locator(".xc-tab-xc-move").focus()
    explorer.page.keyboard.press("ArrowRight")
    assert "xc-tab-xc-find" in explorer.page.evaluate("document.activeElement.className")
    assert not explorer.root.locator(".xc-tabbed > .xc-move").is_visible()
    explorer.tab("move")


def test_it_fits_a_narrow_window_and_the_dark_theme(explorer: ExplorerPage, lab: LabNotebook) -> None:
    page = explorer.page
    size = page.viewport_size
    assert size is not None
    wide = explorer.root.bounding_box()
    page.set_viewport_size({"width": 620, "height": 1000})
    lab.wait_until(lambda: (explorer.root.bounding_box() or {"width": 9999})["width"] < 600, "a narrow explorer")
    page.wait_for_timeout(500)
    over = explorer.root.evaluate("root => root.scrollWidth - root.clientWidth")
    lab.screenshot("tour-13-narrow")
    page.set_viewport_size(size)
    assert over <= 1, f"{over} pixels are cut off"
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    lab.wait_until(lambda: page.evaluate("document.body.dataset.jpThemeLight") == "false", "the dark theme")
    page.wait_for_timeout(800)
    lab.show_cell(0)
    dark = screen_pixels(explorer.root.locator(".xc-structure .xc-canvas").first)
    lab.screenshot("tour-13-dark")
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    lab.wait_until(lambda: page.evaluate("document.body.dataset.jpThemeLight") == "true", "the light theme")
    assert np.median(dark) < 60, "the structure's ground is not dark"
    assert wide is not None


def test_closing_frees_everything(explorer: ExplorerPage, lab: LabNotebook) -> None:
    lab.assert_no_errors()
    left = lab.python(
        "from ipywidgets.widgets.widget import _instances\nimport threading\nexplorer.close()\n"
        # what the worker was doing is finished first
        "[t.join(60) for t in threading.enumerate() if t.name == 'xcrystal-explorer']\n"
        "print([type(w).__name__ for w in _instances.values()], "
        "[t.name for t in threading.enumerate() if 'xcrystal' in t.name])"
    )
    # nglview makes one registry of colours when it is imported, for all that will ever be drawn
    assert left.strip() == "['Layout', '_ColormakerRegistry'] []"
    lab.wait_until(lambda: lab.page.locator(".xc-explorer canvas").count() == 0, "an empty output")
