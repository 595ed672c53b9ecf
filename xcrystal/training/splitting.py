"""Splits of crystals into those to train on and those to validate with.

By composition, so that polymorphs and repeated entries of one formula never stand on both sides; or, which is harder,
by chemical system or by prototype.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from xcrystal.crystal.collections.datasets import read_dataset
from xcrystal.crystal.collections.tables import csv_text, read_table, reduced_composition, write_table
from xcrystal.crystal.collections.tokens import Tokens, tokenize
from xcrystal.crystal.elements import symbol
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import DatasetError

_SKIPPED = "skipped.csv"
SHARE = 0.1
GROUPS = ("chemical-system", "prototype")
SPLITS = ("composition", *GROUPS)


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
        Two sorted index arrays, (n,) and (N - n,), that make up 0 to N - 1.

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


def chemical_system(elements: Iterable[int]) -> str:
    """The elements of a crystal, whatever their amounts: "O-Sr-Ti"."""
    return "-".join(sorted(symbol(int(z)) for z in set(elements)))


def prototype(crystal: WyckoffCrystal) -> str:
    """Space group, Wyckoff letters and anonymous formula: "221 abc 1:1:3" of every cubic perovskite ABX3."""
    atoms = np.repeat(crystal.elements, crystal.multiplicities)
    counts = sorted(count for _, count in reduced_composition(atoms.tolist()))
    return f"{crystal.space_group} {''.join(sorted(crystal.letters))} {':'.join(map(str, counts))}"


def group_split(tokens: Tokens, by: str, share: float = SHARE, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Crystals to train on and to validate with, such that no chemical system, or no prototype, is in both.

    Whole groups are drawn in a random order, and taken as long as they fit into the share; so a group that is larger
    than the share is trained on.

    Parameters
    ----------
    tokens
        N crystals in canonical form.
    by
        "chemical-system" or "prototype" (space group, Wyckoff letters and anonymous formula).
    share
        Share of the crystals that validates, at most; at least the smallest group does.
    seed
        Of the draw; it depends on which groups there are, not on the order of the crystals.

    Returns
    -------
    tuple of ndarray
        Two sorted index arrays into ``tokens``, (n,) and (N - n,), that make up 0 to N - 1.

    Raises
    ------
    DatasetError
        If there are not two groups, or nothing to split by has this name.
    """
    if by not in GROUPS:
        raise DatasetError(f"There is no split by {by!r}; there are: {', '.join(SPLITS)}.")
    crystals = tokens.crystals()
    keys = [prototype(c) if by == "prototype" else chemical_system(c.elements) for c in crystals]
    sizes = Counter(keys)
    if len(sizes) < 2:
        raise DatasetError(f"A split by {by} needs crystals of at least two groups.")
    known = sorted(sizes)
    room = max(round(share * len(keys)), min(sizes.values()))
    held_out: set[str] = set()
    for k in np.random.default_rng(seed).permutation(len(known)):
        if sizes[known[k]] <= room and len(held_out) < len(known) - 1:
            held_out.add(known[k])
            room -= sizes[known[k]]
    validates = np.array([key in held_out for key in keys])
    return np.flatnonzero(~validates), np.flatnonzero(validates)


def split_of(data: Path, folder: Path, seed: int = 0, keep: bool = False, by: str = "composition") -> tuple[Path, Path]:
    """The tables of a dataset folder to train on and to validate with.

    A folder with ``train.parquet`` and ``val.parquet`` has its own split. One with ``train.parquet`` alone, or with
    crystals in any files that ``xcrystal.crystal.collections.datasets`` reads, is split by composition, and the two
    parts are written to ``folder``; what could not be read is listed there in ``skipped.csv``.

    Parameters
    ----------
    keep
        Take the parts that are in ``folder`` already.
    by
        One of ``SPLITS``. Any but "composition" splits ``train.parquet`` alone, also where there is a ``val.parquet``,
        and leaves out crystals that cannot be encoded.

    Raises
    ------
    DatasetError
        If there are no crystals, or they cannot be read or split.
    """
    if by not in SPLITS:
        raise DatasetError(f"There is no split by {by!r}; there are: {', '.join(SPLITS)}.")
    parts = folder / "train.parquet", folder / "val.parquet"
    if keep and all(part.is_file() for part in parts):
        return parts
    if by == "composition" and (data / "val.parquet").is_file():
        return data / "train.parquet", data / "val.parquet"
    if (data / "train.parquet").is_file():
        table, skipped = read_table(data / "train.parquet"), None
    else:
        found = read_dataset(data, (*parts, folder / _SKIPPED))  # which a run before may have left in it
        table, skipped = found.table, found.skipped
    from xcrystal.model.checkpoint import write_text

    folder.mkdir(parents=True, exist_ok=True)
    if skipped is not None and len(skipped):
        write_text(csv_text(skipped), folder / _SKIPPED)
    if by == "composition":
        places = composition_split(list(table.species), seed=seed)
    else:
        tokens = tokenize(table)
        train, val = group_split(tokens, by, seed=seed)
        places = tokens.row[train], tokens.row[val]
    for part, rows in zip(parts, places, strict=True):
        write_table(table.iloc[rows], part)
    return parts
