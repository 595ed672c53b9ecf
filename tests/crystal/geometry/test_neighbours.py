"""Neighbours are mutual, those of the crystal rather than of its cell, and the same after small moves."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS, build
from xcrystal.crystal.gallery.entries import Entry
from xcrystal.crystal.gallery.types import entries
from xcrystal.crystal.geometry.neighbours import (
    between_metals,
    find_neighbours,
    main_elements,
    pairs_within,
    structure_neighbours,
)

ENTRIES = entries()


def perovskite(cation: str, side: float = 4.0) -> Structure:
    return Structure(
        Lattice.cubic(side),
        [cation, "Ti", "O", "O", "O"],
        [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    )


def counts(structure: Structure) -> list[int]:
    found: list[int] = np.bincount(structure_neighbours(structure).first, minlength=len(structure)).tolist()
    return found


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.prototype)
def test_they_are_mutual(entry: Entry) -> None:
    pairs = structure_neighbours(entry.crystal.to_structure())
    columns = pairs.first.tolist(), pairs.second.tolist(), map(tuple, pairs.images.tolist())
    seen = set(zip(*columns, strict=True))
    assert len(seen) == len(pairs.first)
    assert {(j, i, (-a, -b, -c)) for i, j, (a, b, c) in seen} == seen


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.prototype)
def test_small_moves_do_not_change_how_many_there_are(entry: Entry) -> None:
    structure = entry.crystal.to_structure()
    rng = np.random.default_rng(7)
    for _ in range(5):
        step = rng.standard_normal((len(structure), 3))
        step *= 0.01 / np.linalg.norm(step, axis=1, keepdims=True)
        moved = Structure(structure.lattice, structure.species, structure.cart_coords + step, coords_are_cartesian=True)
        assert counts(moved) == counts(structure)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.prototype)
def test_they_do_not_depend_on_the_cell(entry: Entry) -> None:
    structure = entry.crystal.to_structure()
    own = counts(structure)
    supercell = structure * (2, 1, 1)
    assert sorted(counts(supercell)) == sorted(2 * own)
    skewed = np.array([[1, 2, 0], [0, 1, 0], [1, 0, 1]])
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
    points = structure.frac_coords @ np.linalg.inv(skewed) + 3.7
    numbers = np.array(structure.atomic_numbers)
    again = find_neighbours(skewed @ structure.lattice.matrix @ turn, points, numbers)
    assert np.bincount(again.first).tolist() == own
    order = np.random.default_rng(4).permutation(len(numbers))
    mixed = find_neighbours(structure.lattice.matrix, structure.frac_coords[order], numbers[order])
    assert np.bincount(mixed.first).tolist() == [own[k] for k in order]


@pytest.mark.parametrize("cation", ["Sr", "Ba", "Eu"])
@pytest.mark.parametrize("side", [3.85, 3.905, 4.0, 4.05])
def test_a_perovskite_has_twelve_and_six(cation: str, side: float) -> None:
    assert counts(perovskite(cation, side)) == [12, 6, 6, 6, 6]


def test_the_octahedron_of_a_polar_perovskite_is_whole() -> None:
    """Tetragonal BaTiO3 as PBE has it, Ti-O from 1.8 to 2.4 Å: Ti has six O, Ba twelve."""
    crystal = build(
        99,
        (3.96, 3.96, 4.21, 90, 90, 90),
        ("Ba", "a", (0, 0, 0.0)),
        ("Ti", "b", (0, 0, 0.5365)),
        ("O", "b", (0, 0, -0.03)),
        ("O", "c", (0, 0, 0.485)),
    )
    structure = crystal.to_structure()
    around = dict(zip([site.specie.symbol for site in structure], counts(structure), strict=True))
    assert (around["Ba"], around["Ti"]) == (12, 6)


def test_layers_and_molecules_stay_apart() -> None:
    for name in ("C (graphite)", "BN", "MoS2", "CdI2", "Bi2Te3", "CdCl2", "PbO"):
        structure = next(entry for entry in ENTRIES if entry.prototype == name).structure
        pairs = structure_neighbours(structure)

        heights = structure.cart_coords[:, 2][pairs.first] + pairs.vectors[:, 2]
        # a plane between two layers that no bond crosses
        starts = structure.cart_coords[:, 2][pairs.first]
        low, high = np.minimum(starts, heights), np.maximum(starts, heights)
        period = structure.lattice.c
        planes = np.linspace(0, period, 400, endpoint=False)[:, None]
        crossed = sum(((low + k * period < planes) & (planes < high + k * period)).sum(axis=1) for k in (-1, 0, 1))
        assert crossed.min() == 0, name
    nitrogen = Structure(Lattice.cubic(5.66), ["N", "N"], [[0, 0, 0], [0, 0, 1.1 / 5.66]])
    assert counts(nitrogen) == [1, 1]


def test_a_noble_gas_has_none_and_no_other_atom_is_alone() -> None:
    argon = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.31), ["Ar"], [[0, 0, 0]])
    assert counts(argon) == [0] * 4
    for entry in ENTRIES:
        assert min(counts(entry.crystal.to_structure())) > 0
    # nothing of the rules holds for Cl in ammonium chloride, and yet it is seen to have something around it
    salt = Structure.from_spacegroup("P-43m", Lattice.cubic(3.87), ["Cl", "N", "H"], [[0, 0, 0], [0.5] * 3, [0.35] * 3])
    assert min(counts(salt)) > 0


def test_contacts_between_metals_are_told_from_bonds() -> None:
    laves = next(entry for entry in ENTRIES if entry.prototype == "MgCu2").structure
    assert between_metals(np.array(laves.atomic_numbers), structure_neighbours(laves)).all()
    for structure in (perovskite("Sr"), CRYSTALS["diamond C"].to_structure()):
        assert not between_metals(np.array(structure.atomic_numbers), structure_neighbours(structure)).any()


def test_a_shared_site_counts_as_its_most_abundant_element() -> None:
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5] * 3])
    mixed = salt.copy()
    mixed.replace_species({"Na": {"K": 0.4, "Na": 0.6}})
    assert counts(mixed) == counts(salt) == [6] * 8


def test_pairs_are_those_of_pymatgen() -> None:
    structure = CRYSTALS["triclinic P1"].to_structure()
    pairs = pairs_within(structure.lattice.matrix, structure.frac_coords, 6.0)
    first, second, images, lengths = structure.get_neighbor_list(6.0)
    own = sorted(zip(pairs.first, pairs.second, map(tuple, pairs.images), np.round(pairs.lengths, 6), strict=True))
    theirs = sorted(zip(first, second, map(tuple, images.astype(int)), np.round(lengths, 6), strict=True))
    assert own == theirs
    np.testing.assert_allclose(np.linalg.norm(pairs.vectors, axis=1), pairs.lengths)
    assert (np.diff(pairs.first) >= 0).all()


def test_a_cell_without_atoms_has_no_neighbours() -> None:
    assert len(find_neighbours(4 * np.eye(3), np.zeros((0, 3)), np.array([])).first) == 0
    assert main_elements(Structure(Lattice.cubic(4), [], [])).dtype == int
