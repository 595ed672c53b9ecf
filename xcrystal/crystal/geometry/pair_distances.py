"""Distances between pairs of elements that are shorter than those of known crystals.

A share of the sum of covalent radii tells atoms that overlap from bonded ones, but not whether two atoms that could be
bonded ever are: oxygen atoms 1.2 Å apart are a molecule, and in an oxide an error. Known crystals tell. For each pair
of elements the distance ships that 1 in 200 known crystals of both goes below; pairs that few crystals hold get that of
their class, as a share of the sum of covalent radii. ``xcrystal fit-pair-distances`` makes the table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from xcrystal.crystal.elements import MAX_Z, number_of, symbol
from xcrystal.crystal.geometry.contacts import distances_between
from xcrystal.crystal.geometry.radii import covalent_radii

QUANTILE = 0.005
_ENOUGH = 50  # crystals of which a pair's own distance is taken
TABLE = Path(__file__).parents[2] / "data" / "references" / "pair_distances.json"
_NONMETALS = frozenset((1, 2, 6, 7, 8, 9, 10, 15, 16, 17, 18, 34, 35, 36, 52, 53, 54))
_CLASSES = ("metals", "metal and nonmetal", "nonmetals")


class ShortContact(NamedTuple):
    """Two elements that are nearer (``distance``, Å) than 199 of 200 known crystals have them (``usual``, Å)."""

    first: str
    second: str
    distance: float
    usual: float

    @property
    def words(self) -> str:
        """ "O-O 1.21 Å (known crystals: from 1.45 Å)"."""
        return f"{self.first}-{self.second} {self.distance:.2f} Å (known crystals: from {self.usual:.2f} Å)"


@dataclass(frozen=True)
class PairDistances:
    """The table: ``pairs`` with distances (Å) by symbols ("O-O"), ``classes`` with shares of the sum of radii."""

    pairs: dict[str, float]
    classes: dict[str, float]

    def matrix(self) -> np.ndarray:
        """(95, 95) Å by atomic numbers."""
        numbers = np.arange(MAX_Z + 1)
        radii = covalent_radii(numbers)
        shares = np.array([self.classes[name] for name in _CLASSES])
        found: np.ndarray = shares[_class(numbers[:, None], numbers[None])] * (radii[:, None] + radii)
        for name, distance in self.pairs.items():
            one, other = (number_of(part) for part in name.split("-"))
            found[one, other] = found[other, one] = distance
        return found


@cache
def usual_distances() -> np.ndarray:
    """(95, 95) distances in Å, by atomic numbers, that 1 in 200 known crystals of both elements goes below."""
    return PairDistances(**json.loads(TABLE.read_text(encoding="utf-8"))).matrix()


def short_contacts(lattice: np.ndarray, frac: np.ndarray, numbers: np.ndarray) -> list[ShortContact]:
    """The pairs of elements that are unusually near to each other, the most unusual first.

    Parameters
    ----------
    lattice
        (3, 3) cell vectors as rows, Å.
    frac
        (n, 3) fractional coordinates.
    numbers
        (n,) atomic numbers.
    """
    found = []
    for (one, other), distance in shortest_by_pair(lattice, frac, numbers).items():
        usual = float(usual_distances()[min(one, MAX_Z), min(other, MAX_Z)])
        if distance < usual:
            first, second = sorted((symbol(one), symbol(other)))
            found.append(ShortContact(first, second, distance, usual))
    return sorted(found, key=lambda contact: contact.distance / contact.usual)


def shortest_by_pair(lattice: np.ndarray, frac: np.ndarray, numbers: np.ndarray) -> dict[tuple[int, int], float]:
    """The shortest distance in Å of each pair of elements (atomic numbers, the smaller first) of a crystal: its cell
    (3, 3) in Å, points (n, 3) and atomic numbers (n,)."""
    distances = distances_between(lattice, frac)
    numbers = np.asarray(numbers)
    kinds = np.unique(numbers)
    found = {}
    for k, one in enumerate(kinds):
        rows = distances[numbers == one]
        for other in kinds[k:]:
            found[int(one), int(other)] = float(rows[:, numbers == other].min())
    return found


def fit_pair_distances(crystals: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> PairDistances:
    """The table of known crystals, each its cell (3, 3) in Å, points (n, 3) and atomic numbers (n,)."""
    seen: dict[tuple[int, int], list[float]] = {}
    for crystal in crystals:
        for pair, distance in shortest_by_pair(*crystal).items():
            seen.setdefault(pair, []).append(distance)
    pairs = {
        f"{symbol(one)}-{symbol(other)}": round(float(np.quantile(distances, QUANTILE)), 2)
        for (one, other), distances in sorted(seen.items())
        if len(distances) >= _ENOUGH
    }
    shares: list[list[float]] = [[] for _ in _CLASSES]
    for (one, other), distances in seen.items():
        radii = float(covalent_radii(np.array([one, other])).sum())
        shares[int(_class(np.array(one), np.array(other)))] += [distance / radii for distance in distances]
    classes = {
        name: round(float(np.quantile(each, QUANTILE)), 3) if each else 0.0
        for name, each in zip(_CLASSES, shares, strict=True)
    }
    return PairDistances(pairs, classes)


def _class(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How many of two elements are nonmetals: 0 to 2."""
    nonmetals = list(_NONMETALS)
    found: np.ndarray = np.isin(one, nonmetals).astype(int) + np.isin(other, nonmetals)
    return found
