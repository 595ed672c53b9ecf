"""Requests are served newest first, and one that fails harms no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from xcrystal.explorer.worker import Worker


class Recorder:
    def __init__(self) -> None:
        self.calls, self.errors, self.idle = 0, list[Exception](), threading.Event()

    def on_idle(self) -> None:
        self.calls += 1
        self.idle.set()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def worker(recorder: Recorder) -> Iterator[Worker]:
    worker = Worker(recorder.on_idle, recorder.errors.append)
    yield worker
    worker.close()


def test_a_newer_request_replaces_one_that_waits(worker: Worker, recorder: Recorder) -> None:
    gate, served = threading.Event(), list[int]()

    def serve(k: int) -> Callable[[], None]:
        return lambda: served.append(k)

    worker.submit("first", gate.wait)
    for k in range(100):
        worker.submit("slider", serve(k))
    worker.submit("other", serve(-1))
    gate.set()
    assert recorder.idle.wait(5)
    assert served == [99, -1]


def test_idle_is_called_once_after_requests_and_not_before(worker: Worker, recorder: Recorder) -> None:
    time.sleep(0.5)
    assert recorder.calls == 0
    worker.submit("a", lambda: None)
    assert recorder.idle.wait(5)
    time.sleep(0.5)
    assert recorder.calls == 1


def test_what_is_asked_for_later_lets_others_go_first_and_comes_before_idle(worker: Worker, recorder: Recorder) -> None:
    served = list[str]()
    worker.submit("later", lambda: served.append("later"), after=0.1)
    worker.submit("now", lambda: served.append("now"))
    assert recorder.idle.wait(5)
    assert served == ["now", "later"]


def test_what_is_asked_for_later_begins_no_sooner(worker: Worker) -> None:
    begun = list[float]()
    asked = time.monotonic()
    worker.submit("later", lambda: begun.append(time.monotonic()), after=0.2)
    time.sleep(0.6)
    assert begun
    assert begun[0] - asked >= 0.2


def test_after_an_error_the_worker_goes_on(worker: Worker, recorder: Recorder) -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    served = threading.Event()
    worker.submit("bad", fail)
    worker.submit("good", served.set)
    assert served.wait(5)
    assert [str(e) for e in recorder.errors] == ["broken"]


def test_the_worker_outlives_an_error_that_cannot_be_reported(recorder: Recorder) -> None:
    def fail(error: Exception | None = None) -> None:
        raise RuntimeError("broken")

    worker, served = Worker(recorder.on_idle, fail), threading.Event()
    worker.submit("bad", fail)
    assert recorder.idle.wait(5)
    worker.submit("good", served.set)
    assert served.wait(5)
    worker.close()


def test_closing_ends_the_thread(recorder: Recorder) -> None:
    before = set(threading.enumerate())
    worker = Worker(recorder.on_idle, recorder.errors.append)
    (thread,) = set(threading.enumerate()) - before
    worker.close()
    thread.join(5)
    assert not thread.is_alive()
