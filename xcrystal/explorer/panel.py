"""A part of the explorer that its own script draws: it shows one dictionary, and receives what a user does as acts.

One widget a panel, instead of three for every button, keeps opening fast and the memory of the browser flat.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.resources import files
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.worker import Worker

_EACH = frozenset({"undo", "redo", "wander", "surprise", "swap"})  # relative to what was before
_numbers = count()


def script(name: str) -> str:
    """The built script of a widget, from ``extension/src/widgets``."""
    return _built(f"{name}.js")


def style(name: str) -> str:
    """The built style sheet of a widget."""
    return _built(f"{name}.css")


def _built(name: str) -> str:
    try:
        return (files("xcrystal.explorer") / "static" / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(f"The widget {name} is not built: run `make setup` in this checkout.") from None


class Panel(anywidget.AnyWidget):
    """A view of a session, drawn by a script.

    Subclasses set ``_esm`` and ``_css``, name the ``events`` after which they are to be drawn anew, and give
    ``describe`` and ``act``. The act "stop" ends what takes long, whatever panel it comes from.

    Attributes
    ----------
    pace
        Seconds between two drawings during a drag, so that numbers that nobody can read so fast do not hold up the
        crystal; when idle all is drawn at once.
    state
        What the script draws; plain JSON. ``state["answered"]`` counts the acts that have been done.
    """

    events: ClassVar[frozenset[str]] = frozenset()
    pace: ClassVar[float] = 0.25
    state: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    _unsubscribe: Callable[[], object] = staticmethod(lambda: None)

    def __init__(self, session: Session, worker: Worker) -> None:
        self.session, self.worker = session, worker
        self._answered, self._drawn_at, self._late = 0, 0.0, False
        super().__init__(state={**self.describe(), "answered": 0})
        self.on_msg(self._receive)
        self._unsubscribe = session.subscribe(self._on_event)

    def describe(self) -> dict[str, Any]:
        """What is to be drawn now."""
        raise NotImplementedError

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Do what the script asks for, in the worker's thread."""
        raise NotImplementedError

    def offer(self, name: str, kind: str, content: bytes) -> None:
        """Let the browser save a file; ``kind`` is its media type."""
        self.send({"type": "download", "name": name, "kind": kind}, buffers=[content])

    def refresh(self) -> None:
        """Draw anew."""
        self.state = {**self.describe(), "answered": self._answered}

    def close(self) -> None:
        """End listening to the session."""
        self._unsubscribe()
        super().close()

    def _on_event(self, event: str) -> None:
        moving = not self.session.idle
        if event in self.events:
            now = time.monotonic()
            self._late = moving and now - self._drawn_at < self.pace
            if not self._late:
                # the first change of a movement is drawn at once: what was said of the last crystal must go
                self._drawn_at = now if moving else 0.0
                self.refresh()
        elif self._late and not moving:
            self._late = False
            self.refresh()

    def _receive(self, _: Any, message: Any, buffers: Any) -> None:
        if not isinstance(message, dict) or not isinstance(message.get("act"), str):
            return
        if message["act"] == "stop":
            self.session.stop()  # at once: the worker is busy with what is to be stopped
            return
        # the newest message of a kind wins, such as the newest place of one slider; but each step counts
        number = next(_numbers) if message["act"] in _EACH else None
        key = (type(self).__name__, message["act"], str(message.get("key")), number)
        self.worker.submit(key, lambda: self._answer(message, buffers))

    def _answer(self, message: dict[str, Any], buffers: Any) -> None:
        self._answered += 1
        try:
            self.act(message, list(buffers or ()))
        finally:
            if self.state.get("answered") != self._answered:
                self.refresh()
