"""A notebook open in JupyterLab in the browser: run it, look at it, wait for things."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.browser.window import ARTIFACTS, LabWindow

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

__all__ = ["ARTIFACTS", "LabNotebook"]

# Nothing here waits inside the page: a promise that never settles would leave a test hanging without a word.
_FIND_PANEL = """(path) => {
  const app = window.jupyterapp;
  if (!app || !app.shell) return false;
  const panel = [...app.shell.widgets('main')].find(w => w.context && w.context.path === path);
  if (!panel || !panel.context.isReady || !panel.sessionContext.isReady) return false;
  app.shell.activateById(panel.id);
  window.xcrystalPanel = panel;
  return panel.sessionContext.session?.kernel?.status === 'idle';
}"""

# Runs cells one after the other, as a user does with Shift-Enter, and stops where one fails.
_START_RUN = """([first, last]) => {
  const panel = window.xcrystalPanel, app = window.jupyterapp, run = {done: false, failed: null, index: first};
  window.xcrystalRun = run;
  (async () => {
    for (let i = first; i < last && !run.failed; i++) {
      run.index = i;
      panel.content.activeCellIndex = i;
      panel.content.deselectAll();
      await app.commands.execute('notebook:run-cell');
      const cell = panel.content.widgets[i].model;
      if (cell.type !== 'code') continue;
      for (let k = 0; k < cell.outputs.length; k++) {
        const output = cell.outputs.get(k).toJSON();
        if (output.output_type === 'error') run.failed = {index: i, traceback: output.traceback};
      }
    }
  })().catch(e => { run.failed = {index: run.index, traceback: [String(e)]}; }).finally(() => { run.done = true; });
}"""


class LabNotebook(LabWindow):
    """One notebook in one browser page."""

    def __init__(self, context: BrowserContext, server: JupyterServer, path: str) -> None:
        super().__init__(context, server, server.lab_url(path))
        self.path = path
        self._wait_until_up()

    def _wait_until_up(self) -> None:
        what = f"{self.path} open with an idle kernel"
        self.wait_until(lambda: self.page.evaluate(_FIND_PANEL, self.path), what, timeout=90)

    def reload(self) -> None:
        """Load the page anew, as a user does, with the notebook as it was saved and its kernel still running."""
        self.page.reload()
        self._wait_until_up()

    @property
    def cell_sources(self) -> list[str]:
        """Source of every cell, in order."""
        sources = self.page.evaluate("window.xcrystalPanel.model.toJSON().cells.map(c => c.source)")
        return ["".join(source) if isinstance(source, list) else source for source in sources]

    def run(self, first: int = 0, last: int | None = None, timeout: float = 180.0) -> None:
        """Run the cells ``first`` to ``last`` (exclusive) and wait until they have finished.

        Raises
        ------
        AssertionError
            If a cell raises; with its source and its traceback.
        """
        sources = self.cell_sources
        last = len(sources) if last is None else last
        self.page.evaluate(_START_RUN, [first, last])
        self.wait_until(
            lambda: self.page.evaluate("window.xcrystalRun.done"), f"cells {first} to {last - 1} finished", timeout
        )
        failed = self.page.evaluate("window.xcrystalRun.failed")
        if failed:
            traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(failed["traceback"]))
            raise AssertionError(f"cell {failed['index']} failed:\n{sources[failed['index']]}\n\n{traceback}")

    def find_cell(self, text: str) -> int:
        """Index of the only cell whose source contains ``text``."""
        found = [index for index, source in enumerate(self.cell_sources) if text in source]
        assert len(found) == 1, f"{len(found)} cells of {self.path} contain {text!r}, expected one"
        return found[0]

    def show_cell(self, index: int) -> None:
        """Scroll to a cell, as a user does: JupyterLab draws only the cells near the window."""
        self.page.evaluate("index => window.xcrystalPanel.content.scrollToItem(index, 'start')", index)

    def close(self) -> None:
        """End the kernel and close the page."""
        self.page.evaluate("() => { window.xcrystalPanel.sessionContext.shutdown(); }")
        self.page.close()
