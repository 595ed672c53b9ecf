"""The energy above the hull of every crystal of an atlas, kept beside it, so that it can colour the map at once.

The hull is that of the atlas's own formation energies, as in ``xcrystal.energetics.hull``: a crystal is compared with
what the atlas holds. The column ``e_above_hull``, where a table has one, comes from those who made the table. The hull
at a composition is the lowest energy of known crystals that sum up to it: a linear program, which takes a fraction of
the time of a phase diagram.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path

import numpy as np

from xcrystal.crystal.collections.tables import write_table
from xcrystal.energetics.hull import MOST_ELEMENTS
from xcrystal.errors import RelaxationError
from xcrystal.latent.atlas import ABOVE_HULL, HULL, Atlas, atlas_folder, open_atlas


def energies_above_hull(atlas: Atlas) -> np.ndarray:
    """(N,) float32 energies above the hull of the atlas's crystals, eV/atom.

    NaN where a crystal has no formation energy, or more than 8 elements. Four minutes for 40,000 crystals.

    Raises
    ------
    RelaxationError
        If the atlas has no formation energies.
    """
    from pymatgen.core import Composition
    from tqdm.auto import tqdm

    table = atlas.table
    if "formation_energy_per_atom" not in table or "formula" not in table:
        raise RelaxationError(f"The atlas {atlas.name} has no formation energies, of which a hull is made.")
    energies = table["formation_energy_per_atom"].to_numpy(dtype=float)
    shares = {
        int(row): Composition(table["formula"].iat[row]).fractional_composition.get_el_amt_dict()
        for row in np.flatnonzero(np.isfinite(energies))
    }
    rows_of: dict[frozenset[str], list[int]] = defaultdict(list)
    for row, share in shares.items():
        rows_of[frozenset(share)].append(row)
    found = np.full(len(table), np.nan, dtype=np.float32)
    for elements, rows in tqdm(rows_of.items(), desc="hulls", unit="system", leave=False, disable=None):
        if len(elements) > MOST_ELEMENTS:
            continue
        names = sorted(elements)
        subsets = (frozenset(some) for n in range(1, len(names) + 1) for some in itertools.combinations(names, n))
        held = [row for subset in subsets for row in rows_of.get(subset, ())]
        fractions = np.array([[shares[row].get(name, 0.0) for row in held] for name in names])
        there = np.hstack([np.eye(len(names)), fractions])  # each element itself has the energy 0
        costs = np.concatenate([np.zeros(len(names)), energies[held]])
        for row in rows:
            level = _lowest(there, costs, np.array([shares[row][name] for name in names]))
            found[row] = max(0.0, energies[row] - level)
    return found


def _lowest(there: np.ndarray, costs: np.ndarray, wanted: np.ndarray) -> float:
    """The lowest energy of a mixture (n,) that sums up to the composition ``wanted``."""
    from scipy.optimize import linprog

    return float(linprog(costs, A_eq=there, b_eq=wanted, method="highs").fun)


def write_energies_above_hull(name: str | Path = "mp20") -> np.ndarray:
    """Calculate them for an atlas and write them beside it as ``hull.parquet``; opening the atlas reads them.

    Parameters
    ----------
    name
        Of a bundled model's atlas, or a folder.

    Returns
    -------
    numpy.ndarray
        (N,) as ``energies_above_hull`` gives them.

    Raises
    ------
    DatasetError
        If there is no such atlas.
    RelaxationError
        If it has no formation energies.
    """
    atlas = open_atlas(name)
    found = energies_above_hull(atlas)
    write_table(atlas.table[["material_id"]].assign(**{ABOVE_HULL: found}), atlas_folder(name) / HULL)
    return found
