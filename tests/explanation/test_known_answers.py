"""Truths by hand, and what they must add up to."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from tests.crystals import CRYSTALS, build
from xcrystal.explanation.known_answers import (
    ELECTRONEGATIVITY,
    IS_METAL,
    PARAMETERS,
    TASKS,
    Geometry,
    baseline_parameters,
    geometry_of,
    octahedral_metals,
    pair_terms,
    parameters_of,
    site_energies,
)

BASELINE = baseline_parameters({"8": 3, "26": 1})
ZINC_BLENDE = build(216, (5.41, 5.41, 5.41, 90, 90, 90), ("Zn", "a", (0, 0, 0)), ("S", "c", (0, 0, 0)))


def test_the_numbers_of_elements() -> None:
    from pymatgen.core import Element

    known = [z for z in range(1, 95) if z not in (2, 10, 18)]
    np.testing.assert_allclose(ELECTRONEGATIVITY[known], [Element.from_Z(z).X for z in known])
    metals = [z for z in range(1, 95) if Element.from_Z(z).is_metal]
    assert IS_METAL[metals].all()


def test_the_baseline_is_the_mean_over_orbits_seen() -> None:
    np.testing.assert_allclose(BASELINE, (3 * PARAMETERS[8] + PARAMETERS[26]) / 4)
    np.testing.assert_allclose(baseline_parameters({}), PARAMETERS[1:].mean(axis=0))


def test_electronegativity_of_perovskite_by_hand() -> None:
    crystal = CRYSTALS["perovskite SrTiO3"]
    geometry, task = geometry_of(crystal), TASKS["electronegativity"]
    assert task.value is not None
    assert task.value(crystal.elements, geometry, BASELINE) == pytest.approx((0.95 + 1.54 + 3 * 3.44) / 5)
    truth = task.truths["contribution"](crystal.elements, geometry, BASELINE)
    np.testing.assert_allclose(truth, (np.array([0.95, 1.54, 3.44]) - BASELINE[0]) / 5)


@pytest.mark.parametrize("name", ["electronegativity", "pair_energy", "oxygen_neighbours"])
@pytest.mark.parametrize("crystal", CRYSTALS.values(), ids=CRYSTALS)
def test_truths_sum_to_the_difference_from_the_baseline(name: str, crystal) -> None:
    task, geometry = TASKS[name], geometry_of(crystal)
    assert task.value is not None
    nothing = np.zeros_like(crystal.elements)
    difference = task.value(crystal.elements, geometry, BASELINE) - task.value(nothing, geometry, BASELINE)
    for truth in task.truths.values():
        scores = truth(crystal.elements, geometry, BASELINE)
        assert geometry.multiplicities @ scores == pytest.approx(difference, abs=1e-9)


def test_shapley_truth_is_the_mean_over_all_orders_of_the_orbits() -> None:
    crystal = CRYSTALS["perovskite SrTiO3"]
    task, geometry = TASKS["pair_energy"], geometry_of(crystal)
    assert task.value is not None
    expected = np.zeros(3)
    orders = list(permutations(range(3)))
    for order in orders:
        elements = np.zeros(3, dtype=int)
        for orbit in order:
            before = task.value(elements, geometry, BASELINE)
            elements[orbit] = crystal.elements[orbit]
            expected[orbit] += (task.value(elements, geometry, BASELINE) - before) / len(orders)
    found = task.truths["shapley"](crystal.elements, geometry, BASELINE) * geometry.multiplicities
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_pair_energy_against_a_sum_over_pymatgen_neighbours() -> None:
    crystal = CRYSTALS["quartz SiO2"]
    structure = crystal.to_structure()
    total = 0.0
    for site in structure:
        for other in structure.get_neighbors(site, 6.0):
            r = other.nn_distance
            fade = 0.5 * (1 + np.cos(np.pi * r / 6.0))
            repel, bind = pair_terms(PARAMETERS[[site.specie.Z]], PARAMETERS[[other.specie.Z]])[:, 0, 0]
            total += 0.5 * fade * (repel * np.exp(-r / 0.6) + bind * np.exp(-r / 1.2))
    task = TASKS["pair_energy"]
    assert task.value is not None
    found = task.value(crystal.elements, geometry_of(crystal), BASELINE)
    assert found == pytest.approx(total / len(structure), rel=1e-6)


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.value is not None])
def test_several_crystals_at_once_are_each_as_alone(name: str) -> None:
    task, crystals = TASKS[name], list(CRYSTALS.values())
    assert task.value is not None
    alone = [geometry_of(crystal) for crystal in crystals]
    together = Geometry.padded(alone)
    elements = np.zeros(together.multiplicities.shape, dtype=int)
    for row, crystal in zip(elements, crystals, strict=True):
        row[: len(crystal.elements)] = crystal.elements
    values = [task.value(c.elements, g, BASELINE) for c, g in zip(crystals, alone, strict=True)]
    np.testing.assert_allclose(task.value(elements, together, BASELINE), values)
    for truth in task.truths.values():
        found = truth(elements, together, BASELINE)
        for row, crystal, geometry in zip(found, crystals, alone, strict=True):
            np.testing.assert_allclose(row[: len(crystal.elements)], truth(crystal.elements, geometry, BASELINE))
    two = together.take(np.array([1, 0]), 2)
    np.testing.assert_allclose(two.sums[1], alone[0].sums[:, :2, :2])


def test_a_baseline_atom_has_no_short_bond() -> None:
    crystal = CRYSTALS["bcc W"]
    near = replace(geometry_of(crystal), shortest=np.array([[1.0]]))
    short = TASKS["short_bond"].value
    assert short is not None
    assert short(crystal.elements, near, BASELINE)
    assert not short(np.zeros(1, dtype=int), near, BASELINE)


def test_energy_adds_over_pairs() -> None:
    crystal = CRYSTALS["spinel MgAl2O4"]
    geometry = geometry_of(crystal)
    weighted = geometry.multiplicities[:, None] * geometry.sums
    np.testing.assert_allclose(weighted, weighted.transpose(0, 2, 1), rtol=1e-9)
    # elements without polarity or size have no energy
    assert np.allclose(site_energies(np.tile([2.0, 0.0], (3, 1)), geometry), 0)


@pytest.mark.parametrize(
    ("crystal", "centres", "belong"),
    [
        (CRYSTALS["rock salt NaCl"], [True, False], [True, True]),
        (CRYSTALS["perovskite SrTiO3"], [False, True, False], [False, True, True]),
        (CRYSTALS["rutile TiO2"], [True, False], [True, True]),
        (CRYSTALS["spinel MgAl2O4"], [False, True, False], [False, True, True]),
        (ZINC_BLENDE, [False, False], [False, False]),
        (CRYSTALS["fluorite CaF2"], [False, False], [False, False]),
        (CRYSTALS["bcc W"], [False], [False]),
        (CRYSTALS["quartz SiO2"], [False, False], [False, False]),
    ],
)
def test_octahedra(crystal, centres: list[bool], belong: list[bool]) -> None:
    task, geometry = TASKS["octahedron"], geometry_of(crystal)
    assert octahedral_metals(crystal.elements, geometry).tolist() == centres
    assert task.truths["membership"](crystal.elements, geometry, BASELINE).tolist() == belong
    assert task.value is not None
    assert task.value(crystal.elements, geometry, BASELINE) == float(any(centres))


def test_an_octahedron_needs_a_metal_and_anions() -> None:
    crystal = CRYSTALS["rock salt NaCl"]
    geometry = geometry_of(crystal)
    for elements in ([11, 13], [9, 17], [0, 17], [11, 0]):
        assert not octahedral_metals(np.array(elements), geometry).any()
    assert octahedral_metals(np.array([17, 11]), geometry).tolist() == [False, True]


def test_layers_end_in_anions() -> None:
    iodide = build(164, (4.24, 4.24, 6.84, 90, 90, 120), ("Cd", "a", (0, 0, 0)), ("I", "d", (0, 0, 0.249)))
    # molybdenite, whose layers are two, and the same with a metal between them
    sulfide = (194, (3.16, 3.16, 12.29, 90, 90, 120), ("Mo", "c", (0, 0, 0)), ("S", "f", (0, 0, 0.621)))
    task = TASKS["layered"]
    assert task.value is not None
    for crystal, belong in (
        (iodide, [False, True]),
        (build(*sulfide), [False, True]),
        (build(*sulfide, ("Li", "a", (0, 0, 0))), [False, False, False]),
        (CRYSTALS["rock salt NaCl"], [False, False]),
        (CRYSTALS["fluorite CaF2"], [False, False]),
        (CRYSTALS["quartz SiO2"], [False, False]),
    ):
        geometry = geometry_of(crystal)
        found = task.truths["membership"](crystal.elements, geometry, BASELINE)
        assert sorted(found.tolist()) == sorted(belong)
        assert (found == np.isin(crystal.elements, (53, 16))).all() or not any(belong)
        assert task.value(crystal.elements, geometry, BASELINE) == float(any(belong))
    geometry = geometry_of(iodide)
    assert task.value(np.where(iodide.elements == 53, 0, 48), geometry, BASELINE) == 0
    assert task.value(np.where(iodide.elements == 53, 48, 53), geometry, BASELINE) == 0


def test_alkali_metals() -> None:
    crystal = CRYSTALS["rock salt NaCl"]
    task = TASKS["alkali"]
    assert task.truths["membership"](crystal.elements, geometry_of(crystal), BASELINE).tolist() == [True, False]


def test_null_tasks_do_not_depend_on_elements() -> None:
    crystal = CRYSTALS["rutile TiO2"]
    geometry, task = geometry_of(crystal), TASKS["volume"]
    assert task.value is not None
    volume = crystal.to_structure().volume / 6
    assert task.value(crystal.elements, geometry, BASELINE) == pytest.approx(np.log(volume))
    assert task.value(np.array([3, 9]), geometry, BASELINE) == pytest.approx(np.log(volume))
    assert TASKS["noise"].value is None


def test_element_zero_has_the_parameters_of_the_baseline() -> None:
    np.testing.assert_array_equal(parameters_of(np.array([0, 8]), BASELINE), [BASELINE, PARAMETERS[8]])


def test_oxygen_around_metals_by_hand() -> None:
    crystal = CRYSTALS["perovskite SrTiO3"]
    geometry, task = geometry_of(crystal), TASKS["oxygen_neighbours"]
    assert task.value is not None
    # the first shell of Sr holds 12 O, that of Ti 6 O
    assert task.value(crystal.elements, geometry, BASELINE) == pytest.approx((12 + 6) / 5)
    truth = task.truths["shapley"](crystal.elements, geometry, BASELINE)
    np.testing.assert_allclose(truth, np.array([12, 6, (12 + 6) / 3]) / 2 / 5)
    salt = CRYSTALS["rock salt NaCl"]
    assert task.value(salt.elements, geometry_of(salt), BASELINE) == 0


def test_the_shells_are_counted_by_hand() -> None:
    geometry = geometry_of(CRYSTALS["rock salt NaCl"])
    np.testing.assert_allclose(geometry.neighbours, [[0, 6], [6, 0]])
    np.testing.assert_allclose(geometry.shortest, [[5.64 / 2**0.5, 2.82], [2.82, 5.64 / 2**0.5]])


def test_short_bonds_by_hand() -> None:
    crystal, task = CRYSTALS["perovskite SrTiO3"], TASKS["short_bond"]
    assert task.value is not None
    # Ti-O 1.955 Å of 2.26 Å is short; Sr-O 2.765 Å of 2.61 Å is not
    assert task.value(crystal.elements, geometry_of(crystal), BASELINE) == 1
    assert task.truths["membership"](crystal.elements, geometry_of(crystal), BASELINE).tolist() == [False, True, True]
    salt = CRYSTALS["rock salt NaCl"]
    assert task.value(salt.elements, geometry_of(salt), BASELINE) == 0
