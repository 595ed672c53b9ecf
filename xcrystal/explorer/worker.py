"""One thread that does what users ask for, newest first wins, so that a dragged slider never builds a backlog."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable, Hashable

IDLE_AFTER = 0.3  # seconds without a request
_PATIENCE = 10.0  # seconds that the end of the interpreter waits for what has begun
_log = logging.getLogger(__name__)
_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


class Worker:
    """Runs requests one after another, away from the thread that receives messages.

    A request replaces one with the same key that has not begun, and takes its place in the queue.

    Parameters
    ----------
    on_idle
        Called when nothing was asked for ``IDLE_AFTER`` seconds after a request.
    on_error
        Called with what a request raised; the worker goes on.
    """

    def __init__(self, on_idle: Callable[[], None], on_error: Callable[[Exception], None]) -> None:
        self._on_idle, self._on_error = on_idle, on_error
        self._waiting: dict[Hashable, tuple[float, Callable[[], None]]] = {}  # when at the earliest, and what
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="xcrystal-explorer", daemon=True)
        self._thread.start()
        if not _workers:
            atexit.unregister(_end_all)
            atexit.register(_end_all)
        _workers.add(self)

    def submit(self, key: Hashable, request: Callable[[], None], after: float = 0.0) -> None:
        """Ask for something; returns at once.

        Parameters
        ----------
        key
            What is replaced by it, if it has not begun.
        request
            What to do.
        after
            Seconds before which it does not begin; what is asked for in between goes first.
        """
        with self._changed:
            self._waiting[key] = time.monotonic() + after, request
            self._changed.notify()

    def has_requests(self) -> bool:
        """Whether something waits for what is done now; long work that nobody asked for then ends early."""
        return self._closed or bool(self._waiting)

    def close(self) -> None:
        """Forget what waits and end the thread."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()

    def _run(self) -> None:
        idle = True
        while True:
            with self._changed:
                key = self._next(None if idle else IDLE_AFTER)
                if self._closed:
                    return
                request = self._on_idle if key is None else self._waiting.pop(key)[1]
            idle = key is None
            try:
                request()
            except Exception as error:  # noqa: BLE001  (one bad request must not end the explorer)
                self._complain(error)

    def _next(self, patience: float | None) -> Hashable | None:
        """Wait for a request that may begin, and return its key; None if nothing was there for so many seconds."""
        end = None if patience is None else time.monotonic() + patience
        while not self._closed:
            now = time.monotonic()
            ready = next((key for key, (earliest, _) in self._waiting.items() if earliest <= now), None)
            if ready is not None:
                return ready
            until = min((earliest for earliest, _ in self._waiting.values()), default=end)
            if until is not None and until <= now:
                return None
            self._changed.wait(None if until is None else until - now)
        return None

    def _complain(self, error: Exception) -> None:
        try:
            self._on_error(error)
        except Exception:  # noqa: BLE001  (the thread must live as long as the explorer)
            _log.exception("An error of the explorer could not be shown: %r", error)


def _end_all() -> None:
    """Let what has begun come to its end: a thread that computes while the interpreter ends brings the process down."""
    workers = list(_workers)
    for worker in workers:
        worker.close()
    for worker in workers:
        worker._thread.join(_PATIENCE)
