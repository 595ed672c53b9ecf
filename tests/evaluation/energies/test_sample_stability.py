"""Stability of relaxed crystals: real runs of CHGNet on a few small crystals."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure

import xcrystal as xc
from xcrystal.assessment.synthesis_signals import prior_log_densities
from xcrystal.crystal.collections.tables import row_of
from xcrystal.evaluation.energies.ranking_before import SCORES, TOP, rankings
from xcrystal.evaluation.energies.relaxation import evaluate_relaxation, kind_of
from xcrystal.evaluation.energies.sample_stability import evaluate_model_stability, evaluate_stability
from xcrystal.evaluation.generative.generation import evaluate_generation

runs_chgnet = pytest.mark.skipif(sys.version_info >= (3, 13), reason="CHGNet has no wheels for this Python")


def rock_salt(cation: str, anion: str, a: float) -> Structure:
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [cation, anion], [[0, 0, 0], [0.5] * 3])
    return salt.get_primitive_structure()


def caesium_chloride(cation: str, anion: str, a: float) -> Structure:
    return Structure(Lattice.cubic(a), [cation, anion], [[0, 0, 0], [0.5] * 3])


SALTS = [
    rock_salt("Na", "Cl", 5.7),
    rock_salt("Na", "Cl", 5.8),
    caesium_chloride("K", "Cl", 3.7),
    rock_salt("Na", "Na", 6.0),
]
KNOWN = [SALTS[0], rock_salt("K", "Cl", 6.4)]


@runs_chgnet
def test_salts_are_counted(tmp_path: Path) -> None:
    alone = Structure(Lattice.cubic(25.0), ["Na"], [[0, 0, 0]])
    found = evaluate_stability([*SALTS, alone], KNOWN, folder=tmp_path)
    count = {name: share.count for name, share in found.shares.items()}
    assert found.crystals == 5
    assert list(found.not_relaxed) == ["4"]
    assert all(share.total == 5 for share in found.shares.values())
    # the second salt repeats the first, and both are known
    assert found.outcomes["novel_relaxed"].tolist() == [False, False, True, True, False]
    assert found.outcomes["unique_relaxed"].tolist() == [True, False, True, True, False]
    assert found.outcomes["novel_space_group"].tolist() == [False, False, True, False, False]
    assert found.outcomes["novel_composition"].tolist() == [False, False, False, True, False]
    assert count["novel_structure"] == 0
    # potassium chloride of another structure lies above its rock salt, sodium in a simple cubic cell above 0.1 eV/atom
    assert found.outcomes["metastable"].tolist() == [True, True, True, False, False]
    assert found.outcomes["metastable_sun"].tolist() == [False, False, True, False, False]
    assert not (found.outcomes["stable"] & ~found.outcomes["metastable"]).any()
    assert count["stable"] == sum(result.e_above_hull <= 1e-6 for result in found.relaxations)
    assert np.isnan(found.relaxations[4].e_above_hull)
    text = found.table()
    assert "metastable S.U.N." in text
    assert "not relaxed: 4: The potential fails" in text
    assert "relaxations" not in found.to_dict()
    without = evaluate_stability([*SALTS, alone], folder=tmp_path)
    assert "sun" not in without.shares
    assert "no S.U.N." in without.table()


@runs_chgnet
def test_generation_has_rows_of_stability(tmp_path: Path) -> None:
    plain = evaluate_generation(SALTS[:3], train=KNOWN)
    found = evaluate_generation(SALTS[:3], train=KNOWN, relax=True, folder=tmp_path)
    assert set(found.samples.shares) - set(plain.samples.shares) == {"stable", "metastable", "sun", "metastable_sun"}
    assert found.samples.shares["metastable_sun"].count == 1
    assert plain.samples.shares["novel_space_group"].count == plain.samples.shares["novel"].count == 1
    assert "stable once relaxed" in found.table()
    assert "once relaxed" not in plain.table()


@runs_chgnet
def test_known_crystals_come_out_as_in_the_table(tmp_path: Path) -> None:
    atlas = xc.atlas("mp20").table.set_index("material_id")
    rows = []
    for name, crystal in (("mp-22862", SALTS[0]), ("mp-1265", rock_salt("Mg", "O", 4.24))):
        known = atlas.loc[name, ["formation_energy_per_atom", "e_above_hull"]]
        rows.append(row_of(crystal, name) | known.to_dict())
    rows.append(rows[0] | {"material_id": "wrong", "formation_energy_per_atom": -9.0, "e_above_hull": 0.0})
    pd.DataFrame(rows[:2]).to_parquet(tmp_path / "two.parquet")
    pd.DataFrame(rows).to_parquet(tmp_path / "three.parquet")
    found = evaluate_relaxation(tmp_path / "two.parquet", folder=tmp_path)
    assert found.crystals == 2
    assert found.same_structure.count == found.relaxed.count == found.agree.count == 2
    assert found.formation_energy.mae < 0.1
    assert found.classes["oxides"].crystals == found.classes["halides"].crystals == 1
    assert "mean absolute" in found.table()
    wrong = evaluate_relaxation(tmp_path / "three.parquet", folder=tmp_path)
    assert wrong.formation_energy.bias == pytest.approx(7 / 3, abs=0.2)


@runs_chgnet
def test_samples_of_a_model_are_ranked(tmp_path: Path) -> None:
    model, atlas = xc.load("mp20"), xc.atlas("mp20")
    found = evaluate_model_stability(model, atlas, n=40, limit=3, folder=tmp_path, steps=2)
    assert found.crystals == 3
    assert {ranking.outcome for ranking in found.rankings} == {"metastable"}
    assert {ranking.score for ranking in found.rankings} == set(SCORES)
    assert all(ranking.best.total == 1 for ranking in found.rankings)
    assert "AUROC" in found.table()


def test_what_the_prior_seldom_draws_has_a_low_density() -> None:
    model = xc.load("mp20")
    z = model.sample_latent(4, seed=0)
    often, seldom = prior_log_densities(model, z), prior_log_densities(model, 4 * z)
    assert often is not None and seldom is not None and often.shape == (4,)
    assert (often > seldom + 1).all()


def test_a_ranking_is_worth_what_it_finds() -> None:
    true = np.arange(20) < 4
    good, bad = rankings({"likelihood": 1.0 * true, "contact": -1.0 * true}, {"metastable": true})
    assert good.best.count == round(TOP * 20) == 4
    assert good.enrichment == pytest.approx(5.0)
    assert good.auroc == 1.0
    assert bad.best.count == 0
    assert bad.auroc == 0.0


@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        ("Na Cl", "halides"),
        ("Na Cl O", "oxides"),
        ("Fe Al", "intermetallics"),
        ("Zn S", "chalcogenides"),
        ("B N", "others"),
    ],
)
def test_classes_of_crystals(elements: str, kind: str) -> None:
    assert kind_of(elements.split()) == kind
