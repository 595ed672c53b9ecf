"""Shortest contacts agree with pymatgen's neighbour finder, whatever cell the crystal is written in."""

from __future__ import annotations

import numpy as np
import pytest
from ase.data import covalent_radii
from hypothesis import assume, given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.crystal.geometry.contacts import Contact, shortest_contact
from xcrystal.crystal.geometry.radii import COVALENT_RADII


def contact(structure: Structure) -> Contact:
    return shortest_contact(structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers))


def by_neighbours(structure: Structure) -> Contact:
    centre, other, _, distance = structure.get_neighbor_list(9.0)
    radii = COVALENT_RADII[np.array(structure.atomic_numbers)]
    return Contact(distance.min(), (distance / (radii[centre] + radii[other])).min())


def test_the_radii_are_those_of_ase() -> None:
    assert np.allclose(COVALENT_RADII, covalent_radii[: len(COVALENT_RADII)])


@pytest.mark.parametrize("name", CRYSTALS)
def test_as_pymatgen_finds_it_in_any_cell(name: str) -> None:
    structure = CRYSTALS[name].to_structure()
    expected = by_neighbours(structure)
    assert contact(structure) == pytest.approx(expected)
    for cell in (np.diag([1, 2, 1]), [[1, 3, 0], [0, 1, 0], [-2, 0, 1]]):
        assert contact(structure * cell) == pytest.approx(expected)


@given(
    st.lists(st.floats(1.5, 9), min_size=3, max_size=3),
    st.lists(st.floats(40, 130), min_size=3, max_size=3),
    st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=4),
)
def test_as_pymatgen_finds_it_in_random_cells(
    lengths: list[float], angles: list[float], points: list[tuple[float, float, float]]
) -> None:
    cosines = np.cos(np.radians(angles))
    assume(1 - (cosines**2).sum() + 2 * cosines.prod() >= 0.05)
    structure = Structure(Lattice.from_parameters(*lengths, *angles), ["Na", "Cl", "Cs", "H"][: len(points)], points)
    assume(len(points) == 1 or contact(structure).distance >= 1e-3)  # pymatgen takes closer ones for one site
    assert contact(structure) == pytest.approx(by_neighbours(structure), rel=1e-6, abs=1e-6)


def test_atoms_on_one_site_and_flat_cells() -> None:
    assert shortest_contact(4 * np.eye(3), np.zeros((2, 3)), np.array([11, 17])) == (0.0, 0.0)
    assert shortest_contact(np.diag([4.0, 4.0, 0.0]), np.zeros((1, 3)), np.array([11])) == (0.0, 0.0)
    assert shortest_contact(4 * np.eye(3), np.zeros((0, 3)), np.zeros(0)) == (np.inf, np.inf)
