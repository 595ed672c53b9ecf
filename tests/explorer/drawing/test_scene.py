"""What is drawn of a structure."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.crystal.neighbours import between_metals, structure_neighbours
from xcrystal.explorer.drawing.bond_graph import bonds
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.scene import BOND_RADIUS, build_scene
from xcrystal.explorer.session.site_facts import coordination


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
    assert centre.sum() == 8


def test_a_point_just_below_a_face_counts_as_on_it() -> None:
    exact = build_scene(Structure(Lattice.cubic(5), ["Si"], [[0, 0, 0]]))
    noisy = build_scene(Structure(Lattice.cubic(5), ["Si"], [[-1e-4, 1e-4, 0.9999]]))
    assert len(exact.positions) == len(noisy.positions) == 8


def test_the_cell_is_centred_and_has_12_edges() -> None:
    scene = build_scene(Structure(Lattice.from_parameters(3, 4, 5, 80, 95, 110), ["C"], [[0.2, 0.3, 0.4]]))
    assert scene.edges.shape == (12, 2, 3)
    np.testing.assert_allclose(scene.edges.mean(axis=(0, 1)), 0, atol=1e-9)


@pytest.mark.parametrize("name", list(CRYSTALS))
def test_scenes_of_all_kinds_of_crystals_are_finite(name: str) -> None:
    structure = CRYSTALS[name].to_structure()
    scene = build_scene(structure)
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


@pytest.mark.parametrize("name", list(CRYSTALS))
def test_what_is_not_wanted_is_left_out(name: str) -> None:
    structure = CRYSTALS[name].to_structure()
    whole = build_scene(structure)
    bare = build_scene(structure, boundary=False, bonds=False)
    assert sorted(bare.atoms) == list(range(len(structure)))
    assert len(bare.bond_starts) == 0
    assert len(build_scene(structure, bonds=False).positions) == len(whole.positions)
    # each atom keeps all its bonds, as stubs where the other end is not drawn; one in a metal at least some contact
    alone = np.bincount(build_scene(structure, boundary=False).bond_atoms, minlength=len(structure))
    pairs = structure_neighbours(structure)
    if between_metals(np.array(structure.atomic_numbers), pairs).any():
        assert alone.min() > 0
    else:
        np.testing.assert_array_equal(alone, np.bincount(pairs.first, minlength=len(structure)))
        per_atom = np.bincount(whole.bond_atoms, minlength=len(structure)) / np.bincount(whole.atoms)
        np.testing.assert_array_equal(alone, per_atom)


@pytest.mark.parametrize("cation", ["Sr", "Ba", "Eu"])
def test_picture_panel_and_graph_agree_on_a_perovskite(cation: str) -> None:
    crystal = Structure(
        Lattice.cubic(3.905),
        [cation, "Ti", "O", "O", "O"],
        [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    )
    scene = build_scene(crystal, boundary=False)
    assert np.bincount(scene.bond_atoms).tolist() == [12, 6, 6, 6, 6]
    assert coordination(crystal, 0) == "12: 12 O at 2.76 Å"
    found = bonds(crystal)
    assert found.around.tolist() == [12, 6, 6, 6, 6]
    assert sum(count for (one, _), count in found.counts.items() if one == 0) == 12


def test_contacts_of_metals_are_thin_and_stay_inside() -> None:
    copper = Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.61), ["Cu"], [[0, 0, 0]])
    scene = build_scene(copper)
    assert (scene.bond_radii < BOND_RADIUS / 2).all()
    assert len(scene.bond_starts) == 2 * 36  # of the 14 atoms that are drawn, the pairs that touch
    assert set(np.bincount(scene.bond_atoms, minlength=4) > 0) == {True}


def test_bonds_are_those_of_the_endless_crystal() -> None:
    """One atom in a small cell bonds to nothing but its own images, and not to those behind them."""
    iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    primitive = iron.get_primitive_structure()
    assert len(primitive) == 1
    scene = build_scene(primitive, boundary=False)
    neighbours = primitive.get_neighbors(primitive[0], 1.01 * 2.87 * 3**0.5 / 2)
    assert len(scene.bond_starts) == len(neighbours) == 8


def test_cells_of_a_supercell_are_outlined() -> None:
    scene = build_scene(salt(), repeat=(2, 3, 1))
    assert scene.repeat == (2, 3, 1) and scene.note == ""
    assert len(scene.edges) == 4 * 2 + 3 * 2 + 3 * 4
    np.testing.assert_allclose(scene.positions.max(axis=0) + scene.positions.min(axis=0), 0, atol=1e-9)
    assert scene.extent == pytest.approx(np.linalg.norm([1, 1.5, 0.5]) * 5.64, abs=1.0)


def test_too_many_atoms_are_not_drawn_but_said() -> None:
    scene = build_scene(salt(), repeat=(4, 6, 6))
    assert scene.repeat == (4, 5, 6)
    assert "4 x 6 x 6 cells would be 1152 atoms" in scene.note
    huge = build_scene(salt() * (6, 6, 6), repeat=(2, 2, 2))
    assert len(huge.positions) == 8 * 216 and len(huge.bond_starts) == 0
    assert "only one cell" in huge.note
