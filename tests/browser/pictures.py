"""Eight well-known crystals as the explorer draws them, at three sizes, on light and on dark.

Run ``python -m tests.browser.pictures`` for the two sheets of the documentation.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.browser.chromium import chromium
from tests.browser.explorer import ExplorerPage
from tests.browser.lab import LabNotebook
from tests.browser.server import jupyter_server
from tests.crystals import CRYSTALS, build

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext
    from pymatgen.core import Structure

    from tests.browser.server import JupyterServer

ROOT = Path(__file__).parents[2]
NOTEBOOK = "pictures.ipynb"
THEMES = ("Light", "Dark")
SIZES = (270, 170, 100)  # pixels of the square canvas; the last two, one above the other, are as high as the first
TITLE = 24  # pixels of height
COLUMNS = 2

_SIZE = """(size) => {
  let style = document.getElementById('xc-picture-size');
  if (!style) {
    style = document.createElement('style');
    style.id = 'xc-picture-size';
    document.head.append(style);
  }
  style.textContent = `.xc-explorer .xc-structure .xc-canvases .xc-canvas {
    flex: none !important; width: ${size}px !important; height: ${size}px !important; min-height: 0 !important;
    border: none !important; border-radius: 0 !important; margin: 3px !important }
  .xc-explorer .xc-canvas .ui-resizable-handle { display: none !important }`;
}"""


class Picture(NamedTuple):
    """What the canvas shows of a crystal."""

    name: str
    theme: str
    size: int
    pixels: np.ndarray
    """(size, size, 3) uint8."""
    faces: int
    """Of all polyhedra."""


def structures() -> dict[str, Structure]:
    """The crystals by name, as conventional cells."""
    manganite = build(221, (3.88, 3.88, 3.88, 90, 90, 90), ("La", "a", (0, 0, 0)), ("Mn", "b", (0, 0, 0)),
                      ("O", "c", (0, 0, 0)))  # fmt: skip
    found = {
        "BaTiO3": CRYSTALS["polar BaTiO3"],
        "LiCoO2": build(166, (2.82, 2.82, 14.05, 90, 90, 120), ("Co", "a", (0, 0, 0)), ("Li", "b", (0, 0, 0)),
                        ("O", "c", (0, 0, 0.26))),
        "quartz": CRYSTALS["quartz SiO2"],
        "spinel": CRYSTALS["spinel MgAl2O4"],
        "calcite": build(167, (4.99, 4.99, 17.06, 90, 90, 120), ("Ca", "b", (0, 0, 0)), ("C", "a", (0, 0, 0)),
                         ("O", "e", (0.257, 0, 0))),
        "La0.7Sr0.3MnO3": manganite,
        "NaCl": CRYSTALS["rock salt NaCl"],
        "CrNi3": build(221, (3.55, 3.55, 3.55, 90, 90, 90), ("Cr", "a", (0, 0, 0)), ("Ni", "c", (0, 0, 0))),
    }  # fmt: skip
    cells = {name: crystal.to_structure().to_conventional() for name, crystal in found.items()}
    cells["La0.7Sr0.3MnO3"].replace_species({"La": {"La": 0.7, "Sr": 0.3}})
    return cells


def pictures(server: JupyterServer, browser: BrowserContext, sizes: Mapping[str, Sequence[int]]) -> Iterator[Picture]:
    """Draw all of them on each theme at the sizes that are wanted of it."""
    server.write_notebook(
        NOTEBOOK, "import xcrystal as xc\nfrom pymatgen.core import Structure", "explorer = xc.explore()\nexplorer"
    )
    lab = LabNotebook(browser, server, NOTEBOOK)
    lab.hide_sidebar()
    lab.run(0, 1)
    explorer = ExplorerPage(lab)
    explorer.open(1, timeout=120)
    canvas = explorer.root.locator(".xc-canvas").first
    for theme, wanted in sizes.items():
        _change_theme(lab, theme)
        for name, structure in structures().items():
            drawn = explorer.scenes_drawn
            lab.python(
                f"explorer.session.load(Structure.from_str({structure.to_json()!r}, fmt='json'))\n"
                "explorer.session.show('loaded')"
            )
            lab.wait_until(lambda drawn=drawn: explorer.scenes_drawn > drawn, f"a drawing of {name}")
            for size in wanted:
                lab.page.evaluate(_SIZE, size)
                lab.page.wait_for_timeout(200)  # until the canvas has followed
                explorer.structure_pixels()
                picture = Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")
                faces = int(canvas.get_attribute("data-faces") or -1)
                yield Picture(name, theme, size, np.asarray(picture), faces)
    errors = list(lab.errors)
    lab.close()
    assert errors == []


def _change_theme(lab: LabNotebook, theme: str) -> None:
    wanted = json.dumps(theme == "Light")
    lab.page.evaluate(
        "theme => { window.jupyterapp.commands.execute('apputils:change-theme', {theme}); }", f"JupyterLab {theme}"
    )
    lab.wait_until(lambda: lab.page.evaluate("document.body.dataset.jpThemeLight") == wanted, f"the theme {theme}")


def sheet(found: list[Picture], theme: str) -> Image.Image:
    """All pictures of a theme: the largest of each crystal, beside it the others, and above its name."""
    ground, ink = ("#ffffff", "#212121") if theme == "Light" else ("#111111", "#e0e0e0")
    names = list(dict.fromkeys(picture.name for picture in found))
    width, height = SIZES[0] + SIZES[1] + 16, SIZES[0] + TITLE
    image = Image.new("RGB", (COLUMNS * width, -(-len(names) // COLUMNS) * height), ground)
    drawing, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    for picture in found:
        if picture.theme == theme:
            index = names.index(picture.name)
            left, top = index % COLUMNS * width, index // COLUMNS * height
            drawing.text((left + 8, top + 4), picture.name, ink, font)
            right, down = {SIZES[0]: (0, 0), SIZES[1]: (SIZES[0], 0), SIZES[2]: (SIZES[0], SIZES[1])}[picture.size]
            image.paste(Image.fromarray(picture.pixels), (left + right, top + TITLE + down))
    return image.quantize(255, dither=Image.Dither.NONE)


def save_sheets(found: list[Picture], folder: Path) -> list[Path]:
    """Write ``structures_light.png`` and ``structures_dark.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"structures_{theme.lower()}.png" for theme in THEMES]
    for theme, path in zip(THEMES, paths, strict=True):
        sheet(found, theme).save(path, optimize=True)
    return paths


def main() -> None:
    """Write the sheets of the documentation."""
    with jupyter_server() as server, chromium() as browser:
        found = list(pictures(server, browser, dict.fromkeys(THEMES, SIZES)))
    for path in save_sheets(found, ROOT / "docs" / "images"):
        print(path.relative_to(ROOT), path.stat().st_size)  # noqa: T201


if __name__ == "__main__":
    main()
