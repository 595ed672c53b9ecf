"""What is measured alike on any widget with a map and a structure: bytes, first picture, and answer to a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.lab import LabNotebook

DRAWN = 0.01  # share of a canvas' pixels that are not background once there is something on it

# Looks into shadow roots too; every canvas is copied small, and compared or counted there.
_TOOLS = """() => {
  const deep = (selector, root) => {
    const found = root.querySelector(selector);
    if (found) return found;
    for (const node of root.querySelectorAll('*')) {
      const inside = node.shadowRoot && deep(selector, node.shadowRoot);
      if (inside) return inside;
    }
    return null;
  };
  const kept = {};
  const find = (selector) => {
    if (!kept[selector]?.isConnected) kept[selector] = deep(selector, document.querySelector('.jp-Notebook'));
    return kept[selector];
  };
  const copy = document.createElement('canvas'), context = copy.getContext('2d', {willReadFrequently: true});
  copy.width = 160; copy.height = 120;
  const pixels = (selector) => {
    const canvas = find(selector);
    if (!canvas || !canvas.width || !canvas.height) return null;
    context.clearRect(0, 0, 160, 120);
    context.drawImage(canvas, 0, 0, 160, 120);
    return context.getImageData(0, 0, 160, 120).data;
  };
  const differing = (p, q) => {
    let count = 0;
    for (let i = 0; i < p.length; i += 4) if ([0, 1, 2, 3].some(k => Math.abs(p[i + k] - q(i, k)) > 24)) count++;
    return count / (160 * 120);
  };
  const share = (selector) => { const p = pixels(selector); return p ? differing(p, (i, k) => p[k]) : 0; };
  window.xcYard = {
    find,
    opening(selectors, drawn) {
      const start = performance.now(), times = {};
      window.xcFirst = times;
      const look = () => {
        for (const [name, selector] of Object.entries(selectors))
          if (!times[name] && share(selector) > drawn) times[name] = performance.now() - start;
        if (Object.keys(selectors).some(name => !times[name])) setTimeout(look, 50);
      };
      look();
    },
    // from the press of the mouse to the first frame in which the canvas holds another picture than before
    answer(selector) {
      const before = Uint8ClampedArray.from(pixels(selector)), answer = {};
      window.xcAnswer = answer;
      const begin = () => {
        const start = performance.now();
        const look = () => {
          const now = pixels(selector);
          if (now && differing(now, (i, k) => before[i + k]) > 0.002) answer.milliseconds = performance.now() - start;
          else if (performance.now() - start < 5000) requestAnimationFrame(look);
        };
        look();
      };
      window.addEventListener('pointerup', begin, {once: true, capture: true});
    },
    // what is in the canvases or pictures, and where
    mark(selectors) {
      return selectors.map(selector => {
        const node = deep(selector, document.querySelector('.jp-Notebook'));
        if (!node) return '';
        if (node.tagName === 'IMG') return node.src.length + node.src.slice(-64) + node.style.transform + node.hidden;
        const p = pixels(selector);
        return p ? p.reduce((sum, value, i) => (sum + value * (i % 8191 + 1)) % 1e9, 0) : 0;
      }).join();
    },
    screen(selector, [x, y]) {
      const plot = find(selector), {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
      const fx = (x - xaxis.range[0]) / (xaxis.range[1] - xaxis.range[0]);
      const fy = (yaxis.range[1] - y) / (yaxis.range[1] - yaxis.range[0]);
      return [box.left + xaxis._offset + fx * xaxis._length, box.top + yaxis._offset + fy * yaxis._length];
    },
  };
}"""

_BUNDLES = """import json
from ipywidgets.widgets import widget as _module
_sent = [str(getattr(w, name, "")) for w in _module._instances.values() for name in ("_esm", "_css")]
print(sum(len(json.dumps(text, ensure_ascii=False).encode()) for text in _sent))"""


class Received:
    """Counts the bytes of the frames that a page's websockets receive, from now until ``stop``."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0
        self._protocol = page.context.new_cdp_session(page)
        self._protocol.send("Network.enable")
        self._protocol.on("Network.webSocketFrameReceived", self._count)

    def _count(self, event: dict[str, Any]) -> None:
        frame = event["response"]
        text = str(frame["payloadData"])
        # binary frames are told in base 64
        self.bytes += len(text) * 3 // 4 - text[-2:].count("=") if frame["opcode"] == 2 else len(text.encode())

    def stop(self) -> None:
        """Count no more."""
        self._protocol.detach()


def open_widget(lab: LabNotebook, cell: int, canvases: dict[str, str], timeout: float = 180.0) -> dict[str, float]:
    """Run a cell and wait until all its canvases, by CSS selector, are drawn; seconds to each, and to the last."""
    lab.page.evaluate(_TOOLS)
    lab.show_cell(cell)
    lab.page.evaluate("([s, drawn]) => window.xcYard.opening(s, drawn)", [canvases, DRAWN])
    lab.run(cell, cell + 1, timeout)
    lab.show_cell(cell)
    seen = "names => names.every(name => window.xcFirst[name])"
    lab.wait_until(lambda: lab.page.evaluate(seen, list(canvases)), "all canvases drawn", timeout)
    found: dict[str, float] = {name: ms / 1000 for name, ms in lab.page.evaluate("window.xcFirst").items()}
    return {**found, "picture": max(found.values())}


def bundle_bytes(lab: LabNotebook) -> int:
    """How much of what was sent are the scripts and styles of the widgets: they are a library's, not data."""
    return int(lab.python(_BUNDLES))


def click(lab: LabNotebook, plot: str, place: tuple[float, float], structure: str, wait: float = 3.0) -> float | None:
    """Click at a place of a plotly map; milliseconds until the structure changes, or None if it does not."""
    x, y = lab.page.evaluate("([s, place]) => window.xcYard.screen(s, place)", [plot, list(place)])
    lab.page.mouse.move(x - 3, y - 3)
    lab.page.mouse.move(x, y)
    lab.page.wait_for_timeout(150)  # as a hand, which stands still before it presses; some maps look up what is there
    lab.page.evaluate("selector => window.xcYard.answer(selector)", structure)
    lab.page.mouse.click(x, y)
    for _ in range(round(wait / 0.05)):
        lab.page.wait_for_timeout(50)
        milliseconds = lab.page.evaluate("window.xcAnswer.milliseconds")
        if milliseconds:
            return float(milliseconds)
    return None


# Notes how long each frame takes while the hand moves, and when the map last changed.
_FRAMES = """(selectors) => {
  const seen = {frames: [], start: performance.now(), changed: 0, ended: false};
  window.xcFrames = seen;
  let before = performance.now(), last = null;
  const look = (now) => {
    seen.frames.push(now - before);
    before = now;
    const mark = window.xcYard.mark(selectors);
    if (mark !== last) { last = mark; seen.changed = performance.now(); }
    if (!seen.ended) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def hand(lab: LabNotebook, plot: str, canvases: Sequence[str]) -> dict[str, float]:
    """What a drag and then a wheel of the explorer's map feel like, from the whole map on.

    Parameters
    ----------
    canvases
        CSS selectors of what the map is drawn on: canvases, and pictures that are moved and exchanged.

    Returns
    -------
    dict
        For "zoom" and "pan": frames a second while the hand moves, the slowest frame, and milliseconds from its last
        event until the map no longer changes.
    """
    page, found = lab.page, {}
    box = page.locator(plot).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.locator(".xc-tool-pan").click()
    for name in ("pan", "zoom"):
        page.mouse.move(x, y)
        page.evaluate(_FRAMES, list(canvases))
        if name == "pan":
            page.mouse.down()
        for step in range(1, 31):
            if name == "pan":
                page.mouse.move(x + 4 * step, y + 2 * step)
            else:
                page.mouse.wheel(0, -60)
            page.wait_for_timeout(33)
        if name == "pan":
            page.mouse.up()
        frames = page.evaluate("window.xcFrames.frames.slice(1)")
        ended = page.evaluate("performance.now()")
        page.wait_for_timeout(4000)
        changed = page.evaluate("() => { window.xcFrames.ended = true; return window.xcFrames.changed; }")
        found[f"{name} frames/s"] = round(1000 * len(frames) / sum(frames), 1)
        found[f"{name} slowest frame ms"] = round(max(frames))
        found[f"{name} still after ms"] = round(max(0, changed - ended))
    page.locator(".xc-tool-go").click()
    return found
