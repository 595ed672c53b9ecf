"""``xcrystal serve`` as its users have it: a page with the explorer and no code, behind a token."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.browser.lab import ARTIFACTS
from tests.browser.server import OFFLINE

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.browser
LIMIT = 90.0


def test_a_page_without_code_behind_a_token(browser: BrowserContext, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "xcrystal", "serve", "mp-22862", "--no-browser", "--port", "0"]
        process = subprocess.Popen(command, cwd=tmp_path, env=os.environ | OFFLINE, stdout=output, stderr=output)
    try:
        address = ""
        end = time.monotonic() + LIMIT
        while not address and time.monotonic() < end and process.poll() is None:
            time.sleep(0.2)
            found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\w{32,}", log.read_text())
            address = found.group(0) if found else ""
        assert address, log.read_text()
        page = browser.new_page()
        outside: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: None if _is_here(request.url) else outside.append(request.url))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address.split("?")[0])
        assert "/login" in page.url, "let in without a token"
        page.goto(address, timeout=LIMIT * 1000, wait_until="commit")
        page.locator("#loading_text", has_text="Starting the Crystal Explorer").wait_for()
        label = page.locator(".xc-explorer .xc-label")
        label.wait_for(timeout=LIMIT * 1000)
        assert "NaCl" in label.inner_text().replace("\n", "")
        page.locator(".xc-canvas canvas").first.wait_for(timeout=LIMIT * 1000)
        assert outside == [], "other hosts are asked"
        assert errors == []
        icon = page.locator(".xc-toolbar .fa").first.evaluate("icon => getComputedStyle(icon, '::before').content")
        assert len(icon.strip('"')) == 1, "icons without the network"
        seen, inside = page.evaluate("[document.documentElement.scrollHeight, innerHeight]")
        assert seen <= inside, "the page scrolls"
        assert page.title() == "Crystal Explorer"
        assert page.locator(".cm-content, .jp-InputArea").count() == 0, "code is shown"
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=ARTIFACTS / "serve.png")
        page.close()
    finally:
        process.terminate()
        process.wait(timeout=20)


def _is_here(url: str) -> bool:
    return re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", url) is not None
