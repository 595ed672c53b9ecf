"""The figures of proposals, for a few crystals; the truth among the proposals is found, and only that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

from xcrystal.errors import DatasetError
from xcrystal.evaluation.generative.proposals import evaluate_proposals
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


def salt(cation: str, anion: str, a: float) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [cation, anion], [[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.fixture(scope="module")
def without_salts(atlas: Atlas) -> Atlas:
    """An atlas that knows other halides, but not two of them."""
    keep = ~atlas.table["formula"].isin(["NaCl", "KBr"]).to_numpy()
    return Atlas("some", atlas.table[keep].reset_index(drop=True), atlas.z[keep])


def test_rock_salts_are_found_again(model: CrystalModel, without_salts: Atlas) -> None:
    truths = [salt("Na", "Cl", 5.69), salt("K", "Br", 6.7), salt("Mg", "O", 4.2)]  # the atlas has MgO
    report = evaluate_proposals(model, without_salts, truths, count=3)
    assert report.compositions == 2 and not report.real
    assert report.proposed.any == report.proposed.first == report.proposed.answered == 1
    assert report.substituted.any == 1 and report.missed == []
    assert "one of 3 is right" in report.table()
    assert json.loads(json.dumps(report.to_dict()))["compositions"] == 2


def test_a_structure_that_is_none_is_not_right(model: CrystalModel, without_salts: Atlas) -> None:
    odd = Structure(Lattice.orthorhombic(3.0, 4.0, 9.0), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.31]])
    report = evaluate_proposals(model, without_salts, [odd], count=1)
    assert report.proposed.any == 0 and report.missed == ["NaCl"]


def test_what_cannot_be_measured(model: CrystalModel, atlas: Atlas, crystal_table: Path) -> None:
    with pytest.raises(DatasetError, match="no composition"):
        evaluate_proposals(model, atlas, [salt("Na", "Cl", 5.69)])
    with pytest.raises(DatasetError, match="none of the crystals"):
        evaluate_proposals(model, atlas, [salt("Na", "Cl", 5.69)], train=crystal_table)
