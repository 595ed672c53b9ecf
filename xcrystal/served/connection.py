"""The line to a model server: HTTP by the standard library, over connections that stay open."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import selectors
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import numpy as np

import xcrystal.errors
from xcrystal.errors import CheckpointError, ReadError, XCrystalError
from xcrystal.served.wire import MOST_BYTES, TYPE, Arrays, pack, unpack

CONNECT = 2.0  # seconds that a server has to be reached
_STEP = 0.05  # seconds between questions whether to go on


MODEL = "X-Xcrystal-Model"
"""The header with the mark of the model that is asked."""


def mark_of(about: Mapping[str, Any]) -> str:
    """What tells a model, with what was fitted for it, from others: of what a server says of itself."""
    text = json.dumps([about.get("digest"), about.get("fitted")], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class ServerGone(Exception):
    """A server that cannot be reached, is too busy, or answers what is no answer; the message is a reason."""


class Connection:
    """A server by its address.

    Parameters
    ----------
    address
        Such as "http://127.0.0.1:8765".
    token
        What it asks for.
    patience
        Seconds that an answer may take.

    Raises
    ------
    CheckpointError
        If it is no address.
    """

    def __init__(self, address: str, token: str, patience: float = 60.0) -> None:
        try:
            parts = urlsplit(address.rstrip("/"))
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError:
            self._host = ""
        if not self._host or parts.scheme not in ("http", "https") or parts.username:
            raise CheckpointError(f"{address!r} is no address of a model server; one is http://127.0.0.1:8765.")
        self.address, self._path, self._secure = address.rstrip("/"), parts.path, parts.scheme == "https"
        self._token, self._patience = token.strip(), patience
        if not self._token.isascii() or not self._token.isprintable():
            raise CheckpointError("The token of a model server has only letters, digits and signs of ASCII.")
        self._idle: deque[http.client.HTTPConnection] = deque()  # threads take one each
        self._process = os.getpid()
        self.model = ""  # the mark of the only model whose answers are wanted
        weakref.finalize(self, _close_all, self._idle)

    def about(self) -> dict[str, Any]:
        """What the server says of its model.

        Raises
        ------
        ServerGone
            If it does not answer.
        XCrystalError
            If it refuses.
        """
        body = self._exchange("GET", "/info", b"", None, 4 * CONNECT)
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ServerGone("it is no model server")
        return found

    def ask(
        self,
        kind: str,
        message: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
        on_step: Callable[[], None] | None = None,
        patience: float | None = None,
    ) -> tuple[dict[str, Any], Arrays]:
        """The answer to a request with arrays of any shapes (...,).

        ``on_step`` is called while it takes, and what it raises ends the request.

        Raises
        ------
        ServerGone
            If there is no answer.
        XCrystalError
            If the server refuses the request; of the class that it names.
        """
        body = self._exchange("POST", f"/{kind}", pack(message, arrays), on_step, patience or self._patience)
        try:
            return unpack(body)
        except ReadError as error:
            raise ServerGone(str(error)) from error

    def _exchange(
        self, method: str, path: str, body: bytes, on_step: Callable[[], None] | None, patience: float
    ) -> bytes:
        if len(body) > MOST_BYTES:
            raise ServerGone(f"a request has more than {MOST_BYTES // 1_000_000} MB")
        headers = {"Authorization": f"token {self._token}", "Content-Type": TYPE, MODEL: self.model}
        while True:
            line, used = self._line()
            try:
                line.request(method, self._path + path, body or None, headers)
                self._wait(line, on_step, patience)
                answer = line.getresponse()
                content = answer.read(MOST_BYTES + 1)
                if not answer.isclosed():
                    raise ServerGone("an answer is too long")
                self._idle.append(line)
                break
            except BaseException as error:  # also: an answer that nobody reads must not be taken for the next one
                line.close()
                if isinstance(error, ConnectionError) and used:
                    continue  # what was left open, the server may have closed
                if isinstance(error, (OSError, http.client.HTTPException)):
                    raise ServerGone(getattr(error, "strerror", None) or str(error) or "no answer") from error
                raise
        if answer.status == http.client.OK:
            return content
        raise self._refusal(answer.status, content)

    def _wait(self, line: http.client.HTTPConnection, on_step: Callable[[], None] | None, patience: float) -> None:
        """Wait until there is an answer to read."""
        end = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(line.sock, selectors.EVENT_READ)
            while not selector.select(_STEP if on_step else max(end - time.monotonic(), 0)):
                if on_step is not None:
                    on_step()
                if time.monotonic() >= end:
                    raise ServerGone(f"no answer in {patience:.0f} seconds")

    def _refusal(self, status: int, content: bytes) -> Exception:
        """What an answer that is none raises here."""
        if status == http.client.CONFLICT:
            return ServerGone("it has another model by now")
        if status in (401, 403):
            return CheckpointError(
                f"The model server at {self.address} refuses the token; it is to be in XCRYSTAL_SERVER_TOKEN."
            )
        try:
            said = json.loads(content)
            kind, words = getattr(xcrystal.errors, said["error"], None), str(said["message"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return ServerGone(f"it is no model server (status {status})")
        if status < 500 and isinstance(kind, type) and issubclass(kind, XCrystalError):
            return kind(words)
        return ServerGone(words.rstrip("."))

    def _line(self) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it was used before."""
        if self._process != os.getpid():  # a fork: what is open is its parent's, who would get its answers
            self._process, self._idle = os.getpid(), deque()
        with suppress(IndexError):
            return self._idle.pop(), True
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        line = kind(self._host, self._port, timeout=CONNECT)
        try:
            line.connect()
        except OSError as error:
            line.close()
            raise ServerGone(error.strerror or str(error) or "no connection") from error
        line.sock.settimeout(self._patience)
        return line, False


def _close_all(lines: deque[http.client.HTTPConnection]) -> None:
    while lines:
        lines.pop().close()
