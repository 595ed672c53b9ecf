"""The line to a model server: HTTP by the standard library, over connections that stay open."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import re
import socket
import ssl
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
    """A server that cannot be reached, lets nobody in, or answers what is no answer; the message is a reason."""


class RequestFailed(Exception):
    """A request that a server cannot answer, as it is too busy or too much is asked; the next may be answered."""


def checked_token(text: str) -> str:
    """A token without the white space around it.

    Raises
    ------
    CheckpointError
        If it cannot be sent in a header; the token itself is not told.
    """
    token = text.strip()
    if not token.isascii() or not token.isprintable():
        raise CheckpointError("The token of a model server has only letters, digits and signs of ASCII.")
    return token


class Connection:
    """A server by its address.

    Parameters
    ----------
    address
        Such as "http://127.0.0.1:8765", or "127.0.0.1:8765".
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
        self.address = _url(address)
        parts = urlsplit(self.address)
        self._host, self._path = parts.hostname or "", parts.path
        # or http.client takes one of an IPv6 address
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._context = ssl.create_default_context() if parts.scheme == "https" else None
        self._token, self._patience = checked_token(token), patience
        self._idle: deque[http.client.HTTPConnection] = deque()  # threads take one each
        self._process = os.getpid()
        self.model = ""  # the mark of the only model whose answers are wanted
        weakref.finalize(self, _close_all, self._idle)

    def about(self) -> dict[str, Any]:
        """What the server says of its model.

        Raises
        ------
        ServerGone
            If it does not answer, or refuses.
        """
        try:
            found = json.loads(self._exchange("GET", "/info", b"", None, 4 * CONNECT))
        except (ValueError, RequestFailed) as error:  # also what a server of something else refuses
            raise ServerGone("it is no model server") from error
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
        RequestFailed
            If the server has failed, or has too much to do.
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
            raise RequestFailed(f"a request has more than {MOST_BYTES // 1_000_000} MB")
        headers = {"Authorization": f"token {self._token}", "Content-Type": TYPE, MODEL: self.model}
        while True:
            line, used = self._line()
            try:
                line.sock.settimeout(patience)
                line.response_class = _response_class(on_step, patience)
                with suppress(BrokenPipeError, ConnectionResetError):  # who refuses may say so before all was sent
                    line.request(method, self._path + path, body or None, headers)
                answer = line.getresponse()
                content = answer.read(MOST_BYTES + 1)
                if not answer.isclosed():
                    raise ServerGone("an answer is too long" if len(content) > MOST_BYTES else "an answer breaks off")
                if line.sock is not None:  # the server may have said that it closes it
                    self._idle.append(line)
                break
            except BaseException as error:  # also: an answer that nobody reads must not be taken for the next one
                line.close()
                if isinstance(error, (ConnectionError, ssl.SSLError)) and used:
                    continue  # what was left open, the server may have closed
                if isinstance(error, (OSError, http.client.HTTPException)):
                    raise ServerGone(getattr(error, "strerror", None) or str(error) or "no answer") from error
                raise
        if answer.status == http.client.OK:
            return content
        raise _refusal(answer.status, content)

    def _line(self) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it was used before."""
        if self._process != os.getpid():  # a fork: what is open is its parent's, who would get its answers
            self._idle, self._process = deque(), os.getpid()
        with suppress(IndexError):
            return self._idle.pop(), True
        line = (
            http.client.HTTPConnection(self._host, self._port, timeout=CONNECT)
            if self._context is None
            else http.client.HTTPSConnection(self._host, self._port, timeout=CONNECT, context=self._context)
        )
        try:
            line.connect()
        except (OSError, UnicodeError) as error:  # also of a name that cannot be
            line.close()
            raise ServerGone(_in_words(error)) from error
        return line, False


def _url(address: object) -> str:
    """An address with its scheme and without a slash at its end.

    Raises
    ------
    CheckpointError
        If it is none.
    """
    text = address.strip().rstrip("/") if isinstance(address, str) else ""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or port == 0
        or (port is None and url != text)  # a name alone may be anything, such as that of a model
        or not url.isprintable()
        or any(sign in url for sign in " ?#@\\")
    ):
        shown = re.sub("(?s).*@", "…@", str(address))  # without a password
        raise CheckpointError(f"{shown[:100]!r} is no address of a model server; one is http://127.0.0.1:8765.")
    return url


def _in_words(error: Exception) -> str:
    """Why there is no connection."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted, {error.verify_message.rstrip('.')}; "
            "SSL_CERT_FILE in the environment names a file with certificates to trust"
        )
    if isinstance(error, ssl.SSLError):
        return "it does not speak HTTPS"
    if isinstance(error, TimeoutError):
        return f"no connection in {CONNECT:.0f} seconds"
    return getattr(error, "strerror", None) or str(error) or "no connection"


def _refusal(status: int, content: bytes) -> Exception:
    """What an answer that is none raises here."""
    if status == http.client.CONFLICT:
        return ServerGone("it has another model by now")
    if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        return ServerGone("it refuses the token, which is to be in XCRYSTAL_SERVER_TOKEN")
    try:
        said = json.loads(content)
        kind, words = getattr(xcrystal.errors, said["error"], None), str(said["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ServerGone(f"it is no model server (status {status})")
    if status < http.client.INTERNAL_SERVER_ERROR and isinstance(kind, type) and issubclass(kind, XCrystalError):
        return kind(words)
    return RequestFailed(words.rstrip("."))


class _Reading(io.RawIOBase):
    """What comes from a socket, asking in between whether to go on.

    Parameters
    ----------
    sock
        Of a connection, encrypted or not.
    on_step
        Called while nothing comes.
    patience
        Seconds until all has to be there.
    """

    def __init__(self, sock: socket.socket, on_step: Callable[[], None] | None, patience: float) -> None:
        self._sock, self._on_step, self._patience = sock, on_step, patience
        self._end = time.monotonic() + patience
        self._open = sock.makefile("rb", buffering=0)  # or the socket may be closed before all has been read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while (left := self._end - time.monotonic()) > 0:
            self._sock.settimeout(left if self._on_step is None else min(left, _STEP))
            try:
                return self._sock.recv_into(buffer)
            except TimeoutError:
                if self._on_step is not None:
                    self._on_step()
        raise ServerGone(f"no answer in {self._patience:g} seconds")

    def close(self) -> None:
        self._open.close()
        super().close()


def _response_class(on_step: Callable[[], None] | None, patience: float) -> type[http.client.HTTPResponse]:
    """Of answers that are read by ``_Reading``."""

    class Response(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
            super().__init__(sock, *args, **options)
            self.fp.close()
            self.fp = io.BufferedReader(_Reading(sock, on_step, patience))

    return Response


def _close_all(lines: deque[http.client.HTTPConnection]) -> None:
    while lines:
        lines.pop().close()
