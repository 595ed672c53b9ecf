"""What is wanted of crystals: what people write, what contradicts itself, and which known crystals fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from xcrystal.crystal.symmetry.groups import crystal_system
from xcrystal.errors import TargetError
from xcrystal.inverse_design.design_targets import beyond, read_targets
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.compositions import parse_formula


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({}, "Say what"),
        ({"band_gap": (2, 1)}, "empty"),
        ({"band_gap": (math.nan, 1)}, "empty"),
        ({"band_gap": (None, -1)}, "never"),
        ({"band_gap": 3}, "lowest, highest"),
        ({"band_gap": ("a", 1)}, "lowest, highest"),
        ({"elements": ["O"]}, "require"),
        ({"elements": {"require": ["Xx"]}}, "no element 'Xx'"),
        ({"elements": {"require": ["Cm"]}}, "up to number"),
        ({"elements": {"require": ["O"], "exclude": ["O"]}}, "both required and excluded"),
        ({"elements": {"require": ["O"], "only": ["Ti"]}}, "cannot be required"),
        ({"elements": {"only": ["Ti"], "exclude": ["Ti"]}}, "Nothing is left"),
        ({"space_group": 231}, "no space group '231'"),
        ({"space_group": "Fm-3x"}, "no space group 'Fm-3x'"),
        ({"space_group": 225, "crystal_system": "hexagonal"}, "is cubic"),
        ({"crystal_system": "round"}, "no crystal system 'round'"),
        ({"prototype": "nonsense"}, "no prototype 'nonsense'"),
        ({"prototype": "spinel", "space_group": 225}, "contradicts"),
        ({"n_atoms": (5, 2)}, "empty"),
        ({"n_atoms": (None, 0)}, "never"),
    ],
)
def test_what_nothing_can_fulfil_is_refused_in_one_sentence(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(TargetError, match=said) as caught:
        read_targets(**wanted)
    assert "\n" not in str(caught.value)


def test_symbols_numbers_and_open_ends() -> None:
    targets = read_targets(band_gap=(None, 2), space_group="Fm-3m", elements={"require": "Na Cl"}, n_atoms=2)
    assert (targets.group, targets.n_atoms) == (225, (2, 2))
    assert targets.properties["band_gap"] == (-math.inf, 2)
    assert read_targets(**targets.arguments) == targets
    assert targets.words == "band gap at most 2 eV, with Na and Cl, space group Fm-3m (225), 2 atoms"


def test_the_known_crystals_that_fit_are_those_of_the_table(atlas: Atlas) -> None:
    targets = read_targets(
        band_gap=(1.0, 3.0), elements={"require": ["O"], "exclude": ["Pb", "Cd"]}, crystal_system="cubic"
    )
    fit = targets.known(atlas)
    assert targets.count(atlas) == fit.sum() > 5
    table = atlas.table
    for row in [*np.flatnonzero(fit)[:40], *np.flatnonzero(~fit)[:200]]:
        elements = {z for z, _ in parse_formula(str(table["formula"].iat[row]))}
        right = (
            1.0 <= table["band_gap"].iat[row] <= 3.0
            and 8 in elements
            and not elements & {82, 48}
            and crystal_system(int(table["space_group"].iat[row])) == "cubic"
        )
        assert bool(fit[row]) == right


def test_only_some_elements_and_a_structure_type(atlas: Atlas) -> None:
    fit = read_targets(elements={"only": ["Ti", "O"]}, prototype="rutile").known(atlas)
    assert {str(formula) for formula in atlas.table["formula"][fit]} == {"TiO2"}


def test_of_a_range_beyond_the_data_is_said_how_far(atlas: Atlas) -> None:
    (said,) = beyond(read_targets(band_gap=(20, 22)), atlas)
    assert "below what is asked for" in said
    highest = float(np.nanmax(atlas.table["band_gap"]))
    assert f"{20 - highest:.2f} eV below" in said
    assert beyond(read_targets(band_gap=(1, 2)), atlas) == []
