"""The tables of all 230 space groups, against their own algebra and against spglib."""

from __future__ import annotations

import numpy as np
import pytest
import spglib

from xcrystal.crystal.symmetry.groups import crystal_system, space_group

ALL = range(1, 231)
GENERIC = np.array([0.1371, 0.2893, 0.4119])


def _codes(rotations: np.ndarray, translations: np.ndarray) -> set[tuple[int, ...]]:
    """Operations as hashable integers, translations modulo the lattice in 24ths."""
    shifts = np.rint(translations * 24).astype(int) % 24
    return {(*R.ravel().tolist(), *t.tolist()) for R, t in zip(rotations, shifts, strict=True)}


def test_the_operations_of_every_group_are_closed() -> None:
    for number in ALL:
        group = space_group(number)
        known = _codes(group.rotations, group.translations)
        assert len(known) == len(group.rotations), number
        rotations = np.einsum("aij,bjk->abik", group.rotations, group.rotations).reshape(-1, 3, 3)
        translations = (
            np.einsum("aij,bj->abi", group.rotations, group.translations) + group.translations[:, None]
        ).reshape(-1, 3)
        assert _codes(rotations, translations) <= known, number


def test_every_group_is_the_one_that_spglib_knows() -> None:
    for number in ALL:
        group = space_group(number)
        known = spglib.get_spacegroup_type(group.hall_number)
        assert known is not None
        assert known.number == number
        assert known.international_short == group.symbol
        database = spglib.get_symmetry_from_database(group.hall_number)
        assert database is not None
        assert _codes(database["rotations"], database["translations"]) == _codes(group.rotations, group.translations)


def test_letters_are_contiguous_and_the_last_position_is_the_general_one() -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyzA"
    total = 0
    for number in ALL:
        group = space_group(number)
        letters = "".join(p.letter for p in group.positions)
        assert letters == alphabet[: len(letters)], number
        general = group.positions[-1]
        assert general.multiplicity == len(group.rotations)
        assert general.free.all()
        assert np.array_equal(general.A, np.eye(3))
        total += len(letters)
    assert total == 1731  # as in the International Tables


def test_orbits_have_as_many_distinct_points_as_their_multiplicity_says() -> None:
    for number in ALL:
        group = space_group(number)
        for k, position in enumerate(group.positions):
            assert position.multiplicity % len(group.centring) == 0
            points = group.orbit(k, GENERIC)
            assert points.shape == (group.primitive_multiplicity(k), 3)
            difference = points[:, None] - points[None]
            distance = np.abs(difference - np.rint(difference)).max(axis=2)
            np.fill_diagonal(distance, 1.0)
            assert distance.min() > 1e-4, (number, position.letter)


def test_orbits_are_mapped_onto_themselves_by_every_operation() -> None:
    for number in ALL:
        group = space_group(number)
        to_primitive = np.linalg.inv(group.primitive)
        for k in range(len(group.positions)):
            orbit = group.orbit(k, GENERIC)
            conventional = orbit @ group.primitive.T
            images = np.einsum("gij,pj->gpi", group.rotations, conventional) + group.translations[:, None]
            difference = (images @ to_primitive.T)[:, :, None] - orbit
            nearest = np.abs(difference - np.rint(difference)).max(axis=3).min(axis=2)
            assert nearest.max() < 1e-6, (number, k)


def test_free_coordinates_are_those_of_the_point_itself() -> None:
    for number in ALL:
        for position in space_group(number).positions:
            point = position.A @ GENERIC + position.b
            free, residual = position.project(point)
            assert residual < 1e-9
            assert np.allclose(free, np.where(position.free, GENERIC, 0.0))


def test_the_primitive_cell_is_one_nth_of_the_conventional_one() -> None:
    for number in ALL:
        group = space_group(number)
        assert np.linalg.det(group.primitive) == pytest.approx(1 / len(group.centring))
        inside = np.linalg.inv(group.primitive) @ group.centring.T
        assert np.allclose(inside, np.rint(inside))


def test_normalizer_elements_map_the_group_onto_itself() -> None:
    for number in ALL:
        group = space_group(number)
        known = _codes(group.rotations, group.translations)
        assert np.array_equal(group.axes[0], np.eye(3))
        assert not group.origins[0].any()
        for Q, s in zip(group.axes, group.origins, strict=True):
            inverse = np.linalg.inv(Q)
            rotations = Q @ group.rotations @ inverse
            assert np.allclose(rotations, np.rint(rotations))
            rotations = np.rint(rotations).astype(int)
            translations = group.translations @ Q.T + s - rotations @ s
            # along polar axes the origin is free, but a shift of it adds nothing to these translations
            assert _codes(rotations, translations) == known, number


def test_normalizers_permute_the_wyckoff_positions() -> None:
    for number in ALL:
        group = space_group(number)
        count = len(group.positions)
        multiplicity = np.array([p.multiplicity for p in group.positions])
        for row in group.position_map:
            assert sorted(row.tolist()) == list(range(count)), number
            assert np.array_equal(multiplicity[row], multiplicity)


@pytest.mark.parametrize(
    ("number", "swapped"), [(225, ("a", "b")), (221, ("a", "b")), (221, ("c", "d")), (227, ("a", "b")), (2, ("a", "h"))]
)
def test_known_exchanges_of_origin_are_in_the_normalizer(number: int, swapped: tuple[str, str]) -> None:
    group = space_group(number)
    letters = [p.letter for p in group.positions]
    one, other = (letters.index(s) for s in swapped)
    assert any(row[one] == other and row[other] == one for row in group.position_map)


@pytest.mark.parametrize("number", [5, 15, 38, 62, 88, 129, 148, 167, 186, 198, 205, 216, 227, 230])
def test_letters_are_those_that_spglib_gives(number: int) -> None:
    from tests.crystals import random_crystal

    rng = np.random.default_rng(number)
    seen = 0
    for _ in range(12):
        crystal = random_crystal(number, rng, max_atoms=48)
        structure = crystal.to_structure()
        cell = (structure.lattice.matrix, structure.frac_coords, [s.specie.Z for s in structure])
        dataset = spglib.get_symmetry_dataset(cell, symprec=1e-4)
        if dataset is None or dataset.number != number:
            continue  # the positions drawn have more symmetry than the group
        group = space_group(number)
        given = sorted(group.positions[k].multiplicity for k in crystal.positions)
        found = [dataset.wyckoffs[np.flatnonzero(dataset.crystallographic_orbits == o)[0]]
                 for o in np.unique(dataset.crystallographic_orbits)]  # fmt: skip
        # spglib may choose another origin: the same up to the normalizer
        ways = [sorted(group.positions[row[k]].letter for k in crystal.positions) for row in group.position_map]
        assert sorted(found) in ways
        assert (
            sorted(group.positions[[p.letter for p in group.positions].index(x)].multiplicity for x in found) == given
        )
        seen += 1
    assert seen


def test_crystal_systems_begin_where_the_tables_say() -> None:
    first = {1: "triclinic", 3: "monoclinic", 16: "orthorhombic", 75: "tetragonal"}
    first |= {143: "trigonal", 168: "hexagonal", 195: "cubic"}
    for number, system in first.items():
        assert crystal_system(number) == system
        if number > 1:
            assert crystal_system(number - 1) != system
    assert crystal_system(230) == "cubic"


@pytest.mark.parametrize("number", [0, -1, 231])
def test_there_are_no_other_groups(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 230"):
        space_group(number)
