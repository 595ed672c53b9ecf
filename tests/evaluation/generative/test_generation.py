"""The report on generated crystals, on test crystals and a few samples of the bundled model."""

from __future__ import annotations

import html
import json
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS, structures
from xcrystal.assessment.validity import validity
from xcrystal.crystal.geometry.matching import STOL
from xcrystal.errors import DatasetError
from xcrystal.evaluation.generative.generation import SHARES, evaluate_generation
from xcrystal.evaluation.generative.generation_page import generation_page
from xcrystal.generator import CrystalModel


def overlapping() -> Structure:
    return Structure(Lattice.cubic(3), ["Na", "Cl"], [[0, 0, 0], [0.05, 0, 0]])


def disordered() -> Structure:
    return Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]])


def test_shares_are_counted_over_all_that_was_given() -> None:
    """Of six: salt twice, tungsten, one that overlaps, one that is no ordered crystal, and titania; salt is known."""
    salt, tungsten = (CRYSTALS[name].to_structure() for name in ("rock salt NaCl", "bcc W"))
    given = [salt, tungsten, salt * (2, 1, 1), overlapping(), disordered(), CRYSTALS["rutile TiO2"].to_structure()]
    report = evaluate_generation(given, train=[salt], workers=1)
    counts = {name: share.count for name, share in report.samples.shares.items()}
    assert report.samples.crystals == 6
    assert {share.total for share in report.samples.shares.values()} == {6}
    assert list(report.samples.unreadable) == ["4"]
    assert counts == {
        "apart": 4,
        "no_overlap": 4,
        "smact": 5,
        "smact_without_alloys": 5,  # an element passes
        "metals_only": 1,
        "too_many_elements": 0,
        "valid": 4,
        "unique": 4,
        "novel": 3,
        "novel_composition": 2,
        "novel_space_group": 1,  # two sites at nearly the same place
        "novel_structure": 0,
        "unique_novel_valid": 2,
        "p1": 0,
    }
    assert [j.unique for j in report.judgements] == [True, True, False, True, True]
    assert [j.novel for j in report.judgements] == [False, True, False, True, True]
    assert [j.formula for j in report.judgements] == ["NaCl", "W", "NaCl", "NaCl", "TiO2"]
    for share in report.samples.shares.values():
        assert share.interval[0] - 1e-12 <= share.share <= share.interval[1] + 1e-12
        assert share.share == pytest.approx(share.count / 6)


def test_a_set_against_itself_is_at_no_distance(crystal_table: Path) -> None:
    report = evaluate_generation(crystal_table, reference=structures(), train=crystal_table, workers=1)
    assert report.reference is not None and report.recall is not None and report.precision is not None
    assert report.samples == report.reference
    assert report.training is not None
    assert report.training.shares["p1"] == report.samples.shares["p1"]
    assert report.samples.shares["p1"].count == sum(c.space_group == 1 for c in CRYSTALS.values()) == 1
    assert report.samples.shares["novel"].count == 0
    for found in (report.distances, report.floor, report.floor_of_draws):
        assert found is not None
        assert max(vars(found).values()) < 1e-6
    assert report.recall.share == report.precision.share == 1.0


def test_a_page_holds_all_figures_and_asks_no_host() -> None:
    salt = CRYSTALS["rock salt NaCl"].to_structure()
    given = [salt, CRYSTALS["bcc W"].to_structure(), overlapping(), disordered()]
    report = evaluate_generation(given, reference=[salt], train=[salt], workers=1)
    page = generation_page(report, {"samples": "<img src=x onerror=alert(1)>", "seed": 0})
    assert "<img" not in page and "&lt;img" in page
    assert "<script" not in page and "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    for name, share in report.samples.shares.items():
        low, high = share.interval
        assert f"{share.share:.1%} ({low:.1%} to {high:.1%})" in page, name
        assert f"{share.share:.1%} ({share.count} of {share.total})" in page, name
        assert SHARES[name] in html.unescape(page)
    assert "What is new about the novel ones" in page and "METRe" in page and "Stability" not in page
    assert page.count("<circle") == len(report.samples.shares)
    assert report.samples.unreadable["3"] in html.unescape(page)


def test_samples_of_the_model(model: CrystalModel, crystal_table: Path) -> None:
    samples = model.sample(12, seed=5)
    report = evaluate_generation(samples, crystal_table, crystal_table, workers=1)
    verdicts = [validity(s) for s in samples]
    assert report.samples.shares["apart"].count == sum(v.apart for v in verdicts)
    assert report.samples.shares["no_overlap"].count == sum(v.no_overlap for v in verdicts)
    assert report.reference is not None and report.reference.shares["apart"].share == 1.0
    # in any order the same, but for which of two equal ones is called the first
    order = np.random.default_rng(0).permutation(12)
    again = evaluate_generation([samples[i] for i in order], crystal_table, crystal_table, workers=1)
    assert again.samples.shares == report.samples.shares
    assert vars(again.distances) == pytest.approx(vars(report.distances))


def test_how_often_the_decoder_chose_is_told_of_its_own_crystals_only(model: CrystalModel) -> None:
    samples = model.sample(40, seed=1)
    chosen = sum(s.properties["chosen"] != "most probable" for s in samples)
    assert chosen > 0
    report = evaluate_generation(samples, structures()[:2], workers=1)
    share = report.samples.shares["not_most_probable"]
    assert (share.count, share.total) == (chosen, 40)
    assert "not the most probable crystal" in report.table()
    plainly = evaluate_generation(model.sample(8, seed=1, effort="fast"), workers=1)
    assert plainly.samples.shares["not_most_probable"].count == 0
    of_others = evaluate_generation([*samples[:2], structures()[0]], workers=1)
    assert "not_most_probable" not in of_others.samples.shares
    assert report.reference is not None and "not_most_probable" not in report.reference.shares


def test_processes_give_the_same_report(crystal_table: Path) -> None:
    given = [*structures(), overlapping(), disordered()]
    alone, together = (evaluate_generation(given, crystal_table, structures(), workers=n) for n in (1, 2))
    assert alone.samples == together.samples
    assert alone.distances == together.distances
    assert alone.floor_of_draws == together.floor_of_draws


@pytest.mark.parametrize("reference", [True, False])
@pytest.mark.parametrize("train", [True, False])
def test_what_is_not_given_is_left_out(reference: bool, train: bool) -> None:
    sets = {"reference": structures()[:3] if reference else None, "train": structures()[2:5] if train else None}
    report = evaluate_generation([*structures()[:4], disordered()], workers=1, **sets)
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert (content["distances"] is None) == (content["recall"] is None) == (not reference)
    assert (content["floor"] is None) == (not (reference and train))
    assert ("novel" in content["samples"]["shares"]) == train
    text = report.table()
    assert ("METRe" in text) == ("Wasserstein" in text) == reference
    assert ("without a reference set" in text) == (not reference)
    assert ("without a training set" in text) == (not train)
    assert ("3 drawn of it" in text) == (reference and train)
    assert (content["training"] is None) == (not train)
    if reference and train:
        assert report.training is not None
        assert report.training.shares["p1"].total == 3
    assert "not read (samples): 4" in text
    for words in ("95 % interval", "covalent radii", "SMACT", "unique"):
        assert words in text


def test_nothing_readable_scores_nothing() -> None:
    report = evaluate_generation([disordered()] * 12, reference=structures()[:2], workers=1)
    assert all(share.count == 0 for share in report.samples.shares.values())
    assert report.distances is None
    assert report.recall is not None and report.recall.rms == STOL
    assert "2 more" in report.table()
    json.dumps(report.to_dict(), allow_nan=False)
    with pytest.raises(DatasetError, match="reference set"):
        evaluate_generation(structures()[:1], reference=[disordered()], workers=1)
