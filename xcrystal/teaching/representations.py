"""Exercise 2: one crystal as a list of atoms, as a graph, as Wyckoff orbits and as a latent vector, and what each
loses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.symmetry.groups import crystal_system, space_group
from xcrystal.teaching import material
from xcrystal.teaching.questions import Count, Names, NotUnderstood, Number, Question, Task

if TYPE_CHECKING:
    from pymatgen.core import Structure

TITLE = "Representations"
_FREE_LENGTHS = {"cubic": 1, "hexagonal": 2, "trigonal": 2, "tetragonal": 2, "orthorhombic": 3}


def questions() -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Count(
            "Numbers in the list of atoms of spinel",
            lambda: _listed(len(material.crystal("spinel"))),
            (
                "A cell has three lengths and three angles.",
                "Each of the atoms in the conventional cell has three coordinates; elements are no numbers here.",
            ),
            "This is what a CIF without symmetry holds. Nothing is lost, and most of it says the same thing again.",
            slips=lambda: {
                "The cell has numbers, too.": 3.0 * len(material.crystal("spinel")),
                "That is the primitive cell; the conventional one was asked for.": _listed(
                    material.entry("spinel").atoms
                ),
            },
        ),
        "b": Count(
            "Numbers that the symmetry of spinel leaves free",
            lambda: _free("spinel"),
            (
                "How many lengths and angles may be chosen freely in a cubic cell?",
                "Which coordinates of the three orbits are not fixed by their Wyckoff position? Look at the table.",
            ),
            "A space group, three letters and two numbers are the whole crystal. This is what the decoder writes.",
            slips=lambda: {
                "Has the cell a free length?": _free("spinel") - 1.0,
                "Coordinates that symmetry fixes are not free.": 1.0
                + 3 * len(material.entry("spinel").crystal.elements),
            },
        ),
        "c": Count(
            "Bonds at each titanium atom of the perovskite's graph",
            lambda: _neighbours("cubic perovskite", "Ti", 2.5),
            ("structure.get_neighbors(site, 2.5) lists the atoms within 2.5 Å of a site, images included.",),
            "Six oxygen atoms: the octahedron. A graph keeps who is bonded to whom.",
        ),
        "d": Names(
            "Which of these do not tell zinc blende from wurtzite",
            _blind,
            (
                "Compute each for both crystals, and compare.",
                "Both have four neighbours around each atom. Where do the two differ?",
            ),
            "The two differ only in how layers are stacked, which no atom sees in its first neighbours.",
        ),
        "e": Number(
            "Distance between the latent vectors of zinc blende and wurtzite",
            lambda: float(np.linalg.norm(material.code("zinc blende") - material.code("wurtzite"))),
            ("The Euclidean distance of two arrays is np.linalg.norm of their difference.",),
            "Small, but not zero: the latent vector tells them apart, and knows that they are alike.",
            relative=0.02,
            slips=lambda: {
                "This is the squared distance; take the root.": float(
                    np.sum((material.code("zinc blende") - material.code("wurtzite")) ** 2)
                ),
                "This adds up absolute differences; the Euclidean distance adds up squares and takes the root.": float(
                    np.abs(material.code("zinc blende") - material.code("wurtzite")).sum()
                ),
            },
        ),
        "f": Task(
            "Barium fluoride, built from its symmetry",
            _barium_fluoride,
            (
                'Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [...], [...]) makes all atoms of each orbit.',
                "Fluorite: the metal at (0, 0, 0), fluorine at (1/4, 1/4, 1/4).",
            ),
            "Group, one length, two positions: that is all there is to know of it.",
            judge=_is_the_crystal,
        ),
    }


def _listed(atoms: int) -> float:
    return 6.0 + 3 * atoms


def _free(name: str) -> float:
    crystal = material.entry(name).crystal
    positions = space_group(crystal.space_group).positions
    coordinates = sum(int(positions[k].free.sum()) for k in crystal.positions)
    return float(_FREE_LENGTHS[crystal_system(crystal.space_group)] + coordinates)


def _neighbours(name: str, symbol: str, reach: float) -> float:
    structure = material.crystal(name)
    centre = next(site for site in structure if site.specie.symbol == symbol)
    return float(len(structure.get_neighbors(centre, reach)))


def _blind() -> set[str]:
    """Which representations are the same for both."""
    one, other = material.entry("zinc blende"), material.entry("wurtzite")
    a, b = material.code(one.name), material.code(other.name)
    same = {
        "formula": one.formula == other.formula,
        "space group": one.space_group == other.space_group,
        "neighbours": all(_neighbours(one.name, e, 2.6) == _neighbours(other.name, e, 2.6) for e in ("Zn", "S")),
        "code": bool(np.allclose(a, b, atol=1e-2)),
    }
    return {name for name, equal in same.items() if equal}


def _barium_fluoride() -> Structure:
    from xcrystal.crystal.gallery.entries import crystal_of

    return crystal_of(225, (6.2,), "Ba a, F c").to_structure()


def _is_the_crystal(given: Any, right: Structure) -> str:
    from pymatgen.core import Structure

    from xcrystal.crystal.geometry.matching import match_rms
    from xcrystal.crystal.symmetry.canonical import space_group_number

    if not isinstance(given, Structure):
        raise NotUnderstood("Give a pymatgen Structure.")
    given = material.plain_structure(given)
    if set(given.composition) != set(right.composition):
        return "It holds other elements than barium fluoride."
    if given.composition.reduced_formula != right.composition.reduced_formula:
        return f"This is {given.composition.reduced_formula}. How many fluorine atoms are there for each barium?"
    if space_group_number(given) != space_group_number(right):
        return "The elements are right, the symmetry is not. Are the positions those of fluorite?"
    if match_rms(given, right) is None:
        return "Formula and space group are right, but it is another crystal."
    ratio = given.volume / len(given) / (right.volume / len(right))
    return "" if abs(ratio - 1) < 0.02 else "The right structure in a cell of another size: a is 6.2 Å."
