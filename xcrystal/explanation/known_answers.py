"""Tasks whose answer is known: targets of a crystal of which each atom's share follows in closed form.

A network that is trained on such a target can be asked why, and what a method of attribution answers can be compared
with the truth. All targets are functions of what the orbits are made of and of a geometry that does not change when
elements are exchanged, so a target is also known for every exchange of elements.

Shapes: n orbits; any leading axes, written ..., are of several crystals, padded with orbits of element 0 that have no
atoms (``Geometry.padded``). Truths are shares of one atom of each orbit; all atoms of an orbit have the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Literal

import numpy as np

from xcrystal.crystal.geometry.radii import COVALENT_RADII
from xcrystal.crystal.symmetry.wyckoff import Atoms, WyckoffCrystal, expand

Kind = Literal["continuous", "binary", "null"]

# Pauling scale, as in pymatgen's Element.X; He, Ne and Ar, which it leaves out, get the value of Kr
_ELECTRONEGATIVITY = """
2.20 3.00 0.98 1.57 2.04 2.55 3.04 3.44 3.98 3.00 0.93 1.31 1.61 1.90 2.19 2.58 3.16 3.00 0.82 1.00 1.36 1.54 1.63 1.66
1.55 1.83 1.88 1.91 1.90 1.65 1.81 2.01 2.18 2.55 2.96 3.00 0.82 0.95 1.22 1.33 1.60 2.16 1.90 2.20 2.28 2.20 1.93 1.69
1.78 1.96 2.05 2.10 2.66 2.60 0.79 0.89 1.10 1.12 1.13 1.14 1.13 1.17 1.20 1.20 1.10 1.22 1.23 1.24 1.25 1.10 1.27 1.30
1.50 2.36 1.90 2.20 2.20 2.28 2.54 2.00 1.62 2.33 2.02 2.00 2.20 2.20 0.70 0.90 1.10 1.30 1.50 1.38 1.36 1.28
"""
ELECTRONEGATIVITY = np.array([0.0, *map(float, _ELECTRONEGATIVITY.split())])
"""(95,) by atomic number; 0 for no element."""

ALKALI = (3, 11, 19, 37, 55, 87)
ANIONS = (7, 8, 9, 15, 16, 17, 33, 34, 35, 52, 53)
_NO_METALS = (0, 1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 33, 34, 35, 36, 52, 53, 54, 85, 86)

CUTOFF = 6.0  # Å, of the pair energy
_REPULSION, _REPULSION_LENGTH = 5.0, 0.6  # eV/Å2, Å
_POLARITY, _POLARITY_LENGTH = 1.0, 1.2  # eV, Å

_BOND = 3.5  # Å, the longest from a metal to its six ligands
_SPREAD = 1.35  # the longest of them by the shortest
_GAP = 1.12  # the seventh neighbour by the sixth
_SHELL = 1.2  # of the shortest distance: the first shell of neighbours
_SHORT = 0.9  # of the sum of covalent radii: a short bond
_EMPTY = 2.0  # Å, the least height of the empty space between layers
_FACE = 0.5  # Å, how deep the surface of a layer is
_PLANES = np.array([h for h in product((-1, 0, 1), repeat=3) if h > (0, 0, 0)])  # Miller indices in the primitive cell
_STRAIGHT, _RIGHT = 155.0, (65.0, 115.0)  # degrees


def _flags(numbers: tuple[int, ...]) -> np.ndarray:
    return np.isin(np.arange(len(ELECTRONEGATIVITY)), numbers)


OXYGEN = 8
IS_ALKALI, IS_ANION, IS_METAL = _flags(ALKALI), _flags(ANIONS), ~_flags(_NO_METALS)
PARAMETERS = np.column_stack([ELECTRONEGATIVITY, COVALENT_RADII])
"""(95, 2) electronegativity and covalent radius (Å) by atomic number: all that the targets know of elements."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """What the targets need to know of one crystal, or of several, besides the elements.

    Attributes
    ----------
    multiplicities
        (..., n) atoms of each orbit in the primitive cell.
    volume
        (...) Å3 per atom.
    sums
        (..., 2, n, n) decaying functions of the distance, repulsion's and polarity's, summed over the atoms of orbit j
        around one atom of orbit i.
    octahedral
        (..., n) whether the six nearest atoms form an octahedron.
    ligands
        (..., n, n) whether orbit j is among the six nearest atoms of orbit i.
    neighbours
        (..., n, n) how many atoms of orbit j are around one of orbit i, no farther than 1.2 of its shortest distance.
    shortest
        (..., n, n) Å, shortest distance from an atom of orbit i to one of orbit j; infinite beyond 6 Å.
    faces
        (..., k, n) of each flat empty space that is at least 2 Å high: which orbits have an atom at its two surfaces.
    """

    multiplicities: np.ndarray
    volume: np.ndarray
    sums: np.ndarray
    octahedral: np.ndarray
    ligands: np.ndarray
    neighbours: np.ndarray
    shortest: np.ndarray
    faces: np.ndarray

    @classmethod
    def padded(cls, several: Sequence[Geometry]) -> Geometry:
        """The geometries of B crystals, with as many orbits and faces as any of them has."""
        arrays = {}
        for name in (field.name for field in fields(cls)):
            own = [np.asarray(getattr(one, name)) for one in several]
            shape = np.max([a.shape for a in own], axis=0).astype(int)
            arrays[name] = np.full((len(own), *shape), np.inf if name == "shortest" else 0, dtype=own[0].dtype)
            for row, array in enumerate(own):
                part: tuple[int | slice, ...] = (row, *(slice(n) for n in array.shape))
                arrays[name][part] = array
        return cls(**arrays)

    def take(self, rows: np.ndarray, orbits: int) -> Geometry:
        """Some of several crystals, by their rows (b,), with their first orbits alone."""
        cut = {
            field.name: getattr(self, field.name)[rows][(..., *[slice(orbits)] * axes)]
            for field, axes in zip(fields(self), _ORBIT_AXES, strict=True)
        }
        return Geometry(**cut)


_ORBIT_AXES = (1, 0, 2, 1, 2, 2, 2, 1)  # the last axes of each part of a geometry, which count orbits


def geometry_of(crystal: WyckoffCrystal) -> Geometry:
    """The geometry of a crystal (a millisecond)."""
    atoms = expand([crystal])[0]
    n, total = len(crystal.elements), len(atoms.points)
    first = np.searchsorted(atoms.orbit, np.arange(n))
    volume = abs(float(np.linalg.det(atoms.cell)))
    heights = volume / np.linalg.norm(np.cross(atoms.cell[[1, 2, 0]], atoms.cell[[2, 0, 1]]), axis=1)
    reach = np.ceil(CUTOFF / heights).astype(int) + 1
    shifts = np.array(list(product(*(range(-r, r + 1) for r in reach)))) @ atoms.cell
    between = (atoms.points[None] - atoms.points[first, None]) @ atoms.cell
    vectors = between[:, :, None] + shifts  # (n, atoms, images, 3)
    squared = (vectors**2).sum(axis=3)
    near = (squared < CUTOFF**2) & (squared > 1e-6)
    sums, octahedral, ligands = np.zeros((2, n, n)), np.zeros(n, dtype=bool), np.zeros((n, n), dtype=bool)
    neighbours, shortest = np.zeros((n, n)), np.full((n, n), np.inf)
    for i in range(n):
        owner = np.nonzero(near[i])[0]
        around, distances = vectors[i][near[i]], np.sqrt(squared[i][near[i]])
        fade = 0.5 * (1 + np.cos(np.pi * distances / CUTOFF))
        for k, length in enumerate((_REPULSION_LENGTH, _POLARITY_LENGTH)):
            sums[k, i] = np.bincount(atoms.orbit[owner], np.exp(-distances / length) * fade, minlength=n)
        np.minimum.at(shortest[i], atoms.orbit[owner], distances)
        close = owner[distances <= _SHELL * shortest[i].min()]
        neighbours[i] = np.bincount(atoms.orbit[close], minlength=n)
        order = np.argsort(distances, kind="stable")[:7]
        octahedral[i] = _is_octahedron(around[order], distances[order])
        ligands[i, atoms.orbit[owner[order[:6]]]] = True
    faces = _faces(atoms)
    each = np.asarray(volume / total)
    return Geometry(crystal.multiplicities, each, sums, octahedral, ligands, neighbours, shortest, faces)


def _faces(atoms: Atoms) -> np.ndarray:
    """(k, n) the orbits at the surfaces of each empty space between planes of low indices."""
    orbits = int(atoms.orbit.max()) + 1
    spacings = 1 / np.linalg.norm(_PLANES @ np.linalg.inv(atoms.cell).T, axis=1)
    found = []
    for plane, spacing in zip(_PLANES[spacings > _EMPTY], spacings[spacings > _EMPTY], strict=True):
        height = (atoms.points @ plane) % 1 * spacing
        order = np.sort(height)
        steps = np.diff(np.append(order, order[0] + spacing))
        for k in np.flatnonzero(steps > _EMPTY):
            below = (order[k] - height) % spacing  # how deep under the lower surface, and above the upper one
            above = (height - order[(k + 1) % len(order)]) % spacing
            found.append(np.bincount(atoms.orbit[np.minimum(below, above) < _FACE], minlength=orbits) > 0)
    return np.unique(np.array(found, dtype=bool).reshape(-1, orbits), axis=0)


def _is_octahedron(vectors: np.ndarray, distances: np.ndarray) -> bool:
    """Of the seven nearest atoms at ``vectors`` (7, 3), by their distance: whether the first six are an octahedron."""
    if len(distances) < 6 or distances[5] > min(_BOND, _SPREAD * distances[0]):
        return False
    if len(distances) > 6 and distances[6] < _GAP * distances[5]:
        return False
    directions = vectors[:6] / distances[:6, None]
    angles = np.degrees(np.arccos(np.clip(directions @ directions.T, -1, 1)))[np.triu_indices(6, 1)]
    straight = angles > _STRAIGHT
    right = (angles > _RIGHT[0]) & (angles < _RIGHT[1])
    return bool(straight.sum() == 3 and right.sum() == 12)


@dataclass(frozen=True)
class KnownTask:
    """A target with known answers.

    Attributes
    ----------
    name, title
        In code and in words.
    kind
        "continuous", "binary" (the target is a probability's logit, the truth tells whether atoms belong) or "null"
        (atom identities play no part).
    unit
        Of a continuous target.
    value
        Elements (..., n), geometry and the baseline's parameters (2,) to the target (...); None where it is drawn at
        random for each crystal. Element 0 is the baseline's: an atom with its parameters, neither metal nor anion.
    truths
        By name, the main one first: the same to the truth (..., n).
    """

    name: str
    title: str
    kind: Kind
    unit: str
    value: Callable[[np.ndarray, Geometry, np.ndarray], np.ndarray] | None
    truths: Mapping[str, Callable[[np.ndarray, Geometry, np.ndarray], np.ndarray]]


def baseline_parameters(elements_seen: Mapping[str, int]) -> np.ndarray:
    """(2,) the parameters of the mean crystal's atoms: means over the training data's orbits.

    Parameters
    ----------
    elements_seen
        How often each atomic number occurs, as ``CrystalModel.facts`` tells; empty for all alike.
    """
    counts = np.zeros(len(PARAMETERS))
    for z, n in elements_seen.items():
        counts[int(z)] = n
    if not counts.any():
        counts[1:] = 1
    mean: np.ndarray = counts @ PARAMETERS / counts.sum()
    return mean


def parameters_of(elements: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """(..., n, 2) parameters of elements (..., n); the baseline's (2,) for element 0."""
    return np.where((elements == 0)[..., None], baseline, PARAMETERS[elements])


def pair_terms(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 2, n, m) how strongly elements with parameters (..., n, 2) and (..., m, 2) repel and bind each other, eV.

    Repulsion grows with both radii, binding with the square of the difference in electronegativity.
    """
    one, other = a[..., :, None, :], b[..., None, :, :]
    repulsion, binding = _REPULSION * one[..., 1] * other[..., 1], -_POLARITY * (one[..., 0] - other[..., 0]) ** 2
    return np.stack(np.broadcast_arrays(repulsion, binding), axis=-3)


def site_energies(parameters: np.ndarray, geometry: Geometry) -> np.ndarray:
    """(..., n) eV: half of the energies of all pairs of an atom of each orbit, for parameters (..., n, 2) of orbits."""
    energies: np.ndarray = 0.5 * (pair_terms(parameters, parameters) * geometry.sums).sum(axis=(-3, -1))
    return energies


def _mean(values: np.ndarray, geometry: Geometry) -> np.ndarray:
    """(...) mean over the atoms of what each orbit has (..., n)."""
    mean: np.ndarray = (geometry.multiplicities * values).sum(axis=-1) / geometry.multiplicities.sum(axis=-1)
    return mean


def _per_atom(values: np.ndarray, geometry: Geometry) -> np.ndarray:
    """(..., n) values (..., n) by the number of the crystal's atoms."""
    share: np.ndarray = values / geometry.multiplicities.sum(axis=-1, keepdims=True)
    return share


def _pair_energy(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    return _mean(site_energies(parameters_of(elements, baseline), geometry), geometry)


def _site_truth(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    own = parameters_of(elements, baseline)
    difference = site_energies(own, geometry) - site_energies(np.broadcast_to(baseline, own.shape), geometry)
    return _per_atom(difference, geometry)


def _shapley_truth(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    """Exact Shapley values of the identities: a game of pairs, so each pair's gain is shared equally."""
    own = parameters_of(elements, baseline)
    base = np.broadcast_to(baseline, own.shape)
    first = pair_terms(own, base) - pair_terms(base, base)
    second = pair_terms(own, own) - pair_terms(base, own)
    # the pair's whole energy belongs to both of its sites, hence no half for the two halves
    gains = 0.5 * (first + second) * geometry.sums
    return _per_atom(gains.sum(axis=(-3, -1)), geometry)


def _electronegativity(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    return _mean(parameters_of(elements, baseline)[..., 0], geometry)


def _additive_truth(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    return _per_atom(parameters_of(elements, baseline)[..., 0] - baseline[0], geometry)


def octahedral_metals(elements: np.ndarray, geometry: Geometry) -> np.ndarray:
    """(..., n) which orbits are metals amid an octahedron of six anions, which are their six nearest atoms."""
    anions = (IS_ANION[elements][..., None, :] | ~geometry.ligands).all(axis=-1)
    found: np.ndarray = geometry.octahedral & IS_METAL[elements] & anions
    return found


def _octahedral(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    return np.asarray(octahedral_metals(elements, geometry).any(axis=-1))


def _octahedral_truth(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    centres = octahedral_metals(elements, geometry)
    truth: np.ndarray = centres | (centres[..., None] & geometry.ligands).any(axis=-2)
    return truth


def _alkali(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    return np.asarray(IS_ALKALI[elements].any(axis=-1))


def _alkali_truth(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    truth: np.ndarray = IS_ALKALI[elements]
    return truth


def _oxygen_pairs(elements: np.ndarray, geometry: Geometry) -> np.ndarray:
    """(..., n, n) how many oxygen neighbours on orbit j all metal atoms of orbit i have, per atom of the crystal."""
    metals = _per_atom(geometry.multiplicities * IS_METAL[elements], geometry)
    pairs: np.ndarray = metals[..., None] * geometry.neighbours * (elements == OXYGEN)[..., None, :]
    return pairs


def _oxygen(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    return np.asarray(_oxygen_pairs(elements, geometry).sum(axis=(-2, -1)))


def _oxygen_truth(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    """Exact Shapley values: it takes both to be neighbours, and without one there are none, so each has a half."""
    pairs = _oxygen_pairs(elements, geometry)
    return 0.5 * (pairs.sum(axis=-1) + pairs.sum(axis=-2)) / np.maximum(geometry.multiplicities, 1)


def _short_bonds(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    """(..., n, n) between which orbits there is a bond that is short for its elements; the baseline's have none."""
    radii, real = COVALENT_RADII[elements], elements > 0
    short = geometry.shortest < _SHORT * (radii[..., :, None] + radii[..., None, :])
    found: np.ndarray = short & real[..., :, None] & real[..., None, :]
    return found


def _short_bond(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    return np.asarray(_short_bonds(elements, geometry, baseline).any(axis=(-2, -1)))


def _short_bond_truth(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    return np.asarray(_short_bonds(elements, geometry, baseline).any(axis=-1))


def _anion_faces(elements: np.ndarray, geometry: Geometry) -> np.ndarray:
    """(..., k) which faces there are of which all atoms are anions."""
    anions = (IS_ANION[elements][..., None, :] | ~geometry.faces).all(axis=-1)
    return np.asarray(anions & geometry.faces.any(axis=-1))


def _layered(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    return np.asarray(_anion_faces(elements, geometry).any(axis=-1))


def _layered_truth(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    return np.asarray((_anion_faces(elements, geometry)[..., None] & geometry.faces).any(axis=-2))


def _volume(elements: np.ndarray, geometry: Geometry, baseline: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(geometry.volume))


TASKS = {
    task.name: task
    for task in (
        KnownTask(
            "electronegativity",
            "mean Pauling electronegativity",
            "continuous",
            "Pauling units",
            _electronegativity,
            {"contribution": _additive_truth},
        ),
        KnownTask("alkali", "an alkali metal is there", "binary", "", _alkali, {"membership": _alkali_truth}),
        KnownTask(
            "octahedron",
            "a metal amid an octahedron of anions is there",
            "binary",
            "",
            _octahedral,
            {"membership": _octahedral_truth},
        ),
        KnownTask(
            "pair_energy",
            "energy of a pair potential",
            "continuous",
            "eV/atom",
            _pair_energy,
            {"shapley": _shapley_truth, "site_energy": _site_truth},
        ),
        KnownTask(
            "oxygen_neighbours",
            "coordination of metals by oxygen",
            "continuous",
            "neighbours/atom",
            _oxygen,
            {"shapley": _oxygen_truth},
        ),
        KnownTask(
            "short_bond",
            "a bond shorter than 0.9 of the sum of its covalent radii is there",
            "binary",
            "",
            _short_bond,
            {"membership": _short_bond_truth},
        ),
        KnownTask(
            "layered",
            "layers that end in anions, at least 2 Å apart, are there",
            "binary",
            "",
            _layered,
            {"membership": _layered_truth},
        ),
        KnownTask("volume", "log volume per atom", "null", "", _volume, {}),
        KnownTask("noise", "a random number for each crystal", "null", "", None, {}),
    )
}
