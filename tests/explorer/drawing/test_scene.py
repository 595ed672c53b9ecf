"""What is drawn of a structure."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.crystal.gallery.types import entries
from xcrystal.crystal.geometry.neighbours import structure_neighbours
from xcrystal.explorer.drawing.bond_graph import bonds
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.scene import BOND_RADIUS, build_scene, element_colors
from xcrystal.explorer.session.tabs.site_facts import coordination


def salt() -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_a_cell_of_rock_salt_has_27_atoms_and_the_bonds_between_them() -> None:
    scene = build_scene(salt())
    assert len(scene.positions) == 27
    assert len(np.unique(np.round(scene.positions, 3), axis=0)) == 27
    assert len(scene.bond_starts) == 54 * 2  # 12 + 24 + 12 + 6 bonds, each from both ends
    assert len(scene.face_sizes) == 0


def test_bonds_have_the_length_of_the_nearest_distance() -> None:
    scene = build_scene(salt())
    lengths = np.linalg.norm(scene.bond_ends - scene.bond_starts, axis=1)
    np.testing.assert_allclose(lengths, 5.64 / 4)


def perovskite(large: str = "Ba") -> Structure:
    return Structure(
        Lattice.cubic(4.0),
        [large, "Ti", "O", "O", "O"],
        [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    )


def test_a_perovskite_shows_its_octahedron_and_no_bonds_of_the_large_cation() -> None:
    scene = build_scene(perovskite())
    assert len(scene.positions) == 8 + 1 + 6
    assert np.bincount(scene.bond_atoms).tolist() == [0, 6, 2, 2, 2]
    assert scene.face_sizes.tolist() == [3] * 8 and set(scene.face_atoms) == {1}
    assert len(build_scene(perovskite(), polyhedra=False).corners) == 0


def test_octahedra_on_the_corners_of_a_cell_are_whole() -> None:
    moved = perovskite()
    moved.translate_sites(list(range(5)), [0.5, 0.5, 0.5])
    scene = build_scene(moved)
    assert (scene.atoms == 1).sum() == 8
    assert len(scene.face_sizes) == 8 * 8
    assert np.bincount(scene.bond_atoms).tolist() == [0, 8 * 6, 16, 16, 16]
    bare = build_scene(moved, boundary=False)
    assert len(bare.positions) == 5 and len(bare.corners) == 0


def test_faces_of_polyhedra_are_seen_counterclockwise_from_outside() -> None:
    molybdenite = Structure.from_spacegroup(
        "P6_3/mmc", Lattice.hexagonal(3.161, 12.295), ["Mo", "S"], [[1 / 3, 2 / 3, 0.25], [1 / 3, 2 / 3, 0.6275]]
    )
    scene = build_scene(molybdenite)
    assert sorted(scene.face_sizes.tolist()) == [3] * 4 + [4] * 6  # two prisms
    parts = np.split(scene.corners, np.cumsum(scene.face_sizes)[:-1])
    for points, atom in zip(parts, scene.face_atoms, strict=True):
        (centre,) = scene.positions[scene.atoms == atom]
        assert np.cross(points[1] - points[0], points[2] - points[1]) @ (points[0] - centre) > 1
        if len(points) == 4:  # a rectangle, and no bow tie
            np.testing.assert_allclose(points[0] + points[2], points[1] + points[3], atol=1e-6)


@pytest.mark.parametrize(
    ("prototype", "centres"),
    {
        "SiO2": {"Si"},
        "TiO2 (rutile)": {"Ti"},
        "MgAl2O4": {"Mg", "Al"},
        "Ca3Al2(SiO4)3": {"Al", "Si"},
        "K2PtCl6": {"Pt"},
        "MoS2": {"Mo"},
        "CaCO3": set(),
        "NaCl": set(),
        "ZnS (cubic)": set(),
        "CaF2": set(),
        "FeS2 (cubic)": set(),
        "PbO": set(),
        "PtS": set(),
        "Cu3Au": set(),
        "CaB6": set(),
    }.items(),
)
def test_polyhedra_are_drawn_where_textbooks_draw_them(prototype: str, centres: set[str]) -> None:
    structure = next(entry.structure for entry in entries() if entry.prototype == prototype)
    scene = build_scene(structure)
    assert {structure[atom].specie.symbol for atom in scene.face_atoms.tolist()} == centres
    # each that is drawn has all its bonds, as all its corners are drawn
    pairs = structure_neighbours(structure)
    for symbol in centres:
        own = [k for k, site in enumerate(structure) if site.specie.symbol == symbol]
        around = np.bincount(pairs.first)[own[0]]
        assert np.isin(scene.bond_atoms, own).sum() == np.isin(scene.atoms, own).sum() * around


@pytest.mark.parametrize("boundary", [True, False])
def test_molecules_are_in_one_piece_where_their_centre_is(boundary: bool) -> None:
    dry_ice = Structure.from_spacegroup("Pa-3", Lattice.cubic(5.55), ["C", "O"], [[0, 0, 0], [0.1185] * 3])
    scene = build_scene(dry_ice, boundary=boundary)
    molecules = 14 if boundary else 4
    assert np.bincount(scene.numbers)[[6, 8]].tolist() == [molecules, 2 * molecules]
    assert len(scene.bond_starts) == molecules * 4
    atoms = build_scene(dry_ice, bonds=False, polyhedra=False, boundary=boundary)
    np.testing.assert_allclose(atoms.positions, scene.positions)


def test_a_layer_of_carbon_shows_a_ring() -> None:
    graphite = Structure.from_spacegroup(
        "P6_3/mmc", Lattice.hexagonal(2.464, 6.711), ["C", "C"], [[0, 0, 0.25], [1 / 3, 2 / 3, 0.25]]
    )
    scene = build_scene(graphite)
    upper = scene.positions[:, 2] > 0
    atoms, bonds = upper.sum(), (scene.bond_starts[:, 2] > 0).sum() // 2
    assert bonds == atoms  # one ring with branches; without a ring there would be one bond less


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
    assert len(large.bond_starts) == 2 * 3 * 6 * 7 * 7  # 7 rows of 6 bonds along each axis in each of 7 layers
    assert len(small.bond_starts) == 2 * 3 * 2 * 3 * 3


@pytest.mark.parametrize("name", list(CRYSTALS))
def test_the_conventional_cell_is_the_same_crystal(name: str) -> None:
    from xcrystal.crystal.geometry.matching import match_rms
    from xcrystal.crystal.symmetry.groups import space_group

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
    bare = build_scene(structure, boundary=False, bonds=False, polyhedra=False)
    assert sorted(bare.atoms) == list(range(len(structure)))
    assert len(bare.bond_starts) == len(bare.corners) == 0
    assert len(build_scene(structure, bonds=False).positions) == len(whole.positions)


@pytest.mark.parametrize("cation", ["Sr", "Ba", "Eu"])
def test_picture_panel_and_graph_agree_on_a_perovskite(cation: str) -> None:
    crystal = Structure(
        Lattice.cubic(3.905),
        [cation, "Ti", "O", "O", "O"],
        [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    )
    scene = build_scene(crystal)
    assert np.bincount(scene.bond_atoms).tolist() == [0, 6, 2, 2, 2]
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
    scene = build_scene(primitive, repeat=(2, 2, 2))
    assert np.all(np.abs(scene.bond_starts) < 1e-9, axis=1).sum() == 8


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


def test_hidden_elements_go_with_their_bonds_and_polyhedra() -> None:
    whole = build_scene(perovskite())
    without = build_scene(perovskite(), hidden=("O",))
    assert set(without.numbers) == {56, 22} and len(without.bond_starts) == 0
    assert len(without.corners) == len(whole.corners)  # the octahedron is around titanium
    assert len(build_scene(perovskite(), hidden=("Ti",)).corners) == 0
    assert build_scene(perovskite(), hidden=("Ba", "Ti", "O")).extent > 3


def test_space_filling_ions_touch_and_molecules_overlap() -> None:
    ions = build_scene(salt(), style="space-filling")
    radii = dict(zip(ions.numbers.tolist(), ions.radii, strict=True))
    assert radii[17] > radii[11]  # unlike the covalent radii
    assert radii[11] + radii[17] == pytest.approx(5.64 / 2, rel=0.02)
    assert len(ions.bond_starts) == len(ions.corners) == 0
    copper = build_scene(
        Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.61), ["Cu"], [[0, 0, 0]]), style="space-filling"
    )
    assert 2 * copper.radii[0] == pytest.approx(3.61 / 2**0.5, rel=0.05)
    dry_ice = Structure.from_spacegroup("Pa-3", Lattice.cubic(5.55), ["C", "O"], [[0, 0, 0], [0.1185] * 3])
    assert build_scene(dry_ice, style="space-filling").radii.min() == pytest.approx(1.5)  # van der Waals, of oxygen


@pytest.mark.parametrize("palette", ["jmol", "vesta"])
def test_colours_are_within_range_and_lanthanides_are_told_apart(palette: str) -> None:
    colors = element_colors(palette)
    assert colors.shape == (119, 3) and colors.min() >= 0 and colors.max() <= 1
    np.testing.assert_allclose(colors[8], [1, 0, 0], atol=0.1)
    if palette == "jmol":
        steps = np.linalg.norm(np.diff(colors[57:72], axis=0), axis=1)
        assert steps.min() > 0.25 and np.linalg.norm(colors[62] - colors[66]) > 0.25
    else:
        assert not np.allclose(colors[11], element_colors()[11])
