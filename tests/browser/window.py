"""A page of JupyterLab in the browser: look at it, wait for things, note what fails in it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, Route

    from tests.browser.server import JupyterServer

ARTIFACTS = Path(__file__).parent / "artifacts"
T = TypeVar("T")

# Nothing here waits inside the page: a promise that never settles would leave a test hanging without a word.
_START_PYTHON = """(code) => {
  const kernel = window.xcrystalPanel.sessionContext.session.kernel, answer = {text: '', status: null};
  window.xcrystalPython = answer;
  const future = kernel.requestExecute({code, store_history: false});
  future.onIOPub = m => { if (m.header.msg_type === 'stream') answer.text += m.content.text; };
  future.done.then(
    reply => { answer.traceback = (reply.content.traceback || []).join('\\n'); answer.status = reply.content.status; },
    error => { answer.traceback = String(error); answer.status = 'error'; });
}"""


class PageError(NamedTuple):
    """What failed in a page, and where: the first lines of the stack, or the address of what was logged."""

    message: str
    place: str


class LabWindow:
    """One browser page that can reach this machine and nothing else.

    Attributes
    ----------
    page
        The Playwright page.
    errors
        What the page's scripts threw or logged as errors so far.
    outside
        Addresses beyond this machine that the page asked for; they were not answered.
    """

    def __init__(self, context: BrowserContext, server: JupyterServer, address: str) -> None:
        self.server = server
        self.errors: list[PageError] = []
        self.outside: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("pageerror", self._on_page_error)
        self.page.on("console", self._on_console)
        self.page.route(lambda url: not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", url), self._refuse)
        self.page.goto(address)

    def _on_page_error(self, error: Error) -> None:
        place = "".join((error.stack or "").split("\n")[1:5])  # tells whose script it was
        self.errors.append(PageError(f"{error.name}: {error.message}", place))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(PageError(f"console: {message.text[:500]}", message.location["url"][:200]))

    def _refuse(self, route: Route, request: Request) -> None:
        self.outside.append(request.url)
        route.abort()

    def assert_no_errors(self) -> None:
        """Assert that nothing failed, and forget what did, so that it counts against one test alone."""
        errors, self.errors[:] = list(self.errors), []
        outside, self.outside[:] = list(self.outside), []
        assert (errors, outside) == ([], [])

    def hide_sidebar(self) -> None:
        """Close the file browser, to have the width for the notebook."""
        self.page.evaluate(
            "() => { const shell = window.jupyterapp.shell; shell.collapseLeft(); shell.collapseRight(); }"
        )

    def python(self, code: str) -> str:
        """Run code in the kernel of ``window.xcrystalPanel``, outside of any cell, and return what it printed.

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
