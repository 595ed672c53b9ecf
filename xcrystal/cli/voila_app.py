"""Voilà as ``xcrystal serve`` runs it: with a limit to its visitors, and nothing let in that makes it loop."""

from __future__ import annotations

import asyncio
import gc
import math
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from tornado import web
from traitlets import Int
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

PROTOCOL = "v1.kernel.websocket.jupyter.org"  # of the messages between a page and its kernel
AWAY = 120.0  # seconds without a page after which a kernel may be ended for somebody else
_FULL = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Crystal Explorer</title></head>
<body style="font-family: system-ui, sans-serif; margin: 15vh auto; max-width: 34em; padding: 0 1em; line-height: 1.5">
<h1 style="font-size: 1.4em">All places are taken</h1>
<p>As many people as there is room for ({most}) explore here at the moment. Please come back in a few minutes: who
leaves{idle} makes room.</p>
</body>
</html>
"""


@dataclass(eq=False)
class Visit:
    """Somebody who asks for the page, and the kernel that they are given."""

    kernel: str | None = None


class Visits:
    """How many people have a kernel, or are about to get one.

    Parameters
    ----------
    most
        So many may.
    away
        Seconds after which a kernel whose page is gone, or was never shown in a browser, is ended for who asks next.
    """

    def __init__(self, most: int, away: float = AWAY) -> None:
        self.most, self.away = most, away
        self._given: set[str] = set()  # kernels
        self._alone: dict[str, float] = {}  # those of them that no page is connected to, and since when
        self._arriving: set[Visit] = set()  # who have no kernel yet
        self._visit: ContextVar[Visit] = ContextVar("visit")
        self._ending: set[asyncio.Task[Any]] = set()

    def watch(self, manager: Any) -> None:
        """Hear of the kernels that Voilà's manager gives to pages: started for one, or of those that wait for one."""
        start, take, end = manager.start_kernel, manager.get_rendered_notebook, manager.shutdown_kernel
        connect, disconnect = manager.notify_connect, manager.notify_disconnect

        async def start_kernel(*args: Any, **options: Any) -> str:
            kernel: str = await start(*args, **options)
            if options.get("env", {}).get("VOILA_PREHEAT") != "True":
                self._give(manager, kernel)
            return kernel

        async def get_rendered_notebook(*args: Any, **options: Any) -> Any:
            found = await take(*args, **options)
            self._give(manager, found[2])
            return found

        async def shutdown_kernel(kernel: str, *args: Any, **options: Any) -> Any:
            self._forget(kernel)  # who reloads the page need not wait until it has ended
            ended = await end(kernel, *args, **options)
            gc.collect()  # a page is some 10 MB in cycles, of which dozens would wait for the next full collection
            return ended

        def notify_connect(kernel: str) -> None:
            connect(kernel)
            self._alone.pop(kernel, None)

        def notify_disconnect(kernel: str) -> None:
            disconnect(kernel)
            if kernel in self._given and not manager._kernel_connections.get(kernel):
                self._alone[kernel] = monotonic()

        manager.start_kernel, manager.get_rendered_notebook = start_kernel, get_rendered_notebook
        manager.shutdown_kernel = shutdown_kernel
        manager.notify_connect, manager.notify_disconnect = notify_connect, notify_disconnect

    def _give(self, manager: Any, kernel: str) -> None:
        manager.get_kernel(kernel).last_activity = datetime.now(UTC)  # or it is ended for how long it waited
        self._given.add(kernel)
        visit = self._visit.get(None)
        if visit is not None:
            visit.kernel = kernel
            self._arriving.discard(visit)
        self._alone[kernel] = math.inf  # until the page is there

    def _forget(self, kernel: str) -> None:
        self._given.discard(kernel)
        self._alone.pop(kernel, None)

    def arrive(self, manager: Any) -> Visit | None:
        """A new visit, which has to leave once its page is there; None if there is no room for one."""
        for kernel in self._given - set(manager.list_kernel_ids()):
            self._forget(kernel)
        if len(self._given) + len(self._arriving) >= self.most and not self._end_one(manager):
            return None
        visit = Visit()
        self._arriving.add(visit)
        self._visit.set(visit)
        return visit

    def _end_one(self, manager: Any) -> bool:
        """End the kernel that has been without a page for longest, if it has been for long enough."""
        kernel = min(self._alone, key=self._alone.__getitem__, default=None)
        if kernel is None or monotonic() - self._alone[kernel] < self.away:
            return False
        self._forget(kernel)
        ending = asyncio.ensure_future(manager.shutdown_kernel(kernel))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return True

    def leave(self, visit: Visit) -> None:
        """The page of a visit is there, or has failed; its kernel, if there is one, counts as long as it runs."""
        self._arriving.discard(visit)
        if visit.kernel in self._alone:
            self._alone[visit.kernel] = monotonic()


class PageHandler(TornadoVoilaHandler):
    """The page, or in place of it one that says that there is no room."""

    @web.authenticated
    async def get(self, path: str | None = None) -> None:
        if path:  # of a file, which needs no kernel
            await super().get(path)
            return
        self.xsrf_token  # noqa: B018  sets the cookie with which the page may end its kernel
        self.request.query, self.request.uri = "", self.request.path  # with the token, which kernels would be told
        visits: Visits = self.settings["visits"]
        visit = visits.arrive(self.kernel_manager)
        if visit is None:
            self.set_status(503)
            self.set_header("Retry-After", f"{visits.away:.0f}")
            minutes = self.kernel_manager.cull_idle_timeout / 60
            idle = f", or does nothing for {minutes:.0f} minutes," if minutes >= 1 else ""
            self.finish(_FULL.format(most=visits.most, idle=idle))
            return
        try:
            await super().get(path)
        finally:
            visits.leave(visit)
            RequestInfoSocketHandler._cache.clear()  # of what a page was asked for, which no kernel asks


class ChannelsHandler(VoilaKernelWebsocketHandler):
    """The messages of a page and its kernel, in the one protocol that both speak.

    Voilà 0.5.13 answers who names none in an endless loop that grows.
    """

    async def pre_get(self) -> None:
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in (name.strip() for name in offered.split(",")):
            raise web.HTTPError(400, f"The protocol of this socket is {PROTOCOL}.")
        await super().pre_get()


_OURS = {TornadoVoilaHandler: PageHandler, VoilaKernelWebsocketHandler: ChannelsHandler}
_LEFT_OUT = RequestInfoSocketHandler  # lets in everybody


class Served(Voila):
    """Voilà with these handlers in place of its own."""

    visitors = Int(8, help="How many people may have a kernel at the same time.").tag(config=True)

    def init_settings(self) -> dict[str, Any]:
        gc.freeze()  # what is there now stays, and need not be looked through after each visit
        settings: dict[str, Any] = super().init_settings()
        visits = Visits(self.visitors)
        visits.watch(self.kernel_manager)
        return settings | {"visits": visits}

    def init_handlers(self) -> list[Any]:
        found = [
            (pattern, _OURS.get(handler, handler), *more)
            for pattern, handler, *more in super().init_handlers()
            if handler is not _LEFT_OUT
        ]
        replaced = {handler for _, handler, *_ in found}
        missing = [ours.__name__ for ours in _OURS.values() if ours not in replaced]
        if missing:
            raise RuntimeError(f"This release of Voilà has no place for {', '.join(missing)}: see voila_app.py.")
        return found
