"""Verdicts on crystals that exist, and on ones that cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Composition, Element, Lattice, Structure
from smact.screening import smact_validity

from tests.crystals import CRYSTALS
from xcrystal.assessment.validity import CompositionValidity, composition_validity, validity
from xcrystal.crystal.collections.crystal_sets import cell_of


@pytest.mark.parametrize("name", CRYSTALS)
def test_verdicts_are_what_pymatgen_and_smact_say(name: str) -> None:
    structure = CRYSTALS[name].to_structure()
    found = validity(structure)
    neighbours = structure.get_all_neighbors(6.0)
    shortest = min(n.nn_distance for around in neighbours for n in around)
    assert found.shortest_distance == pytest.approx(shortest)
    assert found.volume == pytest.approx(structure.volume)
    assert found.apart
    formula = structure.composition.reduced_formula
    assert found.composition.smact == smact_validity(formula)
    assert found.composition.smact_without_alloys == smact_validity(formula, include_alloys=False)
    assert found.valid == (found.apart and found.no_overlap and found.composition.smact)


def test_known_crystals_are_valid_and_impossible_ones_are_not() -> None:
    salt = CRYSTALS["rock salt NaCl"].to_structure()
    assert validity(salt).valid
    pressed = salt.copy()
    pressed.scale_lattice(salt.volume * 0.25)
    verdict = validity(pressed)
    assert verdict.apart
    assert not verdict.no_overlap
    with pytest.warns(DeprecationWarning, match="now no_overlap"):
        assert not verdict.no_clash
    assert not verdict.valid
    assert not validity(Structure(Lattice.cubic(3), ["Na", "Cl"], [[0, 0, 0], [0.1, 0, 0]])).apart
    assert not validity(Structure(Lattice.from_parameters(0.4, 5, 5, 90, 90, 90), ["Na"], [[0, 0, 0]])).apart
    assert not validity(Structure(np.diag([4.0, 4.0, 0.0]), ["Na"], [[0, 0, 0]])).apart


def test_metals_pass_as_alloys_only() -> None:
    alloy = composition_validity(cell_of(caesium_chloride("Ni", "Al")).formula)
    assert (alloy.smact, alloy.smact_without_alloys, alloy.metals_only) == (True, False, True)
    salt = composition_validity(cell_of(caesium_chloride("Cs", "Cl")).formula)
    assert (salt.smact, salt.smact_without_alloys, salt.metals_only) == (True, True, False)
    neither = composition_validity(cell_of(caesium_chloride("Cl", "F")).formula)
    assert neither.smact == smact_validity("ClF")
    assert not neither.metals_only


def test_an_element_without_data_does_not_pass() -> None:
    assert not composition_validity(((8, 1), (118, 2))).smact


def test_many_elements_are_a_verdict_and_not_minutes() -> None:
    with_oxygen = composition_validity(tuple((z, 1) for z in (8, *range(21, 30))))
    assert with_oxygen == CompositionValidity(False, False, metals_only=False, too_many_elements=True)
    alloy = composition_validity(tuple((z, 1) for z in range(21, 31)))
    assert alloy == CompositionValidity(True, False, metals_only=True, too_many_elements=True)
    assert alloy.smact == smact_validity(Composition({Element.from_Z(z): 1 for z in range(21, 31)}))
    assert not composition_validity(tuple((z, 1) for z in range(21, 30))).too_many_elements


def caesium_chloride(one: str, other: str) -> Structure:
    return Structure(Lattice.cubic(3.0), [one, other], [[0, 0, 0], [0.5, 0.5, 0.5]])


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(sorted(CRYSTALS)),
    sizes=st.tuples(*[st.integers(1, 2)] * 3),
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(0.2, 1.3),
)
def test_verdicts_do_not_depend_on_the_writing(name: str, sizes: tuple[int, int, int], seed: int, scale: float) -> None:
    structure = CRYSTALS[name].to_structure()
    structure.scale_lattice(structure.volume * scale)
    rng = np.random.default_rng(seed)
    large = structure * sizes
    order = rng.permutation(len(large))
    points = large.frac_coords[order] + rng.random(3)
    other = Structure(large.lattice, [large[i].specie for i in order], points)
    one, two = validity(structure), validity(other)
    assert two.shortest_distance == pytest.approx(one.shortest_distance, abs=1e-6)
    assert two.contact_ratio == pytest.approx(one.contact_ratio, abs=1e-6)
    assert two.volume == pytest.approx(one.volume * np.prod(sizes))
    assert two.composition == one.composition
