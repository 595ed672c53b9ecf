"""How long the explorer takes to open: from running its cell in a warm kernel to a drawn map and structure.

Run ``python -m tests.browser.measure_opening``. Each run opens a page and a kernel of its own; the kernel is warm when
model and atlas have been loaded, the browser when it has opened the explorer once before.
"""

from __future__ import annotations

import argparse
import json
import statistics

from tests.browser.chromium import chromium
from tests.browser.explorer import ExplorerPage
from tests.browser.lab import LabNotebook
from tests.browser.server import jupyter_server

CELLS = (
    "import xcrystal as xc\n\nmodel = xc.load('mp20')\natlas = xc.atlas('mp20')\nprint(model.name, len(atlas))",
    "explorer = xc.explore()\nexplorer",
)
NOTEBOOK = "opening.ipynb"


def main() -> None:
    """Print each run and the medians."""
    parser = argparse.ArgumentParser(description="Time from running the explore cell to a drawn map and structure.")
    parser.add_argument("--runs", type=int, default=3, help="runs that count, after one that warms the browser up")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    options = parser.parse_args()
    runs = []
    with jupyter_server() as server, chromium() as browser:
        server.write_notebook(NOTEBOOK, *CELLS)
        for number in range(options.runs + 1):
            lab = LabNotebook(browser, server, NOTEBOOK)
            lab.run(0, 1)
            times = ExplorerPage(lab).open(1, timeout=120)
            lab.close()
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


if __name__ == "__main__":
    main()
