"""Long requests are computed in turns: others come in between, the answer is the same, and who hangs up ends them."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from tests.crystals import CRYSTALS
from tests.served.serving import TOKEN, served_here
from xcrystal.explanation.batches import in_parts, score_crystals
from xcrystal.generator import CrystalModel
from xcrystal.model_server.answers import TURNS, Asked, Decode, Encode, Explain, Kind, Sample, compute, read_request
from xcrystal.model_server.batching import Batcher, Cancelled
from xcrystal.served.wire import pack, unpack, write_records

SEVERAL = (list(CRYSTALS.values()) * 5)[:40]
SALIENCY = {"target": "band_gap", "method": "saliency", "level": "orbits", "baseline": "mean_element", "seed": 0}


def asked(model: CrystalModel, name: str, message: dict[str, Any], arrays: dict[str, np.ndarray]) -> Asked:
    """A request as it comes through the network."""
    return read_request(name, *unpack(pack(message, arrays)), model)


def explanation(model: CrystalModel, count: int) -> Asked:
    return asked(model, "explain", SALIENCY, write_records(SEVERAL[:count])[1])


@pytest.mark.parametrize(
    ("count", "most", "lengths"), [(0, 4, []), (1, 4, [1]), (4, 4, [4]), (5, 4, [2, 3]), (9, 4, [3, 3, 3])]
)
def test_parts_are_of_nearly_the_same_length(count: int, most: int, lengths: list[int]) -> None:
    parts = in_parts(range(count), most)
    assert [len(part) for part in parts] == lengths
    assert [item for part in parts for item in part] == list(range(count))


def test_a_request_of_several_turns_gives_what_one_call_gives(model: CrystalModel) -> None:
    steps: list[int] = []
    request = explanation(model, 10)
    found = compute(model, request.kind, list(request.items), lambda: steps.append(1))
    assert len(steps) == 2, "between three turns"
    together = score_crystals(model, SEVERAL[:10], "band_gap", "saliency")
    assert all(np.allclose(row[0], values, atol=1e-5) for row, values in zip(found, together.values, strict=True))
    z = model.encode_canonical(SEVERAL)
    for name, message, items in (
        ("encode", {}, SEVERAL),
        ("decode", {"effort": "fast", "group": None}, z),
        ("sample", {}, z),
    ):
        arrays = {"z": items} if isinstance(items, np.ndarray) else write_records(items)[1]
        request = asked(model, name, message, arrays)
        steps.clear()
        found = compute(model, request.kind, list(request.items), lambda: steps.append(1))
        assert len(found) == 40
        assert len(steps) == -(-40 // TURNS[type(request.kind)]) - 1


class Turns:
    """Computes as a server does, counts turns, and after each waits for ``go``, or until nobody wants the answer."""

    def __init__(self, model: CrystalModel) -> None:
        self.model, self.turns = model, 0
        self.begun, self.go, self.unwanted = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, kind: Kind, items: list[Any], on_step: Callable[[], None]) -> Sequence[Any]:
        def step() -> None:
            self.turns += 1
            self.begun.set()
            try:
                while not self.go.wait(0.01):
                    on_step()
                on_step()
            except Cancelled:
                self.unwanted.set()
                raise

        return compute(self.model, kind, items, step)


@pytest.fixture
def turns(model: CrystalModel) -> Iterator[Turns]:
    made = Turns(model)
    yield made
    made.go.set()


def test_short_requests_of_all_kinds_are_answered_before_the_end_of_a_long_one(
    model: CrystalModel, turns: Turns
) -> None:
    batcher = Batcher(turns)
    order: list[str] = []

    def submit(name: str, request: Asked) -> None:
        future = batcher.submit(request.kind, request.items, request.cost).future
        future.add_done_callback(lambda _: order.append(name))
        futures.append(future)

    futures: list[Any] = []
    z = model.encode_canonical(SEVERAL[:1])
    submit("long", explanation(model, 40))
    assert turns.begun.wait(60)
    short = ("explain", "encode", "sample", "decode", "predict")
    submit("explain", explanation(model, 1))  # of the same kind as the long one
    submit("encode", asked(model, "encode", {}, write_records(SEVERAL[:1])[1]))
    submit("sample", asked(model, "sample", {}, {"z": z}))
    submit("decode", asked(model, "decode", {"effort": "normal", "group": 225}, {"z": z}))
    submit("predict", asked(model, "predict", {"level": 0.9}, {"z": z}))
    turns.go.set()
    for future in futures:
        future.result(60)
    batcher.close()
    assert sorted(order[:-1]) == sorted(short)
    assert order[-1] == "long"


def test_what_takes_several_turns_costs_more_than_all_that_takes_one(model: CrystalModel) -> None:
    z = model.encode_canonical(SEVERAL[:1])
    most = asked(model, "decode", {"effort": "thorough", "group": None}, {"z": z}).cost
    for kind, count in ((Encode, 33), (Decode, 17), (Sample, 17), (Explain, 5)):
        assert TURNS[kind] == count - 1
    assert asked(model, "encode", {}, write_records(SEVERAL[:33])[1]).cost > most
    assert explanation(model, 5).cost > most >= explanation(model, 4).cost


def test_who_hangs_up_ends_what_is_left(model: CrystalModel, turns: Turns) -> None:
    with served_here(model, turns) as (address, _):
        line = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        line.request("POST", "/explain", pack(SALIENCY, write_records(SEVERAL)[1]), {"Authorization": f"token {TOKEN}"})
        assert turns.begun.wait(60)
        line.close()
        assert turns.unwanted.wait(60)
    assert turns.turns == 1
