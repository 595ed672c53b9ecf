"""Lattices as numbers, and crystals as padded tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice

from tests.crystals import CRYSTALS, random_crystal
from xcrystal.crystal.symmetry.groups import crystal_system, space_group
from xcrystal.model.tensors import cells_from_numbers, collate, lattice_numbers
from xcrystal.model.wyckoff_tables import MAX_LETTERS, position_tables


@given(st.integers(1, 230), st.integers(0, 10**6), st.integers(1, 20))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_cells_come_back_from_their_numbers(number: int, seed: int, atoms: int) -> None:
    cell = random_crystal(number, np.random.default_rng(seed)).lattice[None]
    group, count = np.array([number]), np.array([float(atoms)])
    numbers = lattice_numbers(group, cell, count)
    volume = Lattice.from_parameters(*cell[0]).volume / len(space_group(number).centring)
    assert numbers[0, 0] == pytest.approx(np.log(volume / atoms), abs=1e-4)
    if 0.5 < numbers[0, 0] < 5.5:
        assert np.allclose(cells_from_numbers(group, numbers, count), cell, rtol=1e-4, atol=1e-3)


@given(st.integers(1, 230), st.lists(st.floats(-1e30, 1e30), min_size=7, max_size=7), st.integers(1, 20))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_numbers_give_a_cell_of_the_right_system(number: int, values: list[float], atoms: int) -> None:
    cell = cells_from_numbers(np.array([number]), np.array([values]), np.array([float(atoms)]))[0]
    a, b, c, alpha, beta, gamma = cell
    assert np.isfinite(cell).all()
    assert cell[:3].min() > 0
    volume = Lattice.from_parameters(*cell).volume / len(space_group(number).centring) / atoms
    assert np.exp(0.49) < volume < np.exp(5.51)
    system = crystal_system(number)
    if system not in ("triclinic", "monoclinic", "orthorhombic"):
        assert a == pytest.approx(b)
    if system == "cubic":
        assert a == pytest.approx(c)
    if system != "triclinic":
        assert alpha == pytest.approx(90)
        assert gamma == pytest.approx(120 if system in ("trigonal", "hexagonal") else 90)
    if system not in ("triclinic", "monoclinic"):
        assert beta == pytest.approx(90)


def test_numbers_that_are_none_give_a_cell() -> None:
    numbers = np.array([[np.nan] * 7, [np.inf] * 7, [-np.inf] * 7])
    assert np.isfinite(cells_from_numbers(np.array([1, 14, 225]), numbers, np.ones(3))).all()


def test_batches_pad_and_can_be_cut() -> None:
    crystals = list(CRYSTALS.values())
    rows = [(c.space_group, np.zeros(7), c.positions, c.elements, c.coordinates) for c in crystals]
    batch = collate(rows)
    longest = max(len(c.positions) for c in crystals)
    assert batch.letter.shape == batch.element.shape == (len(crystals), longest)
    assert batch.mask.sum(dim=1).tolist() == [len(c.positions) for c in crystals]
    assert (batch.element[~batch.mask] == 0).all()
    cut = batch[torch.tensor([3, 1])]
    assert cut.group.tolist() == [crystals[3].space_group, crystals[1].space_group]
    assert batch.to("cpu", torch.float64).coordinates.dtype == torch.float64
    assert batch.to("cpu", torch.float64).letter.dtype == torch.int64


def test_the_tables_hold_every_position_once() -> None:
    tables = position_tables()
    rows = tables.index[tables.index >= 0]
    assert sorted(rows.tolist()) == list(range(len(tables.multiplicity)))
    assert len(rows) == 1731
    assert tables.index.shape == (231, MAX_LETTERS)
    for number in (1, 62, 225):
        group = space_group(number)
        for k, position in enumerate(group.positions):
            row = tables.index[number, k]
            assert tables.multiplicity[row] == group.primitive_multiplicity(k)
            assert np.array_equal(tables.free[row], position.free)


def test_every_group_has_a_position_that_fits_into_twenty_atoms() -> None:
    tables = position_tables()
    for number in range(1, 231):
        rows = tables.index[number][tables.index[number] >= 0]
        assert tables.multiplicity[rows].min() <= 20
