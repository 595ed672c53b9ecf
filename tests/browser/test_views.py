"""From where crystals are seen, what is measured on them, and pictures to take away, in JupyterLab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tests.browser.explorer import ExplorerPage
from tests.browser.lab import LabNotebook
from tests.browser.pixels import changed_share
from tests.crystals import CRYSTALS

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

LIMIT = 60.0  # seconds until all is drawn, on a busy machine
SAME = 0.005  # share of a canvas' pixels that differ at most between two drawings of one view


@pytest.fixture(scope="module")
def page(server: JupyterServer, browser: BrowserContext) -> Iterator[ExplorerPage]:
    server.write_notebook(
        "views.ipynb", "import xcrystal as xc\nfrom pymatgen.core import Structure", "explorer = xc.explore()\nexplorer"
    )
    lab = LabNotebook(browser, server, "views.ipynb")
    lab.hide_sidebar()
    lab.run(0, 1)
    explorer = ExplorerPage(lab)
    explorer.open(1, LIMIT)
    yield explorer
    errors = list(lab.errors)
    lab.close()
    assert errors == []


@pytest.fixture
def explorer(page: ExplorerPage) -> ExplorerPage:
    """As in the beginning."""
    page.reset()
    page.lab.wait_until(lambda: looking(page) == "standard", "the standard view after a reset")
    page.lab.wait_until(lambda: page.marker("loaded") is None, "no loaded crystal after a reset")
    page.structure_pixels()
    return page


def canvas(explorer: ExplorerPage) -> Locator:
    return explorer.root.locator(".xc-canvas").first


def looking(explorer: ExplorerPage) -> str | None:
    return canvas(explorer).get_attribute("data-looking")


def arrows(explorer: ExplorerPage, number: int = 0) -> dict[str, np.ndarray]:
    """How far to the right, upwards and near each axis points, as the arrows in the corner of a canvas say."""
    found = {}
    for axis in "abc":
        arrow = explorer.root.locator(".xc-canvas").nth(number).locator(f".xc-triad [data-axis='{axis}']")
        found[axis] = np.array([float(arrow.get_attribute(f"data-{name}") or "nan") for name in "xyz"])
    return found


def look(explorer: ExplorerPage, name: str) -> None:
    explorer.root.locator(f"[data-look='{name}']").click()
    explorer.lab.wait_until(lambda: looking(explorer) == name, f"the view {name}")
    explorer.lab.page.wait_for_timeout(400)  # until it has turned


def drag(explorer: ExplorerPage, right: float, down: float) -> None:
    """Turn the crystal with the mouse."""
    explorer.structure_canvas.scroll_into_view_if_needed()
    box = explorer.structure_canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + 0.9 * box["width"], box["y"] + 0.5 * box["height"]
    mouse = explorer.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x - right, y + down, steps=5)
    mouse.up()
    mouse.move(0, 0)


def load(explorer: ExplorerPage, name: str) -> None:
    """One of our own crystals, as loaded."""
    text = json.dumps(CRYSTALS[name].to_structure().to_conventional().to_json())
    explorer.lab.python(
        f"explorer.session.load(Structure.from_str({text}, fmt='json')); explorer.session.show('loaded')"
    )
    explorer.structure_pixels()


def test_c_points_upwards_and_a_to_the_front(explorer: ExplorerPage) -> None:
    axes = arrows(explorer)
    assert abs(axes["c"][0]) < 0.01 and axes["c"][1] > 0.9
    assert axes["a"][0] < 0 < axes["b"][0] and axes["a"][2] > 0.5
    letters = {axis: explorer.root.locator(f".xc-triad [data-axis='{axis}'] text").first for axis in "abc"}
    boxes = {axis: letter.bounding_box() for axis, letter in letters.items()}
    assert boxes["c"]["y"] < boxes["a"]["y"] and boxes["a"]["x"] < boxes["c"]["x"] < boxes["b"]["x"]
    assert {axis: letter.inner_html() for axis, letter in letters.items()} == {axis: axis for axis in "abc"}


def test_along_each_axis(explorer: ExplorerPage) -> None:
    load(explorer, "baddeleyite ZrO2")  # monoclinic: a* is not a
    for name in ("a", "b", "c"):
        look(explorer, name)
        assert arrows(explorer)[name] == pytest.approx([0, 0, 1], abs=0.01)
        assert explorer.root.locator(f"[data-look='{name}']").get_attribute("aria-pressed") == "true"
    look(explorer, "a*")
    axes = arrows(explorer)
    assert abs(axes["b"][2]) < 0.01 and abs(axes["c"][2]) < 0.01 and 0.9 < axes["a"][2] < 0.999
    # the next crystal is seen along its own axis
    look(explorer, "a")
    load(explorer, "wurtzite ZnO")
    assert looking(explorer) == "a" and arrows(explorer)["a"] == pytest.approx([0, 0, 1], abs=0.01)


def test_a_view_is_kept_only_if_it_was_turned_on_purpose(explorer: ExplorerPage) -> None:
    standard = arrows(explorer)
    explorer.load("mp-22862")
    explorer.lab.wait_until(lambda: "mp-22862" in explorer.label, "another crystal")
    explorer.structure_pixels()
    assert looking(explorer) == "standard"
    assert arrows(explorer)["c"] == pytest.approx(standard["c"], abs=0.01)
    drag(explorer, 90, 30)
    explorer.lab.wait_until(lambda: looking(explorer) == "turned", "a turned crystal")
    turned = arrows(explorer)
    assert np.abs(turned["a"] - standard["a"]).max() > 0.2
    explorer.load("mp-5986")
    explorer.lab.wait_until(lambda: "mp-5986" in explorer.label, "the first crystal")
    explorer.structure_pixels()
    assert looking(explorer) == "turned"
    for axis in "abc":
        assert arrows(explorer)[axis] == pytest.approx(turned[axis], abs=0.02)
    explorer.drag_slider(0, to=1.5)
    explorer.lab.wait_until(lambda: "moved" in explorer.label, "a moved crystal")
    explorer.structure_pixels()
    assert looking(explorer) == "turned"
    explorer.reset()
    explorer.lab.wait_until(lambda: looking(explorer) == "standard", "the standard view")
    explorer.lab.page.wait_for_timeout(400)
    assert arrows(explorer)["a"] == pytest.approx(standard["a"], abs=0.01)


def test_the_standard_view_undoes_turning_zooming_and_moving(explorer: ExplorerPage) -> None:
    before = explorer.structure_pixels()
    canvas(explorer).focus()
    for key in ("ArrowRight", "ArrowUp", "+", "+", "Shift+A"):
        explorer.page.keyboard.press(key)
    explorer.lab.wait_until(lambda: looking(explorer) == "a*", "a view along a*")
    assert changed_share(before, explorer.structure_pixels()) > 0.02
    canvas(explorer).focus()
    explorer.page.keyboard.press("r")
    explorer.lab.wait_until(lambda: looking(explorer) == "standard", "the standard view")
    explorer.lab.page.wait_for_timeout(400)
    assert changed_share(before, explorer.structure_pixels()) < SAME


def test_parallel_edges_stay_parallel_unless_perspective_is_on(explorer: ExplorerPage) -> None:
    load(explorer, "rock salt NaCl")
    look(explorer, "c")
    parallel = explorer.structure_pixels()
    explorer.lab.python("explorer.session.display.show_perspective(True)")
    explorer.lab.wait_until(
        lambda: explorer.root.locator(".xc-perspective").get_attribute("aria-pressed") == "true", "the switch pressed"
    )
    assert changed_share(parallel, explorer.structure_pixels()) > 0.01
    explorer.lab.python("explorer.session.undo()")
    explorer.lab.wait_until(
        lambda: explorer.root.locator(".xc-perspective").get_attribute("aria-pressed") == "false", "the switch let go"
    )
    assert changed_share(parallel, explorer.structure_pixels()) < SAME


def test_two_crystals_are_turned_together(explorer: ExplorerPage) -> None:
    load(explorer, "wurtzite ZnO")
    explorer.lab.python("explorer.session.show('both')")
    explorer.lab.wait_until(lambda: explorer.root.locator(".xc-canvas[data-drawn]").count() == 2, "two crystals")
    explorer.structure_pixels()
    assert arrows(explorer, 1)["c"] == pytest.approx(arrows(explorer)["c"], abs=0.01)
    drag(explorer, 60, 20)
    explorer.lab.wait_until(lambda: looking(explorer) == "turned", "a turned crystal")
    for axis in "abc":
        assert arrows(explorer, 1)[axis] == pytest.approx(arrows(explorer)[axis], abs=0.02)


def test_clicks_measure_distances_and_angles(explorer: ExplorerPage) -> None:
    load(explorer, "rock salt NaCl")
    look(explorer, "c")
    explorer.structure_canvas.scroll_into_view_if_needed()
    explorer.root.locator(".xc-measuring").click()
    said = explorer.root.locator(".xc-measured").first
    assert "Click two atoms" in said.inner_text()
    # seen along c, atoms are on a square grid of half a cell around the middle of the canvas
    explorer.lab.python("explorer.session.display.label_atoms('elements')")
    explorer.structure_pixels()
    texts = explorer.root.locator(".xc-canvas").first.locator(".xc-annotations text")
    places = {
        (round(float(text.get_attribute("x") or 0)), round(float(text.get_attribute("y") or 0))): text.inner_html()
        for text in texts.all()
    }
    assert sorted(places.values()) == ["Cl"] * 4 + ["Na"] * 5
    box = explorer.structure_canvas.bounding_box()
    assert box is not None
    (left, middle, right), (top, centre, _) = (sorted({place[k] for place in places}) for k in (0, 1))
    for x, y in ((left, top), (middle, top), (middle, centre), (right, centre)):
        explorer.page.mouse.click(box["x"] + x, box["y"] + y)
        explorer.page.wait_for_timeout(250)
        if (x, y) == (middle, top):
            assert said.inner_text() == "Na–Cl 2.820 Å"
    assert "Na–Cl–Na 90.0°" in said.inner_text() and "dihedral angle" in said.inner_text()
    assert explorer.root.locator(".xc-canvas").first.locator(".xc-annotations line").count() == 3
    assert explorer.root.locator(".xc-atom-facts").is_hidden()  # nothing was picked
    explorer.lab.screenshot("views-measured")
    explorer.page.keyboard.press("Escape")
    assert "Click two atoms" in said.inner_text()
    explorer.root.locator(".xc-measuring").click()
    assert said.is_hidden()
    explorer.page.mouse.click(box["x"] + middle, box["y"] + centre)
    explorer.lab.wait_until(lambda: explorer.root.locator(".xc-atom-facts").is_visible(), "a picked atom")
    # neither a mark around an atom nor a shell keeps it from being measured
    explorer.structure_pixels()
    explorer.root.locator(".xc-measuring").click()
    for shells in (False, True):
        if shells:
            explorer.page.keyboard.press("Escape")
            explorer.lab.python("explorer.session.show('overlay')")
            explorer.lab.wait_until(lambda: canvas(explorer).get_attribute("data-shells") not in (None, "0"), "shells")
            explorer.structure_pixels()
        texts = explorer.root.locator(".xc-canvas").first.locator(".xc-annotations text").all()
        box = explorer.structure_canvas.bounding_box()
        assert box is not None  # what is said of a picked atom leaves less room
        xs, ys = (sorted({round(float(text.get_attribute(k) or 0)) for text in texts}) for k in ("x", "y"))
        for y in (ys[1], ys[0]):
            explorer.page.mouse.click(box["x"] + xs[1], box["y"] + y)
            explorer.page.wait_for_timeout(250)
        assert said.inner_text() == "Na–Cl 2.820 Å", f"with shells: {shells}"
    explorer.root.locator(".xc-measuring").click()


def test_a_shared_site_is_drawn(explorer: ExplorerPage) -> None:
    before = explorer.structure_pixels()
    explorer.lab.python(
        "explorer.session.load(Structure([[3.9, 0, 0], [0, 3.9, 0], [0, 0, 3.9]], "
        "[{'La': 0.7, 'Sr': 0.3}, 'Mn', 'O', 'O', 'O'], "
        "[[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]))"
    )
    assert changed_share(before, explorer.structure_pixels()) > 10 * SAME
    explorer.lab.screenshot("views-shared-site")


def test_pictures_to_take_away(explorer: ExplorerPage, tmp_path: Path) -> None:
    def save(entry: str) -> Path:
        explorer.root.locator(".xc-picture-menu > summary").click()
        with explorer.page.expect_download() as downloaded:
            explorer.root.get_by_role("button", name=entry, exact=True).click()
        path = tmp_path / downloaded.value.suggested_filename
        downloaded.value.save_as(path)
        return path

    load(explorer, "rutile TiO2")
    explorer.page.mouse.move(0, 0)
    box = explorer.structure_canvas.bounding_box()
    assert box is not None
    with Image.open(save("Crystal, PNG without background")) as image:
        assert image.size == pytest.approx((2 * box["width"], 2 * box["height"]), abs=2)
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
        assert alpha[0, 0] == 0 and (alpha == 255).mean() > 0.03
        triad = explorer.root.locator(".xc-triad").first.bounding_box()
        assert triad is not None
        left, top = (round(2 * (triad[side] - box[side])) for side in ("x", "y"))
        within = alpha[top : top + round(2 * triad["height"]), left : left + round(2 * triad["width"])]
        assert (within == 255).mean() > 0.02  # its arrows
    with Image.open(save("Crystal, PNG")) as image:
        assert np.asarray(image.convert("RGBA"))[0, 0].tolist() == [255, 255, 255, 255]
    standard = ElementTree.parse(save("Crystal, SVG")).getroot()
    look(explorer, "c")
    along = ElementTree.parse(save("Crystal, SVG")).getroot()
    assert standard.attrib["aria-label"] == along.attrib["aria-label"] == "TiO2"
    assert ElementTree.tostring(standard) != ElementTree.tostring(along)
    path = save("Map, SVG")
    assert path.name == "map.svg" and len(ElementTree.parse(path).findall(".//{*}path")) > 10
    with Image.open(save("Map, PNG")) as image:
        assert image.size[0] == 1600 and np.asarray(image.convert("RGBA"))[..., 3].min() == 255


def test_a_canvas_is_drawn_though_its_first_word_is_lost(server: JupyterServer, browser: BrowserContext) -> None:
    setup = """import xcrystal as xc
from xcrystal.explorer.structure.nglview_canvas import canvas_class

Canvas, lost = canvas_class(), []
hear = Canvas._hear


def hard_of_hearing(self, message):
    if message.get("type") == "request_loaded" and not lost:
        lost.append(message)
    else:
        hear(self, message)


Canvas._hear = hard_of_hearing"""
    server.write_notebook("lost.ipynb", setup, "explorer = xc.explore()\nexplorer")
    lab = LabNotebook(browser, server, "lost.ipynb")
    lab.hide_sidebar()
    lab.run(0, 1)
    ExplorerPage(lab).open(1, LIMIT)
    assert lab.python("print(len(lost))").strip() == "1"
    lab.close()
