"""A server of the explorer has room for so many people and no more, and lets in nobody who would make it loop."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from tests.browser.server import OFFLINE
from xcrystal.cli.voila_app import PROTOCOL

TOKEN = "a-token-of-the-test-0123456789"
LIMIT = 120.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """Process and address of a server with room for one."""
    folder = tmp_path_factory.mktemp("serve")
    log = folder / "log.txt"
    environment = os.environ | OFFLINE | {"XCRYSTAL_TOKEN": TOKEN}
    command = [sys.executable, "-m", "xcrystal", "serve", "mp-22862", "--no-browser", "--port", "0", "--visitors", "1"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        end, found = time.monotonic() + LIMIT, None
        while found is None and time.monotonic() < end and process.poll() is None:
            time.sleep(0.2)
            found = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())
        assert found is not None, log.read_text()
        yield process.pid, found[0]
    finally:
        process.terminate()
        process.wait(timeout=30)


def get(address: str, token: str = TOKEN, method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(address, headers={"Authorization": f"token {token}"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def connect(address: str, *protocols: str) -> str | None:
    """The protocol of a socket that was opened."""
    headers = {"Authorization": f"token {TOKEN}"}
    socket = await websocket_connect(HTTPRequest(address, headers=headers), subprotocols=list(protocols) or None)
    chosen = socket.selected_subprotocol
    socket.close()
    return chosen


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nobody_sees_the_token_in_the_list_of_processes(server: tuple[int, str]) -> None:
    listed = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert any(b"mp-22862" in words for words in listed)
    assert not any(TOKEN.encode() in words for words in listed)


def test_one_more_is_told_to_wait_and_a_socket_of_another_protocol_is_refused(server: tuple[int, str]) -> None:
    address = server[1]
    status, page = get(address)
    assert status == 200
    (kernel,) = set(re.findall(r'"kernelId": *"([0-9a-f-]{36})"', page))
    for _ in range(3):
        status, said = get(address)
        assert status == 503 and "All places are taken" in said
        assert kernel not in said
    channels = f"{address.replace('http', 'ws')}api/kernels/{kernel}/channels"
    for protocols in ((), ("v2.nothing.org",)):
        with pytest.raises(HTTPClientError, match="400"):
            asyncio.run(connect(channels, *protocols))
    assert asyncio.run(connect(channels, "v2.nothing.org", PROTOCOL)) == PROTOCOL
    assert get(address, "another-token")[1].count("All places") == 0
    get(f"{address}voila/api/shutdown/{kernel}", method="POST")
    end = time.monotonic() + LIMIT
    while (status := get(address)[0]) == 503 and time.monotonic() < end:
        time.sleep(0.5)
    assert status == 200, "who leaves makes room"
