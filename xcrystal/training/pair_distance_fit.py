"""Fit the table of the shortest usual distances between elements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xcrystal.crystal.files import replacing
from xcrystal.crystal.pair_distances import TABLE, PairDistances, fit_pair_distances
from xcrystal.crystal.tables import read_table, structures


def fit_pair_distances_of(tables: Sequence[Path], out: Path | None = None) -> PairDistances:
    """Fit the table to the crystals of parquet files, and write it.

    Parameters
    ----------
    out
        The file; by default the one that ships.

    Raises
    ------
    DatasetError
        If there is no such table.
    """
    from tqdm.auto import tqdm

    crystals = [
        (structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers))
        for table in tables
        for structure in structures(read_table(table))
    ]
    found = fit_pair_distances(tqdm(crystals, desc="distances", unit="crystal", disable=None))
    with replacing(out or TABLE) as part:
        part.write_text(json.dumps({"pairs": found.pairs, "classes": found.classes}, indent=1) + "\n", encoding="utf-8")
    return found
