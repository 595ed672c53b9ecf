"""What the map's script knows of plotly from inside still holds for the plotly.js that is installed.

Of nglview every test that opens an explorer says so: ``ExplorerPage.open``."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import plotly
import pytest

from tests.extension.reading import EXTENSION, find_node

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.browser

_DRAW = """async () => {
  const box = document.querySelector('#box');
  box.firstChild.style = 'width: 400px; height: 300px';
  const layout = { autosize: true, dragmode: 'pan', xaxis: { range: [0, 10] }, yaxis: { range: [0, 5] } };
  await Plotly.newPlot(box.firstChild, [{ x: [1, 2], y: [3, 4], type: 'scattergl' }], layout, { responsive: true });
  const missing = adapter.missingOf(box.firstChild);
  if (missing.length) return { missing };
  const plot = adapter.Plot.within(box);
  window.plot = plot;
  window.heard = [];
  plot.listen(['plotly_afterplot', 'plotly_relayout'], () => window.heard.push('x'));
  const { x, y } = plot.axes;
  return { missing, x: x.range, y: y.range, offset: x._offset, length: x._length };
}"""
_ZOOM = """async (how) => {
  const heard = window.heard.length;
  window.plot.zoom(how);
  await new Promise(resolve => setTimeout(resolve, 500));
  return [window.plot.axes.x.range, window.heard.length > heard];
}"""
_FILL = """async (width) => {
  window.plot.node.style.width = `${width}px`;
  window.plot.fill(width, 300);
  await new Promise(resolve => setTimeout(resolve, 500));
  return window.plot.node._fullLayout.width;
}"""


def _adapter() -> str:
    """The adapter as a script that makes ``window.adapter``."""
    source = EXTENSION / "src" / "widgets" / "common" / "plotly_adapter.ts"
    esbuild = EXTENSION / "node_modules" / "esbuild" / "bin" / "esbuild"
    command = [find_node(), str(esbuild), str(source), "--bundle", "--format=iife", "--global-name=adapter"]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout


def test_plotly_has_what_the_map_takes_from_it(browser: BrowserContext) -> None:
    page = browser.new_page()
    page.set_content("<div id='box'><div></div></div>")
    page.add_script_tag(path=Path(plotly.__file__).with_name("package_data") / "plotly.min.js")
    page.add_script_tag(content=_adapter())
    drawn = page.evaluate(_DRAW)
    assert drawn.pop("missing") == [], "see extension/src/widgets/common/plotly_adapter.ts"
    assert (drawn["x"], drawn["y"]) == ([0, 10], [0, 5])
    assert 0 < drawn["offset"] < 150 < drawn["length"] < 400
    (low, high), heard = page.evaluate(_ZOOM, "in")
    assert 0 < low < high < 10
    assert heard
    assert page.evaluate(_ZOOM, "out")[0] == pytest.approx([0, 10])
    page.evaluate(_ZOOM, "in")
    assert page.evaluate(_ZOOM, "reset")[0] == pytest.approx([0, 10])
    assert page.evaluate(_FILL, 700) == 700
    page.close()
