"""What a run has written about itself, as curves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PARTS = ("element", "coordinate", "letter", "group", "lattice", "composition", "kl")


@dataclass(frozen=True)
class Curves:
    """A run over its optimizer steps.

    Attributes
    ----------
    steps
        (E,) steps after each epoch, ``minutes`` (E,) spent in them.
    parts
        Parts of the loss, each (E,): nats a crystal, but for "lattice", an error in units of the data's spread. They
        are means over the augmented crystals of an epoch, before the weights of the recipe.
    scored_steps, match_rate
        (S,) after which steps validation crystals were reconstructed, and the share (0 to 1) that matched.
    """

    steps: np.ndarray
    minutes: np.ndarray
    parts: dict[str, np.ndarray]
    scored_steps: np.ndarray
    match_rate: np.ndarray


def curves(records: Iterable[Mapping[str, Any]]) -> Curves:
    """Curves of the records of ``metrics.jsonl``."""
    rows = list(records)
    scored = [r for r in rows if "match_rate" in r]
    return Curves(
        steps=np.array([r["step"] for r in rows], dtype=int),
        minutes=np.array([r["minutes"] for r in rows], dtype=float),
        parts={name: np.array([r.get(name, np.nan) for r in rows], dtype=float) for name in PARTS},
        scored_steps=np.array([r["step"] for r in scored], dtype=int),
        match_rate=np.array([r["match_rate"] for r in scored], dtype=float),
    )


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """Records of a run's folder, one an epoch; empty before the first.

    An epoch that was interrupted and done again counts once, and a line that is being written waits for the next call.
    """
    try:
        lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found: dict[int, dict[str, Any]] = {}
    for line in lines:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[record["epoch"]] = record
    return [found[epoch] for epoch in sorted(found)]
