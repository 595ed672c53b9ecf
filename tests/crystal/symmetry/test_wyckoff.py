"""Crystals as orbits, and back to atoms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS, random_crystal
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.crystal.symmetry.wyckoff import lattice_matrix, lattice_parameters


@given(st.integers(1, 230), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_structures_have_the_atoms_and_the_volume_of_their_orbits(number: int, seed: int) -> None:
    crystal = random_crystal(number, np.random.default_rng(seed))
    structure = crystal.to_structure()
    group = space_group(number)
    assert len(structure) == crystal.multiplicities.sum()
    assert structure.properties["space_group"] == number
    conventional = Lattice.from_parameters(*crystal.lattice)
    assert structure.volume * len(group.centring) == pytest.approx(conventional.volume)
    counts = np.bincount(structure.site_properties["orbit"])
    assert np.array_equal(counts, crystal.multiplicities)
    for site in structure:
        k = crystal.positions[site.properties["orbit"]]
        assert site.properties["wyckoff"] == f"{group.positions[k].multiplicity}{group.positions[k].letter}"
        assert crystal.elements[site.properties["orbit"]] == site.specie.Z


@pytest.mark.parametrize("number", [1, 5, 14, 38, 43, 62, 146, 148, 166, 186, 216, 225, 227, 229])
def test_every_operation_is_a_symmetry_of_the_structure(number: int) -> None:
    structure = random_crystal(number, np.random.default_rng(number)).to_structure()
    group = space_group(number)
    to_primitive = np.linalg.inv(group.primitive)
    for R, t in zip(group.rotations, group.translations, strict=True):
        turned = to_primitive @ R @ group.primitive
        metric = structure.lattice.metric_tensor
        assert np.allclose(turned.T @ metric @ turned, metric, atol=1e-6)
        points = structure.frac_coords @ turned.T + to_primitive @ t
        moved = Structure(structure.lattice, structure.species, points)
        distance = structure.lattice.get_all_distances(moved.frac_coords, structure.frac_coords)
        nearest = distance.argmin(axis=1)
        assert distance.min(axis=1).max() < 1e-6
        assert [structure[i].specie for i in nearest] == list(moved.species)


def test_classic_crystals_have_their_bond_lengths() -> None:
    expected = {
        "rock salt NaCl": 2.82,
        "diamond C": 1.546,
        "perovskite SrTiO3": 1.955,
        "fluorite CaF2": 2.364,
        "rutile TiO2": 1.947,
        "hcp Mg": 3.197,
        "quartz SiO2": 1.606,
    }
    for name, length in expected.items():
        structure = CRYSTALS[name].to_structure() * (3, 3, 3)
        distances = structure.distance_matrix + 99 * np.eye(len(structure))
        assert distances.min() == pytest.approx(length, abs=2e-3), name


def test_rock_salt_is_what_pymatgen_builds() -> None:
    reference = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    rms = match_rms(reference, CRYSTALS["rock salt NaCl"].to_structure(), scale=False)
    assert rms == pytest.approx(0, abs=1e-8)


@given(st.tuples(*[st.floats(2, 20)] * 3), st.tuples(*[st.floats(70, 110)] * 3))
def test_cell_parameters_and_matrices_are_inverse(lengths: tuple[float, ...], angles: tuple[float, ...]) -> None:
    parameters = np.array([*lengths, *angles])
    matrix = lattice_matrix(parameters)
    assert np.allclose(lattice_parameters(matrix @ matrix.T), parameters)
    assert np.linalg.det(matrix) == pytest.approx(Lattice.from_parameters(*parameters).volume)


def test_letters_and_multiplicities() -> None:
    spinel = CRYSTALS["spinel MgAl2O4"]
    assert spinel.letters == ["a", "d", "e"]
    assert spinel.multiplicities.tolist() == [2, 4, 8]
