"""The gallery: what each entry says of its crystal is so, by spglib, by radii, and by a library that is not ours."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Composition
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from xcrystal.crystal.gallery.entries import Entry, crystal_of
from xcrystal.crystal.gallery.types import entries
from xcrystal.crystal.geometry.contacts import shortest_contact
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.symmetry.canonical import canonicalize

ENTRIES = entries()
BY_NAME = {entry.name: entry for entry in ENTRIES}
CLASSICS = """
rock salt, caesium chloride, diamond, zinc blende, wurtzite, cubic perovskite, fluorite, antifluorite, rutile,
anatase, spinel, corundum, ilmenite, Heusler, half-Heusler, face-centred cubic, body-centred cubic, hexagonal
close-packed, graphite, nickel arsenide, cadmium iodide, molybdenite, delafossite, cuprite, rhenium trioxide,
A15 phase, cubic Laves phase, hexagonal Laves phase, aluminium diboride, calcium copper five, skutterudite,
pyrite, marcasite, quartz, calcite, potassium hexachloroplatinate, Ruddlesden-Popper
"""

each = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def test_the_classics_are_there() -> None:
    assert {" ".join(name.split()) for name in CLASSICS.split(",")} <= set(BY_NAME)
    assert len(ENTRIES) >= 50


@each
def test_spglib_finds_the_space_group(entry: Entry) -> None:
    for tolerance in (0.001, 0.1):
        assert SpacegroupAnalyzer(entry.structure, symprec=tolerance).get_space_group_number() == entry.space_group
    assert entry.structure.properties["space_group"] == entry.space_group


@each
def test_the_cell_holds_what_the_formula_says(entry: Entry) -> None:
    assert entry.structure.composition.reduced_formula == Composition(entry.formula).reduced_formula
    assert len(entry.structure) % entry.atoms == 0
    assert len(entry.structure.get_primitive_structure()) == entry.atoms
    assert len(canonicalize(entry.structure).crystal.elements) == len(entry.crystal.elements)


@each
def test_neighbours_are_as_far_apart_as_atoms_are(entry: Entry) -> None:
    numbers = np.array([site.specie.Z for site in entry.structure])
    contact = shortest_contact(entry.structure.lattice.matrix, entry.structure.frac_coords, numbers)
    assert 0.8 < contact.ratio < 1.3


@each
def test_the_source_is_named(entry: Entry) -> None:
    assert ", prototype " in entry.source or " (19" in entry.source or "rounded textbook values" in entry.source


def test_the_types_differ() -> None:
    for names in ([e.name for e in ENTRIES], [e.prototype for e in ENTRIES]):
        assert len(set(names)) == len(names)
    for one, other in combinations(ENTRIES, 2):
        assert match_rms(one.structure, other.structure) is None, (one, other)
    strict = StructureMatcher(stol=0.02, ltol=0.02, angle_tol=1)
    alike = {
        frozenset((one.name, other.name))
        for one, other in combinations([e for e in ENTRIES if e.atoms <= 20], 2)
        if one.space_group == other.space_group and strict.fit_anonymous(one.structure, other.structure)
    }
    # the same places with cations and anions exchanged is what the word means
    assert alike == {frozenset(("fluorite", "antifluorite"))}


def test_those_of_the_aflow_library_are_as_listed_there() -> None:
    from pymatgen.analysis.prototypes import AFLOW_PROTOTYPE_LIBRARY

    listed: dict[str, list] = {}
    for found in AFLOW_PROTOTYPE_LIBRARY:
        listed.setdefault(found["tags"]["aflow"], []).append(found["snl"].structure)
    compared = 0
    for entry in ENTRIES:
        _, _, label = entry.source.partition(", prototype ")
        if not label:
            continue
        same = [
            s for s in listed[label] if s.composition.reduced_formula == entry.structure.composition.reduced_formula
        ]
        differences = [match_rms(s, entry.structure, scale=False) for s in same]
        volumes = [s.volume / len(s) * len(entry.structure) / entry.structure.volume for s in same]
        assert any(rms is not None and rms < 1e-3 for rms in differences), entry
        assert min(abs(volume - 1) for volume in volumes) < 1e-3, entry
        compared += 1
    assert compared > 40


@pytest.mark.parametrize(
    ("name", "pair", "neighbours", "distance"),
    [
        ("rock salt", ("Na", "Cl"), 6, 2.820),
        ("caesium chloride", ("Cs", "Cl"), 8, 3.533),
        ("zinc blende", ("Zn", "S"), 4, 2.342),
        ("fluorite", ("Ca", "F"), 8, 2.366),
        ("antifluorite", ("Li", "O"), 4, 2.00),
        ("diamond", ("C", "C"), 4, 1.54),
        ("graphite", ("C", "C"), 3, 1.42),
        ("anatase", ("Ti", "O"), 6, 1.95),
        ("spinel", ("Mg", "O"), 4, 1.92),
        ("spinel", ("Al", "O"), 6, 1.93),
        ("delafossite", ("Cu", "O"), 2, 1.83),
        ("delafossite", ("Fe", "O"), 6, 2.03),
        ("cubic perovskite", ("Ti", "O"), 6, 1.95),
        ("Ruddlesden-Popper", ("Ni", "F"), 6, 1.99),
        ("potassium hexachloroplatinate", ("Pt", "Cl"), 6, 2.34),
        ("pyrochlore", ("Ti", "O"), 6, 1.95),
        ("garnet", ("Si", "O"), 4, 1.65),
        ("garnet", ("Al", "O"), 6, 1.93),
        ("thorium chromium silicide", ("Cr", "Si"), 4, 2.41),
    ],
)
def test_coordination_is_that_of_the_textbooks(
    name: str, pair: tuple[str, str], neighbours: int, distance: float
) -> None:
    structure = BY_NAME[name].structure
    centre = next(site for site in structure if site.specie.symbol == pair[0])
    around = [n.nn_distance for n in structure.get_neighbors(centre, 9) if n.specie.symbol == pair[1]]
    nearest = sorted(around)[: neighbours + 1]
    assert np.mean(nearest[:neighbours]) == pytest.approx(distance, abs=0.02)
    assert nearest[neighbours] > 1.15 * nearest[neighbours - 1]


def test_the_oxygen_of_pyrochlore_that_has_no_titanium_has_yttrium() -> None:
    structure = BY_NAME["pyrochlore"].structure
    oxygen = next(
        site for site, label in zip(structure, structure.site_properties["wyckoff"], strict=True) if label == "8b"
    )
    assert sorted(n.specie.symbol for n in structure.get_neighbors(oxygen, 2.3)) == ["Y"] * 4


@pytest.mark.parametrize(
    ("number", "lengths", "orbits", "says"),
    [
        (225, (5.6, 5.6), "Na a, Cl b", "no cell"),
        (2, (5.0, 5.0, 5.0), "Na a", "no cell"),
        (136, (4.6, 2.96), "Ti a, O f", "free coordinates"),
        (225, (5.6,), "Na a 0.2", "free coordinates"),
    ],
)
def test_a_wrong_description_is_an_error(number: int, lengths: tuple[float, ...], orbits: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        crystal_of(number, lengths, orbits)
