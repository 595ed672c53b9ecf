"""Crystals of a table that are doubtful: broken, far from stable, or there twice.

The limits are wide. They were chosen on 40,000 entries of the Materials Project so that what lies beyond them is either
damaged, such as a metal in a cell ten times too large, or so far from stable that nobody will make it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tables import CELL, identifiers, structure_of
from xcrystal.crystal.elements import number_of
from xcrystal.crystal.geometry.contacts import shortest_contacts
from xcrystal.crystal.geometry.radii import covalent_radii
from xcrystal.errors import ReadError

if TYPE_CHECKING:
    import pandas as pd

OVERLAP = 0.5  # of the sum of covalent radii; the shortest contact of 40,000 entries is 0.61
LARGEST = 200.0  # Å3 an atom; 1 in 1,000 has more than 84
EMPTIEST = 0.03  # share of the volume inside covalent radii; molecular O2 has 0.05, one layer of graphite 0.035
HULL = 1.0  # eV/atom
ENERGIES = (-4.6, 1.5)  # eV/atom; the most stable fluorides have -4.5
_ALIKE = 0.01  # relative difference of volume and shortest contact up to which two crystals are compared
_LTOL, _STOL, _ANGLE_TOL = 0.05, 0.05, 2.0  # of the matcher: a tenth of what decodes are judged by

OVERLAPPING, VOLUME, UNSTABLE, ENERGY, REPEATED = (
    "atoms overlap",
    "volume out of range",
    "far above the hull",
    "formation energy out of range",
    "same structure as",
)
REASONS = (OVERLAPPING, VOLUME, UNSTABLE, ENERGY, REPEATED)


def flags(table: pd.DataFrame) -> list[str]:
    """Why each crystal of a table is doubtful, in a few words; "" for most.

    Parameters
    ----------
    table
        In the format of ``xcrystal.crystal.collections.tables``. What it does not tell, such as energies, is not
        judged.

    Returns
    -------
    list of str
        One of ``REASONS`` or several with "; " between, for each row. Of two crystals that are the same, the later one
        names the ``material_id`` of the earlier: as many atoms in the cell, volume and shortest contact within 1 %, and
        a match of pymatgen's StructureMatcher (Ong et al., Comput. Mater. Sci. 68, 314, 2013) at ``ltol=0.05``,
        ``stol=0.05``, ``angle_tol=2``.

    Raises
    ------
    ReadError
        If a row is no crystal.
    """
    try:
        cells = [_lattice(values) for values in table[list(CELL)].to_numpy(dtype=float)]
        numbers = [np.array([number_of(symbol) for symbol in species]) for species in table["species"]]
        points = [np.asarray(flat, dtype=float).reshape(-1, 3) for flat in table["frac_coords"]]
    except (ValueError, TypeError) as error:
        raise ReadError(f"A row of this table is no crystal: {error}") from error
    counts = np.array([len(kinds) for kinds in numbers])
    volume = np.abs(np.linalg.det(np.array(cells))) / counts
    contacts = shortest_contacts(cells, points, numbers)
    filled = np.array([(covalent_radii(kinds) ** 3).mean() for kinds in numbers]) * 4 / 3 * np.pi / volume
    hull, energy = (_numbers(table, name) for name in ("e_above_hull", "formation_energy_per_atom"))
    with np.errstate(invalid="ignore"):  # what is not known is no reason
        judged = {
            OVERLAPPING: np.array([contact.ratio for contact in contacts]) < OVERLAP,
            VOLUME: (volume > LARGEST) | (filled < EMPTIEST),
            UNSTABLE: hull > HULL,
            ENERGY: (energy < ENERGIES[0]) | (energy > ENERGIES[1]),
        }
    found = [[reason for reason, holds in judged.items() if holds[row]] for row in range(len(table))]
    shortest = np.array([contact.distance for contact in contacts])
    names = identifiers(table)
    for row, earlier in _repeated(table, numbers, np.column_stack([volume, shortest])).items():
        found[row].append(f"{REPEATED} {names[earlier]}")
    return ["; ".join(reasons) for reasons in found]


def count_flags(flagged: list[str]) -> dict[str, int]:
    """How many crystals have each of ``REASONS``."""
    counts = Counter(reason for flag in flagged for reason in REASONS if reason in flag)
    return {reason: counts[reason] for reason in REASONS}


def _repeated(table: pd.DataFrame, numbers: list[np.ndarray], measures: np.ndarray) -> dict[int, int]:
    """The earliest row that holds the same crystal, for each row that repeats one.

    Parameters
    ----------
    measures
        (N, 2) volume an atom and shortest distance: only where both are alike are two crystals matched, which takes
        milliseconds.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from tqdm.auto import tqdm

    matcher = StructureMatcher(ltol=_LTOL, stol=_STOL, angle_tol=_ANGLE_TOL, scale=False)
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, kinds in enumerate(numbers):
        groups[tuple(sorted(kinds.tolist()))].append(row)
    pairs = [
        pair
        for rows in groups.values()
        for pair in combinations(rows, 2)
        if (np.abs(measures[pair[0]] - measures[pair[1]]) <= _ALIKE * measures[pair[0]]).all()
    ]
    found: dict[int, int] = {}
    for earlier, later in tqdm(pairs, desc="comparing", unit="pair", disable=None):
        if earlier in found or later in found:  # of three that are the same, both later ones name the first
            continue
        one, other = (structure_of(table.iloc[row].to_dict()) for row in (earlier, later))
        if matcher.fit(one, other):
            found[later] = earlier
    return found


def _lattice(values: np.ndarray) -> np.ndarray:
    from pymatgen.core import Lattice

    matrix: np.ndarray = Lattice.from_parameters(*values).matrix
    return matrix


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[name].to_numpy(dtype=float) if name in table else np.full(len(table), np.nan)
