"""Edits of crystals: what they keep, what they take back, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure

from tests.crystals import CRYSTALS, build
from xcrystal.crystal.editing import Edit, move, remove, strain, substitute, symmetry_alone
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.symmetry.canonical import canonicalize
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.crystal.symmetry.orbits import PARAMETERS, free_parameters, open_crystal
from xcrystal.errors import InvalidCrystalError, TargetError, UnsupportedCrystalError, XCrystalError

NAMES = sorted(CRYSTALS)
SMALL = [name for name in NAMES if len(CRYSTALS[name].to_structure()) <= 12]
quick = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])


def conventional(structure: Structure) -> Structure:
    found = canonicalize(structure).crystal
    group = space_group(found.space_group)
    primitive = found.to_structure()
    basis = np.linalg.inv(group.primitive).T @ primitive.lattice.matrix
    points = primitive.frac_coords @ group.primitive.T
    images = (points[:, None] + group.centring[None]).reshape(-1, 3) % 1.0
    return Structure(basis, [s.specie for s in primitive for _ in group.centring], images)


def tried(edit: object, *words: object, **named: object) -> Edit:
    """An edit; examples that cannot be are passed over."""
    try:
        found = edit(*words, **named)  # type: ignore[operator]
    except (InvalidCrystalError, UnsupportedCrystalError):
        assume(False)
        raise
    assert isinstance(found, Edit)
    return found


def same(one: Structure, other: Structure) -> bool:
    # mirror images are one crystal here, but not to the matcher
    rms = match_rms(canonicalize(one).crystal.to_structure(), canonicalize(other).crystal.to_structure(), scale=False)
    return rms is not None and rms < 1e-3


@quick
@given(st.sampled_from(NAMES), st.integers(0, 9), st.sampled_from(["Si", "Zr", "Se", "Co", "Rb"]))
def test_substitution_keeps_atoms_and_other_orbits(name: str, number: int, element: str) -> None:
    structure = CRYSTALS[name].to_structure()
    sites = open_crystal(structure).sites()
    site = sites[number % len(sites)]
    assume(site.element != element)
    edit = tried(substitute, structure, site.orbit, element)
    assert len(edit.structure) == len(structure)
    assert {edit.structure[k].specie.symbol for k in site.atoms} == {element}
    others = [k for k in range(len(structure)) if k not in site.atoms]
    assert [edit.structure[k].specie for k in others] == [structure[k].specie for k in others]
    assert np.allclose(edit.structure.frac_coords, structure.frac_coords)
    assert edit.operations_after >= edit.operations_before and not edit.lost
    # and back again
    back = substitute(edit.structure, _orbit_of(edit.structure, site.atoms[0]), site.element)
    if edit.space_group_after == edit.space_group_before:
        assert same(back.structure, structure)
        assert back.space_group_after == edit.space_group_before


def _orbit_of(structure: Structure, atom: int) -> int:
    return next(site.orbit for site in open_crystal(structure).sites() if atom in site.atoms)


@quick
@given(st.sampled_from(NAMES), st.integers(0, 9), st.integers(0, 2), st.floats(-0.03, 0.03))
def test_a_move_along_free_coordinates_keeps_the_symmetry(name: str, number: int, axis: int, amount: float) -> None:
    structure = CRYSTALS[name].to_structure()
    opened = open_crystal(structure)
    movable = [site for site in opened.sites() if site.free]
    assume(movable and abs(amount) > 1e-3)
    site = movable[number % len(movable)]
    along = site.free[axis % len(site.free)]
    edit = tried(move, opened, site.orbit, along, amount)
    assert edit.operations_after >= edit.operations_before
    assert edit.structure.composition == opened.crystal.to_structure().composition
    # on the same Wyckoff position: its points, written in the description that it began from, are of that position
    moved = np.array(opened.crystal.coordinates)
    k = "xyz".index(along)
    moved[site.orbit, k] += amount
    position = space_group(opened.crystal.space_group).positions[int(opened.crystal.positions[site.orbit])]
    assert position.project(position.A @ moved[site.orbit] + position.b)[1] < 1e-9
    if edit.space_group_after == edit.space_group_before:
        assert sorted(edit.crystal.multiplicities) == sorted(opened.crystal.multiplicities)
    back = move(replace(opened.crystal, coordinates=moved % 1.0), site.orbit, along, -amount)
    assert same(back.structure, opened.crystal.to_structure())


@quick
@given(st.sampled_from(SMALL), st.integers(0, 9), st.sampled_from(["Zr", "Se", "Co"]))
def test_edits_of_orbits_commute_with_writing(name: str, number: int, element: str) -> None:
    primitive = CRYSTALS[name].to_structure()
    written = conventional(primitive)
    one, other = open_crystal(primitive), open_crystal(written)
    site = one.sites()[number % len(one.sites())]
    assume(site.element != element)
    first = tried(substitute, one, site.orbit, element)
    second = substitute(other, site.orbit, element)
    assert first.space_group_after == second.space_group_after
    assert same(first.structure, second.structure)
    for k in site.free:
        first, second = tried(move, one, site.orbit, k, 0.01), move(other, site.orbit, k, 0.01)
        assert same(first.structure, second.structure)


@quick
@given(st.sampled_from(NAMES), st.integers(0, 6), st.floats(-0.04, 0.04))
def test_strain_keeps_the_symmetry_and_has_an_inverse(name: str, number: int, amount: float) -> None:
    crystal = CRYSTALS[name]
    free = ("all", *free_parameters(crystal.space_group))
    parameter = free[number % len(free)]
    edit = tried(strain, crystal, parameter, amount)
    assert edit.operations_after >= edit.operations_before
    inverse = -amount if parameter in PARAMETERS[3:] else 1 / (1 + amount) - 1
    opened = open_crystal(edit.structure)
    if parameter == "all" and edit.space_group_after == edit.space_group_before:
        assert same(strain(opened, parameter, inverse).structure, crystal.to_structure())
        assert edit.structure.volume == pytest.approx(crystal.to_structure().volume * (1 + amount) ** 3)


def test_one_atom_alone_lowers_the_symmetry() -> None:
    perovskite = CRYSTALS["perovskite SrTiO3"].to_structure()
    oxygen = next(site for site in open_crystal(perovskite).sites() if site.element == "O")
    edit = substitute(perovskite, oxygen.orbit, "F", only_atom=oxygen.atoms[1])
    assert edit.structure.composition.reduced_formula == "SrTiO2F"
    assert (edit.space_group_before, edit.space_group_after) == (221, 123)
    assert (edit.operations_before, edit.operations_after) == (48, 16)
    assert "3-fold axes" in edit.lost and "inversion" not in edit.lost
    assert symmetry_alone(perovskite, oxygen.orbit, oxygen.atoms[1]).startswith("Changed alone, 16 of 48 ")
    assert "16 of 48" in edit.symmetry and edit.words == "one O of 3c became F"
    vacancy = remove(perovskite, oxygen.orbit, only_atom=oxygen.atoms[0])
    assert vacancy.structure.composition.reduced_formula == "SrTiO2" and vacancy.space_group_after == 123
    titanium = next(site for site in open_crystal(perovskite).sites() if site.element == "Ti")
    off = move(perovskite, titanium.orbit, "z", 0.05, only_atom=titanium.atoms[0])
    assert off.space_group_after == 99 and "inversion" in off.lost


def test_one_atom_of_a_conventional_cell_is_not_the_whole_orbit() -> None:
    salt = conventional(CRYSTALS["rock salt NaCl"].to_structure())
    site = next(site for site in open_crystal(salt).sites() if site.element == "Na")
    edit = substitute(salt, site.orbit, "K", only_atom=site.atoms[2])
    assert edit.structure.composition.reduced_formula == "KNa3Cl4"
    assert "translations within the cell" in edit.lost and edit.operations_after == 48


def test_an_orbit_removed_is_gone_on_all_its_atoms() -> None:
    spinel = CRYSTALS["spinel MgAl2O4"].to_structure()
    site = next(site for site in open_crystal(spinel).sites() if site.element == "Mg")
    edit = remove(spinel, site.orbit)
    assert edit.structure.composition.reduced_formula == "AlO2" and edit.words == "Mg on 8a removed"


def test_a_move_to_a_special_place_raises_the_symmetry() -> None:
    polar = build(99, (4, 4, 4.2, 90, 90, 90), ("Ba", "a", (0, 0, 0.0)), ("Ti", "b", (0, 0, 0.54)),
                  ("O", "b", (0, 0, 0.0)), ("O", "c", (0, 0, 0.5)))  # fmt: skip
    edit = move(polar, 1, "z", -0.04)
    assert edit.space_group_after == 123 and "rises" in edit.symmetry


def test_what_cannot_be_is_said_in_one_line() -> None:
    salt = CRYSTALS["rock salt NaCl"].to_structure()
    metal = CRYSTALS["bcc W"].to_structure()
    rutile = open_crystal(CRYSTALS["rutile TiO2"].to_structure())
    oxygen = next(site for site in rutile.sites() if site.element == "O")
    trials = [
        (lambda: substitute(salt, 0, "Xx"), TargetError, "no element"),
        (lambda: substitute(salt, 0, "Am"), TargetError, "no element"),
        (lambda: substitute(salt, 7, "K"), TargetError, "no orbit 7"),
        (lambda: substitute(salt, 0, open_crystal(salt).sites()[0].element), TargetError, "already"),
        (lambda: substitute(salt, 0, "K", only_atom=9), TargetError, "not one of"),
        (lambda: remove(metal, 0), InvalidCrystalError, "only atom"),
        (lambda: move(salt, 0, "x", 0.1), TargetError, "no free coordinate"),
        (lambda: move(rutile, oxygen.orbit, "z", 0.1), TargetError, "only along"),
        (lambda: move(rutile, oxygen.orbit, "x", float("nan")), TargetError, "at most"),
        (lambda: move(rutile, oxygen.orbit, "w", 0.1), TargetError, "no axis"),
        (lambda: move(rutile, oxygen.orbit, "x", -0.29), InvalidCrystalError, "overlap"),
        (lambda: substitute(CRYSTALS["diamond C"], 0, "Cs"), InvalidCrystalError, "overlap"),
        (lambda: strain(salt, "c", 0.02), TargetError, "fixes c"),
        (lambda: strain(salt, "q", 0.02), TargetError, "no lattice parameter"),
        (lambda: strain(salt, "all", 3), TargetError, "at most"),
    ]
    for act, kind, said in trials:
        with pytest.raises(XCrystalError) as caught:
            act()
        assert isinstance(caught.value, kind) and said in str(caught.value), str(caught.value)
    large = salt.copy()
    large.make_supercell([3, 2, 2])
    site = open_crystal(large).sites()[0]
    grown = substitute(large, site.orbit, "K", only_atom=site.atoms[0]).crystal
    assert grown.multiplicities.sum() == len(large)  # whether a model encodes as many is not asked here
