"""The reconstruction report, on the bundled model and the test crystals."""

from __future__ import annotations

import json
import shutil
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.io.cif import CifWriter

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tables import read_table, selection_half
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.symmetry.canonical import canonicalize
from xcrystal.errors import DatasetError
from xcrystal.evaluation.generative.reconstruction import compare, evaluate_reconstruction
from xcrystal.evaluation.shared.halves import HALVES
from xcrystal.generator import CrystalModel, model_folder, open_model


def test_the_report_is_what_the_crystals_say(model: CrystalModel, crystal_table: Path) -> None:
    report = evaluate_reconstruction(model, crystal_table, workers=1)
    structures = [crystal.to_structure() for crystal in CRYSTALS.values()]
    decoded = model.decode(model.encode(structures))
    rms = [match_rms(a, b) for a, b in zip(structures, decoded, strict=True)]
    matched = [r for r in rms if r is not None]
    assert report.crystals == len(CRYSTALS)
    assert report.not_encoded == {}
    assert report.match_rate == pytest.approx(len(matched) / len(CRYSTALS), abs=0.08)  # tables round coordinates
    assert [c.material_id for c in report.comparisons] == list(CRYSTALS)
    low, high = report.match_interval
    assert low <= report.match_rate <= high
    table = read_table(crystal_table)
    energy = report.properties["formation_energy_per_atom"]
    truth = table["formation_energy_per_atom"].to_numpy()
    predicted = model.predict(model.encode(structures))["formation_energy_per_atom"]
    assert energy.mae == pytest.approx(np.abs(truth - predicted).mean(), abs=0.01)
    assert energy.mae_of_mean == pytest.approx(np.abs(truth - truth.mean()).mean())
    assert energy.mae_of_zero == pytest.approx(np.abs(truth).mean())
    assert energy.crystals == len(CRYSTALS)


def test_processes_give_the_same_report(model: CrystalModel, crystal_table: Path) -> None:
    alone = evaluate_reconstruction(model, crystal_table, limit=5, workers=1)
    together = evaluate_reconstruction(model, crystal_table, limit=5, workers=2)
    assert alone.crystals == together.crystals == 5
    for one, other in zip(alone.comparisons, together.comparisons, strict=True):
        # linear algebra rounds differently on another number of threads
        assert astuple(one) == pytest.approx(astuple(other), abs=1e-6)


def test_crystals_that_cannot_be_encoded_are_named_and_count(
    model: CrystalModel, crystal_table: Path, tmp_path: Path
) -> None:
    table = read_table(crystal_table)
    broken = [table.iloc[[0]].assign(material_id=name, **change) for name, change in
              {"flat": {"a": 0.001}, "heavy": {}, "nonsense": {"b": np.nan}}.items()]  # fmt: skip
    broken[1]["species"] = [["Am", "Cl"]]
    path = tmp_path / "table.parquet"
    pd.concat([table, *broken]).to_parquet(path)
    whole, part = (
        evaluate_reconstruction(model, crystal_table, workers=1),
        evaluate_reconstruction(model, path, workers=1),
    )
    assert set(part.not_encoded) == {"flat", "heavy", "nonsense"}
    assert part.match_rate == pytest.approx(whole.match_rate * len(table) / (len(table) + 3))
    pd.concat(broken).to_parquet(path)
    nothing = evaluate_reconstruction(model, path, workers=1)
    assert nothing.match_rate == 0.0
    assert json.loads(json.dumps(nothing.to_dict(), allow_nan=False))["mean_rms"] is None
    assert "flat" in nothing.table()


def test_the_report_prints_and_serializes(model: CrystalModel, crystal_table: Path) -> None:
    report = evaluate_reconstruction(model, crystal_table, limit=3, workers=1)
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert content["crystals"] == 3
    assert content["properties"]["band_gap"]["crystals"] == 3
    distances = content["own_distances"]
    assert distances["right"][1] < 0.05 and distances["unreadable"] == 0
    for words in ("match rate", "volume error", "MAE band_gap", "95 %", "own vector of right ones"):
        assert words in report.table()


def test_a_comparison_sees_each_kind_of_error() -> None:
    original = CRYSTALS["rutile TiO2"].to_structure()
    same = compare(("x", original, original * (2, 1, 1)))
    assert same.rms == pytest.approx(0, abs=1e-6)
    assert same.volume_error == pytest.approx(0)
    assert same.same_composition
    assert same.same_space_group
    swollen = original.copy()
    swollen.scale_lattice(original.volume * 1.2)
    assert compare(("x", original, swollen)).volume_error == pytest.approx(0.2)
    other = original.copy()
    other.replace_species({"O": "S"})
    changed = compare(("x", original, other))
    assert changed.rms is None
    assert not changed.same_composition
    assert changed.same_space_group
    assert not compare(("x", original, CRYSTALS["baddeleyite ZrO2"].to_structure())).same_space_group


def test_a_missing_table(model: CrystalModel, tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        evaluate_reconstruction(model, tmp_path / "none.parquet")


def test_folders_and_lists_are_sources(model: CrystalModel, tmp_path: Path) -> None:
    crystals = [crystal.to_structure() for crystal in list(CRYSTALS.values())[:3]]
    for i, structure in enumerate(crystals):
        structure.to(str(tmp_path / f"{i}.cif"))
    (tmp_path / "noise.cif").write_text("no crystal")
    of_list = evaluate_reconstruction(model, crystals, workers=1)
    of_folder = evaluate_reconstruction(model, tmp_path, workers=1)
    assert [c.material_id for c in of_folder.comparisons] == ["0.cif", "1.cif", "2.cif"]
    assert list(of_folder.not_encoded) == ["noise.cif"]
    assert of_folder.match_rate == pytest.approx(0.75 * of_list.match_rate)
    assert of_list.properties == of_folder.properties == {}
    assert evaluate_reconstruction(model, crystals, limit=2, workers=1).crystals == 2


def test_crystals_are_told_apart_by_their_orbits(model: CrystalModel, crystal_table: Path) -> None:
    report = evaluate_reconstruction(model, crystal_table, workers=1)
    counts = {name: len(canonicalize(c.to_structure()).crystal.positions) for name, c in CRYSTALS.items()}
    assert sum(o.crystals for o in report.orbits) == report.crystals
    assert [(o.fewest, o.most) for o in report.orbits] == [(1, 2), (3, 4)]
    for o in report.orbits:
        of_range = [c for c in report.comparisons if o.fewest <= counts[c.material_id] <= o.most]
        matched = [c.rms for c in of_range if c.rms is not None]
        assert len(of_range) == o.crystals
        assert o.match_rate == len(matched) / o.crystals
        assert o.mean_rms == pytest.approx(np.mean(matched))
        assert o.composition_rate == sum(c.same_composition for c in of_range) / o.crystals
    assert "1 to 2" in report.table() and "orbits" in report.table()


def test_the_half_that_chose_the_model_is_not_its_result(
    model: CrystalModel, crystal_table: Path, tmp_path: Path
) -> None:
    whole = evaluate_reconstruction(model, crystal_table, workers=1)
    assert whole.half == "all", "these are no validation crystals of the model"
    halves = {half: evaluate_reconstruction(model, crystal_table, workers=1, half=half) for half in HALVES}
    names = {half: {c.material_id for c in report.comparisons} for half, report in halves.items()}
    assert names["report"] | names["selection"] == names["all"] == set(CRYSTALS)
    assert not names["report"] & names["selection"]
    chosen = selection_half([[s.specie.symbol for s in c.to_structure()] for c in CRYSTALS.values()])
    assert names["selection"] == {name for name, chose in zip(CRYSTALS, chosen, strict=True) if chose}
    with pytest.raises(DatasetError, match="report, selection, all"):
        evaluate_reconstruction(model, crystal_table, half="best")

    # of a model whose folder lists these crystals as its validation split, the half that reports is the default
    for file in ("config.json", "weights.safetensors"):
        shutil.copyfile(model_folder("mp20") / file, tmp_path / file)
    (tmp_path / "validation_ids.txt").write_text("\n".join(map(str, range(len(CRYSTALS)))))
    table = read_table(crystal_table)
    ids = tmp_path / "val.parquet"
    table.assign(material_id=[str(k) for k in range(len(table))]).to_parquet(ids)
    own = open_model(tmp_path, device="cpu")
    report = evaluate_reconstruction(own, ids, workers=1)
    assert (report.half, report.crystals) == ("report", len(names["report"]))
    assert "did not choose" in report.table()
    assert evaluate_reconstruction(own, crystal_table, workers=1, limit=2).half == "all"


def test_csv_files_of_benchmarks_are_read(model: CrystalModel, tmp_path: Path) -> None:
    chosen = list(CRYSTALS)[:3]
    rows = [
        {"": k, "material_id": f"mp-{k}", "cif": str(CifWriter(CRYSTALS[name].to_structure())), "band_gap": 1.0 * k}
        for k, name in enumerate(chosen)
    ]
    pd.DataFrame([*rows, {"": 3, "material_id": "mp-3", "cif": "nothing"}]).to_csv(tmp_path / "test.csv", index=False)
    report = evaluate_reconstruction(model, tmp_path / "test.csv", workers=1)
    assert [c.material_id for c in report.comparisons] == ["mp-0", "mp-1", "mp-2"]
    assert set(report.not_encoded) == {"mp-3"}
    assert report.crystals == 4
    assert report.properties["band_gap"].crystals == 3
    of_list = evaluate_reconstruction(model, [CRYSTALS[name].to_structure() for name in chosen], workers=1)
    assert report.match_rate == pytest.approx(0.75 * of_list.match_rate)
