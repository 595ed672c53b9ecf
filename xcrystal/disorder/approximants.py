"""Ordered cells that stand for a disordered crystal: ``approximants``.

Shared and partly filled sites are given whole atoms in a supercell that is large enough for the composition. Where
they are few, all arrangements are looked at, one of those that symmetry makes equal; where they are many, a seeded
sample. If more are left than were asked for, those whose pair correlations are nearest to those of a random arrangement
come first (A. Zunger et al., Phys. Rev. Lett. 65, 353, 1990).
"""

from __future__ import annotations

import math
import os
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.files import read_whole
from xcrystal.crystal.reading import check_structure, parse_structure
from xcrystal.crystal.symmetry.canonical import symmetry_dataset
from xcrystal.disorder.supercells import compact_cells
from xcrystal.errors import (
    InvalidCrystalError,
    ReadError,
    TargetError,
    UnsupportedCrystalError,
    UnsupportedCrystalWarning,
    XCrystalError,
    check_number,
    check_whole_number,
    one_sentence,
)
from xcrystal.reporting import html_table

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel

MOST_ARRANGEMENTS = 5000  # that are looked at one by one
_DRAWS = 1500  # of more than that
_SHAPES = 3  # supercells of one size
_SHELLS = 3  # of neighbours whose pairs are counted
_SHELL = 0.02  # Å: distances that differ by more are of two shells
_MOST_SIZE = 16
_SAME = 0.02  # relative lengths and displacements, and difference of order, of cells that are one ordering
VACANCY = 0  # in the place of an atomic number


@dataclass(frozen=True, eq=False)
class Approximant:
    """An ordered cell that stands for a disordered crystal.

    Attributes
    ----------
    structure
        It.
    weight
        Of how many arrangements it is one that symmetry makes equal, as a share of all that were looked at.
    order
        Root mean square difference of its pair correlations from those of a random arrangement; 0 is random.
    z
        (Z,) latent vector, or None if the model cannot encode it: ``problem`` says why.
    predicted
        Property name to value.
    problem
        Why it cannot be encoded, or "".
    """

    structure: Structure
    weight: float
    order: float
    z: np.ndarray | None = None
    predicted: dict[str, float] | None = None
    problem: str = ""

    def __repr__(self) -> str:
        formula = self.structure.composition.reduced_formula
        return (
            f"Approximant({formula!r}, {len(self.structure)} atoms, order {self.order:.3f}, weight {self.weight:.3f})"
        )

    def to_dict(self) -> dict[str, Any]:
        """What is known of it as plain values, the structure included."""
        return {
            "formula": self.structure.composition.reduced_formula,
            "atoms": len(self.structure),
            "weight": self.weight,
            "order": self.order,
            "predicted": self.predicted,
            "problem": self.problem,
            "structure": self.structure.as_dict(),
        }


@dataclass(frozen=True, eq=False)
class Approximants:
    """Ordered cells of one disordered crystal, the most random first.

    Attributes
    ----------
    items
        They.
    arrangements
        How many there are in supercells of this size and shape; more than were looked at if ``sampled``.
    sampled
        Whether only a seeded sample was looked at.
    composition_error
        By how much the occupancy of any species on any site is off, at most.
    """

    items: tuple[Approximant, ...]
    arrangements: int
    sampled: bool
    composition_error: float

    def __repr__(self) -> str:
        return (
            f"Approximants({self.items[0].structure.composition.reduced_formula!r}, {len(self)} cells of "
            f"{self.arrangements} arrangements, {sum(item.z is not None for item in self)} encoded)"
        )

    def _repr_html_(self) -> str:
        """The cells as a table."""
        return html_table(self.rows(), repr(self))

    def rows(self) -> list[list[str]]:
        """A table of the cells, its head first: what each is, and what is predicted or why nothing is."""
        names = list(self.spread())
        rows = [["", "formula", "atoms", "order", "weight", *names, ""]]
        for number, item in enumerate(self, start=1):
            facts = [str(number), item.structure.composition.reduced_formula, str(len(item.structure))]
            values = ["" if item.predicted is None else f"{item.predicted[name]:.3f}" for name in names]
            rows.append([*facts, f"{item.order:.3f}", f"{item.weight:.3f}", *values, item.problem])
        return rows

    @property
    def problem(self) -> str:
        """One sentence if a model was to encode the cells and can encode none; otherwise ""."""
        if not all(item.problem for item in self):
            return ""
        reason = self.items[0].problem.split(". ")[0].rstrip(".")
        # an error of nothing means that large cells were taken for the sake of the composition
        hint = "; a larger tolerance, such as 0.05, allows smaller cells" if self.composition_error < 0.01 else ""
        return one_sentence(f"None of the {len(self)} ordered cells can be encoded: {reason[:200]}{hint}.")

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Approximant]:
        return iter(self.items)

    def __getitem__(self, k: int) -> Approximant:
        return self.items[k]

    @property
    def structures(self) -> list[Structure]:
        """The cells."""
        return [item.structure for item in self.items]

    @property
    def z(self) -> np.ndarray:
        """(k, Z) latent vectors of those that were encoded."""
        codes = [item.z for item in self.items if item.z is not None]
        return np.array(codes) if codes else np.zeros((0, 0), dtype=np.float32)

    @property
    def coverage(self) -> float:
        """Share of the arrangements in cells of this size for which properties are predicted."""
        return sum(item.weight for item in self if item.predicted)

    def spread(self, weighted: bool = False) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation of each predicted property over those that were encoded.

        Parameters
        ----------
        weighted
            Whether each counts by its ``weight``, as if all arrangements in cells of this size were equally likely
            (there are no energies in it); ``coverage`` says of what share of them. Otherwise each counts once.
        """
        known = [(item.predicted, item.weight if weighted else 1.0) for item in self.items if item.predicted]
        return spread_of([predicted for predicted, _ in known], [weight for _, weight in known])


def weighted_title(coverage: float) -> str:
    """What the mean by weights is called, and of how much it is one: "weighted mean (of 56 % of the arrangements)"."""
    return f"weighted mean (of {100 * coverage:.0f} % of the arrangements)"


def spread_of(predicted: Sequence[Mapping[str, float]], weights: Sequence[float]) -> dict[str, tuple[float, float]]:
    """Weighted mean and standard deviation of each property.

    Parameters
    ----------
    predicted
        Property name to value, for each of n crystals.
    weights
        (n,) of them; they need not add up to 1.
    """
    found: dict[str, tuple[float, float]] = {}
    for name in predicted[0] if predicted else ():
        values = np.array([one[name] for one in predicted])
        mean = float(np.average(values, weights=weights))
        found[name] = mean, float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    return found


def approximants(
    structure: Any,
    n: int = 10,
    max_atoms: int | None = None,
    *,
    tolerance: float = 0.005,
    model: CrystalModel | str | None = "mp20",
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Approximants:
    """Ordered cells that stand for a disordered crystal, encoded.

    Parameters
    ----------
    structure
        A disordered pymatgen Structure, or the path of its file.
    n
        The most that are returned.
    max_atoms
        Of a cell; by default as many as the model encodes.
    tolerance
        By how much an occupancy may be off: 0.05 lets 1/3 stand for 0.3, in smaller cells that the model can encode.
    model
        The model or its name; None encodes nothing.
    seed
        Of the sample, where there are too many arrangements.
    progress
        Called with how many cells are encoded, and of how many.
    should_stop
        Asked after each supercell and each encoding; once it is true, only what was done by then is returned.

    Warns
    -----
    UnsupportedCrystalWarning
        If the model can encode none of the cells; ``problem`` of what is returned holds the sentence, too.

    Raises
    ------
    ReadError
        If there is nothing to read.
    InvalidCrystalError
        If the crystal is ordered, or no crystal.
    UnsupportedCrystalError
        If not even one of its cells has so few atoms.
    TargetError
        If ``n`` or ``max_atoms`` is less than 1.
    """
    from xcrystal.generator import open_model

    check_whole_number(n, "The number of approximants")
    check_whole_number(64 if max_atoms is None else max_atoms, "The largest number of atoms of an approximant")
    if not 0 <= check_number(tolerance, "The tolerance") < 1:
        raise TargetError(f"The tolerance of an occupancy is between 0 and 1, not {tolerance}.")
    opened = open_model(model) if isinstance(model, str) else model
    stopping = should_stop or (lambda: False)
    most = max_atoms if max_atoms is not None else (64 if opened is None else opened.max_atoms)
    disordered = _Disordered.of(_read(structure))
    smallest, error = disordered.size_for(most, tolerance)
    rng = np.random.default_rng(seed)
    found: list[Approximant] = []
    arrangements, sampled = 0, False
    kept: list[Approximant] = []
    # larger cells only where the smaller ones have too few arrangements
    for size in range(smallest, min(most // len(disordered.structure), _MOST_SIZE) + 1, smallest):
        found, arrangements, sampled = [], 0, False
        counts, error = disordered.counts(size)
        for matrix in compact_cells(disordered.structure, size, _SHAPES):
            items, total, drawn = _arranged(disordered, matrix, counts, rng)
            found, arrangements, sampled = found + items, arrangements + total, sampled or drawn
            if stopping():
                break
        shapes = max(1.0, sum(item.weight for item in found))
        found = [Approximant(item.structure, item.weight / shapes, item.order) for item in found]
        # orders that differ in their last digits only are equal, however the cell was written
        found.sort(key=lambda item: (round(item.order, 6), -item.weight))
        kept = _sound(found, n, sampled)
        if len(kept) >= n or stopping():
            break
    if not kept and stopping():
        raise InvalidCrystalError("It was stopped before there was an ordered cell.")
    if not kept:
        raise InvalidCrystalError("In every ordered cell of this crystal two atoms are closer than 0.5 Å.")
    result = Approximants(tuple(_encoded(opened, kept, progress, stopping)), arrangements, sampled, error)
    if result.problem:
        warnings.warn(result.problem, UnsupportedCrystalWarning, stacklevel=2)
    return result


def _read(source: Any) -> Structure:
    from pymatgen.core import IStructure, Structure

    if isinstance(source, IStructure):
        structure = Structure.from_sites(list(source))
    elif isinstance(source, (str, os.PathLike)):
        path = Path(source)
        structure = parse_structure(read_whole(path), path.name)
    else:
        raise ReadError(f"Expected a pymatgen Structure or the path of a crystal file, not {type(source).__name__}.")
    if not len(structure):
        raise InvalidCrystalError("This structure has no atoms.")
    if not np.isfinite(structure.lattice.matrix).all() or not np.isfinite(structure.frac_coords).all():
        raise InvalidCrystalError("A number in this structure is not finite (NaN or infinite).")
    return structure


@dataclass(frozen=True, eq=False)
class _Disordered:
    """A primitive cell; for each site the key of its group in ``groups``, or -1 if one element fills it."""

    structure: Structure
    groups: list[dict[int, float]]  # share of each atomic number, 0 of an empty site
    group_of: np.ndarray

    @classmethod
    def of(cls, structure: Structure) -> _Disordered:
        contents = []
        for site in structure:
            amounts: dict[int, float] = {}
            for species, amount in site.species.items():
                if not getattr(species, "Z", None):
                    raise InvalidCrystalError(f"{species} is not a chemical element.")
                amounts[int(species.Z)] = amounts.get(int(species.Z), 0.0) + float(amount)
            empty = 1 - sum(amounts.values())
            if empty < -1e-3:
                raise InvalidCrystalError(f"A site of this structure holds more than one atom: {site.species_string}.")
            if empty > 1e-3:
                amounts[VACANCY] = empty
            contents.append(tuple(sorted((z, round(share, 6)) for z, share in amounts.items())))
        if all(len(content) == 1 for content in contents):
            raise InvalidCrystalError("This crystal is ordered already: one element fills each site.")
        primitive = structure.get_primitive_structure()
        if len(primitive) < len(structure):
            return cls.of(primitive)
        # sites that symmetry tells apart keep to their own occupancies, even if these are equal
        dataset = symmetry_dataset(structure, _numbered([site.species_string for site in structure]))
        orbits = [0] * len(structure) if dataset is None else dataset.equivalent_atoms.tolist()
        mixed = sorted({own for own in zip(contents, orbits, strict=True) if len(own[0]) > 1})
        groups = {own: key for key, own in enumerate(mixed)}
        group_of = np.array([groups.get(own, -1) for own in zip(contents, orbits, strict=True)])
        return cls(structure, [dict(content) for content, _ in mixed], group_of)

    def size_for(self, most: int, tolerance: float) -> tuple[int, float]:
        """How many cells, at the least, meet the composition best, and by how much an occupancy is off there."""
        largest = min(most // len(self.structure), _MOST_SIZE)
        if largest < 1:
            raise UnsupportedCrystalError(
                f"One cell of this crystal has {len(self.structure)} sites, more than {most}."
            )
        best = 1, self.counts(1)[1]
        for size in range(2, largest + 1):
            if best[1] <= tolerance:
                break
            error = self.counts(size)[1]
            if error < best[1] - 1e-9:
                best = size, error
        return best

    def counts(self, size: int) -> tuple[list[dict[int, int]], float]:
        """Atoms on each group of sites in so many cells, and by how much an occupancy is off, at most."""
        found, worst = [], 0.0
        for key, shares in enumerate(self.groups):
            sites = size * int((self.group_of == key).sum())
            exact = {z: share * sites for z, share in shares.items()}
            counts = {z: math.floor(amount + 1e-6) for z, amount in exact.items()}
            for z in sorted(exact, key=lambda z: counts[z] - exact[z])[: sites - sum(counts.values())]:
                counts[z] += 1
            worst = max(worst, max(abs(counts[z] - exact[z]) / sites for z in exact))
            found.append(counts)
        return found, worst


def _arranged(
    disordered: _Disordered, matrix: np.ndarray, counts: list[dict[int, int]], rng: np.random.Generator
) -> tuple[list[Approximant], int, bool]:
    """Distinct arrangements in one supercell, how many there are with equal ones, and whether they were sampled."""
    from pymatgen.core import Element, Structure

    cell = disordered.structure.copy()
    cell.add_site_property("group", disordered.group_of.tolist())
    cell.make_supercell(matrix)
    group = np.array(cell.site_properties["group"])
    sites = np.flatnonzero(group >= 0)
    total = math.prod(
        math.factorial(sum(own.values())) // math.prod(math.factorial(k) for k in own.values()) for own in counts
    )
    sampled = total > MOST_ARRANGEMENTS
    if sampled:
        rows = {tuple(_shuffled(group[sites], counts, rng)) for _ in range(_DRAWS)}
    else:
        rows = set(_all(group[sites], counts))
    looked = np.array(sorted(rows))
    distinct, weights = _distinct(looked, _permutations(cell, group, sites))
    orders = _orders(cell, group, sites, distinct, counts)
    keep = np.argsort(orders, kind="stable")[:200]
    found = []
    for k in keep:
        numbers = dict(zip(sites.tolist(), distinct[k].tolist(), strict=True))
        full = [place for place in range(len(cell)) if numbers.get(place) != VACANCY]
        species = [Element.from_Z(numbers[p]) if p in numbers else cell[p].specie for p in full]
        structure = Structure(cell.lattice, species, cell.frac_coords[full])
        found.append(Approximant(structure, float(weights[k]) / len(looked), float(orders[k])))
    return found, total, sampled


def _shuffled(group: np.ndarray, counts: list[dict[int, int]], rng: np.random.Generator) -> np.ndarray:
    row = np.zeros(len(group), dtype=int)
    for key, own in enumerate(counts):
        row[group == key] = rng.permutation([z for z, k in own.items() for _ in range(k)])
    return row


def _all(group: np.ndarray, counts: list[dict[int, int]]) -> Iterator[tuple[int, ...]]:
    """Every arrangement, site by site."""
    left = [Counter(own) for own in counts]

    def fill(place: int, row: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if place == len(group):
            yield row
            return
        own = left[group[place]]
        for z in sorted(own):
            if own[z]:
                own[z] -= 1
                yield from fill(place + 1, (*row, z))
                own[z] += 1

    yield from fill(0, ())


def _permutations(cell: Structure, group: np.ndarray, sites: np.ndarray) -> np.ndarray:
    """(p, s) where each symmetry of the supercell, all atoms of a shared site being equal, takes the shared sites."""
    dataset = symmetry_dataset(cell, _numbered(_kinds(cell, group)))
    identity = np.arange(len(sites))[None]
    if dataset is None:
        return identity
    points = cell.frac_coords[sites]
    found = []
    for rotation, translation in zip(dataset.rotations, dataset.translations, strict=True):
        away = (points @ rotation.T + translation)[:, None] - points[None]
        away -= np.rint(away)
        distance = np.linalg.norm(away @ cell.lattice.matrix, axis=2)
        found.append(distance.argmin(axis=1))
    return np.unique(np.array([row for row in found if len(set(row.tolist())) == len(sites)]), axis=0)


def _numbered(kinds: Sequence[Hashable]) -> list[int]:
    """A number from 1 for each, equal where they are equal."""
    numbers = {kind: k for k, kind in enumerate(dict.fromkeys(kinds), start=1)}
    return [numbers[kind] for kind in kinds]


def _kinds(cell: Structure, group: np.ndarray) -> list[tuple[int, str]]:
    return [(int(g), site.species_string) for site, g in zip(cell, group, strict=True)]


def _distinct(rows: np.ndarray, permutations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One row for each set that the permutations make equal, (d, s), and (d,) how many rows it stands for."""
    codes, names = np.unique(rows, return_inverse=True)
    names = names.reshape(rows.shape)
    # a number that tells arrangements apart, also of many sites, up to chance in 2**62
    weights = np.random.default_rng(0).integers(1, 2**62, (len(codes), rows.shape[1]), dtype=np.int64)
    least = np.full(len(rows), np.iinfo(np.int64).max)
    with np.errstate(over="ignore"):
        for permutation in permutations:
            moved = names[:, permutation]
            least = np.minimum(least, weights[moved, np.arange(rows.shape[1])].sum(axis=1))
    _, first, count = np.unique(least, return_index=True, return_counts=True)
    return rows[first], count


def _orders(
    cell: Structure, group: np.ndarray, sites: np.ndarray, rows: np.ndarray, counts: list[dict[int, int]]
) -> np.ndarray:
    """(d,) root mean square difference of the shares of unlike pairs from random ones, over shells of neighbours."""
    differences = []
    for key, own in enumerate(counts):
        members = np.flatnonzero(group[sites] == key)
        random = 1 - sum((k / len(members)) ** 2 for k in own.values())
        for i, j in _shells(cell, sites[members]):
            unlike = rows[:, members[i]] != rows[:, members[j]]
            differences.append(unlike.mean(axis=1) - random)
    found: np.ndarray = np.sqrt(np.mean(np.square(differences), axis=0))
    return found


def _shells(cell: Structure, sites: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of the nearest shells among some sites, as two arrays of numbers of sites; all periodic images count."""
    from pymatgen.core import Structure

    alone = Structure(cell.lattice, ["H"] * len(sites), cell.frac_coords[sites])
    radius = 1.5 * (cell.volume / len(sites)) ** (1 / 3)
    edges = np.zeros(0)
    while True:
        i, j, _, distance = alone.get_neighbor_list(radius)
        ordered = np.sort(distance)
        edges = ordered[1:][np.diff(ordered) > _SHELL]  # where all shells but the first begin
        if len(edges) >= _SHELLS:
            break
        radius *= 1.3
    shell = np.searchsorted(edges, distance + _SHELL / 2)
    for number in range(_SHELLS):
        yield i[shell == number], j[shell == number]


def _sound(found: list[Approximant], n: int, sampled: bool) -> list[Approximant]:
    """The first ``n`` that are possible crystals, each once although supercells of several shapes may hold it."""
    from pymatgen.analysis.structure_matcher import StructureMatcher

    # so tight that one ordering is not taken for another that a strain would turn into it
    same = StructureMatcher(ltol=_SAME, stol=_SAME, angle_tol=1.0, scale=False, primitive_cell=False)
    kept: list[Approximant] = []
    primitive: list[Structure] = []  # of those that are kept, found once for all comparisons
    for item in found:
        if len(kept) == n and (sampled or item.order > kept[-1].order + _SAME):
            break  # in a sample hardly any, otherwise none that follows is like one that is kept
        try:
            checked = check_structure(item.structure)
        except XCrystalError:
            continue
        smallest = checked.get_primitive_structure()
        like = (k for k, other in enumerate(kept) if abs(other.order - item.order) < _SAME)
        known = next((k for k in like if same.fit(primitive[k], smallest)), None)
        if known is not None:
            kept[known] = replace(kept[known], weight=kept[known].weight + item.weight)
            continue
        if len(kept) < n:
            kept.append(Approximant(checked, item.weight, item.order))
            primitive.append(smallest)
    return kept


def _encoded(
    model: CrystalModel | None,
    items: list[Approximant],
    progress: Callable[[int, int], object] | None,
    stopping: Callable[[], bool],
) -> Iterator[Approximant]:
    for done, item in enumerate(items, start=1):
        if done > 1 and stopping():
            return
        if model is None:
            yield item
            continue
        try:
            z = model.encode(item.structure)
            predicted = {name: float(values[0]) for name, values in model.predict(z).items()}
            yield Approximant(item.structure, item.weight, item.order, z[0], predicted)
        except XCrystalError as error:
            yield Approximant(item.structure, item.weight, item.order, problem=str(error))
        if progress is not None:
            progress(done, len(items))
