"""Reflections of a crystal: which planes diffract, where, and how strongly.

The kinematic formulas and the atomic scattering factors are those of pymatgen's XRDCalculator (M. De Graef and
M. E. McHenry, *Structure of Materials*, 2nd ed., chapters 11 and 12), without anomalous dispersion and thermal motion.
Reflections are indexed in the standard conventional cell; those that its centring extinguishes are never looked at,
and equivalent ones are found by the Laue group. That is what makes this fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.symmetry.canonical import symmetry_dataset
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.crystal.symmetry.wyckoff import expand, lattice_matrix, lattice_parameters
from xcrystal.errors import InvalidCrystalError, TargetError, UnsupportedCrystalError

if TYPE_CHECKING:
    from pymatgen.core import IStructure

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal

MOST_REFLECTIONS = 400_000
_SCATTERING = 41.78214  # Å2; between the factors of X-rays and of electrons (Mott-Bethe)
_OFFSET = 1 << 15  # so that Miller indices of either sign make one whole number


@dataclass(frozen=True, eq=False)
class UnitCell:
    """What diffracts: a conventional cell, its space group, and the atoms of one primitive cell within it.

    Attributes
    ----------
    group
        Number; 1 also where no symmetry was found.
    parameters
        (6,) a, b, c in Å, alpha, beta, gamma in degrees.
    points
        (n, 3) fractional coordinates in the conventional cell.
    numbers, occupancies
        (n,) atomic numbers, and how much of each site is filled; a shared site stands once for each element.
    """

    group: int
    parameters: np.ndarray
    points: np.ndarray
    numbers: np.ndarray
    occupancies: np.ndarray


@dataclass(frozen=True, eq=False)
class Reflections:
    """Families of equivalent reflections, by falling d.

    Attributes
    ----------
    hkl
        (n, 3) one member of each.
    multiplicity
        (n,) how many members there are.
    d
        (n,) spacing of the planes, Å.
    strength
        (n,) squared structure factor of the primitive cell, summed over the members.
    """

    hkl: np.ndarray
    multiplicity: np.ndarray
    d: np.ndarray
    strength: np.ndarray


def cell_of_crystal(crystal: WyckoffCrystal) -> UnitCell:
    """The cell of a crystal whose orbits are known."""
    group = space_group(crystal.space_group)
    atoms = expand([crystal])[0]
    numbers = crystal.elements[atoms.orbit]
    points = atoms.points @ group.primitive.T
    return UnitCell(crystal.space_group, np.asarray(crystal.lattice, float), points, numbers, np.ones(len(numbers)))


def cell_of_decode(structure: IStructure) -> UnitCell:
    """The cell of what ``WyckoffCrystal.to_structure`` made, whose symmetry need not be looked for; of any other
    structure, ``cell_of_structure``."""
    number = structure.properties.get("space_group")
    if number is None or "orbit" not in structure.site_properties or not structure.is_ordered:
        return cell_of_structure(structure)
    group = space_group(int(number))
    lattice = np.linalg.inv(group.primitive.T) @ np.asarray(structure.lattice.matrix)
    metric = lattice @ lattice.T
    averaged = _averaged(metric, group.rotations)
    if np.abs(metric - averaged).max() > 1e-3 * metric.max():  # the cell has been changed since
        return cell_of_structure(structure)
    numbers = np.array([site.specie.Z for site in structure])
    points = np.asarray(structure.frac_coords) @ group.primitive.T
    return UnitCell(int(number), lattice_parameters(averaged), points, numbers, np.ones(len(numbers)))


def _averaged(metric: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """A metric tensor (3, 3) averaged over rotations (g, 3, 3) of fractional coordinates."""
    found: np.ndarray = np.einsum("gji,jk,gkl->il", rotations, metric, rotations) / len(rotations)
    return found


def cell_of_structure(structure: IStructure) -> UnitCell:
    """The conventional cell of a structure, which may be disordered; the cell as it was given where spglib finds none.

    Atoms stay where they are; the lattice is averaged over the point group, so that equivalent reflections coincide.

    Raises
    ------
    InvalidCrystalError
        If a site holds what is no element.
    """
    contents = [_contents(site.species) for site in structure]
    different = {content: k + 1 for k, content in enumerate(dict.fromkeys(contents))}
    kinds = [different[content] for content in contents]
    dataset = symmetry_dataset(structure, kinds)
    lattice, points = np.asarray(structure.lattice.matrix), np.asarray(structure.frac_coords)
    group, chosen = 1, np.arange(len(structure))
    if dataset is not None and dataset.hall_number == space_group(int(dataset.number)).hall_number:
        group = int(dataset.number)
        points = points @ dataset.transformation_matrix.T + dataset.origin_shift
        lattice = np.linalg.inv(dataset.transformation_matrix).T @ lattice
        chosen = np.unique(dataset.mapping_to_primitive, return_index=True)[1]
    metric = _averaged(lattice @ lattice.T, space_group(group).rotations)
    filled = [(points[k], z, amount) for k in chosen for z, amount in contents[k]]
    return UnitCell(
        group,
        lattice_parameters(metric),
        np.array([point for point, _, _ in filled]),
        np.array([z for _, z, _ in filled]),
        np.array([amount for _, _, amount in filled]),
    )


def _contents(species: object) -> tuple[tuple[int, float], ...]:
    """Atomic numbers and amounts on a site; isotopes and oxidation states scatter alike."""
    amounts: dict[int, float] = {}
    for kind, amount in species.items():  # type: ignore[attr-defined]
        if not hasattr(kind, "Z") or not kind.Z:
            raise InvalidCrystalError(f"{kind} is not a chemical element.")
        amounts[int(kind.Z)] = amounts.get(int(kind.Z), 0.0) + float(amount)
    return tuple(sorted(amounts.items()))


def reflections_of(cell: UnitCell, smallest_d: float, largest_d: float = np.inf) -> Reflections:
    """All reflections with a spacing between two limits, in Å.

    Raises
    ------
    TargetError
        If there are too many of them.
    UnsupportedCrystalError
        If the scattering of an element is not known.
    """
    hkl, d = _half_sphere(cell, smallest_d, largest_d)
    strength = 2 * np.abs(structure_factors(cell, hkl, d)) ** 2
    families, inverse = np.unique(_family_keys(cell.group, hkl), return_inverse=True)
    first = np.unique(inverse, return_index=True)[1]
    members = np.bincount(inverse, minlength=len(families))
    found = Reflections(_indices(families), 2 * members, d[first], np.bincount(inverse, strength, len(families)))
    order = np.argsort(-found.d, kind="stable")
    return Reflections(found.hkl[order], found.multiplicity[order], found.d[order], found.strength[order])


def equivalents(group: int, hkl: np.ndarray) -> np.ndarray:
    """The reflections (m, 3) that are equivalent to one (3,) by the Laue group of a space group."""
    found: np.ndarray = np.unique(np.einsum("i,gij->gj", hkl, _laue(group)), axis=0)
    return found


def structure_factors(cell: UnitCell, hkl: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Structure factors (m,) complex, in electrons, of reflections (m, 3) with spacings d (m,) in Å."""
    s2 = 0.25 / d**2
    phases = np.ones((len(hkl), len(cell.points)), dtype=complex)
    for axis in range(3):
        index = hkl[:, axis]
        low = int(index.min(initial=0))
        whole = np.arange(low, int(index.max(initial=0)) + 1)
        phases *= np.exp(2j * np.pi * np.outer(whole, cell.points[:, axis]))[index - low]
    total = np.zeros(len(hkl), dtype=complex)
    for z in np.unique(cell.numbers):
        which = cell.numbers == z
        total += scattering_factor(int(z), s2) * (phases[:, which] @ cell.occupancies[which])
    return total


def scattering_factor(z: int, s2: np.ndarray) -> np.ndarray:
    """The atomic scattering factor (m,), in electrons, at (m,) squares of sin(theta) / wavelength, 1/Å2.

    Raises
    ------
    UnsupportedCrystalError
        If it is not known for the element.
    """
    known = _scattering_parameters(z)
    if known is None:
        from xcrystal.crystal.elements import symbol

        raise UnsupportedCrystalError(f"How {symbol(z)} scatters X-rays is not known, so it has no pattern here.")
    a, b = known
    found: np.ndarray = z - _SCATTERING * s2 * (a * np.exp(-np.multiply.outer(s2, b))).sum(axis=-1)
    return found


@cache
def _scattering_parameters(z: int) -> tuple[np.ndarray, np.ndarray] | None:
    from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS
    from pymatgen.core import Element

    known = ATOMIC_SCATTERING_PARAMS.get(Element.from_Z(z).symbol)
    if known is None:
        return None
    a, b = np.array(known, dtype=float).T
    return a, b


def _half_sphere(cell: UnitCell, smallest_d: float, largest_d: float) -> tuple[np.ndarray, np.ndarray]:
    """Reflections (m, 3) that the centring lets be, one of each pair hkl and -h-k-l, and their spacings (m,)."""
    matrix = lattice_matrix(cell.parameters)
    reach = np.floor(np.linalg.norm(matrix, axis=1) / smallest_d + 1e-9).astype(int)
    count = int(np.prod(2.0 * reach + 1))
    if count > 20 * MOST_REFLECTIONS:
        raise TargetError(f"This cell has millions of reflections down to {smallest_d:.2g} Å; look at a smaller range.")
    h, k, l = (np.arange(-n, n + 1) for n in reach)  # noqa: E741
    h = h[h >= 0]
    grid = np.stack(np.meshgrid(h, k, l, indexing="ij"), axis=-1).reshape(-1, 3)
    half = (grid[:, 0] > 0) | ((grid[:, 0] == 0) & ((grid[:, 1] > 0) | ((grid[:, 1] == 0) & (grid[:, 2] > 0))))
    for shift in space_group(cell.group).centring:
        if shift.any():
            along = grid @ shift
            half &= np.abs(along - np.rint(along)) < 1e-6
    hkl = grid[half]
    g2 = np.einsum("mi,ij,mj->m", hkl, np.linalg.inv(matrix @ matrix.T), hkl, optimize=True)
    inside = (g2 <= smallest_d**-2 * (1 + 1e-12)) & (g2 >= largest_d**-2)
    if inside.sum() > MOST_REFLECTIONS:
        raise TargetError(f"This cell has {inside.sum():,} reflections down to {smallest_d:.2g} Å; look at fewer.")
    return hkl[inside], g2[inside] ** -0.5


def _family_keys(group: int, hkl: np.ndarray) -> np.ndarray:
    """(m,) a number for each reflection (m, 3) that only equivalent ones share: of the member that people write."""
    images = np.einsum("mi,gij->gmj", hkl, _laue(group))
    best: np.ndarray = _key(images).max(axis=0)
    return best


@cache
def _laue(group: int) -> np.ndarray:
    rotations = np.unique(space_group(group).rotations, axis=0)
    return np.unique(np.concatenate([rotations, -rotations]), axis=0)


def _key(hkl: np.ndarray) -> np.ndarray:
    """Larger for indices without a sign, then for large ones that stand first: 110, not 2-10."""
    plain = (hkl >= 0).all(axis=-1).astype(np.int64)
    shifted = hkl.astype(np.int64) + _OFFSET
    key: np.ndarray = (((plain << 16 | shifted[..., 0]) << 16 | shifted[..., 1]) << 16) | shifted[..., 2]
    return key


def _indices(keys: np.ndarray) -> np.ndarray:
    return np.stack([(keys >> 32) & 0xFFFF, (keys >> 16) & 0xFFFF, keys & 0xFFFF], axis=-1) - _OFFSET
