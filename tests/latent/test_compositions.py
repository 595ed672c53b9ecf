"""Formulas as people write them."""

from __future__ import annotations

from math import gcd

import pytest
from pymatgen.core import Composition

from xcrystal.errors import ReadError
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.compositions import parse_formula, pattern


@pytest.mark.parametrize("text", ["SrTiO3", " Sr2 Ti2 O6 ", "SrTiO₃", "Ti(SrO3)1", "TiO3[Sr]"])
def test_one_composition_in_many_writings(text: str) -> None:
    assert parse_formula(text) == ((8, 3), (22, 1), (38, 1))


def test_groups_are_multiplied() -> None:
    assert parse_formula("Ca(OH)2") == ((1, 2), (8, 2), (20, 1))
    assert pattern(parse_formula("Ca(OH)2")) == (1, 2, 2)
    assert parse_formula("Ca[Al(OH)4]2") == ((1, 8), (8, 8), (13, 2), (20, 1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Give a formula"),
        ("pigs", "not a formula"),
        ("Xx2", "no element Xx"),
        ("Sr0.5Ti", "whole numbers"),
        ("Sr((", "not a formula"),
        ("(OH", "not a formula"),
        ("()2", "not a formula"),
        ("Ca()2", "not a formula"),
        ("OH)2", "not a formula"),
        ("3O", "not a formula"),
        ("O0", "not a formula"),
        ("NaCl" * 40, "not a formula"),
        ("FmO2", "not Fm"),
        ("<b>NaCl</b>", "not a formula"),
    ],
)
def test_what_is_no_formula_is_said_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(ReadError, match=says.replace("(", r"\(")):
        parse_formula(text)


def test_a_formula_may_be_too_large_for_a_model() -> None:
    apatite = "Ca10(PO4)6F2"
    assert sum(n for _, n in parse_formula(apatite)) == sum(n for _, n in parse_formula(apatite, 21)) == 21
    with pytest.raises(ReadError, match="21 atoms; the model makes cells of up to 20"):
        parse_formula(apatite, 20)


def test_every_formula_of_the_atlas_is_read_as_pymatgen_does(atlas: Atlas) -> None:
    formulas = atlas.row_formulas
    assert len(formulas) == len(atlas) and None not in formulas
    for row, text in atlas.table["formula"].drop_duplicates().items():
        amounts = {element.Z: round(n) for element, n in Composition(text).items()}
        divisor = gcd(*amounts.values())
        assert formulas[row] == tuple(sorted((z, n // divisor) for z, n in amounts.items()))
