"""The explorer as a user's hands and eyes have it: click, drag, type, upload, and read what it says and draws."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tests.browser.lab import ARTIFACTS, LabNotebook
from tests.browser.pixels import canvas_pixels, drawn_share

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

    from tests.browser.server import JupyterServer

MAP_DRAWN = 0.01  # share of a canvas' pixels that are not background once there is something on it
STRUCTURE_DRAWN = 0.01

# Place (x, y) of the map in pixels of the window; and back, for the centre of an element.
_TO_SCREEN = """(plot, [x, y]) => {
  const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
  const fx = (x - xaxis.range[0]) / (xaxis.range[1] - xaxis.range[0]);
  const fy = (yaxis.range[1] - y) / (yaxis.range[1] - yaxis.range[0]);
  return [box.left + xaxis._offset + fx * xaxis._length, box.top + yaxis._offset + fy * yaxis._length];
}"""

# Starts the clock, and notes when the map and the structure have something on them; the background is the first pixel.
_WATCH_OPENING = """([mapShare, structureShare]) => {
  const start = performance.now(), times = {start};
  window.xcrystalOpening = times;
  const share = (selector) => {
    const canvas = document.querySelector(selector);
    if (!canvas || !canvas.width || !canvas.height) return 0;
    const copy = document.createElement('canvas');
    copy.width = 160; copy.height = 120;
    const context = copy.getContext('2d', {willReadFrequently: true});
    context.drawImage(canvas, 0, 0, 160, 120);
    const p = context.getImageData(0, 0, 160, 120).data;
    let drawn = 0;
    for (let i = 0; i < p.length; i += 4)
      if ([0, 1, 2, 3].some(k => Math.abs(p[i + k] - p[k]) > 24)) drawn++;
    return drawn / (160 * 120);
  };
  const look = () => {
    if (!times.map && share('.xc-map .gl-canvas-context') > mapShare) times.map = performance.now() - start;
    if (!times.structure && share('.xc-canvas canvas') > structureShare) times.structure = performance.now() - start;
    if (!times.map || !times.structure) setTimeout(look, 50);
  };
  look();
}"""


def open_explorer(
    server: JupyterServer, browser: BrowserContext, notebook: str, cell: str, limit: float = 120
) -> Iterator[ExplorerPage]:
    """Run a notebook of one cell that shows an explorer; it is closed when the caller goes on, as fixtures do."""
    server.write_notebook(notebook, cell)
    lab = LabNotebook(browser, server, notebook)
    lab.hide_sidebar()
    page = ExplorerPage(lab)
    page.open(0, limit)
    yield page
    lab.close()


def watch_opening(page: Page) -> None:
    """Start the clock, and have ``window.xcrystalOpening`` say after how many ms "map" and "structure" are drawn."""
    page.evaluate(_WATCH_OPENING, [MAP_DRAWN, STRUCTURE_DRAWN])


class ExplorerPage:
    """The only explorer of a notebook that is open in JupyterLab."""

    def __init__(self, lab: LabNotebook) -> None:
        self.lab, self.page = lab, lab.page
        self.root = self.page.locator(".xc-explorer")

    # -- opening

    def open(self, cell: int, timeout: float = 60.0) -> dict[str, float]:
        """Run the cell that shows the explorer, and wait until map and structure are drawn and clicks are heard.

        Returns
        -------
        dict
            Seconds from running the cell to a drawn "map", a drawn "structure", and both ("opening").
        """
        self.lab.show_cell(cell)
        watch_opening(self.page)
        began = time.monotonic()
        self.lab.run(cell, cell + 1)
        self.lab.show_cell(cell)
        left = timeout - (time.monotonic() - began)
        self.lab.wait_until(self._is_drawn, "map and structure drawn", max(left, 1))
        milliseconds = self.page.evaluate("window.xcrystalOpening")
        found = {name: milliseconds[name] / 1000 for name in ("map", "structure")}
        self.lab.wait_until(lambda: self.page.locator(".xc-map [data-ready='true']").count() == 1, "a map that hears")
        return {**found, "opening": max(found.values())}

    def _is_drawn(self) -> bool:
        failed = self.root.locator("[data-failed]")
        # said by the adapters of nglview and plotly, where another version of them is installed
        assert failed.count() == 0, failed.first.get_attribute("data-failed")
        return bool(self.page.evaluate("window.xcrystalOpening.map && window.xcrystalOpening.structure"))

    # -- what it says

    @property
    def label(self) -> str:
        """Formula and what is shown, such as "NaCl decode of mp-22862"."""
        return self._text(".xc-label")

    @property
    def message(self) -> str:
        """The sentence to the user; empty if there is none."""
        return self._text(".xc-message")

    @property
    def legend(self) -> str:
        """Text below the structure."""
        return self._text(".xc-legend")

    @property
    def facts(self) -> dict[str, str]:
        """The table of numbers: heading to text."""
        rows = self.root.locator(".xc-facts tr").all()
        return {row.locator("th").inner_text(): row.locator("td").inner_text() for row in rows}

    @property
    def sliders(self) -> list[float]:
        """Values of all sliders, as their readouts say."""
        texts = self.root.locator(".xc-sliders .xc-readout").all_inner_texts()
        return [float(text.replace("−", "-")) for text in texts]

    @property
    def summary(self) -> str:
        """The line that says what the last change did."""
        return self._text(".xc-change-summary")

    @property
    def badges(self) -> list[str]:
        """The verdicts on the crystal."""
        return [" ".join(text.split()) for text in self.root.locator(".xc-badge").all_inner_texts()]

    def marker(self, kind: str) -> tuple[float, float] | None:
        """Map coordinates of the "current" or the "loaded" marker; None if it is not drawn."""
        lines = self.root.locator(f".xc-marker-{kind}.xc-marker-line")
        # in one go: it may be taken away between two questions
        found = lines.evaluate_all("lines => lines.map(line => [line.dataset.x, line.dataset.y].map(Number))")
        return (float(found[0][0]), float(found[0][1])) if found else None

    def _text(self, selector: str) -> str:
        return " ".join(self.root.locator(selector).inner_text().split())

    # -- what it draws

    @property
    def map_canvas(self) -> Locator:
        """The canvas of the points."""
        return self.root.locator(".xc-map .gl-canvas-context")

    @property
    def structure_canvas(self) -> Locator:
        """The canvas of the crystal."""
        return self.root.locator(".xc-canvas canvas").first

    @property
    def scenes_drawn(self) -> int:
        """Number of the scene that was drawn last; it grows with each."""
        return int(self.root.locator(".xc-canvas[data-drawn]").first.get_attribute("data-drawn") or -1)

    def structure_pixels(self) -> np.ndarray:
        """(height, width, 3) what is drawn of the crystal, once it no longer changes and is not empty."""
        last = [np.zeros((0, 0, 3), np.uint8)]

        def steady() -> bool:
            if self.root.locator(".xc-canvas[data-smooth='true']").count() == 0:
                return False  # drawn quickly so far
            previous, last[0] = last[0], canvas_pixels(self.structure_canvas)
            return np.array_equal(previous, last[0]) and drawn_share(last[0]) > STRUCTURE_DRAWN

        self.lab.wait_until(steady, "a crystal that is drawn, and an idle session", every=0.4)
        return last[0]

    def picture(self, cell: int, name: str) -> Path:
        """A picture of the whole explorer alone, among the artifacts; small enough for a README."""
        page, path = self.page, ARTIFACTS / f"{name}.png"
        size = page.viewport_size
        assert size is not None
        page.set_viewport_size({"width": 1480, "height": 1020})  # which the explorer fills
        self.lab.show_cell(cell)
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(1500)
        self.root.screenshot(path=path)
        page.set_viewport_size(size)
        self.lab.show_cell(cell)
        with Image.open(path) as image:
            image.convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE).save(path, optimize=True)
        return path

    # -- what a user does

    def tab(self, name: str) -> Locator:
        """Open a tab ("move", "find", "paths", "steer"), and what it holds."""
        self.root.locator(f".xc-tab-xc-{name}").click()
        return self.root.locator(f".xc-tabbed > .xc-{name}")

    def press(self, text: str, within: str = "") -> None:
        """Press the button with this text."""
        self.root.locator(f"{within} button", has_text=text).first.click()

    def drag_map(self, places: list[tuple[float, float]]) -> None:
        """Press at the first place of the map, go to the others, and let go at the last."""
        self.root.locator(".xc-map .js-plotly-plot").scroll_into_view_if_needed()
        self.page.mouse.move(*self._on_screen(*places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self._on_screen(*place), steps=4)
            self.page.wait_for_timeout(120)
        self.page.mouse.up()

    def click_map(self, x: float, y: float) -> None:
        """Click at a place of the map."""
        self.root.locator(".xc-map .js-plotly-plot").scroll_into_view_if_needed()
        self.page.mouse.click(*self._on_screen(x, y))

    def drag_slider(self, index: int, to: float) -> None:
        """Pull a slider's handle to a value, in steps as a hand does."""
        slider = self.root.locator(f".xc-slider-{index}")
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box is not None, f"there is no slider {index}"
        low, high, value = (float(slider.evaluate(f"node => node.{name}")) for name in ("min", "max", "value"))
        # the handle's middle runs from half its width behind one end to as much before the other
        x, goal = (box["x"] + 8 + (box["width"] - 16) * (at - low) / (high - low) for at in (value, to))
        y = box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for step in range(1, 11):
            self.page.mouse.move(x + (goal - x) * step / 10, y)
            self.page.wait_for_timeout(80)
        self.page.mouse.up()

    def load(self, text: str) -> None:
        """Type a path or a material id and press Enter."""
        field = self.root.locator(".xc-path input")
        field.fill(text)
        field.press("Enter")

    def upload(self, path: Path) -> None:
        """Choose a file with the upload button."""
        with self.page.expect_file_chooser() as chooser:
            self.root.locator(".xc-upload").click()
        chooser.value.set_files(path)

    def choose(self, control: str, text: str) -> None:
        """Choose from a drop-down the option with this text."""
        select = self.root.locator(f"{control} select")
        # ipywidgets writes spaces as no-break spaces
        options = [" ".join(option.split()) for option in select.locator("option").all_inner_texts()]
        assert options.count(text) == 1, f"{control} offers {options}, not {text!r} once"
        select.select_option(index=options.index(text))

    def reset(self) -> None:
        """Press the reset button."""
        self.root.locator(".xc-reset").click()

    def download(self, folder: Path) -> Path:
        """Press the download link; the file that the browser saved."""
        with self.page.expect_download() as downloaded:
            self.root.locator(".xc-download").click()
        path = folder / downloaded.value.suggested_filename
        downloaded.value.save_as(path)
        return path

    def _on_screen(self, x: float, y: float) -> tuple[float, float]:
        px, py = self.root.locator(".xc-map .js-plotly-plot").evaluate(_TO_SCREEN, [x, y])
        return float(px), float(py)
