"""A notebook open in JupyterLab in the browser: run it, look at it, wait for things."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Route

    from tests.browser.server import JupyterServer

ARTIFACTS = Path(__file__).parent / "artifacts"
T = TypeVar("T")

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

_START_PYTHON = """(code) => {
  const kernel = window.xcrystalPanel.sessionContext.session.kernel, answer = {text: '', status: null};
  window.xcrystalPython = answer;
  const future = kernel.requestExecute({code, store_history: false});
  future.onIOPub = m => { if (m.header.msg_type === 'stream') answer.text += m.content.text; };
  future.done.then(
    reply => { answer.traceback = (reply.content.traceback || []).join('\\n'); answer.status = reply.content.status; },
    error => { answer.traceback = String(error); answer.status = 'error'; });
}"""


class LabNotebook:
    """One notebook in one browser page.

    Attributes
    ----------
    page
        The Playwright page.
    errors
        What the page's scripts threw or logged as errors so far.
    outside
        Addresses beyond this machine that the page asked for; they were not answered.
    """

    def __init__(self, context: BrowserContext, server: JupyterServer, path: str) -> None:
        self.server, self.path = server, path
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(f"{error.name}: {error.message}"))
        self.page.on("console", self._on_console)
        self.page.route(lambda url: not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", url), self._refuse)
        self.page.goto(server.lab_url(path))
        self.wait_until(lambda: self.page.evaluate(_FIND_PANEL, path), f"{path} open with an idle kernel", timeout=90)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text[:500]}")

    def _refuse(self, route: Route, request: Request) -> None:
        self.outside.append(request.url)
        route.abort()

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

    def python(self, code: str) -> str:
        """Run code in the notebook's kernel, outside of any cell, and return what it printed.

        Raises
        ------
        AssertionError
            If it raises there.
        """
        self.page.evaluate(_START_PYTHON, code)
        self.wait_until(lambda: self.page.evaluate("window.xcrystalPython.status"), f"the kernel to run {code!r}", 60)
        answer = self.page.evaluate("window.xcrystalPython")
        assert answer["status"] == "ok", f"the kernel failed on {code!r}:\n{answer['traceback']}"
        return str(answer["text"])

    def hide_sidebar(self) -> None:
        """Close the file browser, to have the width for the notebook."""
        self.page.evaluate(
            "() => { const shell = window.jupyterapp.shell; shell.collapseLeft(); shell.collapseRight(); }"
        )

    def wait_until(self, check: Callable[[], T], what: str, timeout: float = 20.0, every: float = 0.1) -> T:
        """Ask ``check`` until it returns something true, and return that.

        Raises
        ------
        AssertionError
            After ``timeout`` seconds; says what was waited for and where the screenshot is.
        """
        deadline = time.monotonic() + timeout
        last: Any = None
        while True:
            last = check()
            if last:
                return last
            if time.monotonic() > deadline:
                break
            self.page.wait_for_timeout(every * 1000)
        picture = self.screenshot("failure-" + re.sub(r"\W+", "-", what)[:60])
        raise AssertionError(
            f"waited {timeout:.0f} s in vain for: {what} (last answer: {last!r}); screenshot: {picture}; "
            f"browser errors: {self.errors[-5:]}; server: {self.server.log_tail(5)}"
        )

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the window among the artifacts."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        path = ARTIFACTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def close(self) -> None:
        """End the kernel and close the page."""
        self.page.evaluate("() => { window.xcrystalPanel.sessionContext.shutdown(); }")
        self.page.close()
