"""Novelty against the atlas, and the report on one crystal."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.assessment import novelty
from xcrystal.assessment.crystal_report import crystal_report
from xcrystal.assessment.novelty import KnownCrystals
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contact
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


@pytest.fixture(scope="module")
def known(model: CrystalModel, atlas: Atlas) -> KnownCrystals:
    return KnownCrystals(model, atlas)


def test_the_decode_of_an_atlas_crystal_is_known(known: KnownCrystals, atlas: Atlas) -> None:
    rows = [*np.flatnonzero(atlas.in_train)[:10].tolist(), atlas.row("mp-5986")]
    returned = [k for k in rows if known.decode(k).composition.reduced_formula == atlas.table["formula"][k]]
    assert len(returned) > 0.7 * len(rows) and rows[-1] in returned
    for row in returned:
        structure = known.decode(row)
        found = known.novelty(structure, atlas.z[row])
        assert found.known_formula and not found.new
        assert found.rms == pytest.approx(0, abs=0.01)
        matched = known.decode(atlas.row(str(found.match)))
        assert match_rms(structure, matched) is not None


def test_an_unlike_structure_of_a_known_formula_is_new(known: KnownCrystals, atlas: Atlas) -> None:
    structure = Structure(
        Lattice.orthorhombic(3.0, 4.0, 30.0), ["Ba", "Ti", "O", "O", "O"], np.diag(range(5))[:, :3] / 7
    )
    found = known.novelty(structure, atlas.z[atlas.row("mp-5986")])
    assert found.new and found.known_formula
    assert found.compared == found.entries == (atlas.table["formula"] == "BaTiO3").sum()
    assert known.novelty(CRYSTALS["rock salt NaCl"].to_structure(), atlas.z[0]).known_formula
    unheard = Structure(Lattice.cubic(4), ["Xe", "F", "Au"], [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]])
    assert known.novelty(unheard, atlas.z[0]).entries == 0


def test_formulas_are_found_however_they_are_written(model: CrystalModel, atlas: Atlas) -> None:
    table = atlas.table.iloc[:4].copy()
    table["formula"] = ["Ti O3 Ba", "O6Ba2Ti2", "<b>not a formula</b>", "BaTi2O3"]
    known = KnownCrystals(model, Atlas("mine", table, atlas.z[:4]))
    assert known.rows_of("BaTiO3").tolist() == [0, 1]


def test_many_entries_of_a_formula_are_compared_up_to_a_limit(
    model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(novelty, "MOST", 5)
    known = KnownCrystals(model, atlas)
    rows = known.rows_of("SiO2")
    assert len(rows) > 10
    odd = Structure(Lattice.orthorhombic(2.0, 3.0, 40.0), ["Si", "O", "O"], [[0, 0, 0], [0.5, 0, 0.3], [0, 0.5, 0.1]])
    found = known.novelty(odd, atlas.z[rows[0]])
    assert (found.entries, found.compared) == (len(rows), 5)
    assert known.novelty(known.decode(int(rows[7])), atlas.z[rows[7]]).compared == 1


def test_a_crystal_beyond_train_is_new_and_named(model: CrystalModel, atlas: Atlas) -> None:
    rows = [atlas.row("mp-5986"), int(np.flatnonzero(atlas.table["formula"] == "NaCl")[0])]
    table = atlas.table.iloc[rows].assign(in_train=[False, True])
    known = KnownCrystals(model, Atlas("mixed", table, atlas.z[rows]))
    found = known.novelty(known.decode(0), atlas.z[rows[0]])
    assert found.new and (found.match, found.in_train) == ("mp-5986", False)
    salt = known.novelty(known.decode(1), atlas.z[rows[1]])
    assert salt.in_train and not salt.new
    # of two that match, the one in train is named, however near the other is
    table = atlas.table.iloc[[rows[0]] * 2].assign(material_id=["beyond", "train"], in_train=[False, True])
    known = KnownCrystals(model, Atlas("twice", table, atlas.z[[rows[0]] * 2]))
    twice = known.novelty(known.decode(0), atlas.z[rows[0]])
    assert (twice.match, twice.in_train, twice.compared) == ("train", True, 1)


def test_a_known_crystal_gets_a_good_report(model: CrystalModel, atlas: Atlas, known: KnownCrystals) -> None:
    row = atlas.row("mp-5986")
    structure = known.decode(row)
    report = crystal_report(model, atlas, structure, atlas.z[row], known)
    assert report.formula == "BaTiO3"
    assert report.apart and report.charges == "balanced" and not report.novelty.new and not report.extrapolates
    assert report.closest == ("O", "Ti")
    assert report.returned is not None and report.returned < 0.1
    assert report.group_probability == structure.properties["space_group_probability"]
    assert report.least_certain is not None
    assert report.least_certain.probability == min(structure.site_properties["element_probability"])
    for name, found in report.predicted.items():
        assert found.low is not None and found.high is not None
        assert found.low <= found.value <= found.high, name
    assert report.predicted["band_gap"].low >= 0
    assert "mp-5986" in report.table()


def test_every_report_is_plain_json(model: CrystalModel, atlas: Atlas, known: KnownCrystals) -> None:
    far = 4 * np.random.default_rng(2).standard_normal((6, model.latent_dim))
    extrapolating = 0
    for z, structure in zip(far, model.decode(far), strict=True):
        report = crystal_report(model, atlas, structure, z, known)
        extrapolating += report.extrapolates
        read = json.loads(json.dumps(report.to_dict(), allow_nan=False))
        assert read["novelty"]["new"] == report.novelty.new
        contact = shortest_contact(
            structure.lattice.matrix, structure.frac_coords, np.array([s.specie.Z for s in structure])
        )
        assert report.apart == (contact.ratio >= SHORT_CONTACT and contact.distance >= 0.5)
        assert len(report.closest) == 2
        assert report.table()
    assert extrapolating == len(far)


@pytest.mark.parametrize(
    ("elements", "words"), [("NiAl", "alloy"), ("CsCl", "balanced"), ("SiSi", "element"), ("NaNe", "unbalanced")]
)
def test_charges(model: CrystalModel, atlas: Atlas, known: KnownCrystals, elements: str, words: str) -> None:
    half = len(elements) // 2
    structure = Structure(Lattice.cubic(3.5), [elements[:half], elements[half:]], [[0, 0, 0], [0.5, 0.5, 0.5]])
    report = crystal_report(model, atlas, structure, atlas.z[0], known)
    assert report.charges == words
    assert report.group_probability is None and report.least_certain is None
