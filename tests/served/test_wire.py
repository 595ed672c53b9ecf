"""Messages of a model server: what is packed comes back, and nothing else is taken for a message."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.crystals import CRYSTALS
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import InvalidCrystalError, XCrystalError
from xcrystal.served.wire import pack, read_crystals, read_ragged, unpack, write_ragged, write_records

CRYSTAL = next(iter(CRYSTALS.values()))


def test_crystals_come_back_bit_for_bit() -> None:
    crystals = list(CRYSTALS.values())
    message, arrays = unpack(pack({"level": 0.9, "group": None}, write_records(crystals)[1]))
    assert message == {"level": 0.9, "group": None}
    for one, other in zip(crystals, read_crystals(arrays), strict=True):
        assert one.space_group == other.space_group
        for name in ("lattice", "positions", "elements", "coordinates", "permutations"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
            assert getattr(one, name).dtype == getattr(other, name).dtype
    assert read_crystals(unpack(pack({}, write_records([])[1]))[1]) == []


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=6))
def test_arrays_of_any_shapes_come_back(shapes: list[tuple[int, int]]) -> None:
    parts = [np.arange(float(a * b)).reshape(a, b) for a, b in shapes]
    found = read_ragged("x", unpack(pack({}, write_ragged("x", parts)))[1])
    assert [f.tolist() for f in found] == [p.tolist() for p in parts]
    assert [f.shape for f in found] == shapes


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(XCrystalError, match="no message of a model server"):
        unpack(body)


@given(st.data())
def test_a_changed_message_gives_crystals_or_an_error(data: st.DataObject) -> None:
    body = bytearray(pack({}, write_records([CRYSTAL])[1]))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        (crystal,) = read_crystals(unpack(bytes(body))[1]) or [CRYSTAL]
    except XCrystalError:
        return
    assert crystal.multiplicities.sum() > 0  # its positions are those of its group


@pytest.mark.parametrize(
    "wrong",
    [
        {"space_group": 0},
        {"space_group": 231},
        {"positions": CRYSTAL.positions + 40},
        {"positions": CRYSTAL.positions - 40},
        {"elements": CRYSTAL.elements * 0},
        {"elements": CRYSTAL.elements + 200},
        {"coordinates": CRYSTAL.coordinates * np.nan},
        {"coordinates": CRYSTAL.coordinates[:, :2]},
        {"lattice": -CRYSTAL.lattice},
        {"lattice": CRYSTAL.lattice[:5]},
        {"positions": CRYSTAL.positions.astype(float)},
        {"permutations": CRYSTAL.permutations + 50},
    ],
    ids=str,
)
def test_crystals_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    crystal: WyckoffCrystal = replace(CRYSTAL, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidCrystalError, match="no crystal"):
        read_crystals(write_records([crystal])[1])
