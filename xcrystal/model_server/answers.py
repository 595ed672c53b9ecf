"""What a model server answers: messages in, what the model says of many clients' crystals at once, messages out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xcrystal.errors import (
    CheckpointError,
    InvalidCrystalError,
    TargetError,
    check_number,
    check_one_of,
    check_whole_number,
)
from xcrystal.explanation.batches import in_parts, score_crystals
from xcrystal.generator import CrystalModel
from xcrystal.model.decoded import EFFORTS
from xcrystal.predicting import INTERVALS, NONZERO, VALUES
from xcrystal.served.served_model import fitted_digests
from xcrystal.served.wire import Arrays, pack, read_crystals, write_ragged, write_records

KINDS = ("encode", "decode", "predict", "explain", "sample")
MOST_ITEMS = 256  # of a request
_NOISY = ("gradient_shap", "smoothgrad")  # methods whose noise depends on what else is in a batch
_LONG = 6  # the cost beyond all others that a request of several turns has


@dataclass(frozen=True)
class Encode:
    """Latent vectors of crystals."""


@dataclass(frozen=True)
class Decode:
    """Crystals of latent vectors."""

    effort: str
    group: int | None


@dataclass(frozen=True)
class Predict:
    """Properties of latent vectors."""

    level: float


@dataclass(frozen=True)
class Explain:
    """Scores of crystals."""

    target: str
    method: str
    level: str
    baseline: str
    seed: int
    alone: bool  # each crystal by itself, as its answer depends on others beside it


@dataclass(frozen=True)
class Sample:
    """Latent vectors to which the prior carries draws of a normal distribution."""


TURNS = {Encode: 32, Decode: 16, Predict: MOST_ITEMS, Explain: 4, Sample: 16}
"""Crystals that are computed before others may come in between: up to 0.05 s on a core, but for slow explanations."""

Kind = Encode | Decode | Predict | Explain | Sample


@dataclass(frozen=True)
class Asked:
    """A request: its kind, which others may share, its items, and what it costs beside others.

    One that takes several turns costs more than any that takes one, so that nobody waits for all of it.
    """

    kind: Kind
    items: Sequence[Any]
    cost: int


def about(model: CrystalModel) -> dict[str, Any]:
    """What clients are told of a model, in JSON types."""
    return {
        "name": model.name,
        "digest": model.digest,
        "fitted": fitted_digests(model.name),
        "facts": model.facts,
        "latent_dim": model.latent_dim,
        "max_atoms": model.max_atoms,
        "max_orbits": model.max_orbits,
        "prior": model.has_prior,
        "calibrated": list(model.calibrated),
        "device": str(model.device),
    }


def read_request(name: str, message: Mapping[str, Any], arrays: Arrays, model: CrystalModel) -> Asked:
    """The request of a message.

    Raises
    ------
    XCrystalError
        If it asks for what cannot be.
    """
    try:
        counted = [array for part, array in arrays.items() if part in ("z", "space_group") or part.endswith(".shapes")]
        count = max(map(len, counted), default=0)
        if count > MOST_ITEMS:
            raise InvalidCrystalError(f"A request has at most {MOST_ITEMS} crystals, not {count}.")
        asked = _read(name, message, arrays, model)
    except (KeyError, TypeError) as error:
        raise TargetError(f"This request for {name!r} is not complete: {error}.") from error
    return replace(asked, cost=asked.cost + _LONG * (len(asked.items) > TURNS[type(asked.kind)]))


def _read(name: str, message: Mapping[str, Any], arrays: Arrays, model: CrystalModel) -> Asked:
    if name in ("decode", "predict"):
        z = list(model.vectors(arrays["z"]))
        if name == "predict":
            return Asked(Predict(check_number(message["level"], "A level")), z, 0)
        effort, group = str(message["effort"]), message["group"]
        check_one_of(effort, EFFORTS, "effort")
        if group is not None and check_whole_number(group, "A space group") > 230:
            raise InvalidCrystalError(f"There is no space group {group}; they are numbered from 1 to 230.")
        return Asked(Decode(effort, group), z, {"fast": 1, "normal": 2, "thorough": 5}[effort])
    if name == "sample":
        if not model.has_prior:
            raise CheckpointError(f"The model {model.name!r} has no learned prior.")
        return Asked(Sample(), list(model.vectors(arrays["z"])), 3)
    crystals = read_crystals(arrays)
    if name == "encode":
        return Asked(Encode(), crystals, 0)
    target, method, level, baseline = (str(message[key]) for key in ("target", "method", "level", "baseline"))
    seed = check_whole_number(message["seed"], "A seed", 0)
    # of one crystal it is an error to have too few players
    alone = method in _NOISY or (len(crystals) == 1 and (method == "occlusion" or level == "pairs"))
    return Asked(Explain(target, method, level, baseline, seed, alone), crystals, 3)


def compute(model: CrystalModel, kind: Kind, items: list[Any], on_step: Callable[[], None]) -> Sequence[Any]:
    """What the model says of each item of requests of a kind; ``on_step`` is called between turns."""
    found: list[Any] = []
    for some in in_parts(items, TURNS[type(kind)]):
        if found:
            on_step()
        found += _turn(model, kind, some, on_step)
    return found


def _turn(model: CrystalModel, kind: Kind, items: Sequence[Any], on_step: Callable[[], None]) -> Sequence[Any]:
    match kind:
        case Encode():
            return list(zip(*model.posterior_canonical(items), strict=True))
        case Decode(effort, group):
            return model.decode_arrays(np.array(items), effort, group, on_step)
        case Predict(level):
            return _predicted(model, np.array(items), level)
        case Sample():
            return list(model._carried(np.array(items)))
        case Explain():
            parts = in_parts(items, 1 if kind.alone else len(items))
            return [row for some in parts for row in _scores(model, kind, some)]


def _predicted(model: CrystalModel, z: np.ndarray, level: float) -> list[Arrays]:
    """Of each latent vector what ``ServedModel`` keeps: values of all properties, and what is calibrated."""
    parts = [VALUES, *([INTERVALS, NONZERO] if model.knows_intervals else [])]
    said = {part: model._said(z, part, level) for part in parts}
    return [{part: values[k] for part, values in said.items()} for k in range(len(z))]


def _scores(model: CrystalModel, kind: Explain, crystals: Sequence[Any]) -> list[tuple[Any, ...]]:
    found = score_crystals(model, crystals, kind.target, kind.method, kind.level, kind.baseline, kind.seed)
    ends = zip(found.target_values, found.baseline_values, strict=True)
    return list(zip(found.values, found.names, ends, found.standard_errors, strict=True))


def write_answer(kind: Kind, found: Sequence[Any]) -> bytes:
    """What was found of the items of one request, as a message."""
    match kind:
        case Encode():
            rows = list(found) or [(np.zeros(0, np.float32),) * 2]
            mean, deviation = (np.stack(column) for column in zip(*rows, strict=True))
            return pack({}, {"mean": mean, "deviation": deviation})
        case Decode():
            texts, arrays = write_records(found)
            return pack({"texts": texts}, arrays)
        case Predict():
            return pack({}, {name: np.stack([row[name] for row in found]) for name in (found[0] if found else ())})
        case Sample():
            return pack({}, {"z": np.array(found)})
        case Explain():
            values, names, ends, errors = zip(*found, strict=True) if found else ((),) * 4
            both = np.array(ends, dtype=np.float64).reshape(-1, 2)
            known = [error for error in errors if error is not None]
            message = {"names": names, "sampled": [error is not None for error in errors]}
            arrays = write_ragged("values", values) | write_ragged("standard_errors", known)
            return pack(message, arrays | {"target_values": both[:, 0], "baseline_values": both[:, 1]})
