"""Distances that known crystals do not have: the table, how it is fitted, and what it says of crystals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure

from xcrystal.crystal.collections.tables import row_of
from xcrystal.crystal.geometry.pair_distances import (
    fit_pair_distances,
    short_contacts,
    shortest_by_pair,
    usual_distances,
)
from xcrystal.training.pair_distance_fit import fit_pair_distances_of


def arrays(crystal: Structure) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return crystal.lattice.matrix, crystal.frac_coords, np.array(crystal.atomic_numbers)


def rock_salt(a: float) -> Structure:
    """MgO, a in Å."""
    cell = a / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    return Structure(cell, ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def with_oxygen_pair(distance: float) -> Structure:
    """Rutile-like TiO2 whose second oxygen stands beside the first, Å."""
    cell = Lattice.tetragonal(4.6, 2.96)
    first = np.array([0.305, 0.305, 0])
    second = first + np.array([0, 0, distance / 2.96])
    return Structure(cell, ["Ti", "Ti", "O", "O"], [[0, 0, 0], [0.5, 0.5, 0.5], first, second])


def test_distances_are_those_of_pymatgen() -> None:
    for crystal in (rock_salt(4.2), with_oxygen_pair(1.2)):
        found = shortest_by_pair(*arrays(crystal))
        centre, other, _, distance = crystal.get_neighbor_list(6.0)
        numbers = np.array(crystal.atomic_numbers)
        for (one, two), shortest in found.items():
            of = (numbers[centre] == one) & (numbers[other] == two)
            assert shortest == pytest.approx(distance[of].min(), abs=1e-6)


def test_molecules_in_an_oxide_are_told_and_true_crystals_are_not() -> None:
    assert short_contacts(*arrays(rock_salt(4.21))) == []
    (contact,) = [each for each in short_contacts(*arrays(with_oxygen_pair(1.2))) if each.second == "O"][:1]
    assert (contact.first, contact.second) == ("O", "O")
    assert contact.distance == pytest.approx(1.2)
    assert contact.usual == usual_distances()[8, 8] > 1.4
    assert "O-O 1.20 Å" in contact.words
    assert {each.second for each in short_contacts(*arrays(rock_salt(3.0)))} >= {"O"}


def test_every_pair_has_a_distance_and_hydrogen_may_be_near() -> None:
    usual = usual_distances()
    assert (usual[1:, 1:] > 0.4).all()  # helium's covalent radius is small
    assert np.array_equal(usual, usual.T)
    assert usual[1, 8] < 1.0 < usual[8, 8]


def test_a_table_is_fitted_to_known_crystals(tmp_path: Path) -> None:
    sizes = np.linspace(4.0, 4.4, 60)
    found = fit_pair_distances([arrays(rock_salt(a)) for a in sizes])
    assert found.pairs["O-Mg"] == pytest.approx(2.0, abs=0.01)
    assert found.classes["metals"] == pytest.approx(np.sqrt(0.5) * 4.0 / (2 * 1.41), abs=0.01)
    pd.DataFrame([row_of(rock_salt(4.2), f"x-{k}") for k in range(2)]).to_parquet(tmp_path / "few.parquet")
    few = fit_pair_distances_of([tmp_path / "few.parquet"], tmp_path / "table.json")
    assert few.pairs == {}  # of two crystals nobody takes a distance
    assert json.loads((tmp_path / "table.json").read_text())["classes"] == few.classes
