"""From tables, folders and lists of crystals to codes: each is checked once, those that cannot be encoded are named."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.crystal_sets import crystal_set
from xcrystal.crystal.collections.datasets import read_dataset
from xcrystal.crystal.collections.tables import STRUCTURE_COLUMNS, identifiers, read_table, structure_of
from xcrystal.crystal.reading import MAX_ATOMS, MAX_ORBITS, check_structure, encodable
from xcrystal.errors import XCrystalError
from xcrystal.evaluation.shared.parallel import Workers

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core import Structure

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel


@dataclass(frozen=True)
class Sources:
    """Crystals that are not checked yet.

    Attributes
    ----------
    names, crystals
        (n,) names, and Structures or rows of a table (mappings of its columns).
    table
        (n,) the table that they come from, if they do.
    unreadable
        Why, by name, for others of the same source that are no crystals at all.
    """

    names: list[str]
    crystals: list[Any]
    table: pd.DataFrame | None = None
    unreadable: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many there are, readable or not."""
        return len(self.names) + len(self.unreadable)

    def take(self, places: Sequence[int] | np.ndarray) -> Sources:
        """Take those at positions (k,) of the list, in that order, without the unreadable ones."""
        table = None if self.table is None else self.table.iloc[places]
        return Sources([self.names[i] for i in places], [self.crystals[i] for i in places], table)

    def at_random(self, limit: int | None, seed: int) -> Sources:
        """At most ``limit`` of them, readable or not, drawn with ``seed``, in their order; all without a limit."""
        if limit is None or limit >= len(self):
            return self
        drawn = np.sort(np.random.default_rng(seed).permutation(len(self))[:limit])
        count, reasons = len(self.names), list(self.unreadable.items())
        return replace(
            self.take(drawn[drawn < count]), unreadable=dict(reasons[i - count] for i in drawn[drawn >= count])
        )


def sources_of(source: Any) -> Sources:
    """The crystals of a table (a parquet or CSV file), of a folder of CIF files, or of a list of Structures.

    A CSV file has its crystals as CIF text in a column ``cif``, as those of the benchmarks of CDVAE (Xie et al.,
    Crystal diffusion variational autoencoder for periodic material generation, arXiv:2110.06197).

    Raises
    ------
    DatasetError
        If there is no such table or folder, or no crystal in it.
    """
    if isinstance(source, (str, os.PathLike)) and not Path(source).is_dir():
        path = Path(source)
        if path.suffix.lower() == ".csv":
            dataset = read_dataset(path)
            table, skipped = dataset.table, dict(zip(dataset.skipped["name"], dataset.skipped["reason"], strict=True))
        else:
            table, skipped = read_table(path), {}
        return Sources(identifiers(table), table[list(STRUCTURE_COLUMNS)].to_dict("records"), table, skipped)
    found = crystal_set(source)
    names, crystals = [cell.name for cell in found.cells], [cell.structure() for cell in found.cells]
    return Sources(names, crystals, unreadable=found.unreadable)


@dataclass(frozen=True)
class Encodable:
    """The crystals of a source that can be encoded.

    Attributes
    ----------
    places
        (n,) their places in the source.
    structures, crystals
        Checked, and in canonical form.
    not_encoded
        Why, by name, for each of the others.
    """

    places: np.ndarray
    structures: list[Structure]
    crystals: list[WyckoffCrystal]
    not_encoded: dict[str, str]

    def codes(self, model: CrystalModel) -> np.ndarray:
        """(n, latent_dim) float32."""
        return model.encode_canonical(self.crystals)


def encodable_of(sources: Sources, workers: Workers, limits: tuple[int, int]) -> Encodable:
    """Check the crystals of a source and bring them into canonical form; ``limits`` are those of a model."""
    found = workers.map(partial(prepare, limits=limits), sources.crystals, "reading")
    good = [(place, pair) for place, pair in enumerate(found) if not isinstance(pair, str)]
    bad = {sources.names[place]: why for place, why in enumerate(found) if isinstance(why, str)}
    return Encodable(
        places=np.array([place for place, _ in good], dtype=int),
        structures=[structure for _, (structure, _) in good],
        crystals=[crystal for _, (_, crystal) in good],
        not_encoded=sources.unreadable | bad,
    )


def prepare(source: Any, limits: tuple[int, int] = (MAX_ATOMS, MAX_ORBITS)) -> tuple[Structure, WyckoffCrystal] | str:
    """The checked structure and its canonical form; or why it cannot be encoded by a model of these limits."""
    try:
        structure = check_structure(structure_of(source) if isinstance(source, Mapping) else source)
        return structure, encodable(structure, *limits).crystal
    except XCrystalError as error:
        return str(error)
