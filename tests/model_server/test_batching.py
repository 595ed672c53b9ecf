"""The queue of a model server: what waits together is computed together, and nobody waits for long work of others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from xcrystal.errors import ReadError
from xcrystal.model_server.batching import Batcher, Busy, Cancelled


class Work:
    """Doubles numbers, refuses negative ones, and remembers in which batches they came."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.error: type[Exception] = ReadError
        self.go, self.begun = threading.Event(), threading.Event()

    def __call__(self, kind: str, items: list[int], on_step: Callable[[], None]) -> list[Any]:
        self.batches.append((kind, items))
        if kind == "held":
            self.begun.set()
            assert self.go.wait(20)
        if kind == "long":
            self.begun.set()
            while not self.go.is_set():
                on_step()
                time.sleep(0.001)
        if min(items) < 0:
            raise self.error("negative")
        return [2 * item for item in items]


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.go.set()


@pytest.fixture
def batcher(work: Work) -> Iterator[Batcher]:
    made = Batcher(work, largest=8, waiting=30)
    yield made
    work.go.set()
    made.close()


def test_what_waits_is_computed_together_up_to_the_largest_batch(work: Work, batcher: Batcher) -> None:
    held = batcher.submit("held", [0])
    work.begun.wait(20)
    asked = [batcher.submit("a", [3 * k, 3 * k + 1, 3 * k + 2]) for k in range(3)]
    other = batcher.submit("b", [7])
    work.go.set()
    assert [request.future.result(20) for request in asked] == [[0, 2, 4], [6, 8, 10], [12, 14, 16]]
    assert (held.future.result(20), other.future.result(20)) == ([0], [14])
    assert [items for kind, items in work.batches if kind == "a"] == [[0, 1, 2, 3, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize("error", [ReadError, RuntimeError])
def test_a_wrong_request_spoils_no_other(work: Work, batcher: Batcher, error: type[Exception]) -> None:
    work.error = error
    batcher.submit("held", [0])
    work.begun.wait(20)
    asked = [batcher.submit("a", [k]) for k in (1, -1, 2)]
    work.go.set()
    assert [asked[k].future.result(20) for k in (0, 2)] == [[2], [4]]
    with pytest.raises(error, match="negative"):
        asked[1].future.result(20)


def test_the_cheapest_come_first(work: Work, batcher: Batcher) -> None:
    batcher.submit("held", [0])
    work.begun.wait(20)
    asked = [batcher.submit(kind, [1], cost) for kind, cost in (("slow", 5), ("quick", 0), ("middle", 2))]
    work.go.set()
    for request in asked:
        request.future.result(20)
    assert [kind for kind, _ in work.batches] == ["held", "quick", "middle", "slow"]


def test_between_the_steps_of_long_work_cheaper_requests_are_answered(work: Work, batcher: Batcher) -> None:
    long = batcher.submit("long", [1], cost=5)
    work.begun.wait(20)
    assert batcher.submit("quick", [4], cost=1).future.result(20) == [8]
    assert not long.future.done()
    work.go.set()
    assert long.future.result(20) == [2]


def test_work_that_nobody_waits_for_ends(work: Work, batcher: Batcher) -> None:
    long = batcher.submit("long", [1], cost=5)
    work.begun.wait(20)
    waiting = batcher.submit("later", [1], cost=6)
    waiting.give_up()
    long.give_up()
    with pytest.raises(Cancelled):
        long.future.result(20)
    assert batcher.submit("next", [1]).future.result(20) == [2]
    assert "later" not in [kind for kind, _ in work.batches]


def test_it_tells_what_it_has_done_and_what_waits(work: Work, batcher: Batcher) -> None:
    held = batcher.submit("held", [0])
    work.begun.wait(20)
    asked = [batcher.submit(kind, [1, 2], cost) for kind, cost in (("a", 0), ("a", 0), ("a", 1), (3, 0))]
    said = batcher.status()
    assert said["waiting"] == {"str": 3, "int": 1}
    assert (said["requests"], said["batches"]) == (1, 1)
    work.go.set()
    for request in (held, *asked):
        request.future.result(20)
    said = batcher.status()
    assert said["waiting"] == {}
    assert (said["requests"], said["batches"], said["requests_a_batch"]) == (5, 4, 1.25)


def test_too_many_are_refused(work: Work, batcher: Batcher) -> None:
    batcher.submit("held", [0])
    work.begun.wait(20)
    for _ in range(30):
        batcher.submit("a", [1])
    with pytest.raises(Busy):
        batcher.submit("a", [1])


def test_only_after_a_batch_of_several_does_one_wait(work: Work) -> None:
    batcher = Batcher(work, wait=30)
    for _ in range(3):
        batcher.submit("a", [1]).future.result(20)  # a client that is alone does not wait
    batcher.submit("held", [0])
    work.begun.wait(20)
    asked = [batcher.submit("a", [k]) for k in range(2)]
    work.go.set()
    [request.future.result(20) for request in asked]
    first = batcher.submit("a", [1])
    time.sleep(0.05)
    second = batcher.submit("a", [2])
    # it begins once there are as many as last time
    assert (first.future.result(20), second.future.result(20)) == ([2], [4])
    assert work.batches[-1] == ("a", [1, 2])
    batcher.close()


def test_who_waits_long_comes_before_quicker_ones(work: Work, batcher: Batcher) -> None:
    batcher.submit("held", [0])
    work.begun.wait(20)
    slow = batcher.submit("slow", [1], cost=2)
    slow.came -= 10.0  # seconds that it has waited
    quick = batcher.submit("quick", [1], cost=0)
    work.go.set()
    assert slow.future.result(20) == quick.future.result(20) == [2]
    assert [kind for kind, _ in work.batches] == ["held", "slow", "quick"]
