"""From opening the first notebook to taking a CIF home, with a mouse, in a real JupyterLab.

One page for all steps; each begins by pressing "Reset" and stands on its own otherwise.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.browser.explorer import ExplorerPage
from tests.browser.lab import ARTIFACTS, LabNotebook
from tests.browser.pixels import changed_share, colourful_share, drawn_share, screen_pixels
from tests.crystals import CRYSTALS
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.reading import read_structure

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
NOTEBOOK = "01_first_look.ipynb"
LIMIT = 60.0  # seconds until all is drawn, on a busy machine without a graphics card
VISIBLE = 0.005  # share of a canvas' pixels that changes when another crystal is drawn
SMOOTHED = 0.02  # that changes at most when the same one is smoothed by more frames, as on a busy machine


@pytest.fixture(scope="module")
def lab(server: JupyterServer, browser: BrowserContext) -> Iterator[LabNotebook]:
    """The first notebook, open; nothing has run yet."""
    shutil.copy(ROOT / "notebooks" / NOTEBOOK, server.root)
    opened = LabNotebook(browser, server, NOTEBOOK)
    opened.hide_sidebar()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def opened(lab: LabNotebook) -> tuple[ExplorerPage, dict[str, float]]:
    """The explorer after the whole notebook has run, and the times of its opening."""
    cell = lab.find_cell("xc.explore(")
    lab.run(0, cell)
    explorer = ExplorerPage(lab)
    times = explorer.open(cell, LIMIT)
    lab.run(cell + 1)
    lab.show_cell(cell)
    return explorer, times


@pytest.fixture(scope="module")
def beginning(opened: tuple[ExplorerPage, dict[str, float]]) -> str:
    """What the explorer says at first."""
    return opened[0].label


@pytest.fixture
def explorer(opened: tuple[ExplorerPage, dict[str, float]], beginning: str) -> ExplorerPage:
    """The explorer as it was in the beginning, and idle."""
    page = opened[0]
    page.reset()
    page.lab.wait_until(lambda: page.label == beginning and not page.message, "the beginning after a reset")
    page.lab.wait_until(lambda: page.marker("loaded") is None, "no loaded crystal after a reset")
    page.structure_pixels()
    return page


def test_map_and_structure_are_drawn(
    lab: LabNotebook, opened: tuple[ExplorerPage, dict[str, float]], beginning: str
) -> None:
    explorer, times = opened
    lab.screenshot("1-opened")
    print(f"explore cell to a drawn map {times['map']:.1f} s, a drawn structure {times['structure']:.1f} s")  # noqa: T201
    (ARTIFACTS / "opening.json").write_text(json.dumps({k: round(v, 2) for k, v in times.items()}, indent=1) + "\n")
    assert times["opening"] < LIMIT
    assert "decode of mp-" in beginning
    assert colourful_share(screen_pixels(explorer.root.locator(".xc-map .xc-plot"))) > 0.03
    assert drawn_share(screen_pixels(explorer.root.locator(".xc-structure .xc-canvas"))) > 0.03
    assert explorer.marker("current") is not None
    assert {"Formula", "Space group", "Formation energy, predicted", "Band gap, predicted"} <= set(explorer.facts)
    assert "not relaxed by DFT" in explorer.root.locator(".xc-caution").inner_text()
    assert explorer.root.locator(".xc-map .xc-credit a[href*='materialsproject.org/materials/mp-']").count() == 1


def test_a_click_goes_to_that_crystal(explorer: ExplorerPage, lab: LabNotebook) -> None:
    """The target is the crystal farthest from the current one that stands alone enough to be hit."""
    identity, x, y = lab.python(
        "import numpy as np\n"
        "_xy = atlas.table[['x', 'y']].to_numpy()\n"
        "_some = np.random.default_rng(0).choice(explorer.parts['map'].points.rows, 500, replace=False)\n"
        "_gap = np.array([np.sort(((_xy - _xy[i]) ** 2).sum(axis=1))[1] for i in _some])\n"
        "_far = ((_xy[_some] - explorer.session.state.point.position) ** 2).sum(axis=1)\n"
        "_i = _some[np.where(_gap >= np.quantile(_gap, 0.8), _far, 0).argmax()]\n"
        "print(atlas.table.material_id[_i], *_xy[_i])"
    ).split()
    pixels, sliders, facts = explorer.structure_pixels(), explorer.sliders, explorer.facts
    explorer.click_map(float(x), float(y))
    lab.wait_until(lambda: explorer.label.endswith(f"decode of {identity}"), f"the decode of {identity}")
    lab.wait_until(lambda: explorer.marker("current") == pytest.approx((float(x), float(y)), abs=1e-3), "the marker")
    lab.wait_until(lambda: explorer.sliders != sliders and explorer.facts != facts, "other sliders and numbers")
    assert changed_share(pixels, explorer.structure_pixels()) > VISIBLE
    assert "DFT" in explorer.facts["Formation energy, predicted"]
    lab.screenshot("2-clicked")


def test_a_slider_moves_crystal_and_marker(explorer: ExplorerPage, lab: LabNotebook) -> None:
    pixels, value, marker = explorer.structure_pixels(), explorer.sliders[0], explorer.marker("current")
    others, drawn = explorer.sliders[1:], explorer.scenes_drawn
    explorer.drag_slider(0, to=2.5 if value < 0 else -2.5)
    lab.wait_until(lambda: "moved along principal 1" in explorer.label, "a moved crystal")
    lab.wait_until(lambda: explorer.marker("current") != marker, "a marker elsewhere")
    assert changed_share(pixels, explorer.structure_pixels()) > VISIBLE
    assert abs(explorer.sliders[0] - value) > 1
    assert explorer.sliders[1:] == others
    assert explorer.scenes_drawn >= drawn + 2, "the crystal did not follow the hand"
    place = np.array(lab.python("print(*atlas.place(explorer.session.z)[0])").split(), dtype=float)
    assert explorer.marker("current") == pytest.approx(tuple(place), abs=1e-3)
    lab.screenshot("3-moved")


@pytest.mark.parametrize("way", ["upload", "path"])
def test_a_cif_lands_on_the_map(explorer: ExplorerPage, lab: LabNotebook, tmp_path: Path, way: str) -> None:
    path = tmp_path / f"my perovskite {way}.cif"
    CRYSTALS["perovskite SrTiO3"].to_structure().to(filename=str(path), fmt="cif")
    pixels = explorer.structure_pixels()
    if way == "upload":
        explorer.upload(path)
    else:
        explorer.load(str(path))
    lab.wait_until(lambda: explorer.label == f"SrTiO3 {path.name}, as loaded", "the loaded crystal itself")
    lab.wait_until(lambda: explorer.marker("loaded") is not None, "a second marker")
    place = np.array(lab.python(f"print(*atlas.place(model.encode({str(path)!r}))[0])").split(), dtype=float)
    assert explorer.marker("loaded") == pytest.approx(tuple(place), abs=1e-3)
    rms = lab.python(
        f"print(match_rms(Structure.from_file({str(path)!r}), model.decode(model.encode({str(path)!r}))[0]))"
    )
    lab.wait_until(lambda: "Reconstruction" in explorer.facts, "the match")
    said = explorer.facts["Reconstruction"]
    assert path.name in said
    assert "no match" in said if rms.strip() == "None" else f"match, RMS {float(rms):.4f}" in said
    assert changed_share(pixels, explorer.structure_pixels()) > VISIBLE
    assert explorer.facts["Space group"].endswith("(221)")
    lab.screenshot(f"4-loaded-by-{way}")
    explorer.root.locator("select.xc-shown").select_option(label="Reconstruction")
    lab.wait_until(lambda: explorer.label.endswith(f"reconstruction of {path.name}"), "the reconstruction")


def test_a_disordered_file_takes_the_place_of_the_crystal_before(
    explorer: ExplorerPage, lab: LabNotebook, tmp_path: Path
) -> None:
    alloy = Structure(Lattice.cubic(3.7), [{"Cu": 0.6, "Au": 0.3}], [[0, 0, 0]])
    alloy.to(filename=str(tmp_path / "alloy.cif"), fmt="cif")
    pixels, sliders = explorer.structure_pixels(), explorer.sliders
    explorer.upload(tmp_path / "alloy.cif")
    lab.wait_until(lambda: explorer.label.endswith("alloy.cif, as loaded"), "the alloy")
    assert "a site holds 60 % Cu and 30 % Au and is 10 % empty" in explorer.message
    lab.wait_until(lambda: changed_share(pixels, explorer.structure_pixels()) > VISIBLE, "its picture")
    assert explorer.marker("loaded") is None and explorer.sliders == sliders
    lab.screenshot("4-disordered")
    explorer.root.locator("select.xc-shown").select_option(label="Decoded")
    lab.wait_until(lambda: not explorer.message, "the decode, and no message any more")


def test_a_bad_file_leaves_everything_as_it_was(explorer: ExplorerPage, lab: LabNotebook, tmp_path: Path) -> None:
    good, bad = tmp_path / "salt.cif", tmp_path / "<img src=x class=smuggled>.cif"
    CRYSTALS["rock salt NaCl"].to_structure().to(filename=str(good), fmt="cif")
    bad.write_text(good.read_text().replace("_cell_length_a", "_cell_length_of_what"))
    explorer.upload(good)
    lab.wait_until(lambda: explorer.label.endswith("salt.cif, as loaded"), "the good crystal")
    lab.wait_until(lambda: explorer.marker("loaded") is not None, "its marker")
    before = (explorer.structure_pixels(), explorer.label, explorer.sliders, explorer.facts, explorer.marker("loaded"))
    for load in (lambda: explorer.upload(bad), lambda: explorer.load(str(tmp_path / "nowhere.cif"))):
        load()
        lab.wait_until(lambda: bool(explorer.message), "a message")
        lab.screenshot("5-bad-file")
        after = (
            explorer.structure_pixels(),
            explorer.label,
            explorer.sliders,
            explorer.facts,
            explorer.marker("loaded"),
        )
        assert changed_share(before[0], after[0]) < SMOOTHED and before[1:] == after[1:]
        assert 10 < len(explorer.message) <= 400
        assert lab.page.locator("img.smuggled").count() == 0
    assert "There is no file" in explorer.message
    explorer.load("")
    explorer.load(str(good))
    lab.wait_until(lambda: not explorer.message, "no message after a good file")


def test_attributions_colour_the_atoms(explorer: ExplorerPage, lab: LabNotebook) -> None:
    by_element, legend = explorer.structure_pixels(), explorer.legend
    explorer.choose(".xc-attribution", "attribution: Formation energy")
    lab.wait_until(lambda: "formation energy" in explorer.legend.lower(), "a legend for the attribution", timeout=60)
    scores = lab.python("print(*xc.explain(model, explorer.session.structure).scores)").split()
    lab.screenshot("6-attribution")
    assert f"{max(abs(float(score)) for score in scores):+.3f}" in explorer.legend
    assert explorer.root.locator(".xc-legend .xc-scale i").is_visible()
    by_score = explorer.structure_pixels()
    assert changed_share(by_element, by_score) > VISIBLE
    explorer.choose(".xc-attribution", "element")
    lab.wait_until(lambda: explorer.legend == legend, "the legend of the elements")
    assert changed_share(by_element, explorer.structure_pixels()) < SMOOTHED


def test_the_download_is_the_crystal(explorer: ExplorerPage, lab: LabNotebook, tmp_path: Path) -> None:
    identity = explorer.label.split()[-1]
    path = explorer.download(tmp_path)
    assert path.suffix == ".cif" and identity in path.read_text().splitlines()[0]
    found = read_structure(path)
    decoded = read_structure(_saved(lab, tmp_path / "decoded.json"))
    assert found.composition.reduced_formula == explorer.label.split()[0]
    assert match_rms(found, decoded, scale=False) == pytest.approx(0, abs=1e-4)


def test_reset_goes_back_to_the_beginning(explorer: ExplorerPage, lab: LabNotebook, beginning: str) -> None:
    before = (explorer.structure_pixels(), explorer.label, explorer.sliders, explorer.facts, explorer.legend)
    explorer.load(str(lab.python("print(atlas.table.material_id.iloc[-1])")).strip())
    explorer.drag_slider(1, to=-2.0)
    explorer.choose(".xc-attribution", "attribution: Band gap")
    lab.wait_until(lambda: "band gap" in explorer.legend.lower(), "an attribution", timeout=60)
    explorer.reset()
    lab.wait_until(lambda: explorer.label == beginning, "the first crystal")
    lab.wait_until(lambda: explorer.legend == before[4], "the first colours")
    lab.wait_until(lambda: explorer.sliders == before[2], "the first sliders")
    lab.wait_until(lambda: changed_share(before[0], explorer.structure_pixels()) < VISIBLE, "the first picture")
    assert before[1:] == (explorer.label, explorer.sliders, explorer.facts, explorer.legend)


def test_a_picture_for_the_readme(explorer: ExplorerPage, lab: LabNotebook) -> None:
    """Kept among the artifacts; it becomes the README's when XCRYSTAL_UPDATE_SCREENSHOTS is 1."""
    explorer.structure_pixels()
    path = explorer.picture(lab.find_cell("xc.explore("), "explorer")
    assert 20_000 < path.stat().st_size < 400_000
    if os.environ.get("XCRYSTAL_UPDATE_SCREENSHOTS") == "1":
        shutil.copy(path, ROOT / "docs" / "images" / "explorer.png")


def test_nothing_went_wrong_and_nothing_went_out(explorer: ExplorerPage, lab: LabNotebook) -> None:
    lab.assert_no_errors()


def _saved(lab: LabNotebook, path: Path) -> Path:
    """The crystal that the session shows, written by the kernel."""
    lab.python(f"explorer.session.structure.to(filename={str(path)!r}, fmt='json')")
    return path
