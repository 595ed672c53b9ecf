"""Splits by composition: polymorphs and repeated entries of one formula never stand on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from xcrystal.crystal.datasets import read_dataset
from xcrystal.crystal.tables import read_table, reduced_composition, write_table
from xcrystal.crystal.tables import selection_half as selection_half  # evaluation knows nothing of training
from xcrystal.errors import DatasetError

_SKIPPED = "skipped.csv"
SHARE = 0.1


def composition_split(
    species: Sequence[Iterable[str]], share: float = SHARE, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to validate with.

    Parameters
    ----------
    species
        Element symbols of each of N crystals, one for each atom.
    share
        Share of the compositions that goes to validation; at least one does.
    seed
        Of the draw; it depends on which compositions there are, not on their order.

    Returns
    -------
    tuple of ndarray
        Two sorted index arrays that make up 0 to N - 1.

    Raises
    ------
    DatasetError
        If there are not two compositions.
    """
    keys = [reduced_composition(map(str, s)) for s in species]
    known = sorted(set(keys))
    if len(known) < 2:
        raise DatasetError("A split by composition needs crystals of at least two compositions.")
    count = min(max(1, round(share * len(known))), len(known) - 1)
    held_out = {known[k] for k in np.random.default_rng(seed).permutation(len(known))[:count]}
    validates = np.array([key in held_out for key in keys])
    return np.flatnonzero(~validates), np.flatnonzero(validates)


def split_of(data: Path, folder: Path, seed: int = 0, keep: bool = False) -> tuple[Path, Path]:
    """The tables of a dataset folder to train on and to validate with.

    A folder with ``train.parquet`` and ``val.parquet`` has its own split. One with ``train.parquet`` alone, or with
    crystals in any files that ``xcrystal.crystal.datasets`` reads, is split by composition, and the two parts are
    written to ``folder``; what could not be read is listed there in ``skipped.csv``.

    Parameters
    ----------
    keep
        Take the parts that are in ``folder`` already.

    Raises
    ------
    DatasetError
        If there are no crystals, or they cannot be read or split.
    """
    if (data / "val.parquet").is_file():
        return data / "train.parquet", data / "val.parquet"
    parts = folder / "train.parquet", folder / "val.parquet"
    if keep and all(part.is_file() for part in parts):
        return parts
    if (data / "train.parquet").is_file():
        table, skipped = read_table(data / "train.parquet"), None
    else:
        found = read_dataset(data, (*parts, folder / _SKIPPED))  # which a run before may have left in it
        table, skipped = found.table, found.skipped
    from xcrystal.model.checkpoint import write_text

    folder.mkdir(parents=True, exist_ok=True)
    if skipped is not None and len(skipped):
        write_text(skipped.to_csv(index=False), folder / _SKIPPED)
    for part, rows in zip(parts, composition_split(list(table.species), seed=seed), strict=True):
        write_table(table.iloc[rows], part)
    return parts
