"""Headless Chromium with WebGL in software, and where to find it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_PATHS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--enable-unsafe-swiftshader",  # WebGL without a graphics card, also where Chromium no longer falls back by itself
]
VIEWPORT = (1500, 1000)


def find_chromium() -> str:
    """Path of the browser: ``XCRYSTAL_CHROMIUM``, what is on the PATH, or where macOS keeps it.

    Raises
    ------
    FileNotFoundError
        If there is none; says what to install.
    """
    given = os.environ.get("XCRYSTAL_CHROMIUM")
    candidates = [given] if given else [*map(shutil.which, NAMES), *MAC_PATHS]
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return candidate
    raise FileNotFoundError(
        f"XCRYSTAL_CHROMIUM is {given}, which is no file."
        if given
        else "The browser tests need Chromium or Chrome: install it (Debian, Ubuntu: apt-get install chromium; "
        "macOS: brew install --cask chromium) or set XCRYSTAL_CHROMIUM to its path."
    )


@contextlib.contextmanager
def chromium() -> Iterator[BrowserContext]:
    """A fresh browser profile that can reach this machine and nothing else."""
    from playwright.sync_api import sync_playwright

    executable = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=FLAGS)
        context = browser.new_context(
            viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]}, accept_downloads=True, locale="en-GB"
        )
        try:
            yield context
        finally:
            context.close()
            browser.close()
