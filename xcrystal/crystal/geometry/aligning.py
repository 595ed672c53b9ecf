"""One crystal laid over another, so that cell, origin and orientation do not look like a difference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.geometry.matching import ANGLE_TOL, LTOL, SEEN, STOL

if TYPE_CHECKING:
    from pymatgen.core import Structure

MOST_ATOMS = 320  # of the cell that another crystal is laid over; assigning atoms to each other is cubic in them


@dataclass(frozen=True, eq=False)
class Alignment:
    """A crystal laid over another one.

    Attributes
    ----------
    structure
        In the cell, origin and orientation of the other, its sites in the order of that one's, each in the cell where
        its counterpart is. Its own distances are kept.
    mirrored
        Whether only its mirror image lies over the other: the two differ in handedness.
    rms
        Of the displacements, in units of (V / N)^(1/3), after both are scaled to one volume.
    """

    structure: Structure
    mirrored: bool
    rms: float

    @cached_property
    def own_hand(self) -> Structure:
        """The crystal in the same cell, but as it is: inverted back if ``structure`` is its mirror image."""
        from pymatgen.core import Structure

        laid = self.structure
        if not self.mirrored:
            return laid
        kinds, sites = [site.species for site in laid], laid.site_properties
        return Structure(laid.lattice, kinds, -laid.frac_coords, site_properties=sites, properties=laid.properties)


def align(original: Structure, other: Structure) -> Alignment | None:
    """Lay one crystal over another by pymatgen's StructureMatcher, with the tolerances of ``matching``.

    Parameters
    ----------
    original
        Ordered, any cell of at most 320 atoms; it stays where it is.
    other
        The same crystal in any cell, origin, orientation and hand. Site properties are kept.

    Returns
    -------
    Alignment or None
        None if they do not match, or are disordered or too large. A mapping that keeps the hand is preferred to one
        that does not, unless a picture would show the difference.

    Notes
    -----
    The primitive cells are matched (Ong et al., Comput. Mater. Sci. 68, 314, 2013). Of the mapping of the lattices,
    which strains, the orthogonal part (polar decomposition) turns the other crystal.
    """
    if not (original.is_ordered and other.is_ordered) or len(original) > MOST_ATOMS:
        return None
    if original.composition.reduced_formula != other.composition.reduced_formula:
        return None
    cell, small = _primitive(original), _primitive(other)
    if len(cell) != len(small):
        return None
    found = _laid(original, cell, small, other.properties, keep_hand=False)
    if found is None or not found.mirrored:
        return found
    same_hand = _laid(original, cell, small, other.properties, keep_hand=True)
    return same_hand if same_hand is not None and same_hand.rms <= found.rms + SEEN else found


def aligned(original: Structure, other: Structure) -> Structure:
    """The other crystal as ``align`` lays it over the original, to be drawn beside it; itself if they do not match."""
    found = align(original, other)
    return other if found is None else found.structure


@cache
def _mapper(keep_hand: bool) -> Any:
    """The matcher of ``matching`` for cells as they are; it may be kept from mappings that change the hand."""
    from pymatgen.analysis.structure_matcher import StructureMatcher

    class Handed(StructureMatcher):
        def _get_lattices(self, *args: Any, **kwargs: Any) -> Any:
            for lattice, mapping in super()._get_lattices(*args, **kwargs):
                if np.linalg.det(mapping) > 0:
                    yield lattice, mapping

    kind = Handed if keep_hand else StructureMatcher
    return kind(stol=STOL, ltol=LTOL, angle_tol=ANGLE_TOL, primitive_cell=False)


def _primitive(structure: Structure) -> Structure:
    """A primitive, right-handed cell in the same orientation; of the structure's own cell if none is found in it."""
    found = structure.get_primitive_structure()
    if len(found) == len(structure):
        found = structure
    multiple = structure.lattice.matrix @ found.lattice.inv_matrix
    if not np.allclose(multiple, np.round(multiple), atol=1e-3):
        found = structure
    return found if np.linalg.det(found.lattice.matrix) > 0 else found.make_supercell(-np.eye(3), in_place=False)


def _laid(
    original: Structure, cell: Structure, small: Structure, properties: dict[str, Any], *, keep_hand: bool
) -> Alignment | None:
    """``small`` over ``original``, by matching it with ``cell``, a primitive cell of the original."""
    from pymatgen.core import Lattice, Structure

    mapped = _mapper(keep_hand).get_transformation(cell, small)
    if mapped is None:
        return None
    mapping, shift, _ = mapped
    cells = np.round(original.lattice.matrix @ cell.lattice.inv_matrix)
    large = small.make_supercell(np.round(cells @ mapping).astype(int), in_place=False, to_unit_cell=False)
    if len(large) != len(original):
        return None
    # what turns its lattice into the original's, without the strain
    u, _, v = np.linalg.svd(large.lattice.inv_matrix @ original.lattice.matrix)
    turn = u @ v
    moves = _displacements(original, large, np.asarray(shift) @ np.linalg.inv(cells))
    if moves is None:
        return None
    order, apart = moves
    structure = Structure(
        Lattice(large.lattice.matrix @ turn),
        [large[k].species for k in order],
        original.frac_coords + apart,
        site_properties={name: [values[k] for k in order] for name, values in large.site_properties.items()},
        properties=dict(properties),
    )
    # both lattices at one volume, and their mean
    scaled = [lattice.scale(1.0).matrix for lattice in (original.lattice, structure.lattice)]
    lengths = np.linalg.norm(apart @ (scaled[0] + scaled[1]) / 2, axis=1) * len(original) ** (1 / 3)
    return Alignment(structure, bool(np.linalg.det(turn) < 0), float(np.sqrt((lengths**2).mean())))


def _displacements(original: Structure, other: Structure, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Which site of the other belongs to each (n,) of the original, and how far off it is (n, 3), in fractions.

    ``shift`` (3,) is added to the other's coordinates first; what remains of it, as a mean, is taken off.
    """
    from pymatgen.util.coord import pbc_shortest_vectors
    from scipy.optimize import linear_sum_assignment

    vectors, squares = pbc_shortest_vectors(
        original.lattice, original.frac_coords, other.frac_coords + shift, return_d2=True
    )
    numbers = [np.array(structure.atomic_numbers) for structure in (original, other)]
    if sorted(numbers[0]) != sorted(numbers[1]):
        return None
    costs = np.where(numbers[0][:, None] == numbers[1][None], squares, 1e6)
    rows, order = linear_sum_assignment(costs)
    apart = original.lattice.get_fractional_coords(vectors[rows, order])
    return order, apart - apart.mean(axis=0)
