"""Voilà as ``xcrystal serve`` runs it: with a limit to its visitors, and nothing let in that makes it loop."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from tornado import web
from traitlets import Int
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

PROTOCOL = "v1.kernel.websocket.jupyter.org"  # of the messages between a page and its kernel
_FULL = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Crystal Explorer</title></head>
<body style="font-family: system-ui, sans-serif; margin: 15vh auto; max-width: 34em; padding: 0 1em; line-height: 1.5">
<h1 style="font-size: 1.4em">All places are taken</h1>
<p>As many people as there is room for ({most}) explore here at the moment. Please come back in a few minutes: who
leaves, or does nothing for a while, makes room.</p>
</body>
</html>
"""


class Visits:
    """How many people have a kernel, or are about to get one."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._given: set[str] = set()  # kernels
        self._arriving: set[object] = set()  # visits that have none yet
        self._visit: ContextVar[object] = ContextVar("visit")

    def watch(self, manager: Any) -> None:
        """Hear of the kernels that Voilà's manager gives to pages: started for one, or of those that wait for one."""
        start, take = manager.start_kernel, manager.get_rendered_notebook

        async def start_kernel(*args: Any, **options: Any) -> str:
            kernel: str = await start(*args, **options)
            if options.get("env", {}).get("VOILA_PREHEAT") != "True":
                self._give(kernel)
            return kernel

        async def get_rendered_notebook(*args: Any, **options: Any) -> Any:
            found = await take(*args, **options)
            self._give(found[2])
            return found

        manager.start_kernel, manager.get_rendered_notebook = start_kernel, get_rendered_notebook

    def _give(self, kernel: str) -> None:
        self._given.add(kernel)
        self._arriving.discard(self._visit.get(None))

    def arrive(self, manager: Any) -> object | None:
        """A new visit, which has to leave once its page is there; None if there is no room for one."""
        self._given.intersection_update(manager.list_kernel_ids())  # others have ended
        if len(self._given) + len(self._arriving) >= self.most:
            return None
        visit = object()
        self._arriving.add(visit)
        self._visit.set(visit)
        return visit

    def leave(self, visit: object) -> None:
        """The page of a visit is there, or has failed; its kernel, if there is one, counts as long as it runs."""
        self._arriving.discard(visit)


class PageHandler(TornadoVoilaHandler):
    """The page, or in place of it one that says that there is no room."""

    @web.authenticated
    async def get(self, path: str | None = None) -> None:
        if path:  # of a file, which needs no kernel
            await super().get(path)
            return
        visits: Visits = self.settings["visits"]
        visit = visits.arrive(self.kernel_manager)
        if visit is None:
            self.set_status(503)
            self.set_header("Retry-After", "300")
            self.finish(_FULL.format(most=visits.most))
            return
        try:
            await super().get(path)
        finally:
            visits.leave(visit)


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


class Served(Voila):
    """Voilà with these handlers in place of its own."""

    visitors = Int(8, help="How many people may have a kernel at the same time.").tag(config=True)

    def init_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = super().init_settings()
        visits = Visits(self.visitors)
        visits.watch(self.kernel_manager)
        return settings | {"visits": visits}

    def init_handlers(self) -> list[Any]:
        found = [(pattern, _OURS.get(handler, handler), *more) for pattern, handler, *more in super().init_handlers()]
        replaced = {handler for _, handler, *_ in found}
        missing = [ours.__name__ for ours in _OURS.values() if ours not in replaced]
        if missing:
            raise RuntimeError(f"This release of Voilà has no place for {', '.join(missing)}: see voila_app.py.")
        return found
