"""How large ``xcrystal page`` is for the bundled atlas, and how soon it shows something.

Run ``python -m tests.browser.measure_page``; ``--folder`` measures a page that was written before. Measured in headless
Chromium without a graphics card, from a server on this machine, each time in a new tab without a cache, are

crystal s
    from asking for the page to the first crystal on its canvas
map s
    to the map with all its points and names; the median over tabs, as for the crystal.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.chromium import chromium
from tests.browser.page_server import served

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

TIMES = 5
LIMIT = 120_000  # ms
# noted in the page by itself, so that no time is lost on the way to this process
_NOTE = """() => {
  const noted = {};
  window.noted = noted;
  const look = () => {
    const seen = {crystal: '.xc-viewer-canvas[data-drawn]', map: '[data-ready=true]'};
    for (const [name, selector] of Object.entries(seen)) {
      if (!noted[name] && document.querySelector(selector)) noted[name] = performance.now();
    }
    if (!noted.crystal || !noted.map) requestAnimationFrame(look);
  };
  look();
}"""


def main() -> None:
    """Print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=None, help="of a page; one is written by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        written: dict[str, float] = {}
        if options.folder is None:
            import xcrystal as xc

            begun = time.monotonic()
            options.folder = xc.export_page(Path(name) / "page").parent
            written = {"written in s": round(time.monotonic() - begun)}
        print(json.dumps(measure(options.folder) | written))  # noqa: T201


def measure(folder: Path) -> dict[str, float]:
    """Megabytes (10^6) of all files, and median seconds."""
    size = sum(file.stat().st_size for file in folder.iterdir())
    with served(folder) as address, chromium() as browser:
        _times(browser, address)  # warms the browser up
        found = [_times(browser, address) for _ in range(TIMES)]
    seconds = {f"{name} s": round(statistics.median(one[name] for one in found) / 1000, 2) for name in found[0]}
    return {"MB": round(size / 1e6, 1), **seconds}


def _times(browser: BrowserContext, address: str) -> dict[str, float]:
    page = browser.new_page()
    page.add_init_script(f"({_NOTE})()")
    page.goto(address, wait_until="commit")
    page.wait_for_function("() => window.noted?.crystal && window.noted?.map", timeout=LIMIT)
    found: dict[str, float] = page.evaluate("window.noted")
    page.close()
    return found


if __name__ == "__main__":
    main()
