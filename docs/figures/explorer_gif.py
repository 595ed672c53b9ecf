"""Records the README's moving picture, docs/images/explorer.gif, in Chromium: python docs/figures/explorer_gif.py

A crystal is chosen on the map, then two sliders are dragged, as a hand does it. Takes two minutes.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.browser.chromium import chromium  # noqa: E402
from tests.browser.explorer import ExplorerPage  # noqa: E402
from tests.browser.lab import LabNotebook  # noqa: E402
from tests.browser.server import jupyter_server  # noqa: E402

FILE = ROOT / "docs" / "images" / "explorer.gif"
CELL = "import xcrystal as xc\n\nexplorer = xc.explore('mp-5986')\nexplorer"
WINDOW = {"width": 1250, "height": 900}
WIDTH = 720  # pixels of the picture
COLOURS = 128
STEPS = 9  # frames of one drag
POINTER = [(0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12)]
# what is clicked on the map, and the sliders that are dragged, with the values that they are dragged to
CLICKED = "mp-22862"
DRAGS = ((0, (1.6, -1.0)), (1, (1.0, -1.4)))


class Film:
    """Frames of an explorer, with the pointer where the mouse is, and the milliseconds that each is shown."""

    def __init__(self, explorer: ExplorerPage) -> None:
        self.explorer = explorer
        self.frames: list[Image.Image] = []
        self.shown: list[int] = []
        clip = explorer.page.locator(".xc-explorer").bounding_box()
        assert clip is not None
        self.clip = clip

    def take(self, pointer: tuple[float, float], milliseconds: int = 150) -> None:
        """Photograph the explorer."""
        image = Image.open(io.BytesIO(self.explorer.page.screenshot(clip=self.clip))).convert("RGB")
        tip = [(pointer[0] - self.clip["x"] + x, pointer[1] - self.clip["y"] + y) for x, y in POINTER]
        ImageDraw.Draw(image).polygon(tip, fill="black", outline="white")
        height = round(image.height * WIDTH / image.width)
        self.frames.append(image.resize((WIDTH, height), Image.Resampling.LANCZOS))
        self.shown.append(milliseconds)

    def save(self, path: Path) -> None:
        """Write the frames with one palette, so that what does not change costs nothing."""
        few = self.frames[::6]
        sample = Image.new("RGB", (WIDTH, len(few) * few[0].height))
        for row, frame in enumerate(few):
            sample.paste(frame, (0, row * frame.height))
        palette = sample.quantize(COLOURS, kmeans=3)
        drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in self.frames]
        drawn[0].save(path, save_all=True, append_images=drawn[1:], duration=self.shown, loop=0, optimize=True)


def drag(explorer: ExplorerPage, index: int, values: tuple[float, ...]) -> Iterator[tuple[float, float]]:
    """Drag a slider to each of some values and back to 0; where the mouse is after each step."""
    slider, mouse = explorer.root.locator(f".xc-slider-{index}"), explorer.page.mouse
    box = slider.bounding_box()
    assert box is not None
    low, high, value = (float(slider.evaluate(f"node => node.{name}")) for name in ("min", "max", "value"))
    at, y = [box["x"] + 8 + (box["width"] - 16) * (v - low) / (high - low) for v in (value, *values)], box["y"]
    y += box["height"] / 2
    mouse.move(at[0], y)
    mouse.down()
    for begin, end in pairwise(at):
        for step in range(1, STEPS + 1):
            x = begin + (end - begin) * step / STEPS
            mouse.move(x, y)
            explorer.page.wait_for_timeout(700)  # the decode, and the picture of it
            yield x, y
    mouse.up()


def main() -> None:
    """Record and write the picture."""
    with jupyter_server() as server, chromium() as browser:
        server.write_notebook("film.ipynb", CELL)
        lab = LabNotebook(browser, server, "film.ipynb")
        lab.hide_sidebar()
        lab.page.set_viewport_size(WINDOW)
        explorer = ExplorerPage(lab)
        explorer.open(0, timeout=120)
        explorer.root.locator(".xc-mode select").select_option("researcher")
        lab.show_cell(0)
        explorer.structure_pixels()
        film = Film(explorer)
        place = lab.python(f'a = explorer.session.atlas; print(*a.table.loc[a.row({CLICKED!r}), ["x", "y"]])')
        x, y = explorer._on_screen(*map(float, place.split()))
        film.take((x + 60, y + 90), 1200)
        film.take((x, y), 500)
        lab.page.mouse.click(x, y)
        lab.wait_until(lambda: CLICKED in explorer.label, "the crystal that was clicked")
        explorer.structure_pixels()
        film.take((x, y), 1500)
        for index, values in DRAGS:
            for pointer in drag(explorer, index, values):
                film.take(pointer)
            film.shown[-1] = 1000
        film.save(FILE)
        errors = lab.errors
        lab.close()
    print(f"{FILE.relative_to(ROOT)}: {len(film.frames)} frames, {FILE.stat().st_size / 2**20:.2f} MB", *errors)


if __name__ == "__main__":
    main()
