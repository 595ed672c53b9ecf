"""Pairs of crystals that differ by one substitution, and whether the model knows which way a property goes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.crystals import CRYSTALS, build
from xcrystal.crystal.collections.tables import read_table, selection_half
from xcrystal.crystal.reading import encodable
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import DatasetError
from xcrystal.evaluation.attribution.counterfactual_pairs import evaluate_counterfactuals, substitution_pairs
from xcrystal.generator import CrystalModel, model_folder, open_model


def salt(cation: str, anion: str, a: float) -> WyckoffCrystal:
    return build(225, (a, a, a, 90, 90, 90), (cation, "a", (0, 0, 0)), (anion, "b", (0, 0, 0)))


SALTS = [salt("Na", "Cl", 5.6), salt("K", "Cl", 6.3), salt("Rb", "I", 7.3), salt("K", "I", 7.1), salt("Mg", "O", 4.2)]


def written(crystals: list[WyckoffCrystal], energies: list[float], path: Path) -> Path:
    rows = []
    for i, (crystal, energy) in enumerate(zip(crystals, energies, strict=True)):
        s = crystal.to_structure()
        cell = dict(zip(("a", "b", "c", "alpha", "beta", "gamma"), s.lattice.parameters, strict=True))
        species, points = [site.specie.symbol for site in s], s.frac_coords.ravel().tolist()
        rows.append({"material_id": f"own-{i}", **cell, "species": species, "frac_coords": points, "e": energy})
    pd.DataFrame(rows).rename(columns={"e": "formation_energy_per_atom"}).to_parquet(path)
    return path


def test_pairs_differ_by_one_element() -> None:
    crystals = [encodable(c.to_structure()).crystal for c in [*SALTS, *CRYSTALS.values()]]
    pairs = substitution_pairs(crystals, crystals)
    assert {i for _, i in pairs} >= {0, 1, 2, 3} and not any(4 in pair for pair in pairs)
    for i, j in pairs:
        assert len(set(crystals[i].elements) ^ set(crystals[j].elements)) == 2
    assert pairs == substitution_pairs(crystals, crystals)


def test_atoms_in_other_places_are_no_pair() -> None:
    rutile = encodable(CRYSTALS["rutile TiO2"].to_structure()).crystal
    other = replace(rutile, elements=np.where(rutile.elements == 22, 40, rutile.elements))
    assert substitution_pairs([rutile, other], [rutile, other]) == [(1, 0), (0, 1)]
    assert substitution_pairs([rutile], [other, rutile]) == [(0, 0)]
    moved = replace(other, coordinates=other.coordinates + 0.15)
    assert substitution_pairs([rutile, moved], [moved, rutile]) == []


def test_the_sign_of_the_change(model: CrystalModel, tmp_path: Path) -> None:
    true = model.predict(model.encode([c.to_structure() for c in SALTS]))["formation_energy_per_atom"]
    right = evaluate_counterfactuals(model, written(SALTS, true.tolist(), tmp_path / "val.parquet"))
    wrong = evaluate_counterfactuals(model, written(SALTS, (-true).tolist(), tmp_path / "wrong.parquet"))
    first, second = right.figures[0], wrong.figures[0]
    assert first.pairs == second.pairs == 4 and first.right == 4 - second.right and first.right >= 3
    assert right.figures[1].which == "beyond the error" and "right sign" in right.table()
    assert evaluate_counterfactuals(model, tmp_path).pairs == right.pairs == right.to_dict()["pairs"]
    known = written(SALTS[:2], true[:2].tolist(), tmp_path / "known.parquet")
    assert evaluate_counterfactuals(model, tmp_path, train=known).pairs == 3
    with pytest.raises(DatasetError, match="no two crystals"):
        evaluate_counterfactuals(model, written(SALTS[3:], [0.0, 1.0], tmp_path / "few.parquet"))


def test_edits_lead_to_validation_crystals_that_calibrated_nothing(model: CrystalModel, tmp_path: Path) -> None:
    val = written(SALTS, [-2.1, -2.2, -1.5, -1.7, -3.0], tmp_path / "val.parquet")
    chose = selection_half(read_table(val).species)
    assert 0 < chose[:4].sum() < 4
    known = written([salt("Li", "Cl", 5.1), salt("Cs", "I", 7.7)], [-2.0, -1.6], tmp_path / "known.parquet")
    of_others = evaluate_counterfactuals(model, val, train=known)
    assert (of_others.half, of_others.pairs) == ("all", 4), "this table calibrated nothing"

    for file in ("config.json", "weights.safetensors"):
        shutil.copyfile(model_folder("mp20") / file, tmp_path / file)
    (tmp_path / "validation_ids.txt").write_text("\n".join(f"own-{k}" for k in range(len(SALTS))))
    own = open_model(tmp_path, "cpu")
    report = evaluate_counterfactuals(own, val, train=known)
    assert (report.half, report.crystals) == ("report", int((~chose).sum()))
    assert report.pairs == int((~chose[:4]).sum())
    assert "calibrated nothing" in report.table()
    assert evaluate_counterfactuals(own, val, train=known, half="selection").pairs == int(chose[:4].sum())
