"""What is drawn of a structure."""

from __future__ import annotations

import time

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.explorer.cells import conventional_cell
from xcrystal.explorer.scene import build_scene


def salt() -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_a_cell_of_rock_salt_has_27_atoms_and_6_bonds_each() -> None:
    scene = build_scene(salt())
    assert len(scene.positions) == 27
    assert len(scene.bond_starts) == 27 * 6
    assert len(np.unique(np.round(scene.positions, 3), axis=0)) == 27
    # all 12 + 24 + 12 + 6 inner bonds are seen from both ends; the rest are stubs
    assert (scene.bond_radii == scene.bond_radii.max()).sum() == 54 * 2


def test_bonds_have_the_length_of_the_nearest_distance() -> None:
    scene = build_scene(salt())
    whole = scene.bond_radii == scene.bond_radii.max()
    lengths = np.linalg.norm(scene.bond_ends - scene.bond_starts, axis=1)
    np.testing.assert_allclose(lengths[whole], 5.64 / 4)
    assert (lengths[~whole] < 5.64 / 4).all()


def test_cations_do_not_bond_to_each_other_where_they_have_anions() -> None:
    perovskite = Structure(
        Lattice.cubic(4.0),
        ["Ba", "Ti", "O", "O", "O"],
        [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    )
    scene = build_scene(perovskite)
    titanium = scene.bond_starts[scene.bond_atoms == 1]
    assert len(titanium) == 6
    assert len(scene.bond_starts[scene.bond_atoms == 0]) == 8 * 12


def test_a_metal_bonds_to_its_like() -> None:
    iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5] * 3])
    scene = build_scene(iron)
    centre = np.all(np.abs(scene.bond_starts) < 1e-9, axis=1)
    assert centre.sum() in (8, 14)


def test_a_point_just_below_a_face_counts_as_on_it() -> None:
    exact = build_scene(Structure(Lattice.cubic(5), ["Si"], [[0, 0, 0]]))
    noisy = build_scene(Structure(Lattice.cubic(5), ["Si"], [[-1e-4, 1e-4, 0.9999]]))
    assert len(exact.positions) == len(noisy.positions) == 8


def test_the_cell_is_centred_and_has_12_edges() -> None:
    scene = build_scene(Structure(Lattice.from_parameters(3, 4, 5, 80, 95, 110), ["C"], [[0.2, 0.3, 0.4]]))
    assert scene.edges.shape == (12, 2, 3)
    np.testing.assert_allclose(scene.edges.mean(axis=(0, 1)), 0, atol=1e-9)


@pytest.mark.parametrize("name", list(CRYSTALS))
def test_scenes_of_all_kinds_of_crystals_are_finite_and_quick(name: str) -> None:
    structure = CRYSTALS[name].to_structure()
    build_scene(structure)
    started = time.process_time()
    scene = build_scene(structure)
    assert time.process_time() - started < 0.1
    for array in (scene.positions, scene.bond_starts, scene.bond_ends, scene.edges, scene.radii):
        assert np.isfinite(array).all()
    assert set(scene.atoms) == set(range(len(structure)))


def test_large_and_small_cells_find_the_same_bonds() -> None:
    small, large = build_scene(salt()), build_scene(salt() * (3, 3, 3))
    inside = large.bond_radii == large.bond_radii.max()
    assert inside.sum() == 2 * 3 * 6 * 7 * 7  # 7 rows of 6 bonds along each axis in each of 7 layers
    assert (small.bond_radii == small.bond_radii.max()).sum() == 2 * 3 * 2 * 3 * 3


@pytest.mark.parametrize("name", list(CRYSTALS))
def test_the_conventional_cell_is_the_same_crystal(name: str) -> None:
    from xcrystal.crystal.groups import space_group
    from xcrystal.crystal.matching import match_rms

    primitive = CRYSTALS[name].to_structure()
    conventional = conventional_cell(primitive)
    copies = len(space_group(int(primitive.properties["space_group"])).centring)
    assert len(conventional) == copies * len(primitive)
    assert match_rms(primitive, conventional) == pytest.approx(0, abs=1e-4)
    assert len(conventional.site_properties["wyckoff"]) == len(conventional)
