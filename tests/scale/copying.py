"""The cheapest tasks: what partitions, files, the scheduler and the assembly of an atlas cost by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xcrystal.crystal.collections.tables import CELL
from xcrystal.scale.tasks import MapRows, Task, table_of, with_codes

if TYPE_CHECKING:
    from xcrystal.crystal.collections.datasets import Dataset


@dataclass(frozen=True)
class Copy(Task):
    """The crystals as they were read."""

    title = "copy"
    usual_size = 5000

    def schema(self, properties: Sequence[str]) -> pa.Schema:
        """Those of our format."""
        texts, numbers = ("material_id", "formula", "source"), (*CELL, *properties)
        lists = {"species": pa.list_(pa.string()), "frac_coords": pa.list_(pa.float64())}
        return pa.schema(dict.fromkeys(texts, pa.string()) | dict.fromkeys(numbers, pa.float64()) | lists)

    def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
        """Give the table back."""
        return table_of(dataset.table), {}


@dataclass(frozen=True)
class MadeUpMap(MapRows):
    """The rows of an atlas with latent vectors that are drawn at random."""

    def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
        """Draw latent vectors around ten centres."""
        first = int(dataset.table["material_id"].iat[0].rpartition("-")[2])
        rng = np.random.default_rng(first)
        centres = 2 * np.random.default_rng(0).standard_normal((10, self.opened.latent_dim))
        z = centres[rng.integers(10, size=len(dataset.table))] + rng.standard_normal((len(dataset.table), 1))
        z += rng.standard_normal(z.shape)
        group = np.full(len(z), 1, dtype=np.int16)
        return with_codes(dataset.table.assign(space_group=group, flag=""), z), {}
