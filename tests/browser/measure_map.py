"""What the explorer and ``chemiscope.show`` send to the browser, and when each has put up its first canvas.

Run ``python -m tests.browser.measure_map``; it needs ``pip install chemiscope``. Both run in one browser on one
server, each in a kernel of its own, with model and atlas loaded. chemiscope shows the atlas' first codes, decoded
without a choice among candidates. Bytes are those of the websocket's frames while the cell runs and draws, less the
widgets' scripts and styles, which are libraries.
"""

from __future__ import annotations

import argparse
import importlib.util
import time

import nbformat

from tests.browser.chromium import chromium
from tests.browser.lab import LabNotebook
from tests.browser.server import JupyterServer, jupyter_server

SETUP = """import warnings
import xcrystal as xc
model, atlas = xc.load("mp20"), xc.atlas("mp20")
if {crystals}:
    import chemiscope
    from pymatgen.io.ase import AseAtomsAdaptor
    warnings.simplefilter("ignore")
    decoded = model.decode(atlas.z[:{crystals}], choose=False)
    structures = [AseAtomsAdaptor.get_atoms(crystal) for crystal in decoded]
    columns = ["x", "y", "formation_energy_per_atom", "band_gap"]
    values = {{name: atlas.table[name].fillna(0).to_numpy()[:{crystals}] for name in columns}}"""
SHOWN = {
    "xcrystal": ("explorer = xc.explore()\nexplorer", ".xc-map .gl-canvas-context"),
    "chemiscope": ("shown = chemiscope.show(structures, properties=values)\nshown", ".plotly .gl-canvas, canvas"),
}
BUNDLES = """from ipywidgets.widgets import widget as _module
print(sum(len(str(getattr(w, name, "")).encode()) for w in _module._instances.values() for name in ("_esm", "_css")))"""


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=18_000, help="crystals that chemiscope shows; the explorer shows all")
    options = parser.parse_args()
    if importlib.util.find_spec("chemiscope") is None:
        raise SystemExit("This comparison needs chemiscope: pip install chemiscope")
    print(f"{'':12}{'first canvas':>14}{'received':>12}{'of it data':>12}")  # noqa: T201
    with jupyter_server() as server, chromium() as browser:
        for name in SHOWN:
            seconds, received, bundles = _measure(server, browser, name, options.n)
            data = (received - bundles) / 1e6
            print(f"{name:12}{seconds:12.2f} s{received / 1e6:9.2f} MB{data:9.2f} MB", flush=True)  # noqa: T201


def _measure(server: JupyterServer, browser: object, name: str, crystals: int) -> tuple[float, int, int]:
    source, canvas = SHOWN[name]
    setup = SETUP.format(crystals=crystals if name == "chemiscope" else 0)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in (setup, source)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, server.root / f"{name}.ipynb")
    lab = LabNotebook(browser, server, f"{name}.ipynb")  # type: ignore[arg-type]
    lab.run(0, 1, timeout=600)
    received = [0]

    def count(event: dict[str, dict[str, str | int]]) -> None:
        frame = event["response"]
        size = len(str(frame["payloadData"]))
        received[0] += size * 3 // 4 if frame["opcode"] == 2 else size  # binary frames are told in base 64

    protocol = lab.page.context.new_cdp_session(lab.page)
    protocol.send("Network.enable")
    protocol.on("Network.webSocketFrameReceived", count)
    lab.show_cell(1)
    began = time.monotonic()
    lab.run(1, 2)
    lab.wait_until(lambda: lab.page.locator(canvas).count() > 0, "a canvas", 120)
    seconds = time.monotonic() - began
    lab.page.wait_for_timeout(5000)
    total = received[0]
    protocol.detach()
    bundles = int(lab.python(BUNDLES))
    lab.close()
    return seconds, total, bundles


if __name__ == "__main__":
    main()
