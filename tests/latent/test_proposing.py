"""Proposals have the composition that was asked for, no overlaps, differ, and find the well known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contact
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import ReadError, TargetError
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.compositions import parse_formula
from xcrystal.latent.proposing import Proposal, propose, prototypes


@pytest.fixture(scope="module")
def salts(model: CrystalModel, atlas: Atlas) -> list[Proposal]:
    return propose(model, atlas, "NaCl", 4)


def test_rock_salt_comes_first_and_is_known(salts: list[Proposal], atlas: Atlas) -> None:
    assert salts[0].structure.properties["space_group"] == 225
    assert salts[0].material_id is not None and atlas.table["formula"].iat[atlas.row(salts[0].material_id)] == "NaCl"


def test_all_are_possible_and_differ(salts: list[Proposal], model: CrystalModel) -> None:
    assert 1 < len(salts) <= 4
    for proposal in salts:
        crystal = proposal.structure
        assert crystal.composition.reduced_formula == "NaCl" and len(crystal) <= 20
        contact = shortest_contact(crystal.lattice.matrix, crystal.frac_coords, np.array(crystal.atomic_numbers))
        assert contact.ratio >= SHORT_CONTACT
        assert model.decode(proposal.z)[0].composition == crystal.composition
        assert set(proposal.predicted) == set(proposal.intervals) == set(model.properties)
        assert 0 <= proposal.quantile <= 1
    assert [p.score for p in salts] == sorted(p.score for p in salts)
    assert all(match_rms(one.structure, other.structure) is None for one, other in combinations(salts, 2))


def test_a_formula_that_nobody_has_made(model: CrystalModel, atlas: Atlas) -> None:
    assert "KSrI3" not in set(atlas.table["formula"])
    found = propose(model, atlas, "SrKI3", 2, seed=1)
    assert found and all(p.material_id is None and p.origin for p in found)
    assert all(parse_formula(p.structure.composition.reduced_formula) == parse_formula("KSrI3") for p in found)
    again = propose(model, atlas, "KSrI3", 2, seed=1)
    assert [p.score for p in again] == pytest.approx([p.score for p in found], abs=1e-3)


def test_it_can_be_stopped_and_tells_how_far_it_is(model: CrystalModel, atlas: Atlas) -> None:
    said: list[str] = []

    def progress(words: str) -> bool:
        said.append(words)
        return False

    assert len(propose(model, atlas, "NaCl", 5, progress=progress)) <= 2
    assert said == ["known crystals"]


def test_what_has_no_pattern_may_have_no_proposal(model: CrystalModel, atlas: Atlas) -> None:
    assert not prototypes(atlas, parse_formula("HHeLiBeBCNO"))
    assert isinstance(propose(model, atlas, "HHeLiBeBCNO"), list)


def test_invalid_requests(model: CrystalModel, atlas: Atlas) -> None:
    with pytest.raises(ReadError, match="not a formula"):
        propose(model, atlas, "rust")
    with pytest.raises(TargetError, match="no list of 0"):
        propose(model, atlas, "NaCl", 0)


def test_elements_are_exchanged_for_near_ones(atlas: Atlas) -> None:
    row, change = prototypes(atlas, parse_formula("CaTiO3"), count=1)[0]
    assert change[8] == 8 and set(change.values()) == {8, 20, 22}
    assert atlas.table["formula"].iat[row] != "CaTiO3"
