"""Sites that several elements share, as text and back."""

from __future__ import annotations

import pytest
from pymatgen.core import Lattice, Species, Structure

from xcrystal.crystal.mixed_sites import amounts, site_kinds, site_text, species_of
from xcrystal.crystal.reading import check_drawable, check_structure
from xcrystal.crystal.symmetry.canonical import space_group_number
from xcrystal.errors import InvalidCrystalError, ReadError

MIXED = Structure(
    Lattice.cubic(3.88),
    [{"La3+": 0.7, "Sr2+": 0.3}, "Mn", "O", "O", {"O": 0.9}],
    [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
)


def test_text_and_back() -> None:
    texts = [site_text(site) for site in MIXED]
    assert texts == ["La0.7 Sr0.3", "Mn", "O", "O", "O0.9"]
    again = Structure(MIXED.lattice, [species_of(text) for text in texts], MIXED.frac_coords)
    assert [amounts(site) for site in again] == [amounts(site) for site in MIXED]


@pytest.mark.parametrize("text", ["", "la", "La0.7Sr0.3", "La-1", "<b>", "La 0.7"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ReadError, match="does not say what is on a site"):
        species_of(text)


def test_symmetry_tells_sites_apart_by_what_is_on_them() -> None:
    assert site_kinds(MIXED) == [1, 2, 3, 3, 4]
    full = Structure(MIXED.lattice, [{"La": 0.7, "Sr": 0.3}, "Mn", "O", "O", "O"], MIXED.frac_coords)
    assert (space_group_number(full), space_group_number(MIXED)) == (221, 123)


def test_what_is_disordered_can_be_drawn_but_not_encoded() -> None:
    drawn = check_drawable(MIXED)
    assert amounts(drawn[0]) == {"La": 0.7, "Sr": 0.3} and not any(
        isinstance(kind, Species) for kind in drawn.composition
    )
    with pytest.raises(InvalidCrystalError, match="holds 70 % La and 30 % Sr"):
        check_structure(MIXED)
