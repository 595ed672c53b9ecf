"""The explorer beside ``chemiscope.show`` on as many crystals; and how it does with half a million.

Run ``python -m tests.browser.measure_map``; the comparison needs ``pip install "xcrystal[benchmark]"``. Both sides run
in one browser on one server, one after the other, each in a page and a kernel of its own, after both have been opened
once so that the browser is warm. Model, atlas and structures are loaded before the clock starts. Both maps have the
places of the atlas; chemiscope shows the crystals that the atlas' codes decode to (see ``tests.browser.decoded``), with
energy and band gap as properties. Measured are

data
    bytes of the websocket's frames from running the cell until 4 s after the first picture, less the text of the
    widgets' own scripts and styles (``_esm``, ``_css``). What comes over HTTP, such as extensions, is not counted.
first picture
    from running the cell until the canvas of the map and that of the structure both have something drawn on them
click
    from letting go of the mouse to the first frame in which the structure's canvas shows another picture: the median
    over real clicks on points of the map, chosen at random. Clicks that change nothing within 3 s are not counted,
    since chemiscope answers only where a point is under the mouse; how many there were is printed.

``--points 1000000`` opens the explorer alone on that many made-up crystals (``tests.made_up_atlas``), from a folder.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.browser import yardstick
from tests.browser.chromium import chromium
from tests.browser.decoded import decoded_atlas
from tests.browser.lab import LabNotebook
from tests.browser.server import JupyterServer, jupyter_server
from tests.made_up_atlas import made_up_atlas
from xcrystal.explorer.map.map_figure import DENSE

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

ROOT = str(Path(__file__).parents[2])
OURS_SETUP = """import xcrystal as xc
model, atlas = xc.load("mp20"), xc.atlas("mp20")"""
OURS = "explorer = xc.explore()\nexplorer"
MANY_SETUP = """import xcrystal as xc
model, atlas = xc.load("mp20"), xc.atlas({folder!r})"""
MANY = "explorer = xc.explore(model=model, atlas=atlas)\nexplorer"
THEIRS_SETUP = """import sys, warnings
from pathlib import Path
import chemiscope, xcrystal as xc
sys.path.insert(0, {root!r})
from tests.browser.decoded import read_atoms
warnings.simplefilter("ignore")
atlas = xc.atlas("mp20")
structures = read_atoms(Path({path!r}), {crystals})
columns = ["x", "y", "formation_energy_per_atom", "band_gap"]
values = {{name: atlas.table[name].fillna(0).to_numpy()[:{crystals}] for name in columns}}"""
THEIRS = "shown = chemiscope.show(structures, properties=values)\nshown"
CANVASES = {
    "xcrystal": {"map": ".xc-map .gl-canvas-context", "structure": ".xc-canvas canvas"},
    "chemiscope": {"map": ".chsp-map .gl-canvas-context", "structure": "canvas:not(.gl-canvas)"},
}
DENSITY = CANVASES["xcrystal"] | {"map": ".xc-map .xc-density"}  # from some size on
PLOTS = {"xcrystal": ".xc-map .js-plotly-plot", "chemiscope": ".chsp-map"}
CLICKS = 20


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=None, help="crystals chemiscope shows; all of the atlas by default")
    parser.add_argument("--points", type=int, default=0, help="open the explorer alone, on so many made-up crystals")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    options = parser.parse_args()
    if not options.points and importlib.util.find_spec("chemiscope") is None:
        raise SystemExit('The comparison needs chemiscope: pip install "xcrystal[benchmark]"')
    found = measure_many(options.points) if options.points else compare(options.n)
    print(json.dumps(found) if options.json else _table(found))  # noqa: T201


def compare(n: int | None) -> dict[str, dict[str, Any]]:
    """Both, measured alike; seconds, megabytes (10^6), milliseconds."""
    path = decoded_atlas()
    with np.load(path) as held:
        crystals = min(n or len(held["counts"]), len(held["counts"]))
    cells = {
        "xcrystal": (OURS_SETUP, OURS),
        "chemiscope": (THEIRS_SETUP.format(path=str(path), crystals=crystals, root=ROOT), THEIRS),
    }
    found: dict[str, dict[str, Any]] = {}
    with jupyter_server() as server, chromium() as browser:
        for name in cells:
            lab = _notebook(server, browser, name, cells[name])
            yardstick.open_widget(lab, 1, CANVASES[name])  # warms the browser up
            lab.close()
        for name in cells:
            lab = _notebook(server, browser, name, cells[name])
            received = yardstick.Received(lab.page)
            times = yardstick.open_widget(lab, 1, CANVASES[name])
            lab.page.wait_for_timeout(4000)
            received.stop()
            found[name] = {
                "crystals": crystals if name == "chemiscope" else len(_places()),
                "data MB": round((received.bytes - yardstick.bundle_bytes(lab)) / 1e6, 2),
                "received MB": round(received.bytes / 1e6, 2),
                "map s": round(times["map"], 2),
                "structure s": round(times["structure"], 2),
                "first picture s": round(times["picture"], 2),
                **_clicks(lab, name, _places()[:crystals]),
            }
            lab.close()
    found["structures"] = {"kept in": str(path)}
    return found


def measure_many(points: int) -> dict[str, dict[str, Any]]:
    """The explorer on an atlas of any size: opening, view, and what the hand finds."""
    with tempfile.TemporaryDirectory() as folder, jupyter_server() as server, chromium() as browser:
        made_up_atlas(points).save(Path(folder))
        for warm in (True, False):
            setup = OURS_SETUP if warm else MANY_SETUP.format(folder=folder)
            lab = _notebook(server, browser, "many", (setup, OURS if warm else MANY))
            received = yardstick.Received(lab.page)
            dense = points >= DENSE and not warm
            canvases = DENSITY if dense else CANVASES["xcrystal"]
            times = yardstick.open_widget(lab, 1, canvases)
            if warm:
                lab.close()
        lab.page.wait_for_timeout(4000)
        received.stop()
        memory = "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmRSS')))"
        found = {
            "crystals": points,
            "shown": lab.page.locator(".xc-map .xc-note").inner_text(),
            "data MB": round((received.bytes - yardstick.bundle_bytes(lab)) / 1e6, 2),
            "first picture s": round(times["picture"], 2),
            **_clicks(lab, "xcrystal", _places()),
            **yardstick.hand(
                lab, PLOTS["xcrystal"], [CANVASES["xcrystal"]["map"], *([DENSITY["map"]] if dense else [])]
            ),
            "kernel MB": round(int(lab.python(memory)) / 1024),
            "errors": lab.errors,
        }
        lab.close()
    return {"xcrystal": found}


def _places() -> np.ndarray:
    import xcrystal as xc

    places: np.ndarray = xc.atlas("mp20").table[["x", "y"]].to_numpy(dtype=float)
    return places


def _clicks(lab: LabNotebook, name: str, places: np.ndarray) -> dict[str, Any]:
    lab.page.wait_for_timeout(1000)
    took, missed = [], 0
    for row in np.random.default_rng(0).permutation(len(places)):
        milliseconds = yardstick.click(lab, PLOTS[name], (places[row, 0], places[row, 1]), CANVASES[name]["structure"])
        if milliseconds is None:
            missed += 1
        else:
            took.append(milliseconds)
        if len(took) == CLICKS or missed == 2 * CLICKS:
            break
        lab.page.wait_for_timeout(1000)  # the session is idle, so that no click waits for what the last one left to do
    found = {
        "click ms": round(statistics.median(took)) if took else None,
        "clicks": len(took),
        "without answer": missed,
    }
    return found | {"slowest click ms": round(max(took)) if took else None}


def _notebook(server: JupyterServer, browser: BrowserContext, name: str, cells: tuple[str, str]) -> LabNotebook:
    server.write_notebook(f"{name}.ipynb", *cells)
    lab = LabNotebook(browser, server, f"{name}.ipynb")
    lab.hide_sidebar()
    lab.run(0, 1, timeout=300)
    return lab


def _table(found: dict[str, dict[str, Any]]) -> str:
    sides = [name for name in found if name != "structures"]
    lines = [f"{'':18}" + "".join(f"{name:>16}" for name in sides)]
    lines += [f"{what:18}" + "".join(f"{found[name][what]!s:>16}" for name in sides) for what in found[sides[0]]]
    if "structures" in found:
        lines.append(f"decoded structures are kept in {found['structures']['kept in']}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
