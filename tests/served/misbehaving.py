"""Clients that a server meets on a bad day: silent ones, those that hang up, that never end, and that talk nonsense."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

from tests.crystals import CRYSTALS
from tests.served.serving import TOKEN
from xcrystal.served.wire import MOST_BYTES, pack, write_records

_EXPLAIN = {"target": "latent 0", "method": "saliency", "level": "orbits", "baseline": "mean_element", "seed": 0}
_REQUEST = pack(_EXPLAIN, write_records(list(CRYSTALS.values()) * 10)[1])
_HEAD = f"POST /explain HTTP/1.1\r\nHost: x\r\nAuthorization: token {TOKEN}\r\n".encode()
_BODY = _HEAD + f"Content-Length: {len(_REQUEST)}\r\n\r\n".encode()
_HALVES = (_HEAD[:30], _HEAD, _BODY, _BODY + _REQUEST[: len(_REQUEST) // 2], _BODY + _REQUEST)


def connect(address: str) -> socket.socket:
    """A connection to a server."""
    host, _, port = address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=30)


@contextmanager
def silent(address: str, count: int) -> Iterator[None]:
    """So many connections that say nothing."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(connect(address))
        yield


def hang_up(address: str, number: int) -> None:
    """Stop in the middle of a request, or before its answer."""
    with connect(address) as line:
        line.sendall(_HALVES[number % len(_HALVES)])


def talk_nonsense(address: str, number: int) -> None:
    """Send random bytes, every second time as the body of a request."""
    rng = random.Random(number)
    with connect(address) as line, suppress(ConnectionError):
        line.sendall(_BODY if number % 2 else b"")
        line.sendall(rng.randbytes(len(_REQUEST) - 4) + b"\r\n\r\n")  # the end of a head, where it is taken for one
        line.recv(1000)


def never_end(address: str, number: int) -> int:
    """Send one piece of a body after the other for as long as the server takes them; how many bytes it took.

    Every second time it knows no token.
    """
    sent, piece = 0, bytes(1_000_000)
    with connect(address) as line, suppress(ConnectionError):
        line.sendall(
            (_HEAD if number % 2 else _HEAD.replace(b"token", b"nothing")) + b"Transfer-Encoding: chunked\r\n\r\n"
        )
        while sent < 4 * MOST_BYTES:
            line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            sent += len(piece)
    return sent


def misbehave(address: str, count: int) -> None:
    """Do each so many times; a body that never ends, which takes a second, twice."""
    ways: list[Callable[[int], object]] = [partial(hang_up, address), partial(talk_nonsense, address)]
    for way in ways:
        for number in range(count):
            way(number)
    for number in range(2):
        never_end(address, number)
