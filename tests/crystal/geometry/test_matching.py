"""Whether two structures are the same crystal."""

from __future__ import annotations

import pytest

from tests.crystals import CRYSTALS
from xcrystal.crystal.geometry.matching import match_rms, matcher


def test_a_crystal_matches_itself_and_its_supercell() -> None:
    for crystal in CRYSTALS.values():
        structure = crystal.to_structure()
        assert match_rms(structure, structure * (1, 2, 1)) == pytest.approx(0, abs=1e-6)


def test_no_two_of_the_test_crystals_match() -> None:
    structures = {name: crystal.to_structure() for name, crystal in CRYSTALS.items()}
    for one in structures:
        for other in structures:
            if one != other:
                assert match_rms(structures[one], structures[other]) is None, (one, other)


def test_volume_counts_only_without_rescaling() -> None:
    structure = CRYSTALS["rutile TiO2"].to_structure()
    swollen = structure.copy()
    swollen.scale_lattice(structure.volume * 3)
    assert match_rms(structure, swollen) == pytest.approx(0, abs=1e-6)
    assert match_rms(structure, swollen, scale=False) is None


def test_the_rms_is_that_of_the_displacement() -> None:
    structure = CRYSTALS["rock salt NaCl"].to_structure()
    moved = structure.copy()
    moved.translate_sites([1], [0.2, 0, 0], frac_coords=False)
    # each of the two atoms is 0.1 Å from its place once their common shift is taken out
    unit = (structure.volume / len(structure)) ** (1 / 3)
    assert match_rms(structure, moved, scale=False) == pytest.approx(0.1 / unit, rel=1e-3)


def test_the_tolerances_are_those_of_the_benchmarks() -> None:
    settings = matcher().as_dict()
    assert (settings["stol"], settings["ltol"], settings["angle_tol"]) == (0.5, 0.3, 10.0)
