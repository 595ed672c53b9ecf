"""How long the explorer takes to open: from running its cell in a warm kernel to a drawn map and structure.

Run ``python -m tests.browser.measure_opening``. Each run opens a page and a kernel of its own; the kernel is warm when
model and atlas have been loaded, the browser when it has opened the explorer once before. With ``--launcher`` the clock
starts at the click on JupyterLab's tile instead, and a kernel is started as part of what is measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
from typing import TYPE_CHECKING

from tests.browser.chromium import chromium
from tests.browser.desk import Desk
from tests.browser.explorer import ExplorerPage, watch_opening
from tests.browser.lab import LabNotebook
from tests.browser.server import jupyter_server

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

CELLS = (
    "import xcrystal as xc\n\nmodel = xc.load('mp20')\natlas = xc.atlas('mp20')\nprint(model.name, len(atlas))",
    "explorer = xc.explore()\nexplorer",
)
NOTEBOOK = "opening.ipynb"
HEARS = ".xc-map [data-ready='true']"


def main() -> None:
    """Print each run and the medians."""
    parser = argparse.ArgumentParser(description="Time until map and structure are drawn.")
    parser.add_argument("--runs", type=int, default=3, help="runs that count, after one that warms the browser up")
    parser.add_argument("--launcher", action="store_true", help="from a click on the launcher's tile, kernel included")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    options = parser.parse_args()
    measure = from_launcher if options.launcher else from_cell
    runs = []
    with jupyter_server() as server, chromium() as browser:
        server.write_notebook(NOTEBOOK, *CELLS)
        for number in range(options.runs + 1):
            times = measure(server, browser)
            if number:
                runs.append(times)
            if not options.json:
                name = f"run {number}" if number else "first"
                print(f"{name}: map {times['map']:.2f} s, structure {times['structure']:.2f} s", flush=True)  # noqa: T201
    medians = {name: round(statistics.median(run[name] for run in runs), 2) for name in runs[0]}
    if options.json:
        print(json.dumps({"median": medians, "runs": runs}))  # noqa: T201
    else:
        print(f"median of {len(runs)}: map and structure drawn after {medians['opening']:.2f} s")  # noqa: T201


def from_cell(server: JupyterServer, browser: BrowserContext) -> dict[str, float]:
    """Seconds from running the cell in a warm kernel."""
    lab = LabNotebook(browser, server, NOTEBOOK)
    lab.run(0, 1)
    times = ExplorerPage(lab).open(1, timeout=120)
    lab.close()
    return times


def from_launcher(server: JupyterServer, browser: BrowserContext) -> dict[str, float]:
    """Seconds from the click on the tile, until a click on the map is heard."""
    desk = Desk(browser, server)
    watch_opening(desk.page)
    desk.page.locator(".jp-LauncherCard", has_text="Crystal Explorer").click()
    ready = f'window.xcrystalOpening.map && window.xcrystalOpening.structure && document.querySelector("{HEARS}")'
    desk.wait_until(lambda: bool(desk.page.evaluate(f"!!({ready})")), "a usable explorer", timeout=120)
    milliseconds = desk.page.evaluate("window.xcrystalOpening")
    desk.close_tabs()
    desk.close()
    found = {name: milliseconds[name] / 1000 for name in ("map", "structure")}
    return {**found, "opening": max(found.values())}


if __name__ == "__main__":
    main()
