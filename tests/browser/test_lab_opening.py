"""JupyterLab's ways into the explorer: launcher, palette, file browser, settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.desk import Desk

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(server: JupyterServer, browser: BrowserContext) -> Iterator[Desk]:
    (server.root / "note.txt").write_text("hello")
    opened = Desk(browser, server)
    yield opened
    opened.close()


def test_desk(desk: Desk) -> None:
    assert "Open" in desk.context_menu(desk.file("note.txt"))
    desk.close_menu()
    desk.open_file("note.txt")
    desk.wait_until(lambda: desk.title == "note.txt", "file open")
    desk.palette("New Launcher")
    desk.set_theme("JupyterLab Dark")
    desk.set_theme("JupyterLab Light")
    desk.screenshot("desk")
    assert desk.titles and not desk.errors
