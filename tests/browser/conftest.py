"""JupyterLab and Chromium for the browser tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import chromium, find_chromium
from tests.browser.server import JupyterServer, jupyter_server

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext


HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try once more what fails in a browser on a crowded machine; the summary lists each such test as RERUN."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def server() -> Iterator[JupyterServer]:
    """One JupyterLab for all browser tests."""
    find_chromium()  # fails at once, before a server is started in vain
    with jupyter_server() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    """One browser a module: Playwright keeps an event loop running, which would be in the way of later tests."""
    with chromium() as context:
        yield context
