"""Edits of a crystal: other elements, vacancies, moved atoms, strain; for a whole orbit, or for one atom of a cell.

Edits of whole orbits keep the symmetry, or raise it. An edit of one atom of the cell that is given lowers it; it is
then found anew, and what was lost is reported. Orbits are numbered as ``canonicalize`` numbers them, or as the
``WyckoffCrystal`` that is given does. What comes out is not relaxed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.elements import MAX_Z, symbol
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contact
from xcrystal.crystal.limits import MAX_SEARCHED
from xcrystal.crystal.reading import encodable
from xcrystal.crystal.symmetry.canonical import Canonical, symmetry_dataset
from xcrystal.crystal.symmetry.groups import crystal_system, space_group
from xcrystal.crystal.symmetry.orbits import AXES, ISOTROPIC, PARAMETERS, Opened, Site, free_parameters, open_crystal
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import InvalidCrystalError, TargetError

if TYPE_CHECKING:
    from pymatgen.core import Structure

OVERLAP = (
    0.5  # a contact shorter than this share of the sum of covalent radii is refused; below SHORT_CONTACT it is said
)
MOST_STRAIN = 0.3
_KINDS = {  # (determinant, trace) of a rotation
    (1, 2): "6-fold axes",
    (1, 1): "4-fold axes",
    (1, 0): "3-fold axes",
    (1, -1): "2-fold axes",
    (-1, -3): "inversion",
    (-1, 1): "mirror or glide planes",
    (-1, 0): "3-fold rotoinversions",
    (-1, -1): "4-fold rotoinversions",
    (-1, -2): "6-fold rotoinversions",
}
_TRANSLATIONS = "translations within the cell"
_NOBODY = 200  # number of no element


@dataclass(frozen=True, eq=False)
class Edit:
    """An edited crystal.

    Attributes
    ----------
    structure
        The edited crystal: in the cell that was given where elements were exchanged or removed or one atom moved,
        otherwise in the standardized primitive cell, with ``properties["space_group"]`` (of the description, which may
        be lower than what is found).
    canonical
        Its canonical form, ``crystal``, and how ``structure`` belongs to it.
    words
        What was done: "Ti on 1b became Zr".
    space_group_before, space_group_after
        Numbers.
    operations_before, operations_after
        Symmetry operations of the cell that is compared, translations within it included; equal cells for both.
    lost
        Kinds of symmetry of which fewer are left: "inversion", "4-fold axes", ...
    caution
        What is doubtful of the result; empty if nothing is known.
    """

    structure: Structure
    canonical: Canonical
    words: str
    space_group_before: int
    space_group_after: int
    operations_before: int
    operations_after: int
    lost: tuple[str, ...] = ()
    caution: str = ""

    @property
    def crystal(self) -> WyckoffCrystal:
        """The canonical form."""
        return self.canonical.crystal

    @property
    def symmetry(self) -> str:
        """One sentence on the symmetry before and after."""
        names = [f"{space_group(n).symbol} ({n})" for n in (self.space_group_before, self.space_group_after)]
        if self.operations_after < self.operations_before:
            lost = f"; lost or fewer: {', '.join(self.lost)}" if self.lost else ""
            return (
                f"The symmetry falls from {names[0]} to {names[1]}: {self.operations_after} of "
                f"{self.operations_before} operations of this cell remain{lost}."
            )
        if self.operations_after > self.operations_before:
            return f"The symmetry rises from {names[0]} to {names[1]}."
        return f"The symmetry stays {names[1]}."


def substitute(source: Any, orbit: int, element: str, only_atom: int | None = None) -> Edit:
    """Another element on an orbit, or on one atom of it.

    Parameters
    ----------
    source
        A Structure in any cell, or a WyckoffCrystal.
    orbit
        Its number.
    element
        Symbol, hydrogen to plutonium.
    only_atom
        Index of an atom of the orbit in the structure given (of a WyckoffCrystal, in its primitive cell), if only this
        one, and its images in other cells, is to change.

    Raises
    ------
    TargetError
        If there is no such orbit, atom or element, or the atom has this element already.
    InvalidCrystalError
        If atoms would overlap.
    UnsupportedCrystalError
        If the result is too large to look for its symmetry, or holds elements beyond plutonium. Whether a model
        encodes as many atoms is for the model to say.
    """
    opened = open_crystal(source)
    site = opened.site(orbit)
    new = known_element(element)
    if new == site.element:
        raise TargetError(f"The atoms on {site.wyckoff} are {new} already.")
    chosen = _chosen(site, only_atom)
    edited = _plain(opened.structure)
    for atom in chosen:
        edited.replace(atom, new)
    what = f"{_called(site, only_atom)} became {new}"
    return _edit(opened, edited, what)


def remove(source: Any, orbit: int, only_atom: int | None = None) -> Edit:
    """Vacancies on an orbit, or one atom less in the cell; parameters and errors as for ``substitute``.

    Raises
    ------
    InvalidCrystalError
        If nothing would be left.
    """
    opened = open_crystal(source)
    site = opened.site(orbit)
    chosen = _chosen(site, only_atom)
    if len(chosen) == len(opened.structure):
        what = "atom" if len(chosen) == 1 else "orbit"
        raise InvalidCrystalError(f"This is the only {what} of the crystal; without it nothing is left.")
    edited = _plain(opened.structure)
    edited.remove_sites(chosen)
    return _edit(opened, edited, f"{_called(site, only_atom)} removed")


def move(source: Any, orbit: int, axis: str, amount: float, only_atom: int | None = None) -> Edit:
    """An orbit moved along one of its free coordinates, or one atom along an axis of its cell.

    Parameters
    ----------
    source, only_atom
        As for ``substitute``.
    orbit
        Its number.
    axis
        "x", "y" or "z": a coordinate that the Wyckoff position leaves free. One atom alone can move along any axis of
        the structure given.
    amount
        Change of the fractional coordinate: of the conventional cell for an orbit, of the structure given for one atom.

    Raises
    ------
    TargetError
        If the orbit has no such free coordinate.
    InvalidCrystalError
        If atoms would overlap.
    """
    opened = open_crystal(source)
    site = opened.site(orbit)
    if axis not in AXES:
        raise TargetError(f"There is no axis {str(axis)[:20]!r}; there are: {', '.join(AXES)}.")
    step = _number(amount, "An atom is moved by", 1.0)
    k = AXES.index(axis)
    if only_atom is not None:
        chosen = _chosen(site, only_atom)
        edited = _plain(opened.structure)
        edited.translate_sites(chosen, np.eye(3)[k] * step, frac_coords=True, to_unit_cell=True)
        return _edit(opened, edited, f"{_called(site, only_atom)} moved by {_signed(step)} along {axis}")
    if axis not in site.free:
        free = f"only along {' and '.join(site.free)}" if site.free else "it has no free coordinate"
        raise TargetError(f"{site.element} on {site.wyckoff} cannot move along {axis} with its symmetry kept: {free}.")
    coordinates = np.array(opened.crystal.coordinates, dtype=float)
    coordinates[site.orbit, k] = (coordinates[site.orbit, k] + step) % 1.0
    moved = replace(opened.crystal, coordinates=coordinates)
    return _edit(
        opened, _plain(moved.to_structure()), f"{site.element} on {site.wyckoff} moved by {_signed(step)} along {axis}"
    )


def strain(source: Any, parameter: str, amount: float) -> Edit:
    """A crystal whose cell is strained with its symmetry kept.

    Parameters
    ----------
    source
        As for ``substitute``.
    parameter
        "all" for the same strain in all directions, or a lattice parameter of the conventional cell that its symmetry
        leaves free (see ``free_parameters``); what is equal by symmetry follows.
    amount
        Relative change of the length, or change of an angle in radians: 0.02 is 2 % or 1.15 degrees.

    Raises
    ------
    TargetError
        If there is no such parameter, or symmetry fixes it.
    """
    opened = open_crystal(source)
    step = _number(amount, "A cell is strained by", MOST_STRAIN)
    edited = strained(opened.crystal, parameter, step)
    if parameter in ("alpha", "beta", "gamma"):
        words = f"{parameter} changed by {_signed(float(np.degrees(step)))} degrees"
    else:
        words = f"{'the cell' if parameter == ISOTROPIC else parameter} strained by {_signed(100 * step)} %"
    return _edit(opened, _standard(edited), words)


def strained(crystal: WyckoffCrystal, parameter: str, amount: float) -> WyckoffCrystal:
    """As ``strain``, without looking for symmetry anew: the same description in another cell."""
    free = free_parameters(crystal.space_group)
    cell = np.array(crystal.lattice, dtype=float)
    if parameter == ISOTROPIC:
        cell[:3] *= 1 + amount
    elif parameter not in PARAMETERS:
        raise TargetError(f"There is no lattice parameter {str(parameter)[:20]!r}; there are: all, {', '.join(free)}.")
    elif parameter not in free:
        raise TargetError(f"Symmetry fixes {parameter} in this crystal; free are: {', '.join(free)}.")
    elif parameter in PARAMETERS[3:]:
        cell[PARAMETERS.index(parameter)] += np.degrees(amount)
    else:
        system = crystal_system(crystal.space_group)
        same = {"cubic": (0, 1, 2), "orthorhombic": (), "monoclinic": (), "triclinic": ()}.get(system, (0, 1))
        own = PARAMETERS.index(parameter)
        for k in same if own in same else (own,):
            cell[k] *= 1 + amount
    return replace(crystal, lattice=cell)


def symmetry_alone(source: Any, orbit: int, only_atom: int) -> str:
    """What is left of the symmetry if one atom of an orbit is made unlike all others; one sentence.

    Parameters and errors as for ``substitute``.
    """
    opened = open_crystal(source)
    site = opened.site(orbit)
    _chosen(site, only_atom)
    numbers = [s.specie.Z for s in opened.structure]
    kinds = [_operations(opened.structure, numbers)]
    numbers[only_atom] = _NOBODY
    kinds.append(_operations(opened.structure, numbers))
    before, after = kinds[0].total(), kinds[1].total()
    if before == after:
        return "It is the only atom of its orbit in this cell, so no symmetry is lost."
    lost = ", ".join(kind for kind, count in kinds[0].items() if kinds[1][kind] < count)
    return f"Changed alone, {after} of {before} symmetry operations of this cell remain; lost or fewer: {lost}."


def known_element(element: Any) -> str:
    """The symbol of an element that can be encoded; raises TargetError."""
    wanted = str(element).strip()
    if wanted.capitalize() in {symbol(z) for z in range(1, MAX_Z + 1)}:
        return wanted.capitalize()
    raise TargetError(f"There is no element {wanted[:20]!r} that the model knows; it knows H to Pu.")


# -- inside


def _chosen(site: Site, only_atom: int | None) -> list[int]:
    if only_atom is None:
        return list(site.atoms)
    if only_atom not in site.atoms:
        raise TargetError(f"Atom {str(only_atom)[:20]} is not one of the {len(site.atoms)} atoms on {site.wyckoff}.")
    return [int(only_atom)]


def _called(site: Site, only_atom: int | None) -> str:
    return f"{site.element} on {site.wyckoff}" if only_atom is None else f"one {site.element} of {site.wyckoff}"


def _number(amount: Any, what: str, most: float) -> float:
    try:
        value = float(amount)
    except (TypeError, ValueError):
        value = np.nan
    if not abs(value) <= most:
        raise TargetError(f"{what} at most {most:g}, not by {str(amount)[:20]}.")
    return value


def _plain(structure: Structure) -> Structure:
    """A copy without what was said of the sites of the crystal as it was."""
    from pymatgen.core import Structure

    return Structure(structure.lattice, structure.species, structure.frac_coords)


def _standard(crystal: WyckoffCrystal) -> Structure:
    """The standardized primitive cell, with ``properties["space_group"]``: the group of this description of it."""
    written = crystal.to_structure()
    plain = _plain(written)
    plain.properties = dict(written.properties)
    return plain


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")


def _edit(opened: Opened, edited: Structure, words: str) -> Edit:
    ratio, before = _ratio(edited), _ratio(opened.structure)
    if ratio < OVERLAP and ratio < before - 1e-6:
        raise InvalidCrystalError(
            f"Atoms would overlap ({words}): the closest two are at {ratio:.0%} of the sum of their covalent radii."
        )
    found = encodable(edited, MAX_SEARCHED, MAX_SEARCHED)
    # written alike, so that operations of equal cells are compared
    same_cell = len(edited) == len(opened.structure) or np.allclose(
        edited.lattice.matrix, opened.structure.lattice.matrix
    )
    cells = (opened.structure, edited) if same_cell else (opened.crystal.to_structure(), edited)
    kinds = [_operations(structure) for structure in cells]
    lost = tuple(kind for kind, count in kinds[0].items() if kinds[1][kind] < count)
    caution = ""
    if ratio < SHORT_CONTACT and ratio < before - 1e-6:
        caution = f"The closest two atoms are at {ratio:.0%} of the sum of their covalent radii."
    return Edit(
        edited,
        found,
        words,
        opened.crystal.space_group,
        found.crystal.space_group,
        kinds[0].total(),
        kinds[1].total(),
        lost,
        caution,
    )


def _ratio(structure: Structure) -> float:
    numbers = np.array([site.specie.Z for site in structure])
    return shortest_contact(np.asarray(structure.lattice.matrix), np.asarray(structure.frac_coords), numbers).ratio


def _operations(structure: Structure, numbers: list[int] | None = None) -> Counter[str]:
    """How many operations of each kind the cell has, modulo its own translations; ``numbers`` in place of elements."""
    found = symmetry_dataset(structure, numbers)
    kinds: Counter[str] = Counter()
    for rotation in found.rotations if found is not None else np.eye(3, dtype=int)[None]:
        key = (round(float(np.linalg.det(rotation))), int(np.trace(rotation)))
        kinds[_KINDS.get(key, _TRANSLATIONS)] += 1  # (1, 3) is the identity, with or without a translation
    return kinds
