"""Crystal files in JupyterLab: icons, the viewer, what it says of files that it cannot draw, and outputs of cells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.desk import Desk
from tests.browser.lab import LabNotebook
from tests.browser.pixels import canvas_pixels, changed_share, colourful_share, screen_pixels
from tests.crystals import CRYSTALS
from xcrystal.explorer.notebook.structure_output import MIME_TYPE

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

SALT = CRYSTALS["rock salt NaCl"].to_structure().to_conventional()
TITANATE = CRYSTALS["polar BaTiO3"].to_structure()
# what a debouncer of JupyterLab says when its text editor is closed before it is done with opening
EDITOR_CLOSED = "Cannot read properties of null (reading 'promise')"
EVIL = '<img src=x onerror="window.evil=1">'


def write_files(root: Path) -> None:
    """Our own crystals in each format, an animation, and files that are nothing or too much."""
    SALT.to(filename=str(root / "NaCl.cif"))
    TITANATE.to(filename=str(root / "POSCAR"), fmt="poscar")
    TITANATE.to(filename=str(root / "BaTiO3.xsf"), fmt="xsf")
    (root / "NaCl.structure.json").write_text(json.dumps(SALT.as_dict()))
    (root / "plain.json").write_text(json.dumps({"a": 1}))
    (root / "three.extxyz").write_text("".join(frame(k) for k in range(3)))
    (root / "broken.cif").write_text("data_broken\n_cell_length_a 4\nloop_\n_atom_site_label\nNa\n")
    (root / f"{EVIL.replace('/', '')}.vasp").write_text(evil_poscar())
    (SALT * (10, 10, 8)).to(filename=str(root / "big.vasp"), fmt="poscar")


def frame(number: int) -> str:
    """One frame of an animation: an atom moves."""
    lattice = " ".join(f"{x:.3f}" for x in TITANATE.lattice.matrix.ravel())
    sites = TITANATE.cart_coords + np.where(np.arange(len(TITANATE)) == 1, 0.3 * number, 0.0)[:, None]
    rows = "".join(
        f"{site.specie.symbol} {x:.4f} {y:.4f} {z:.4f}\n" for site, (x, y, z) in zip(TITANATE, sites, strict=True)
    )
    return f'{len(TITANATE)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"\n{rows}'


def evil_poscar() -> str:
    return f"{EVIL}\n1.0\n4 0 0\n0 4 0\n0 0 4\nNa\n1\nDirect\n0 0 0\n"


@pytest.fixture(scope="module")
def desk(server: JupyterServer, browser: BrowserContext) -> Iterator[Desk]:
    write_files(server.root)
    opened = Desk(browser, server)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _clean(desk: Desk) -> Iterator[None]:
    desk.errors.clear()
    yield
    desk.close_tabs()
    assert [error for error in desk.errors if EDITOR_CLOSED not in error.message] == []


def viewer(desk: Desk) -> Locator:
    return desk.page.locator(".jp-MainAreaWidget:not(.lm-mod-hidden) .xc-viewer:visible")


def open_drawn(desk: Desk, name: str) -> np.ndarray:
    """Double click; what the canvas shows then."""
    desk.open_file(name)
    return drawn(desk)


def drawn(desk: Desk) -> np.ndarray:
    canvas = viewer(desk).locator(".xc-viewer-canvas[data-drawn] canvas")
    desk.wait_until(lambda: canvas.count() == 1, "a canvas")
    desk.wait_until(lambda: canvas.get_attribute("data-smooth") == "true", "a drawing with smooth edges")
    pixels = canvas_pixels(canvas)
    assert colourful_share(pixels) > 0.01
    return pixels


def legend(desk: Desk) -> dict[str, str]:
    """Elements and their counts."""
    rows = viewer(desk).locator(".xc-viewer-legend li")
    return {row.locator("b").inner_text(): row.locator(".xc-viewer-count").inner_text() for row in rows.all()}


def formula(desk: Desk) -> str:
    return viewer(desk).locator(".xc-viewer-formula").inner_text()


def facts(desk: Desk) -> str:
    return viewer(desk).locator(".xc-viewer-facts").inner_text()


def test_a_double_click_draws(desk: Desk) -> None:
    icon = desk.file("NaCl.cif").locator(".jp-DirListing-itemIcon svg circle")
    assert icon.count() == 5
    assert desk.file("plain.json").locator(".jp-DirListing-itemIcon svg circle").count() != 5
    one = open_drawn(desk, "NaCl.cif")
    assert formula(desk) == "NaCl"
    assert legend(desk) == {"Na": "4", "Cl": "4"}
    assert "8 atoms" in facts(desk) and "5.640" in facts(desk)
    desk.screenshot("files-salt")
    fields = viewer(desk).locator(".xc-viewer-cells")
    for axis in range(3):
        fields.nth(axis).fill("2")
        fields.nth(axis).press("Enter")
    desk.wait_until(lambda: "64 atoms in 2 × 2 × 2 cells" in facts(desk), "a supercell")
    assert legend(desk) == {"Na": "32", "Cl": "32"}
    assert changed_share(one, drawn(desk)) > 0.05
    desk.screenshot("files-supercell")


@pytest.mark.parametrize("name", ["POSCAR", "BaTiO3.xsf"])
def test_other_formats(desk: Desk, name: str) -> None:
    open_drawn(desk, name)
    assert formula(desk).replace("\n", "") == "BaTiO3"
    assert viewer(desk).locator(".xc-viewer-formula sub").all_inner_texts() == ["3"]
    assert legend(desk) == {"Ba": "1", "Ti": "1", "O": "3"}


def test_json_is_drawn_if_its_name_says_so(desk: Desk) -> None:
    open_drawn(desk, "NaCl.structure.json")
    assert formula(desk) == "NaCl"
    desk.close_tabs()
    desk.open_file("plain.json")
    desk.wait_until(lambda: desk.title == "plain.json", "the JSON file open")
    assert viewer(desk).count() == 0


def test_frames(desk: Desk) -> None:
    first = open_drawn(desk, "three.extxyz")
    player = viewer(desk).locator(".xc-viewer-player")
    assert player.inner_text().endswith("Frame 1 of 3")
    player.locator("input").press("End")
    assert player.inner_text().endswith("Frame 3 of 3")
    assert changed_share(first, drawn(desk)) > 0.002
    desk.screenshot("files-frames")
    player.get_by_role("button", name="Play the frames").click()
    desk.wait_until(lambda: "Frame 2 of 3" in player.inner_text(), "the animation to go on", every=0.05)
    player.get_by_role("button", name="Pause").click()


def test_keys_turn_and_reset(desk: Desk) -> None:
    before = open_drawn(desk, "POSCAR")
    canvas = viewer(desk).locator(".xc-viewer-canvas")
    assert "Drawing of BaTiO3: 5 atoms" in (canvas.get_attribute("aria-label") or "")
    canvas.focus()
    for _ in range(5):
        desk.page.keyboard.press("ArrowRight")
    desk.page.keyboard.press("+")
    turned = drawn(desk)
    assert changed_share(before, turned) > 0.02
    desk.page.keyboard.press("r")
    desk.page.wait_for_timeout(400)
    assert changed_share(before, drawn(desk)) < 0.01


def test_axes_are_drawn_and_looked_along_and_clicks_measure(desk: Desk) -> None:
    open_drawn(desk, "NaCl.cif")
    canvas = viewer(desk).locator(".xc-viewer-canvas")
    c = canvas.locator(".xc-triad [data-axis='c']")
    assert canvas.get_attribute("data-looking") == "standard"
    assert float(c.get_attribute("data-y") or 0) > 0.9 and c.locator("text").inner_html() == "c"
    viewer(desk).get_by_role("button", name="Look along b* (Shift+B)").click()
    desk.wait_until(lambda: canvas.get_attribute("data-looking") == "b*", "a view along b*")
    canvas.focus()
    desk.page.keyboard.press("c")
    desk.page.wait_for_timeout(500)
    assert float(c.get_attribute("data-z") or 0) > 0.99
    viewer(desk).get_by_role("button", name="Labels", exact=True).click()
    viewer(desk).get_by_role("button", name="Measure", exact=True).click()
    said = canvas.locator(".xc-measured")
    assert "Click two atoms" in said.inner_text()
    labels = canvas.locator(".xc-annotations text")
    assert sorted(labels.all_text_contents()) == ["Cl"] * 4 + ["Na"] * 5  # those behind are covered
    drawn(desk)
    box = canvas.bounding_box()
    assert box is not None
    places = sorted(tuple(float(label.get_attribute(name) or 0) for name in "xy") for label in labels.all())
    for x, y in (places[4], places[1]):  # the middle, and the one to its left
        desk.page.mouse.click(box["x"] + x, box["y"] + y)
        desk.page.wait_for_timeout(250)
    desk.wait_until(lambda: "2.820 Å" in said.inner_text(), "a distance")
    desk.screenshot("files-measured")
    desk.page.keyboard.press("Escape")
    assert "Click two atoms" in said.inner_text()


def test_the_text_is_one_click_away_and_followed(desk: Desk) -> None:
    open_drawn(desk, "POSCAR")
    desk.page.get_by_role("button", name="Text", exact=True).click()
    editor = desk.page.locator(".jp-FileEditor .cm-content")
    editor.wait_for()
    desk.page.evaluate(
        """() => {
          const {shared} = window.jupyterapp.shell.currentWidget.context.model.sharedModel
            ? {shared: window.jupyterapp.shell.currentWidget.context.model.sharedModel} : {};
          shared.setSource(shared.getSource().replace(/Ba/g, 'Sr'));
        }"""
    )
    desk.page.locator(".lm-TabBar-tab", has_text="POSCAR").first.click()
    desk.wait_until(lambda: legend(desk).get("Sr") == "1", "the viewer to follow the text")


def test_a_malformed_file_says_why(desk: Desk) -> None:
    desk.open_file("broken.cif")
    message = viewer(desk).locator(".xc-viewer-message")
    message.wait_for()
    assert len(message.locator("p").inner_text()) > 10
    desk.screenshot("files-broken")
    message.get_by_role("button", name="Open as Text").click()
    text = desk.page.locator(".jp-FileEditor .cm-content")
    desk.wait_until(lambda: text.count() == 1 and "_cell_length_a" in text.inner_text(), "the text of the file")


def test_text_of_a_file_is_never_html(desk: Desk) -> None:
    open_drawn(desk, ".vasp")
    assert viewer(desk).locator(".xc-viewer-title").inner_text() == EVIL
    assert desk.page.locator(".xc-viewer img:not(.xc-viewer-still)").count() == 0
    assert desk.page.evaluate("window.evil") is None


def test_a_big_file_asks_first(desk: Desk) -> None:
    desk.open_file("big.vasp")
    yes = viewer(desk).get_by_role("button", name="Draw 6,400 atoms")
    yes.wait_for()
    assert desk.page.locator(".xc-viewer canvas").count() == 0
    desk.screenshot("files-big")
    yes.click()
    drawn(desk)
    assert "6400" in facts(desk).replace(",", "")


def test_many_viewers_share_few_contexts(desk: Desk) -> None:
    warnings: list[str] = []
    desk.page.on("console", lambda message: warnings.append(message.text))
    for _ in range(20):
        desk.open_file("NaCl.cif")
        desk.page.locator(".xc-viewer-canvas[data-drawn] canvas").wait_for()
        desk.close_tabs()
    assert not [text for text in warnings if "context" in text.lower()]


def test_dark_theme(desk: Desk) -> None:
    open_drawn(desk, "NaCl.cif")
    canvas = viewer(desk).locator(".xc-viewer-canvas")

    def background() -> int:
        return int(screen_pixels(canvas)[9, 9].max())

    assert background() > 240
    try:
        desk.set_theme("JupyterLab Dark")
        desk.wait_until(lambda: background() < 60, "a dark background")
        drawn(desk)
        desk.screenshot("files-dark")
    finally:
        desk.set_theme("JupyterLab Light")
    desk.wait_until(lambda: background() > 240, "a light background again")


def test_it_is_there_after_a_reload(desk: Desk) -> None:
    open_drawn(desk, "NaCl.cif")
    desk.reload()
    drawn(desk)
    assert formula(desk) == "NaCl"


def test_outputs_of_cells(server: JupyterServer, browser: BrowserContext) -> None:
    server.write_notebook(
        "outputs.ipynb",
        "import xcrystal as xc\nfrom pymatgen.core import Structure\nsalt = Structure.from_file('NaCl.structure.json')",
        "xc.draw_structures()\nsalt",
        "for _ in range(19):\n    display(salt)",
        "xc.draw_structures(False)\nsalt",
    )
    lab = LabNotebook(browser, server, "outputs.ipynb")
    try:
        warnings: list[str] = []
        lab.page.on("console", lambda message: warnings.append(message.text))
        lab.hide_sidebar()
        lab.run()
        lab.show_cell(1)
        canvas = lab.page.locator(".xc-viewer-canvas[data-drawn] canvas")
        lab.wait_until(lambda: canvas.count() > 0, "a drawing in an output")
        lab.wait_until(lambda: canvas.first.get_attribute("data-smooth") == "true", "smooth edges")
        assert colourful_share(canvas_pixels(canvas.first)) > 0.01
        lab.screenshot("files-output")
        lab.show_cell(2)
        viewers = lab.page.locator(".xc-rendered-structure .xc-viewer-canvas")
        lab.wait_until(lambda: viewers.count() >= 19, "all outputs")
        for index in range(0, viewers.count(), 2):
            viewers.nth(index).scroll_into_view_if_needed()
            lab.page.wait_for_timeout(100)
        lab.wait_until(lambda: viewers.last.get_attribute("data-drawn"), "the last output drawn")
        assert 1 <= canvas.count() <= 6
        data = "i => window.xcrystalPanel.content.widgets[i].model.outputs.get(0).toJSON().data"
        assert MIME_TYPE in lab.page.evaluate(data, 2)
        assert MIME_TYPE not in lab.page.evaluate(data, 3)
        assert not [text for text in warnings if "context" in text.lower()]
        lab.assert_no_errors()
    finally:
        lab.close()
