"""Toy perovskites: the symmetry they are built with, neutral, possible, and without energies."""

from __future__ import annotations

import numpy as np
import pytest

from xcrystal.crystal.collections.tables import PROPERTIES, structures
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contact
from xcrystal.training.perovskites import idealized_perovskite, idealized_perovskites


def test_strontium_titanate_is_nearly_right() -> None:
    crystal = idealized_perovskite("Sr", "Ti", "O")
    assert crystal.space_group == 221
    assert crystal.lattice[0] == pytest.approx(3.905, rel=0.03)


def test_a_large_cation_lets_titanium_off_its_centre() -> None:
    structure = idealized_perovskite("Ba", "Ti", "O").to_structure()
    assert structure.get_space_group_info(symprec=1e-3) == ("P4mm", 99)
    assert structure.lattice.c > structure.lattice.a
    titanium, apex = structure[1], next(s for s in structure if np.allclose(s.frac_coords[:2], 0.5) and s.specie.Z == 8)
    one = (apex.frac_coords[2] - titanium.frac_coords[2]) % 1
    assert abs(one - (1 - one)) * structure.lattice.c > 0.1  # a short and a long bond along c


def test_all_of_them_are_possible_and_none_has_an_energy() -> None:
    table = idealized_perovskites()
    assert table.formula.is_unique
    assert not set(table.columns) & set(PROPERTIES)
    assert table.source.str.contains("not computed").all()
    groups = []
    for structure in structures(table):
        contact = shortest_contact(structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers))
        assert contact.ratio > SHORT_CONTACT, structure.formula
        groups.append(structure.get_space_group_info(symprec=1e-3)[1])
    assert set(groups) == {99, 221}
    assert min(groups.count(99), groups.count(221)) > 20


def test_charges_balance() -> None:
    for structure in structures(idealized_perovskites()):
        assert structure.composition.oxi_state_guesses(max_sites=-1), structure.formula
