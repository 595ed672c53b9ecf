"""Point defects that symmetry tells apart, and ordered cells of disordered crystals."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.disorder.defects import voids
from xcrystal.disorder.supercells import compact_cells, diagonal_cell, hermite_forms
from xcrystal.errors import (
    InvalidCrystalError,
    ReadError,
    TargetError,
    UnsupportedCrystalError,
    UnsupportedCrystalWarning,
)

PEROVSKITE = CRYSTALS["perovskite SrTiO3"].to_structure()


def manganite(x: float) -> Structure:
    sites = [{"La": 1 - x, "Sr": x}, "Mn", "O", "O", "O"]
    points = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    return Structure(Lattice.cubic(3.88), sites, points)


def test_vacancies_of_a_perovskite_are_three() -> None:
    found = xc.defects(PEROVSKITE, ["vacancy"], 2, model=None)
    assert Counter(d.name for d in found) == {"v_Sr": 1, "v_Ti": 1, "v_O": 1}
    assert {d.name: d.multiplicity for d in found} == {"v_Sr": 1, "v_Ti": 1, "v_O": 3}
    for defect in found:
        assert len(defect.structure) == 39
        assert defect.structure.composition[defect.name[2:]] == {"Sr": 7, "Ti": 7, "O": 23}[defect.name[2:]]


def test_antisites_and_substitutions_are_those_of_the_formula() -> None:
    antisites = xc.defects(PEROVSKITE, ["antisite"], 1, model=None)
    assert {d.name for d in antisites} == {"Ti_Sr", "O_Sr", "Sr_Ti", "O_Ti", "Sr_O", "Ti_O"}
    doped = xc.defects(PEROVSKITE, ["substitution"], 2, dopants=["Ca"], model=None)
    assert [d.name for d in doped] == ["Ca_Sr", "Ca_Ti", "Ca_O"]
    assert doped[0].structure.composition["Ca"] == 1


def test_a_general_position_gives_one_vacancy_for_each_orbit() -> None:
    crystal = CRYSTALS["baddeleyite ZrO2"]
    found = xc.defects(crystal.to_structure(), ["vacancy"], 1, model=None)
    assert len(found) == 3
    assert [d.multiplicity for d in found] == [4, 4, 4]


def test_the_widest_voids_of_fcc_are_octahedral() -> None:
    copper = Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.61), ["Cu"], [[0, 0, 0]]).get_primitive_structure()
    (octahedral, count), (_, tetrahedral) = voids(copper)
    np.testing.assert_allclose(octahedral, 0.5, atol=1e-6)
    assert (count, tetrahedral) == (1, 2)
    found = xc.defects(copper, ["interstitial"], 2, dopants=["H"], model=None)
    assert [d.name for d in found] == ["H_i", "H_i"]
    host = found[0].structure
    nearest = min(host.get_distance(len(host) - 1, k) for k in range(len(host) - 1))
    assert nearest == pytest.approx(3.61 / 2)


def test_the_model_says_what_moves() -> None:
    found = xc.defects(PEROVSKITE, ["vacancy"])
    for defect in found:
        assert defect.z is not None and defect.moved is not None
        assert defect.moved > 0.05
        assert defect.predicted != defect.before
    whole = xc.load("mp20").encode(PEROVSKITE)[0]
    difference = np.linalg.norm(found[0].z - whole) / np.sqrt(len(whole))
    assert found[0].moved == pytest.approx(difference)


def test_one_kind_may_be_a_word() -> None:
    one, other = (xc.defects(PEROVSKITE, kinds, model=None) for kinds in ("vacancy", ["vacancy"]))
    assert [defect.name for defect in one] == [defect.name for defect in other] != []


def test_what_is_no_defect_is_said() -> None:
    for error, words, arguments in (
        (TargetError, "no kind of defect", {"kinds": ["hole"]}),
        (TargetError, "no kind of defect 'hole'", {"kinds": "hole"}),
        (TargetError, "need other elements", {"kinds": "substitution"}),
        (TargetError, "supercell", {"supercell": 0}),
        (TargetError, "supercell", {"supercell": (1, 2)}),
        (TargetError, "supercell", {"supercell": 2.5}),
        (UnsupportedCrystalError, "fewer repeats", {"supercell": 9}),
        (ReadError, "no element", {"dopants": ["Xx"]}),
        (TargetError, "substitutions and interstitials", {"kinds": "vacancy", "dopants": ["Ca"]}),
    ):
        with pytest.raises(error, match=words):
            xc.defects(PEROVSKITE, model=None, **arguments)


@pytest.mark.parametrize(("size", "count"), [(1, 1), (2, 7), (3, 13), (4, 35), (6, 91)])
def test_sublattices_are_counted(size: int, count: int) -> None:
    """Sums of divisors, as known (Santoro and Mighell, 1972)."""
    forms = list(hermite_forms(size))
    assert len(forms) == count
    assert all(round(np.linalg.det(form)) == size for form in forms)
    for k, one in enumerate(forms):  # and no two are one sublattice in other words
        changes = [one @ np.linalg.inv(other) for other in forms[:k]]
        assert not any(np.allclose(change, np.rint(change)) for change in changes)


def test_compact_cells_are_supercells() -> None:
    for matrix in compact_cells(PEROVSKITE, 8, 3):
        assert abs(round(np.linalg.det(matrix))) == 8
    assert min((PEROVSKITE * compact_cells(PEROVSKITE, 8, 1)[0]).lattice.abc) > 2 * 3.9
    assert diagonal_cell(PEROVSKITE, 64) == (2, 2, 2)


def test_approximants_have_the_composition() -> None:
    found = xc.approximants(manganite(0.3), n=5, model=None)
    assert found.sampled is False and found.composition_error < 1e-6
    for item in found:
        assert len(item.structure) == 50
        assert item.structure.composition.reduced_formula == "Sr3La7Mn10O30"
    assert [item.order for item in found] == sorted(item.order for item in found)


def test_half_and_half_has_the_order_that_is_known() -> None:
    """In two cells, one on the other, there is one arrangement; in four, more."""
    two = xc.approximants(manganite(0.5), n=1, max_atoms=10, model=None)
    assert two.composition_error == 0
    assert {item.structure.composition.reduced_composition for item in two} == {manganite(0.5).composition * 2}
    more = xc.approximants(manganite(0.5), n=6, max_atoms=20, model=None)
    assert {len(item.structure) for item in more} == {20}
    assert sum(item.weight for item in more) == pytest.approx(1)  # they are all that there are
    same = StructureMatcher(ltol=0.01, stol=0.01, angle_tol=0.5, scale=False)
    assert not any(same.fit(one, other) for k, one in enumerate(more.structures) for other in more.structures[:k])


def test_order_counts_all_images_of_a_small_cell() -> None:
    """Of Cu₃Au all 12 neighbours of gold are copper, and all 6 second ones gold, however small the cell is."""
    alloy = Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.75), [{"Cu": 0.75, "Au": 0.25}], [[0, 0, 0]])
    found = xc.approximants(alloy, n=20, max_atoms=8, model=None)
    (ordered,) = [item for item in found if item.structure.get_space_group_info()[1] == 221]
    # unlike pairs: 1/2, 0 and 1/2 of the first three shells; 3/8 if they are random
    assert ordered.order == pytest.approx(np.sqrt((2 * (1 / 2 - 3 / 8) ** 2 + (3 / 8) ** 2) / 3))


def test_a_shape_of_each_kind_is_looked_at_once() -> None:
    found = xc.approximants(manganite(0.5), n=20, max_atoms=10, model=None)
    assert len(found) == 3  # layers along an edge, a face diagonal, a body diagonal
    assert sum(item.weight for item in found) == pytest.approx(1)
    assert found.arrangements == 6
    assert {item.structure.get_space_group_info()[1] for item in found} == {123, 225}


def test_an_ordering_is_there_once_whatever_the_shape_of_its_cell() -> None:
    lattice = Lattice([[0, 1.9, 1.9], [1.9, 0, 1.9], [1.9, 1.9, 0]])
    found = xc.approximants(Structure(lattice, [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]]), n=10, max_atoms=4, model=None)
    same = StructureMatcher(ltol=0.01, stol=0.01, angle_tol=0.5, scale=False)
    cells = found.structures
    assert not any(same.fit(one, other) for k, one in enumerate(cells) for other in cells[:k])
    assert sum(item.weight for item in found) == pytest.approx(1)


@pytest.mark.parametrize("a", [5.98, 6.29, 5.64])
def test_the_cells_do_not_depend_on_how_the_crystal_is_written(a: float, tmp_path: Path) -> None:
    mixed = [{"K": 0.5, "Na": 0.5}, "Cl"]
    whole = Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), mixed, [[0] * 3, [0.5] * 3])
    CifWriter(whole, symprec=0.01).write_file(tmp_path / "symmetric.cif")
    small = whole.get_primitive_structure()
    lattice = Lattice([[1, 0, 0], [1, 1, 0], [0, 2, 1]] @ small.lattice.matrix)
    sheared = Structure(lattice, [site.species for site in small], small.cart_coords, coords_are_cartesian=True)
    for written in (tmp_path / "symmetric.cif", whole, small, sheared):
        found = xc.approximants(written, n=4, model=None)
        groups = [item.structure.get_space_group_info()[0] for item in found]
        assert groups == ["C2/m", "I4_1/amd", "R-3m", "P4/mmm"]
        assert [item.weight for item in found] == pytest.approx([2 / 9, 2 / 9, 1 / 9, 4 / 9])
        assert [item.order for item in found] == pytest.approx([0.0481, 0.1667, 0.2887, 0.3191], abs=1e-4)


def test_sites_that_symmetry_tells_apart_keep_to_their_own_occupancies() -> None:
    mixed = {"Ba": 0.5, "Sr": 0.5}
    places = [[0] * 3, [0.5] * 3, [0.5, 0.5, 0]]
    perovskite = Structure.from_spacegroup("Pm-3m", Lattice.cubic(4.2), [mixed, mixed, "O"], places)
    found = xc.approximants(perovskite, n=20, max_atoms=10, model=None)
    assert found.composition_error == 0 and len(found) > 1
    for item in found:
        # the corner of the cube has its oxygens at a/√2, the centre at a/2
        metals = [site for site in item.structure if site.specie.symbol != "O"]
        near = [len(item.structure.get_neighbors(site, 2.4)) for site in metals]
        corner = [site.specie.symbol for site, count in zip(metals, near, strict=True) if not count]
        assert sorted(corner) == ["Ba", "Sr"]


def test_a_tolerance_lets_a_third_stand_for_three_tenths() -> None:
    found = xc.approximants(manganite(0.3), n=2, tolerance=0.05, max_atoms=15, model=None)
    assert found.composition_error == pytest.approx(1 / 3 - 0.3)
    assert found[0].structure.composition["Sr"] * 2 == found[0].structure.composition["La"]


def test_a_partly_empty_site_is_filled_or_empty() -> None:
    structure = Structure(Lattice.cubic(4.0), [{"Na": 0.75}, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    found = xc.approximants(structure, n=3, max_atoms=8, model=None)
    assert {item.structure.composition.reduced_formula for item in found} == {"Na3Cl4"}


def test_of_many_arrangements_a_seeded_sample_is_looked_at() -> None:
    alloy = Structure(Lattice.cubic(3.7), [{"Cu": 0.5, "Au": 0.27, "Ag": 0.23}], [[0, 0, 0]])
    one, same, other = (xc.approximants(alloy, n=2, max_atoms=16, model=None, seed=s) for s in (0, 0, 1))
    assert one.sampled
    assert one[0].structure == same[0].structure
    assert one[0].structure != other[0].structure
    assert one.composition_error < 0.05


def test_approximants_are_encoded_and_spread() -> None:
    found = xc.approximants(manganite(0.25), n=4)
    assert found.z.shape == (len(found), 128)
    assert found.coverage == pytest.approx(sum(item.weight for item in found if item.z is not None))
    mean, deviation = found.spread()["formation_energy_per_atom"]
    assert -4 < mean < 0 and deviation > 0


def test_what_has_no_approximants_is_said() -> None:
    for error, words, structure, options in (
        (InvalidCrystalError, "ordered already", PEROVSKITE, {}),
        (UnsupportedCrystalError, "more than 3", manganite(0.5), {"max_atoms": 3}),
        (TargetError, "at least 1", manganite(0.5), {"n": 0}),
        (TargetError, "whole number", manganite(0.5), {"n": "many"}),
        (TargetError, "whole number", manganite(0.5), {"max_atoms": 8.5}),
        (TargetError, "between 0 and 1", manganite(0.5), {"tolerance": 1.5}),
        (TargetError, "finite number", manganite(0.5), {"tolerance": "small"}),
        (ReadError, "no file", "nowhere.cif", {}),
        (ReadError, "Expected", 3, {}),
    ):
        with pytest.raises(error, match=words):
            xc.approximants(structure, model=None, **options)


def test_approximants_are_told_in_a_line_and_a_table() -> None:
    found = xc.approximants(manganite(0.25), n=2, max_atoms=20)
    assert repr(found) == f"Approximants('SrLa3Mn4O12', 2 cells of {found.arrangements} arrangements, 2 encoded)"
    assert repr(found[0]).startswith("Approximant('SrLa3Mn4O12', 20 atoms, order ")
    assert found._repr_html_().count("<tr>") == 3
    assert f"{found[1].predicted['band_gap']:.3f}" in found._repr_html_()
    assert found.problem == ""


def test_cells_that_cannot_be_encoded_are_warned_of() -> None:
    with pytest.warns(UnsupportedCrystalWarning, match="None of the 2 ordered cells can be encoded: This crystal has"):
        found = xc.approximants(manganite(0.3), n=2)
    assert found.z.shape == (0, 0) and "a larger tolerance" in found.problem


def test_enumeration_stops_when_it_is_asked_to() -> None:
    done: list[int] = []
    found = xc.approximants(
        manganite(0.25), n=9, progress=lambda k, of: done.append(k), should_stop=lambda: len(done) == 2
    )
    assert len(found) == 2
    at_once = xc.approximants(manganite(0.25), n=9, should_stop=lambda: True)
    assert len(at_once) == 1
