"""The model server's page: tornado, which every JupyterLab has, with a token and bounded bodies.

``GET /health`` says whether it runs, ``GET /info`` which model it has, and ``POST /encode``, ``/decode``, ``/predict``,
``/explain`` and ``/sample`` answer messages of ``xcrystal.served.wire``.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, stream_request_body

from xcrystal.errors import ReadError, TargetError, XCrystalError
from xcrystal.generator import CrystalModel
from xcrystal.model_server.answers import KINDS, about, compute, read_request, write_answer
from xcrystal.model_server.batching import Batcher, Busy, Cancelled, Request
from xcrystal.served.connection import MODEL, mark_of
from xcrystal.served.wire import MOST_BYTES, TYPE, unpack

_BODY, _IDLE = 60.0, 300.0  # seconds that a body may take, and that a connection may stay open without a request
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
        if self._waits is not None:  # nobody reads what would be computed
            self._waits.give_up()


class _Health(RequestHandler):
    def get(self) -> None:
        self.finish({"status": "ok"})


class _Info(_Page):
    def get(self) -> None:
        counts = {"requests": self.batcher.requests, "batches": self.batcher.batches}
        self.finish(self.about | counts)


@stream_request_body
class _Ask(_Page):
    """An answer; the body is read only of who knows the token."""

    def initialize(self, model: CrystalModel, batcher: Batcher, token: str, about: dict[str, Any]) -> None:
        super().initialize(model, batcher, token, about)
        self._body = bytearray()

    def prepare(self) -> None:
        super().prepare()
        wanted = self.request.headers.get(MODEL, "")
        if not self._finished and wanted and wanted != mark_of(self.about):
            self._refuse(409, ReadError("It has another model."))

    def data_received(self, chunk: bytes) -> None:
        if not self._finished:
            self._body += chunk

    async def post(self, name: str) -> None:
        try:
            asked = read_request(name, *unpack(bytes(self._body)), self.model)
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


def application(model: CrystalModel, batcher: Batcher, token: str) -> Application:
    """The pages of a server."""
    given = {"model": model, "batcher": batcher, "token": token, "about": about(model)}
    pages: list[Any] = [("/health", _Health), ("/info", _Info, given), (f"/({'|'.join(KINDS)})", _Ask, given)]
    return Application(pages, log_function=lambda _: None)


def run_server(
    model: CrystalModel,
    token: str,
    ip: str = "127.0.0.1",
    port: int = 8765,
    largest: int = 64,
    wait: float = 0.003,
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
    asyncio.run(_serve(model, token, sockets, largest, wait, started))


async def _serve(
    model: CrystalModel, token: str, sockets: list[Any], largest: int, wait: float, started: Callable[[str], None]
) -> None:
    batcher = Batcher(partial(compute, model), largest, wait)
    server = HTTPServer(
        application(model, batcher, token),
        max_body_size=MOST_BYTES,
        max_buffer_size=MOST_BYTES,
        body_timeout=_BODY,
        idle_connection_timeout=_IDLE,
    )
    server.add_sockets(sockets)
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, ended.set)
        except NotImplementedError:  # on Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(ended.set))
    host, listening = sockets[0].getsockname()[:2]
    started(f"http://{f'[{host}]' if ':' in host else host}:{listening}")
    await ended.wait()
    server.stop()
    batcher.close()
    await server.close_all_connections()
