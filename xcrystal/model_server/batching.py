"""Requests of many clients, computed together: one thread, a queue for each kind of request, the quickest kinds first.

Requests of one kind that wait are taken as one batch. Where the last batch had several, the next waits a few
milliseconds for as many; a client that is alone never waits. Between the steps of a long search, quicker requests are
computed, so that nobody's slider waits for somebody else's search.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

Compute = Callable[[Any, list[Any], Callable[[], None]], Sequence[Any]]


_AGING = 0.5  # seconds of waiting that make up for one step of cost


class Cancelled(Exception):
    """Of a batch that nobody waits for any more."""


class Busy(Exception):
    """Of a request beyond those that may wait."""


@dataclass(eq=False)
class Request:
    """Items of one kind, such as latent vectors to be decoded, and what will be known of each."""

    kind: Hashable
    items: Sequence[Any]
    cost: int
    future: Future[list[Any]] = field(default_factory=Future)
    came: float = field(default_factory=time.monotonic)
    unwanted: bool = False

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        self.unwanted = True
        self.future.cancel()


class Batcher:
    """Computes requests in batches, in a thread of its own.

    Parameters
    ----------
    compute
        A kind, the items of a batch and what to call between steps, to what is known of each item.
    largest
        Items of a batch; a single request may have more.
    wait
        Seconds that a batch waits for others at most.
    waiting
        Requests that may wait; beyond these they are refused.
    """

    def __init__(self, compute: Compute, largest: int = 64, wait: float = 0.003, waiting: int = 1000) -> None:
        self._compute, self._largest, self._wait, self._most = compute, largest, wait, waiting
        self._queues: dict[tuple[Hashable, int], deque[Request]] = {}  # of each kind and cost
        self._last: dict[tuple[Hashable, int], int] = {}  # requests in the last batch
        self._changed = threading.Condition()
        self._closed = False
        self.batches = self.requests = 0
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="xcrystal-model-server", daemon=True)
        self._thread.start()

    def submit(self, kind: Hashable, items: Sequence[Any], cost: int = 0) -> Request:
        """Ask for items of a kind; those of a lower cost are computed first, but nobody waits for ever.

        Raises
        ------
        Busy
            If too many wait already.
        """
        request = Request(kind, items, cost)
        with self._changed:
            if self._closed or sum(map(len, self._queues.values())) >= self._most:
                raise Busy
            self._queues.setdefault((kind, cost), deque()).append(request)
            self._changed.notify()
        return request

    def status(self) -> dict[str, Any]:
        """What it has done and has to do, in JSON types; of what waits the number of requests of each kind."""
        waiting: dict[str, int] = {}
        with self._changed:
            for (kind, _), queue in self._queues.items():
                name = type(kind).__name__.lower()
                waiting[name] = waiting.get(name, 0) + len(queue)
        return {
            "seconds": round(time.monotonic() - self._began),
            "requests": self.requests,
            "batches": self.batches,
            "requests_a_batch": round(self.requests / max(self.batches, 1), 2),
            "waiting": waiting,
        }

    def close(self) -> None:
        """End the thread after what it computes; who still waits gets a CancelledError."""
        with self._changed:
            self._closed = True
            for queue in self._queues.values():
                for request in queue:
                    request.future.cancel()
            self._queues.clear()
            self._changed.notify()
        self._thread.join(10.0)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queues and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                batch = self._next()
            if batch:
                self._answer(batch)

    def _next(self, below: int | None = None, patient: bool = True) -> list[Request]:
        """The batch to compute now, its requests taken from their queue; of kinds ``below`` a cost, if one is given."""
        ready = [queue for queue in self._queues.values() if below is None or queue[0].cost < below]
        if not ready:
            return []
        now = time.monotonic()
        queue = min(ready, key=lambda queue: (queue[0].cost - int((now - queue[0].came) / _AGING), queue[0].came))
        kind = queue[0].kind, queue[0].cost
        end = queue[0].came + self._wait
        while patient and len(queue) < self._last.get(kind, 1) and not self._closed:
            if not self._changed.wait(end - time.monotonic()) or time.monotonic() >= end:
                break
        batch: list[Request] = []
        size = 0
        while queue and (not batch or size + len(queue[0].items) <= self._largest):
            batch.append(queue.popleft())
            size += len(batch[-1].items)
        if not queue:
            self._queues.pop(kind, None)
        self._last[kind] = min(len(batch), self._largest)
        if len(self._last) > 1000:  # kinds have numbers in them
            self._last.clear()
        return batch

    def _answer(self, batch: list[Request]) -> None:
        batch = [request for request in batch if request.future.set_running_or_notify_cancel()]
        if not batch:
            return
        self.batches += 1
        self.requests += len(batch)

        def on_step() -> None:
            if self._closed or all(request.unwanted for request in batch):
                raise Cancelled
            with self._changed:
                quicker = self._next(batch[0].cost, patient=False)
            if quicker:  # one batch at a step, or a search would never end while others drag
                self._answer(quicker)

        try:
            found = list(self._compute(batch[0].kind, [item for r in batch for item in r.items], on_step))
        except Exception as error:  # noqa: BLE001  (whatever it is, the thread goes on, and who asked is told)
            if len(batch) == 1 or isinstance(error, Cancelled):
                for request in batch:
                    request.future.set_exception(error)
                return
            for request in batch:  # one of them is wrong; the others are not
                self._alone(request, on_step)
            return
        begin = 0
        for request in batch:
            end = begin + len(request.items)
            request.future.set_result(found[begin:end])
            begin = end

    def _alone(self, request: Request, on_step: Callable[[], None]) -> None:
        try:
            request.future.set_result(list(self._compute(request.kind, list(request.items), on_step)))
        except Exception as error:  # noqa: BLE001
            request.future.set_exception(error)
