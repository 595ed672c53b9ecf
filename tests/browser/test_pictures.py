"""Well-known crystals look as in a textbook on the explorer's canvas, small and large, on light and on dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.lab import ARTIFACTS
from tests.browser.pictures import SIZES, THEMES, Picture, pictures, save_sheets, structures
from tests.browser.pixels import drawn_share

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser

# faces of all polyhedra that are drawn of a cell
FACES = {
    "BaTiO3": 8,
    "LiCoO2": 80,
    "quartz": 24,
    "spinel": 8 * 16 + 4 * 17,
    "calcite": 0,
    "La0.7Sr0.3MnO3": 8,
    "NaCl": 0,
    "CrNi3": 0,
}


@pytest.fixture(scope="module")
def drawn(server: JupyterServer, browser: BrowserContext) -> list[Picture]:
    """All of them on light at three sizes, and on dark at the largest."""
    found = list(pictures(server, browser, {THEMES[0]: SIZES, THEMES[1]: SIZES[:1]}))
    save_sheets(found, ARTIFACTS)
    return found


@pytest.mark.parametrize("name", structures())
def test_it_is_drawn_at_every_size_and_on_both_themes(name: str, drawn: list[Picture]) -> None:
    own = [picture for picture in drawn if picture.name == name]
    assert [(picture.theme, picture.size) for picture in own] == [
        *(("Light", size) for size in SIZES),
        ("Dark", SIZES[0]),
    ]
    for picture in own:
        assert picture.faces == FACES[name]
        assert abs(picture.pixels.shape[0] - picture.size) <= 1 and abs(picture.pixels.shape[1] - picture.size) <= 1
        assert drawn_share(picture.pixels) > 0.05
        # what fills it is drawn in the middle, beyond the arrows of the axes
        assert drawn_share(picture.pixels[: picture.size * 2 // 3, picture.size * 2 // 5 :]) > 0.05
        ground = np.median(picture.pixels)
        assert ground > 200 if picture.theme == "Light" else ground < 60, f"the ground is {ground}"


def test_a_shared_site_has_sectors_in_the_colours_of_its_elements(drawn: list[Picture]) -> None:
    pixels = next(p for p in drawn if p.name == "La0.7Sr0.3MnO3").pixels.astype(int)
    red, green, blue = (pixels[..., k] for k in range(3))
    strontium = (green > red + 60) & (green > blue + 60)
    lanthanum = (blue > red + 15) & (green > red + 10) & (blue > 100)
    assert 0.2 < strontium.sum() / (strontium | lanthanum).sum() < 0.6
