"""Motifs of crystals that are known to have them, and of others that look alike."""

from __future__ import annotations

import numpy as np
import pytest

from tests.crystals import CRYSTALS, build
from xcrystal.crystal.geometry.motifs import MOTIFS, has_alkali_metal, motifs
from xcrystal.crystal.geometry.networks import dimension_scores, likely_dimension

_HEX, _FIXED = (90, 90, 120), (0.0, 0.0, 0.0)
KNOWN = {
    **CRYSTALS,
    "fcc Cu": build(225, (3.61, 3.61, 3.61, 90, 90, 90), ("Cu", "a", _FIXED)),
    "MoS2": build(194, (3.16, 3.16, 12.3, *_HEX), ("Mo", "c", _FIXED), ("S", "f", (0, 0, 0.621))),
    "CdI2": build(164, (4.24, 4.24, 6.84, *_HEX), ("Cd", "a", _FIXED), ("I", "d", (0, 0, 0.25))),
    "graphite": build(194, (2.46, 2.46, 6.7, *_HEX), ("C", "b", _FIXED), ("C", "c", _FIXED)),
    "CsCl": build(221, (4.12, 4.12, 4.12, 90, 90, 90), ("Cs", "a", _FIXED), ("Cl", "b", _FIXED)),
}


@pytest.mark.parametrize(
    ("name", "has"),
    [
        ("rock salt NaCl", {"rock_salt", "close_packed"}),
        ("perovskite SrTiO3", {"perovskite"}),
        ("polar BaTiO3", {"perovskite"}),
        ("fcc Cu", {"close_packed"}),
        ("hcp Mg", {"close_packed"}),
        ("bcc W", set()),
        ("diamond C", set()),
        ("fluorite CaF2", set()),
        ("rutile TiO2", set()),
        ("quartz SiO2", set()),
        ("CsCl", set()),
        ("MoS2", {"layered"}),
        ("graphite", {"layered"}),
        ("CdI2", {"layered", "close_packed"}),  # sheets of octahedra between hcp iodine
    ],
)
def test_known_motifs(name: str, has: set[str]) -> None:
    found = motifs(KNOWN[name])
    assert set(found) == set(MOTIFS)
    assert {motif for motif, held in found.items() if held} == has
    assert motifs(KNOWN[name].to_structure()) == found


def test_a_supercell_has_the_same_motifs() -> None:
    supercell = KNOWN["MoS2"].to_structure() * (2, 1, 1)
    assert motifs(supercell)["layered"]


def test_alkali_metals() -> None:
    assert has_alkali_metal(KNOWN["rock salt NaCl"]) and not has_alkali_metal(KNOWN["fcc Cu"])


def test_dimensions_do_not_depend_on_the_cell() -> None:
    cell, points, orbit = KNOWN["MoS2"].atoms()
    numbers = KNOWN["MoS2"].elements[orbit]
    skewed = np.array([[1, 2, 0], [0, 1, 0], [1, 0, 1]])
    scores = dimension_scores(cell, points, numbers)
    assert sum(scores.values()) == pytest.approx(1) and scores[2] > 0.9
    again = dimension_scores(skewed @ cell, points @ np.linalg.inv(skewed) + 3, numbers)
    assert again == pytest.approx(scores)


def test_a_molecule_and_a_chain() -> None:
    box = np.diag([8.0, 8.0, 8.0])
    pair = np.array([[0, 0, 0], [0.14, 0, 0]])
    assert likely_dimension(box, pair, np.array([7, 7])) == 0
    chain = np.diag([1.3, 8.0, 8.0])
    assert likely_dimension(chain, np.zeros((1, 3)), np.array([6])) == 1
