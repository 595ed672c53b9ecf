"""How far the structure lags behind a hand that drags a slider, and what many updates leave behind.

Run ``python -m tests.browser.measure_slider``. The clock starts in the page at the input event and ends when the
graphics has finished the picture of the crystal that answers the value. ``--updates 1000`` also moves that many times
and compares memory, after a warm-up and at the end.
"""

from __future__ import annotations

import argparse
import json
import statistics
from typing import TYPE_CHECKING, Any

from tests.browser.chromium import chromium
from tests.browser.explorer import ExplorerPage
from tests.browser.lab import LabNotebook
from tests.browser.server import jupyter_server

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Locator

CELLS = (
    "import xcrystal as xc\n\nmodel = xc.load('mp20')\natlas = xc.atlas('mp20')\nprint(model.name, len(atlas))",
    "explorer = xc.explore()\nexplorer",
)
NOTEBOOK = "slider.ipynb"
STEPS, PAUSE = 60, 33  # of one drag there or back; milliseconds between them, about what a mouse sends
WARM_UP = 100  # updates before memory is looked at first

# Notes in the kernel when each move began and ended, and which scene answered which value.
_WATCH_KERNEL = """
import gc, json, time
from ipywidgets.widgets import widget as _all

def _find(root, css):
    waiting = [root]
    while waiting:
        found = waiting.pop(0)
        if css in getattr(found, "_dom_classes", ()):
            return found
        waiting += getattr(found, "children", ())

_canvas, _moves, _scenes, _last = _find(explorer, "xc-canvas"), [], {}, [None, 0.0]
_move, _send = explorer.session.move, _canvas.send

def _timed_move(axis, value, *rest, **options):
    began = time.time()
    _last[:] = [value, began]
    _move(axis, value, *rest, **options)
    _moves.append((began, time.time(), value))

def _noted_send(content, buffers=None):
    if content.get("type") == "xc-scene":
        _scenes[content["number"]] = (*_last, time.time())
        _sizes.append(len(json.dumps(content)) + sum(memoryview(b).nbytes for b in buffers or ()))
    _send(content, buffers)

_sizes = []
explorer.session.move, _canvas.send = _timed_move, _noted_send
_canvas.call("executeCode", "window.xcMeasured = this")
"""

# Notes in the page when each value was asked for, and when each scene was on the screen.
_WATCH_PAGE = """() => {
  const now = () => performance.timeOrigin + performance.now();
  const seen = {inputs: [], drawn: {}};
  window.xcSeen = seen;
  let moved = 0;
  const note = (value) => { if (seen.inputs.at(-1)?.[0] !== value) seen.inputs.push([value, moved]); };
  document.addEventListener('pointermove', () => { moved = now(); }, true);
  document.addEventListener('input', (event) => {
    if (event.target.matches?.('.xc-sliders input[type=range]')) { moved = now(); note(Number(event.target.value)); }
  }, true);
  document.querySelectorAll('.xc-sliders .noUi-handle').forEach((handle) =>
    new MutationObserver(() => note(Number(handle.getAttribute('aria-valuenow'))))
      .observe(handle, {attributes: true, attributeFilter: ['aria-valuenow']}));
  const box = document.querySelector('.xc-canvas[data-drawn]');
  const pixel = new Uint8Array(4);
  new MutationObserver(() => {
    const number = box.dataset.drawn;
    // the viewer asked for its frame before us; reading a pixel waits until the graphics is done
    requestAnimationFrame(() => {
      const gl = box.querySelector('canvas').getContext('webgl2') || box.querySelector('canvas').getContext('webgl');
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
      seen.drawn[number] = now();
    });
  }).observe(box, {attributes: true, attributeFilter: ['data-drawn']});
}"""


def main() -> None:
    """Print lags, the kernel's share, and what memory did."""
    parser = argparse.ArgumentParser(description="Time from a slider's event to new pixels.")
    parser.add_argument("--drags", type=int, default=4, help="times the slider goes there and back")
    parser.add_argument("--updates", type=int, default=0, help="also move that often and watch the memory")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    options = parser.parse_args()
    with jupyter_server() as server, chromium() as browser:
        server.write_notebook(NOTEBOOK, *CELLS)
        lab = LabNotebook(browser, server, NOTEBOOK)
        lab.hide_sidebar()
        lab.run(0, 1)
        ExplorerPage(lab).open(1, timeout=120)
        lab.python(_WATCH_KERNEL)
        lab.page.evaluate(_WATCH_PAGE)
        found: dict[str, Any] = {"lag": measure_lag(lab, options.drags)}
        if options.updates:
            found["memory"] = measure_memory(lab, browser.new_cdp_session(lab.page), options.updates)
        found["errors"] = lab.errors
        lab.close()
    if options.json:
        print(json.dumps(found))  # noqa: T201
    else:
        for name, group in found.items():
            print(f"{name}: {json.dumps(group, indent=1)}", flush=True)  # noqa: T201


def measure_lag(lab: LabNotebook, drags: int) -> dict[str, Any]:
    """Drag the first slider there and back, and put together what page and kernel noted; milliseconds."""
    handle = _slider(lab)
    _drag(lab, handle, 1)  # the first move loads things
    lab.page.wait_for_timeout(1500)
    lab.python("_moves.clear(); _scenes.clear(); _sizes.clear()")
    lab.page.evaluate("() => { window.xcSeen.inputs = []; window.xcSeen.drawn = {}; }")
    after = 0
    for _ in range(drags):
        _drag(lab, handle, 1)
        before = len(lab.page.evaluate("window.xcSeen.drawn"))
        lab.page.wait_for_timeout(
            250
        )  # the session is idle only later: what is drawn now is the last move, and backlog
        after += len(lab.page.evaluate("window.xcSeen.drawn")) - before
        lab.page.wait_for_timeout(1200)
    seen = lab.page.evaluate("window.xcSeen")
    moves, scenes, sizes = json.loads(lab.python("print(json.dumps([_moves, _scenes, _sizes]))"))
    parts = _lags(seen, scenes)
    lags = sorted(map(sum, parts))
    middle = [round(statistics.median(part)) for part in zip(*parts, strict=True)]
    kernel = sorted(1000 * (end - began) for began, end, _ in moves)
    return {
        "values asked for": len(seen["inputs"]),
        "moves computed": len(moves),
        "scenes drawn": len(seen["drawn"]),
        "scenes drawn in 250 ms after release, per drag": round(after / drags, 1),
        "lag median": round(statistics.median(lags)),
        "lag p95": round(_percentile(lags, 0.95)),
        "lag worst": round(max(lags)),
        "event to kernel, kernel to scene, scene to pixels: medians": middle,
        "kernel median": round(statistics.median(kernel)),
        "kernel p95": round(_percentile(kernel, 0.95)),
        "bytes a scene, median": round(statistics.median(sizes)),
    }


def measure_memory(lab: LabNotebook, browser: CDPSession, updates: int) -> dict[str, dict[str, float]]:
    """What kernel and browser hold after a warm-up and after so many updates more."""
    _update(lab, 0, WARM_UP)
    first = _held(lab, browser)
    _update(lab, WARM_UP, WARM_UP + updates)
    last = _held(lab, browser)
    growth = {name: round(last[name] / first[name], 3) for name in first}
    return {"after warm-up": first, f"after {updates} more": last, "ratio": growth}


def _update(lab: LabNotebook, first: int, last: int) -> None:
    for begin in range(first, last, 50):
        lab.python(
            f"for _i in range({begin}, {min(begin + 50, last)}):\n"
            "    explorer.session.move(_i % 4, 2.5 - 5 * ((_i * 37) % 101) / 100)\n"
            "    time.sleep(0.1)\n"
        )
        lab.page.wait_for_timeout(300)


def _held(lab: LabNotebook, browser: CDPSession) -> dict[str, float]:
    lab.python("explorer.session.settle()")
    lab.page.wait_for_timeout(3000)
    kernel = lab.python(
        "_moves.clear(); _scenes.clear(); _sizes.clear(); gc.collect()\n"
        "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmRSS')), len(_all._instances))"
    )
    memory, models = kernel.split()
    lab.page.evaluate("() => { window.xcSeen.inputs = []; window.xcSeen.drawn = {}; }")
    for _ in range(3):
        browser.send("HeapProfiler.collectGarbage")
    heap = browser.send("Runtime.getHeapUsage")["usedSize"]
    components, in_page = lab.page.evaluate(
        "() => [window.xcMeasured.stage.compList.length,"
        " Object.keys(window.xcMeasured.model.widget_manager._models).length]"
    )
    return {
        "kernel MB": round(int(memory) / 1024, 1),
        "browser heap MB": round(heap / 2**20, 1),
        "components": components,
        "models in the page": in_page,
        "widgets in the kernel": int(models),
    }


def _slider(lab: LabNotebook) -> Locator:
    sliders = lab.page.locator(".xc-explorer .xc-sliders")
    native = sliders.locator("input[type=range]:visible")
    return (native if native.count() else sliders.locator(".noUi-handle")).first


def _drag(lab: LabNotebook, handle: Locator, times: int) -> None:
    """Pull the handle to near the right end, to near the left end, and to the middle."""
    handle.scroll_into_view_if_needed()
    native = handle.evaluate("element => element.matches('input')")
    track = (handle if native else handle.locator("xpath=ancestor::*[contains(@class, 'noUi-target')]")).bounding_box()
    assert track is not None
    if native:
        low, high, value = handle.evaluate("e => [Number(e.min), Number(e.max), Number(e.value)]")
        x = track["x"] + 8 + (track["width"] - 16) * (value - low) / (high - low)
    else:
        box = handle.bounding_box()
        assert box is not None
        x = box["x"] + box["width"] / 2
    y = track["y"] + track["height"] / 2
    mouse = lab.page.mouse
    mouse.move(x, y)
    mouse.down()
    for goal in [0.92, 0.08] * times + [0.5]:
        end = track["x"] + goal * track["width"]
        for step in range(1, STEPS + 1):
            mouse.move(x + (end - x) * step / STEPS, y)
            lab.page.wait_for_timeout(PAUSE)
        x = end
    mouse.up()


def _lags(seen: dict[str, Any], scenes: dict[str, Any]) -> list[tuple[float, float, float]]:
    """Milliseconds from the last event that asked for a value to the first picture that shows it, in three parts:
    until the kernel begins, until it sends the scene, and until the picture is there."""
    lags, done = [], set()
    for number in sorted(seen["drawn"], key=int):
        if number not in scenes or scenes[number][0] is None:
            continue
        value, began, sent = scenes[number][0], 1000 * scenes[number][1], 1000 * scenes[number][2]
        asked = [t for v, t in seen["inputs"] if abs(v - value) < 0.006 and t <= began]
        if asked and asked[-1] not in done:  # the same crystal is drawn again when the session is idle
            done.add(asked[-1])
            lags.append((began - asked[-1], sent - began, seen["drawn"][number] - sent))
    assert lags, "no scene answered a slider"
    return lags


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


if __name__ == "__main__":
    main()
