"""Fit the table of the shortest usual distances between elements."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from xcrystal.crystal.collections.tables import read_table, structures
from xcrystal.crystal.files import replacing
from xcrystal.crystal.geometry.pair_distances import TABLE, PairDistances, fit_pair_distances, short_contacts


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

    crystals = [crystal for table in tables for crystal in _arrays(table)]
    found = fit_pair_distances(tqdm(crystals, desc="distances", unit="crystal", disable=None))
    with replacing(out or TABLE) as part:
        part.write_text(json.dumps({"pairs": found.pairs, "classes": found.classes}, indent=1) + "\n", encoding="utf-8")
    return found


def share_with_short_contacts(table: Path) -> float:
    """The share of the crystals of a parquet file that have a contact shorter than the table that ships finds usual."""
    return float(np.mean([bool(short_contacts(*crystal)) for crystal in _arrays(table)]))


def _arrays(table: Path) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    for structure in structures(read_table(table)):
        yield structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers)
