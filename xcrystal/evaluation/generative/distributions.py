"""How far a set of crystals is from another one as a whole: distances between distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np

from xcrystal.crystal.collections.crystal_sets import Cell
from xcrystal.crystal.symmetry.canonical import space_group_number
from xcrystal.crystal.symmetry.groups import CRYSTAL_SYSTEMS, crystal_system
from xcrystal.evaluation.shared.parallel import Workers

_GRAMS_PER_CM3 = 1.66053906660  # of one atomic mass unit per Å3
_GROUPS = 231
_DRAWS = 20


@dataclass(frozen=True, eq=False)
class Descriptors:
    """What is compared of each crystal of a set.

    Attributes
    ----------
    density
        (n,) g/cm3.
    elements
        (n,) number of different elements.
    space_group
        (n,) what spglib finds at symprec 0.1 Å; 0 if it finds nothing.
    """

    density: np.ndarray
    elements: np.ndarray
    space_group: np.ndarray

    def __len__(self) -> int:
        return len(self.density)

    def __getitem__(self, chosen: np.ndarray) -> Descriptors:
        """Those of some of the crystals."""
        return Descriptors(self.density[chosen], self.elements[chosen], self.space_group[chosen])

    @property
    def p1(self) -> float:
        """Share of the crystals without any symmetry."""
        return float((self.space_group == 1).mean())


@dataclass(frozen=True)
class Distances:
    """How far one set is from another one.

    Attributes
    ----------
    density
        Wasserstein-1 distance, g/cm3.
    elements
        Wasserstein-1 distance of the number of different elements.
    space_group, crystal_system
        Total variation, 0 (same frequencies) to 1 (nothing in common).
    p1
        Absolute difference of the shares of P1.
    """

    density: float
    elements: float
    space_group: float
    crystal_system: float
    p1: float


def describe(cells: Sequence[Cell], workers: Workers | None = None, doing: str = "finding symmetry") -> Descriptors:
    """The descriptors of crystals."""
    groups = (workers or Workers()).map(_group_of, cells, doing)
    masses = _masses()
    return Descriptors(
        np.array([_GRAMS_PER_CM3 * masses[c.numbers].sum() / max(c.volume, 1e-9) for c in cells]),
        np.array([len(c.formula) for c in cells]),
        np.array(groups, dtype=int),
    )


def distances(one: Descriptors, other: Descriptors) -> Distances:
    """How far two sets are from each other; symmetric, and zero for the same set.

    Raises
    ------
    ValueError
        If one of them is empty.
    """
    return Distances(
        wasserstein(one.density, other.density),
        wasserstein(one.elements, other.elements),
        total_variation(_frequencies(one.space_group), _frequencies(other.space_group)),
        total_variation(_systems(one.space_group), _systems(other.space_group)),
        abs(one.p1 - other.p1),
    )


def distances_of_draws(population: Descriptors, other: Descriptors, n: int, seed: int = 0) -> Distances:
    """The mean distances of ``n`` crystals drawn from a set, over 20 seeded draws.

    A small set is far from any other by chance alone; this is as near as ``n`` samples of a perfect generator of the
    population would come.
    """
    rng = np.random.default_rng(seed)
    n = min(n, len(population))
    draws = (rng.choice(len(population), n, replace=False) for _ in range(_DRAWS))
    rows = [asdict(distances(population[chosen], other)) for chosen in draws]
    return Distances(**{name: float(np.mean([row[name] for row in rows])) for name in rows[0]})


def wasserstein(one: np.ndarray, other: np.ndarray) -> float:
    """Wasserstein-1 distance of two samples (n,) and (m,) of a number, in its unit."""
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(one, other))


def total_variation(one: np.ndarray, other: np.ndarray) -> float:
    """Half of the summed absolute differences of two frequency vectors (k,)."""
    return float(np.abs(np.asarray(one) - np.asarray(other)).sum() / 2)


def _frequencies(groups: np.ndarray) -> np.ndarray:
    return np.bincount(groups, minlength=_GROUPS) / len(groups)


def _systems(groups: np.ndarray) -> np.ndarray:
    """(8,) frequencies of no symmetry found, and of the seven crystal systems."""
    return np.bincount(_system_of_group()[groups], minlength=1 + len(CRYSTAL_SYSTEMS)) / len(groups)


@cache
def _system_of_group() -> np.ndarray:
    """(231,) the place of each group's crystal system, from 1; 0 for no symmetry found."""
    return np.array([0] + [1 + CRYSTAL_SYSTEMS.index(crystal_system(number)) for number in range(1, _GROUPS)])


def _group_of(cell: Cell) -> int:
    return space_group_number(cell.structure())


@cache
def _masses() -> np.ndarray:
    """(119,) atomic masses in atomic mass units, by atomic number."""
    from pymatgen.core import Element

    return np.array([0.0] + [float(Element.from_Z(z).atomic_mass) for z in range(1, 119)])
