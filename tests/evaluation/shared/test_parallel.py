"""Work shared by processes."""

from __future__ import annotations

import math
import os

from xcrystal.evaluation.shared.parallel import Workers, workers_of


def process_of(_: int) -> int:
    return os.getpid()


def test_results_come_in_order_from_any_number_of_processes() -> None:
    items = list(range(60))
    assert Workers().map(math.sqrt, items, "roots") == [math.sqrt(i) for i in items]
    with workers_of(2) as pool:
        assert pool.map(math.sqrt, items, "roots") == [math.sqrt(i) for i in items]
        assert os.getpid() not in pool.map(process_of, items, "processes")
        assert set(pool.map(process_of, items[:3], "processes")) == {os.getpid()}
        assert pool.map(math.sqrt, [], "nothing") == []
    with workers_of(1) as alone:
        assert set(alone.map(process_of, items, "processes")) == {os.getpid()}
