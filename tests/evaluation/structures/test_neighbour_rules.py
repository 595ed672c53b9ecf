"""The rule of neighbours against textbooks, and how its report tells of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from xcrystal.cli import app
from xcrystal.crystal.gallery.compounds import compounds
from xcrystal.crystal.gallery.entries import Entry
from xcrystal.crystal.gallery.types import entries
from xcrystal.crystal.geometry.neighbours import structure_neighbours
from xcrystal.evaluation.structures.neighbour_rules import OWN, NeighbourReport, evaluate_neighbours, rules
from xcrystal.evaluation.structures.textbook_coordination import textbook_shells


@pytest.fixture(scope="module")
def report() -> NeighbourReport:
    return evaluate_neighbours([OWN])


def test_the_table_has_every_orbit_of_every_type() -> None:
    book = textbook_shells()
    assert list(book) == [entry.prototype for entry in entries()]
    for entry in entries():
        orbits = book[entry.prototype]
        assert len(orbits) == len(entry.crystal.elements), entry.prototype
        own = {site.specie.symbol for site in entry.structure}
        assert all(set(shell) <= own for orbit in orbits for shell in orbit), entry.prototype


def test_nearly_all_types_are_as_textbooks_say(report: NeighbourReport) -> None:
    (score,) = report.scores
    types = len(entries())
    assert (score.right, score.mutual, score.stable) == (types - 2, types, types)
    assert {line.split()[0] for line in score.wrong} == {"Cr3Si", "CaCu5"}
    assert "Cr3Si Cr: 4 Si + 2 Cr" in report.table()


@pytest.mark.parametrize("compound", compounds(), ids=lambda entry: entry.formula)
def test_other_compounds_of_a_type_have_the_numbers_of_the_type(compound: Entry) -> None:
    named = next(entry for entry in entries() if entry.name == compound.name)
    own, theirs = (
        np.bincount(structure_neighbours(entry.crystal.to_structure()).first).tolist() for entry in (compound, named)
    )
    assert sorted(own) == sorted(theirs)


def test_other_rules_are_measured_the_same_way() -> None:
    chosen = [entry for entry in entries() if entry.prototype in ("NaCl", "CsCl", "SrTiO3")]
    found = {score.rule: score for score in evaluate_neighbours(shown=chosen).scores}
    assert list(found) == list(rules())
    assert found[OWN].right == found[OWN].mutual == found[OWN].stable == 3
    # EconNN counts the second shell of CsCl, and sees two neighbours of O in a perovskite, though Sr has it as one
    assert found["EconNN"].right == 1 and found["EconNN"].mutual == 2


def test_the_command_prints_the_same_figures() -> None:
    printed = CliRunner().invoke(app, ["evaluate", "neighbours", "--rule", OWN, "--json"])
    assert printed.exit_code == 0, printed.output
    (score,) = json.loads(printed.stdout)["scores"]
    assert (score["rule"], score["right"]) == (OWN, 61)
    refused = CliRunner().invoke(app, ["evaluate", "neighbours", "--rule", "nonsense"])
    assert refused.exit_code != 0
