"""Crystals of one set in another one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.crystal_sets import Cell, CrystalSet, cell_of, crystal_set
from xcrystal.crystal.geometry.matching import STOL, match_rms
from xcrystal.evaluation.generative.invariance import moved
from xcrystal.evaluation.shared.parallel import Workers
from xcrystal.evaluation.shared.set_matching import by_formula, coverage, matches_any, matches_earlier

NAMES = ("rutile TiO2", "quartz SiO2", "bcc W", "rock salt NaCl")


def structure(name: str) -> Structure:
    return CRYSTALS[name].to_structure()


def in_other_structure(name: str, cations: dict[str, str]) -> Structure:
    """The arrangement of a test crystal with other elements."""
    other = structure(name)
    other.replace_species(cations)
    return other


def polymorphs() -> list[Structure]:
    """TiO2 in the arrangements of rutile, baddeleyite, quartz and fluorite."""
    return [
        structure("rutile TiO2"),
        in_other_structure("baddeleyite ZrO2", {"Zr": "Ti"}),
        in_other_structure("quartz SiO2", {"Si": "Ti"}),
        in_other_structure("fluorite CaF2", {"Ca": "Ti", "F": "O"}),
    ]


def cells(structures: list[Structure]) -> tuple[Cell, ...]:
    return tuple(cell_of(s) for s in structures)


@settings(max_examples=15, deadline=None)
@given(
    copies=st.lists(st.sampled_from(NAMES), min_size=1, max_size=7),
    seed=st.integers(0, 2**32 - 1),
)
def test_each_crystal_counts_once_in_any_order_and_writing(copies: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = [moved(structure(name), rng) * tuple(rng.integers(1, 3, size=3).tolist()) for name in copies]
    for order in (np.arange(len(found)), rng.permutation(len(found))):
        repeated = matches_earlier(cells([found[i] for i in order]))
        assert (~repeated).sum() == len(set(copies))
        assert not repeated[0]


def test_polymorphs_are_different_crystals() -> None:
    found = polymorphs()
    assert len(by_formula(cells(found))) == 1
    assert not matches_earlier(cells(found)).any()
    assert matches_earlier(cells([*found, found[2]])).tolist() == [False] * 4 + [True]
    assert matches_any(cells(found), cells(found[1:3])).tolist() == [False, True, True, False]


def test_novelty_is_what_comparing_all_pairs_gives() -> None:
    known = [structure(name) for name in CRYSTALS][::2] + polymorphs()[1:]
    asked = [structure(name) * (1, 2, 1) for name in CRYSTALS] + polymorphs()
    expected = [any(match_rms(one, other) is not None for other in known) for one in asked]
    assert 0 < sum(expected) < len(expected)
    assert matches_any(cells(asked), cells(known)).tolist() == expected
    assert not matches_any(cells(asked), ()).any()


def test_only_crystals_of_equal_formula_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    original = Cell.structure
    monkeypatch.setattr(Cell, "structure", lambda cell: built.append(cell.name) or original(cell))
    known = crystal_set([structure(name) for name in CRYSTALS]).cells
    matches_any(cells([structure("bcc W")]), known)
    assert built == ["", str(list(CRYSTALS).index("bcc W"))]


def test_coverage_of_a_set_by_itself_is_complete() -> None:
    own = crystal_set([structure(name) for name in CRYSTALS] + polymorphs()[1:])
    for covered in coverage(own, own):
        assert (covered.crystals, covered.matched, covered.of_shared_formula) == (len(own),) * 3
        assert covered.share == 1.0
        assert covered.rms == pytest.approx(0, abs=1e-6)


def test_coverage_tells_its_directions_apart() -> None:
    """Three samples, two of them one crystal, against a reference of four of which one is found."""
    tio2 = polymorphs()
    strained = tio2[0].copy()
    strained.translate_sites([2], [0.02, 0, 0])
    samples = crystal_set([strained, tio2[0], tio2[3]])
    reference = crystal_set([tio2[0], tio2[1], structure("bcc W"), structure("hcp Mg")])
    recall, precision = coverage(samples, reference)
    assert (recall.crystals, recall.of_shared_formula, recall.matched, recall.share) == (4, 2, 1, 0.25)
    assert recall.rms == pytest.approx(3 * STOL / 4, abs=1e-6)  # the nearer one of the two samples is exact
    assert (precision.crystals, precision.of_shared_formula, precision.matched) == (3, 3, 2)
    rms = match_rms(strained, tio2[0])
    assert rms is not None and rms > 0.001
    assert precision.rms == pytest.approx((rms + 0 + STOL) / 3, abs=1e-6)
    assert recall.interval[0] < recall.share < recall.interval[1]
    swapped = coverage(reference, samples)
    assert (swapped[1].matched, swapped[0].matched) == (recall.matched, precision.matched)


def test_what_cannot_be_read_is_never_covered_and_covers_nothing() -> None:
    tungsten = crystal_set([structure("bcc W")])
    broken = CrystalSet(tungsten.cells, {"noise": "no crystal"})
    recall, precision = coverage(broken, tungsten)
    assert recall.share == 1.0
    assert precision.share == 0.5
    assert precision.rms == pytest.approx(STOL / 2, abs=1e-6)


@pytest.mark.parametrize("pairs", [1, 5, 256])
def test_many_crystals_of_one_formula_are_many_jobs(pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six crystals of one formula, against four: the same found in any parts, none larger than it may be."""
    jobs: list[tuple[list[Cell], Any]] = []

    class Watched(Workers):
        def map(self, work: Any, items: Any, doing: str) -> Any:
            jobs.extend(items)
            return super().map(work, items, doing)

    monkeypatch.setattr("xcrystal.evaluation.shared.set_matching._PAIRS", pairs)
    found = [*polymorphs(), polymorphs()[1] * (2, 1, 1), polymorphs()[3]]
    assert matches_earlier(cells(found), Watched()).tolist() == [False] * 4 + [True] * 2
    assert len(jobs) == {1: 6, 5: 6, 256: 1}[pairs]
    jobs.clear()
    recall, precision = coverage(crystal_set(found[1:]), crystal_set(found[:3]), Watched())
    assert (recall.matched, recall.crystals) == (2, 3)
    assert (precision.matched, precision.crystals) == (3, 5)
    assert len(jobs) == {1: 5, 5: 5, 256: 1}[pairs]
    assert all(len(some) * len(others) <= max(pairs, len(others)) for some, others in jobs)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # pymatgen divides by the volume
def test_flat_cells_match_nothing_and_stop_nothing() -> None:
    flat = Structure(np.diag([4.0, 4.0, 0.0]), ["W"], [[0, 0, 0]])
    assert not matches_any(cells([flat]), cells([structure("bcc W")])).any()
    assert matches_earlier(cells([structure("bcc W"), flat, structure("bcc W")])).tolist() == [False, False, True]
