"""Messages between a model server and its clients: JSON and arrays in one safetensors block, never a pickle.

The arrays are the block's tensors, the JSON is the entry "message" of its metadata. Lists of arrays of different
lengths go as one flat array and one of shapes; records, such as decoded crystals, go field by field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from xcrystal.crystal.elements import MAX_Z
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import InvalidCrystalError, ReadError


class Fields(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Record = TypeVar("Record", bound=Fields)
TYPE = "application/octet-stream"
MOST_BYTES = 64_000_000  # of a message
_NUMBER = 8  # bytes of a safetensors block that tell the length of its header

Arrays = dict[str, np.ndarray]


def pack(message: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """A message of JSON types, or numbers of numpy, and arrays of any shapes (...,) as bytes."""
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return save(whole, {"message": json.dumps(message, allow_nan=False, default=np.generic.item)})


def unpack(body: bytes) -> tuple[dict[str, Any], Arrays]:
    """What ``pack`` was given.

    Raises
    ------
    ReadError
        If the bytes are something else.
    """
    try:
        arrays = load(body)  # checks the header against the length
        size = int.from_bytes(body[:_NUMBER], "little")
        header = json.loads(body[_NUMBER : _NUMBER + size])
        message = json.loads(header["__metadata__"]["message"])
        if not isinstance(message, dict):
            raise TypeError("the message is no object")
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ReadError(f"This is no message of a model server: {error}.") from error
    return message, arrays


def write_ragged(name: str, parts: Sequence[np.ndarray]) -> Arrays:
    """Arrays of one number of dimensions, whatever their shapes (...,), as one flat array and one of shapes."""
    shapes = np.array([part.shape for part in parts], dtype=np.int64)
    flat = np.concatenate([part.ravel() for part in parts]) if parts else np.zeros(0)
    return {name: flat, f"{name}.shapes": shapes}


def read_ragged(name: str, arrays: Arrays) -> list[np.ndarray]:
    """The arrays (...,) that ``write_ragged`` took.

    Raises
    ------
    ReadError
        If they are not there, or lengths and shapes do not fit together.
    """
    try:
        flat, shapes = arrays[name], arrays[f"{name}.shapes"]
        if flat.ndim != 1 or shapes.dtype != np.int64 or (shapes.size and (shapes.ndim != 2 or shapes.min() < 0)):
            raise ValueError(f"{name} has a wrong shape")
        ends = np.cumsum(shapes.prod(axis=1)) if len(shapes) else np.zeros(1, dtype=int)
        if ends[-1] != len(flat):
            raise ValueError(f"{name} has {len(flat)} numbers, not {ends[-1]}")
        parts = np.split(flat, ends[:-1]) if len(shapes) else []
        return [part.reshape(shape) for part, shape in zip(parts, shapes.tolist(), strict=True)]
    except (KeyError, ValueError) as error:
        raise ReadError(f"This is no message of a model server: {error}.") from error


def write_records(records: Sequence[Fields]) -> tuple[dict[str, list[str]], Arrays]:
    """Dataclasses whose fields are texts, numbers and arrays: their texts by field, and arrays."""
    texts: dict[str, list[str]] = {}
    arrays: Arrays = {}
    for field in fields(records[0]) if records else ():
        values = [getattr(record, field.name) for record in records]
        if isinstance(values[0], str):
            texts[field.name] = values
        elif isinstance(values[0], np.ndarray):
            arrays |= write_ragged(field.name, values)
        else:
            arrays[field.name] = np.array(values)
    return texts, arrays


def read_records(kind: type[Record], texts: Mapping[str, Sequence[str]], arrays: Arrays) -> list[Record]:
    """The dataclasses that ``write_records`` took.

    Raises
    ------
    ReadError
        If a field is missing, or they do not fit together.
    """
    columns: dict[str, Sequence[Any]] = {}
    for field in fields(kind):
        name = field.name
        if name in texts:
            columns[name] = texts[name]
        elif f"{name}.shapes" in arrays:
            columns[name] = read_ragged(name, arrays)
        elif name in arrays:
            columns[name] = arrays[name].tolist()
        elif arrays:
            raise ReadError(f"This is no message of a model server: it has no {name}.")
    try:
        return [kind(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    except ValueError as error:
        raise ReadError(f"This is no message of a model server: {error}.") from error


def read_crystals(arrays: Arrays) -> list[WyckoffCrystal]:
    """Crystals of a message, each of them possible: nothing in it can make a model read beyond its tables.

    Raises
    ------
    ReadError
        If these are no crystals.
    InvalidCrystalError
        If one has another group, position, element or cell than there are.
    """
    crystals = read_records(WyckoffCrystal, {}, arrays)
    for crystal in crystals:
        _check(crystal)
    return crystals


def _check(crystal: WyckoffCrystal) -> None:
    n = crystal.positions.size
    shapes = {
        "lattice": (crystal.lattice, (6,), "f"),
        "positions": (crystal.positions, (n,), "i"),
        "elements": (crystal.elements, (n,), "i"),
        "coordinates": (crystal.coordinates, (n, 3), "f"),
        "permutations": (crystal.permutations, (len(crystal.permutations), n), "i"),
    }
    wrong = [name for name, (array, shape, kind) in shapes.items() if array.shape != shape or array.dtype.kind != kind]
    number = crystal.space_group
    if wrong or not n or not isinstance(number, int) or not 1 <= number <= 230:
        raise InvalidCrystalError(f"This is no crystal: {', '.join(wrong) or 'its space group or orbits'} cannot be.")
    known = len(space_group(number).positions)
    lengths, angles = crystal.lattice[:3], crystal.lattice[3:]
    if not (
        ((crystal.positions >= 0) & (crystal.positions < known)).all()
        and ((crystal.elements > 0) & (crystal.elements <= MAX_Z)).all()
        and ((crystal.permutations >= 0) & (crystal.permutations < n)).all()
        and np.isfinite(crystal.coordinates).all()
        and ((lengths > 0) & (lengths < 1e4)).all()
        and ((angles > 0) & (angles < 180)).all()
    ):
        raise InvalidCrystalError("This is no crystal: a position, element, coordinate or cell of it cannot be.")
