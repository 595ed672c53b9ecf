"""Fit the reference energies that put a potential's energies on the scale of the table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from xcrystal.crystal.collections.tables import read_table, structure_of
from xcrystal.energetics.formation import REFERENCES, References, fit_references
from xcrystal.energetics.potentials import calculator, energy_per_atom
from xcrystal.errors import DatasetError, RelaxationError

RARE = 30  # crystals of an element that are taken, if there are as many


def fit_reference_energies(
    data: Path, potential: str = "chgnet", limit: int = 3000, seed: int = 0, out: Path | None = None
) -> References:
    """Fit reference energies to known crystals as the table has them, and write them.

    The potential sees the crystals as DFT has relaxed them: relaxing them anew changes its energy by some meV/atom
    (``xcrystal evaluate relaxation`` tells how much), and takes thirty times as long.

    Parameters
    ----------
    data
        Folder with ``train.parquet``.
    potential
        Its name.
    limit
        How many crystals, drawn at random; beyond these, crystals of elements that are in less than 30 of them.
    seed
        Of the draw.
    out
        The file; by default where those that ship are.

    Raises
    ------
    DatasetError
        If there is no such table, or it has no formation energies.
    """
    from pymatgen.core import Composition
    from tqdm.auto import tqdm

    calculator(potential)
    table = read_table(data / "train.parquet")
    if "formation_energy_per_atom" not in table:
        raise DatasetError(f"{data / 'train.parquet'} has no formation energies.")
    rows = table[table["formation_energy_per_atom"].notna()].to_dict("records")
    compositions, energies, known = [], [], []
    taken = chosen([row["species"] for row in rows], limit, seed)
    for place in tqdm(taken, desc="energies", leave=False, disable=None):
        row = rows[place]
        try:
            energies.append(energy_per_atom(structure_of(row), potential))
        except RelaxationError:
            continue  # a noble gas, whose atoms have no neighbours
        compositions.append(Composition("".join(row["species"])))
        known.append(float(row["formation_energy_per_atom"]))
    found = fit_references(compositions, np.array(energies), np.array(known), potential)
    found.save(out or REFERENCES / f"{potential}.json")
    return found


def chosen(species: list[list[str]], limit: int, seed: int) -> list[int]:
    """Places of crystals: ``limit`` at random, then those of an element that is in less than ``RARE`` of them."""
    counts: Counter[str] = Counter()
    places = []
    for count, place in enumerate(np.random.default_rng(seed).permutation(len(species)).tolist()):
        elements = set(species[place])
        if count < limit or min(counts[element] for element in elements) < RARE:
            places.append(place)
            counts.update(elements)
    return places
