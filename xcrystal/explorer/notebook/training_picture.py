"""The curves of a run as a still picture, which stays in a saved notebook when the live ones are gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xcrystal.explorer.drawing.svg_charts import Chart, lines
from xcrystal.training.curves import curves

_PARTS = ("group", "element", "coordinate", "lattice", "kl")


def training_still(records: Sequence[Mapping[str, Any]]) -> Chart:
    """Parts of the loss (left, logarithmic) and match rate (right) over minutes; records as of ``read_metrics``."""
    found = curves(records)
    at = {int(step): minutes for step, minutes in zip(found.steps, found.minutes, strict=True)}
    left = lines({name: (found.minutes, found.parts[name]) for name in _PARTS}, "minutes", "loss", log=True, width=520)
    if not len(found.scored_steps):
        return left
    scored = [at[int(step)] for step in found.scored_steps]
    right = lines(
        {"unseen crystals": (scored, 100 * found.match_rate)}, "minutes", "reconstructed, %", marks=True, width=420
    )
    return Chart(f'<div style="display:flex;flex-wrap:wrap">{left.svg}{right.svg}</div>')
