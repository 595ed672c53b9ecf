"""A server of the explorer has room for so many people and no more, and lets in nobody who would make it loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.cookiejar
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect
from voila.app import Voila
from voila.voila_kernel_manager import voila_kernel_manager_factory

from tests.measure_load import TOKEN, served
from xcrystal.cli.voila_app import PROTOCOL, Visits

LIMIT = 120.0


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, str]]:
    """Process and address of a server with room for one."""
    with served("mp-22862") as (pid, address, _):
        yield pid, address


def get(address: str, token: str = TOKEN, method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(address, headers={"Authorization": f"token {token}"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def kernel_of(page: str) -> str:
    (kernel,) = set(re.findall(r'"kernelId": *"([0-9a-f-]{36})"', page))
    return str(kernel)


def end_kernel(address: str, page: str) -> None:
    assert get(f"{address}voila/api/shutdown/{kernel_of(page)}", method="POST")[0] == 204


async def connect(address: str, *protocols: str) -> str | None:
    """The protocol of a socket that was opened."""
    headers = {"Authorization": f"token {TOKEN}"}
    socket = await websocket_connect(HTTPRequest(address, headers=headers), subprotocols=list(protocols) or None)
    chosen = socket.selected_subprotocol
    socket.close()
    await asyncio.sleep(1)  # until the server has closed it, too
    return chosen


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nobody_sees_the_token_in_the_list_of_processes(server: tuple[int, str]) -> None:
    listed = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it may have ended
            listed.append(path.read_bytes())
    assert any(b"mp-22862" in words for words in listed)
    assert not any(TOKEN.encode() in words for words in listed)


def test_one_more_is_told_to_wait_and_a_socket_of_another_protocol_is_refused(server: tuple[int, str]) -> None:
    address = server[1]
    status, page = get(address)
    assert status == 200
    kernel = kernel_of(page)
    for _ in range(3):
        status, said = get(address)
        assert status == 503 and "All places are taken" in said
        assert kernel not in said
    channels = f"{address.replace('http', 'ws')}api/kernels/{kernel}/channels"
    for protocols in ((), ("v2.nothing.org",)):
        with pytest.raises(HTTPClientError, match="400"):
            asyncio.run(connect(channels, *protocols))
    assert asyncio.run(connect(channels, "v2.nothing.org", PROTOCOL)) == PROTOCOL
    status, said = get(address, "another-token")
    assert status == 200 and "password" in said and "All places" not in said  # it is asked for
    end_kernel(address, page)
    status, page = get(address)
    assert status == 200, "who leaves makes room"
    end_kernel(address, page)


def test_a_page_may_end_its_kernel_and_another_has_its_place_at_once(server: tuple[int, str]) -> None:
    """As a browser does it that was given the address: with cookies, and no token after the first request."""
    address = server[1]
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    with browser.open(f"{address}?token={TOKEN}", timeout=LIMIT) as answer:
        kernel = kernel_of(answer.read().decode())
    sent = urllib.parse.urlencode({"_xsrf": next(one.value for one in cookies if one.name == "_xsrf")}).encode()
    with browser.open(f"{address}voila/api/shutdown/{kernel}", data=sent, timeout=LIMIT) as answer:
        assert answer.status == 204
    with browser.open(address, timeout=LIMIT) as answer:
        assert answer.status == 200
        end_kernel(address, answer.read().decode())


def test_nobody_is_told_what_another_page_was_asked_for(server: tuple[int, str]) -> None:
    status, _ = get(f"{server[1]}voila/query/00000000-0000-0000-0000-000000000000")
    assert status == 403  # no file; Voilà's own socket, which asks for no token, would answer 400


def test_who_has_no_page_makes_room_for_who_asks_next() -> None:
    async def come_and_go() -> None:
        manager = voila_kernel_manager_factory(AsyncMappingKernelManager, True, 0)(parent=Voila())
        visits = Visits(1, away=0.0)
        visits.watch(manager)
        first = visits.arrive(manager)
        assert first is not None
        kernel = await manager.start_kernel(env=dict(os.environ))
        assert visits.arrive(manager) is None  # the page is being written
        visits.leave(first)
        manager.notify_connect(kernel)
        assert visits.arrive(manager) is None
        manager.notify_connect(kernel)  # a socket that is opened anew before the old one is closed
        manager.notify_disconnect(kernel)
        assert visits.arrive(manager) is None
        manager.notify_disconnect(kernel)
        assert visits.arrive(manager) is not None
        assert visits.arrive(manager) is None
        while kernel in manager:
            await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(come_and_go(), LIMIT))


class _Page:
    """What is left of a page: parts that name each other, as those of a template do."""

    def __init__(self) -> None:
        self.part = self


def test_what_is_left_of_a_page_goes_with_its_kernel() -> None:
    async def come_and_go() -> None:
        manager = voila_kernel_manager_factory(AsyncMappingKernelManager, True, 0)(parent=Voila())
        Visits(1).watch(manager)
        kernel = await manager.start_kernel(env=dict(os.environ))
        left = weakref.ref(_Page())
        assert left() is not None
        await manager.shutdown_kernel(kernel, now=True)
        assert left() is None

    gc.disable()  # or it may go by chance before
    try:
        asyncio.run(asyncio.wait_for(come_and_go(), LIMIT))
    finally:
        gc.enable()
