"""The model server's page: tornado, which every JupyterLab has, with a token and bounded bodies.

``GET /health`` says whether it runs, ``GET /info`` which model it has, ``GET /status`` what it does, and ``POST
/encode``, ``/decode``, ``/predict``, ``/explain`` and ``/sample`` answer messages of ``xcrystal.served.wire``.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import signal
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, stream_request_body

from xcrystal.errors import ReadError, TargetError, XCrystalError
from xcrystal.generator import CrystalModel
from xcrystal.model_server.answers import KINDS, about, compute, read_request, write_answer
from xcrystal.model_server.batching import Batcher, Busy, Cancelled, Request
from xcrystal.served.connection import MODEL, mark_of
from xcrystal.served.wire import MOST_BYTES, TYPE, unpack

_BODY, _IDLE = 60.0, 60.0  # seconds that a body may take, and that a connection may stay open without a request
_CONNECTIONS = 4000  # at once; fewer where a process may not have as many files open
_FILES = 100  # that are no connections
_UNASKED = 1000  # bytes of a body that no page reads
_log = logging.getLogger(__name__)


class _Page(RequestHandler):
    def initialize(self, model: CrystalModel, batcher: Batcher, token: str, about: dict[str, Any]) -> None:
        self.model, self.batcher, self._token, self.about = model, batcher, token, about
        self._waits: Request | None = None

    def prepare(self) -> None:
        given = self.request.headers.get("Authorization", "").removeprefix("token ")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            self._refuse(403, TargetError("This server asks for its token."))

    def set_default_headers(self) -> None:
        self.clear_header("Server")

    def _refuse(self, status: int, error: XCrystalError) -> None:
        self.set_status(status)
        self.finish(json.dumps({"error": type(error).__name__, "message": str(error)}))

    def on_connection_close(self) -> None:
        super().on_connection_close()  # or what waits for the rest of a body waits for ever
        if self._waits is not None:  # nobody reads what would be computed
            self._waits.give_up()


class _Health(RequestHandler):
    def get(self) -> None:
        self.finish({"status": "ok"})


class _Info(_Page):
    def get(self) -> None:
        self.finish(self.about)


class _Status(_Page):
    def get(self) -> None:
        self.finish(self.batcher.status())


@stream_request_body
class _Ask(_Page):
    """An answer; the body is read only of who knows the token."""

    def initialize(self, model: CrystalModel, batcher: Batcher, token: str, about: dict[str, Any]) -> None:
        super().initialize(model, batcher, token, about)
        self._body = bytearray()

    def prepare(self) -> None:
        super().prepare()
        if self._finished:
            return
        assert isinstance(self.request.connection, HTTP1Connection)
        self.request.connection.set_max_body_size(MOST_BYTES)
        wanted = self.request.headers.get(MODEL, "")
        if wanted and wanted != mark_of(self.about):
            self._refuse(409, ReadError("It has another model."))

    def data_received(self, chunk: bytes) -> None:
        if not self._finished:
            self._body += chunk

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._body = bytearray()  # the rest stays until cycles are collected

    async def post(self, name: str) -> None:
        body, self._body = bytes(self._body), bytearray()
        try:
            asked = read_request(name, *unpack(body), self.model)
            self._waits = self.batcher.submit(asked.kind, asked.items, asked.cost)
            found = await asyncio.wrap_future(self._waits.future)
            answer = write_answer(asked.kind, found)
        except XCrystalError as error:
            return self._refuse(400, error)
        except (Busy, Cancelled, asyncio.CancelledError):
            return self._refuse(503, ReadError("It has too much to do."))
        except Exception:  # noqa: BLE001  (whoever asked is told, and the server goes on)
            _log.exception("A request for %s failed", name)
            return self._refuse(500, ReadError("It has failed."))
        self.set_header("Content-Type", TYPE)
        self.finish(answer)
        return None


def http_server(
    model: CrystalModel,
    batcher: Batcher,
    token: str,
    encrypted: ssl.SSLContext | None = None,
    connections: int = _CONNECTIONS,
) -> HTTPServer:
    """A server that listens nowhere yet, of so many connections at once."""
    given = {"model": model, "batcher": batcher, "token": token, "about": about(model)}
    pages: list[Any] = [
        ("/health", _Health),
        ("/info", _Info, given),
        ("/status", _Status, given),
        (f"/({'|'.join(KINDS)})", _Ask, given),
    ]
    server = _Server(
        Application(pages, log_function=lambda _: None),
        ssl_options=encrypted,
        max_body_size=_UNASKED,
        max_buffer_size=MOST_BYTES,
        body_timeout=_BODY,
        idle_connection_timeout=_IDLE,
    )
    server.most = connections
    return server


class _Server(HTTPServer):
    """Of so many connections at once and no more, or it could not open a file any longer."""

    most: int

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        if len(self._connections) < self.most:
            super().handle_stream(stream, address)
        else:
            stream.close()


def encryption(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """What a server needs for HTTPS.

    Parameters
    ----------
    certificate, key
        Files in the PEM format; without a key, it is in the file of the certificate.

    Raises
    ------
    TargetError
        If they are none, or do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")  # or it would ask at the terminal
    except (OSError, ValueError) as error:
        files = f"{certificate} and {key}" if key else certificate
        raise TargetError(f"{files}: no certificate with its key, in the PEM format ({error}).") from error
    return context


def run_server(
    model: CrystalModel,
    token: str,
    ip: str = "127.0.0.1",
    port: int = 8765,
    largest: int = 64,
    wait: float = 0.003,
    encrypted: ssl.SSLContext | None = None,
    started: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve a model until SIGINT or SIGTERM.

    Parameters
    ----------
    model
        Not a served one.
    token
        What clients have to know.
    ip, port
        Where to listen; port 0 picks a free one.
    largest, wait
        Of a batch: crystals, and seconds that it waits for others at most.
    encrypted
        Of ``encryption``; without it whoever can listen to the network can read what is sent.
    started
        Called with the address.

    Raises
    ------
    TargetError
        If the port is taken, or there is no such address.
    """
    try:
        sockets = bind_sockets(port, ip)
    except OSError as error:
        raise TargetError(f"No server can listen at {ip}, port {port}: {error.strerror or error}.") from error
    asyncio.run(_serve(model, token, sockets, Batcher(partial(compute, model), largest, wait), encrypted, started))


async def _serve(
    model: CrystalModel,
    token: str,
    sockets: list[Any],
    batcher: Batcher,
    encrypted: ssl.SSLContext | None,
    started: Callable[[str], None],
) -> None:
    server = http_server(model, batcher, token, encrypted, most_connections())
    server.add_sockets(sockets)
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, ended.set)
        except NotImplementedError:  # on Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(ended.set))
    host, listening = sockets[0].getsockname()[:2]
    started(f"{'https' if encrypted else 'http'}://{f'[{host}]' if ':' in host else host}:{listening}")
    await ended.wait()
    server.stop()
    batcher.close()
    await server.close_all_connections()


def most_connections() -> int:
    """How many connections there may be, after the process was allowed to have as many files open as it can be."""
    try:
        import resource
    except ImportError:  # on Windows, which has no such limit
        return _CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + _FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return _CONNECTIONS if soft == resource.RLIM_INFINITY else max(min(_CONNECTIONS, soft - _FILES), 1)
