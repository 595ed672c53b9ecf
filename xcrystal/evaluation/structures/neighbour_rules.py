"""Which rule finds the neighbours that textbooks give? The figures of ``xcrystal evaluate neighbours``.

Protocol: each rule is asked for the neighbours of all atoms in the primitive cell of each type of the gallery. A type
is right if around every one of its atoms there are as many of each element as ``textbook_coordination`` says.
Neighbours have to be mutual: as many from A to B as from B to A. Stability: every atom is moved by 0.01 Å in a random
direction, a few times; a type is stable if the number of neighbours of each of its atoms stays. The constants of
xcrystal's own rule were chosen while looking at these types, those of pymatgen's rules were not; all of pymatgen's are
taken with its defaults, and Voronoi polyhedra with faces of at least a quarter of the largest solid angle.
"""

from __future__ import annotations

import timeit
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pymatgen.analysis import local_env
from pymatgen.core import Structure

from xcrystal.crystal.gallery.entries import Entry
from xcrystal.crystal.gallery.types import entries
from xcrystal.crystal.geometry.neighbours import structure_neighbours
from xcrystal.crystal.geometry.radii import covalent_radii
from xcrystal.errors import XCrystalError
from xcrystal.evaluation.structures.textbook_coordination import Shell, textbook_shells
from xcrystal.reporting import Report, columns

OWN = "xcrystal"
MOVED = 0.01  # Å
_MOVES = 3
_SUMS = 1.25
_TIMED = "CaTiO3"  # 20 atoms

Rule = Callable[[Structure], list[list[int]]]
"""From a structure to the neighbours of each of its atoms."""


@dataclass(frozen=True)
class RuleScore:
    """How one rule did.

    Attributes
    ----------
    rule
        Its name.
    right
        On how many types it agrees with the textbook.
    mutual, stable
        On how many types its neighbours are mutual, and their number withstands small moves.
    milliseconds
        For CaTiO3, of 20 atoms.
    wrong
        What it finds where the textbook has something else: "NaCl Na: 12 Na", one for each orbit.
    """

    rule: str
    right: int
    mutual: int
    stable: int
    milliseconds: float
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class NeighbourReport(Report):
    """How the rules did on so many ``types``."""

    types: int
    scores: tuple[RuleScore, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"types": self.types, "scores": [asdict(score) for score in self.scores]}

    def table(self) -> str:
        """Return the rules one by one, and after them what xcrystal's own has wrong."""
        rows: list[tuple[str, ...]] = [("rule", "as textbook", "mutual", "stable", "ms for 20 atoms")]
        for s in self.scores:
            shares = (f"{count} of {self.types}" for count in (s.right, s.mutual, s.stable))
            rows.append((s.rule, *shares, f"{s.milliseconds:.1f}"))
        wrong = [f"{s.rule}, not as textbook: {'; '.join(s.wrong)}" for s in self.scores if s.rule == OWN and s.wrong]
        return "\n\n".join([columns(rows), *wrong])


def rules() -> dict[str, Rule]:
    """Return all rules by name, xcrystal's first."""
    return {
        OWN: _own,
        "CrystalNN": _of(local_env.CrystalNN()),
        "EconNN": _of(local_env.EconNN()),
        "MinimumDistanceNN": _of(local_env.MinimumDistanceNN()),
        "BrunnerNN": _of(local_env.BrunnerNNReciprocal()),
        "VoronoiNN": _of(local_env.VoronoiNN(tol=0.25)),
        f"{_SUMS} sums of radii": _by_radii,
    }


def evaluate_neighbours(chosen: Sequence[str] = (), shown: Sequence[Entry] = (), seed: int = 0) -> NeighbourReport:
    """Compare the neighbours that rules find with those of the textbook.

    Parameters
    ----------
    chosen
        Names of ``rules``; without any, all, which takes some minutes.
    shown
        Entries of the gallery; without any, all.
    seed
        Of the moves.

    Raises
    ------
    XCrystalError
        If there is no such rule.
    """
    known = rules()
    for name in chosen:
        if name not in known:
            raise XCrystalError(f"No rule of neighbours is called {name!r}; there are {', '.join(known)}.")
    types = list(shown or entries())
    return NeighbourReport(len(types), tuple(_score(name, known[name], types, seed) for name in chosen or known))


def _score(name: str, rule: Rule, types: list[Entry], seed: int) -> RuleScore:
    book = textbook_shells()
    rng = np.random.default_rng(seed)
    right = mutual = stable = 0
    wrong = []
    for entry in types:
        structure = entry.crystal.to_structure()
        found = rule(structure)
        missed = list(_missed(entry, structure, found, book[entry.prototype]))
        wrong += missed
        right += not missed
        pairs = Counter((i, j) for i, around in enumerate(found) for j in around)
        mutual += all(pairs[j, i] == count for (i, j), count in pairs.items())
        numbers = [len(around) for around in found]
        moved = (_moved(structure, rng) for _ in range(_MOVES))
        stable += all([len(around) for around in rule(other)] == numbers for other in moved)
    timed = next(entry for entry in entries() if entry.prototype == _TIMED).crystal.to_structure()
    quickest = min(timeit.repeat(lambda: rule(timed), number=1, repeat=3))
    return RuleScore(name, right, mutual, stable, 1e3 * quickest, tuple(wrong))


def _missed(entry: Entry, structure: Structure, found: list[list[int]], book: list[list[Shell]]) -> list[str]:
    symbols = [site.specie.symbol for site in structure]
    orbit = entry.crystal.atoms()[2]
    missed: dict[int, str] = {}
    for atom, around in enumerate(found):
        shell = Counter(symbols[other] for other in around)
        if shell not in book[orbit[atom]]:
            said = " + ".join(f"{count} {symbol}" for symbol, count in shell.items()) or "none"
            missed.setdefault(int(orbit[atom]), f"{entry.prototype} {symbols[atom]}: {said}")
    return list(missed.values())


def _moved(structure: Structure, rng: np.random.Generator) -> Structure:
    step = rng.standard_normal((len(structure), 3))
    step *= MOVED / np.linalg.norm(step, axis=1, keepdims=True)
    return Structure(structure.lattice, structure.species, structure.cart_coords + step, coords_are_cartesian=True)


def _own(structure: Structure) -> list[list[int]]:
    pairs = structure_neighbours(structure)
    return _lists(structure, pairs.first, pairs.second)


def _by_radii(structure: Structure) -> list[list[int]]:
    radii = covalent_radii(np.array([site.specie.Z for site in structure]))
    first, second, _, lengths = structure.get_neighbor_list(_SUMS * 2 * float(radii.max()))
    near = lengths < _SUMS * (radii[first] + radii[second])
    return _lists(structure, first[near], second[near])


def _lists(structure: Structure, first: np.ndarray, second: np.ndarray) -> list[list[int]]:
    return [second[first == atom].tolist() for atom in range(len(structure))]


def _of(method: local_env.NearNeighbors) -> Rule:
    def find(structure: Structure) -> list[list[int]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oxidation states are not known, which some would like
            return [[near["site_index"] for near in method.get_nn_info(structure, k)] for k in range(len(structure))]

    return find
