from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pytest
from pyarrow.parquet import read_schema

from tests.crystals import structures
from xcrystal.crystal.collections.tables import row_of, structure_of
from xcrystal.errors import CheckpointError, TargetError
from xcrystal.evaluation.generative.reconstruction import evaluate_reconstruction
from xcrystal.explanation.attribution import attribute
from xcrystal.generator import CrystalModel, model_folder
from xcrystal.scale.run_folder import RunFolder
from xcrystal.scale.running import run_partitions
from xcrystal.scale.tasks import Encode, Explain, MapRows, Reconstruct, Relax, Task

LARGE = "made-large"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five crystals, and one that is too large for the model."""
    folder = tmp_path_factory.mktemp("crystals")
    small = structures()[:5]
    rows = [row_of(one, f"c{k}") for k, one in enumerate(small)]
    large = small[0].copy()
    large.make_supercell((5, 5, 5))
    large.replace(0, "Ag")
    pd.DataFrame([*rows, row_of(large, LARGE)]).to_parquet(folder / "t.parquet")
    return folder


def run(task: Task, data: Path, folder: Path) -> tuple[pd.DataFrame, dict[str, str], dict[str, float]]:
    """The rows of a run in partitions of two, what was skipped and why, and the figures."""
    report = run_partitions(task, data, folder, size=2)
    skipped = pd.read_parquet(folder / "skipped.parquet")
    found = pd.concat([pd.read_parquet(path) for path in RunFolder(folder).parts()]).set_index("material_id")
    return found, dict(zip(skipped["name"], skipped["reason"], strict=True)), report.figures


def test_reconstructions_are_those_of_the_evaluation(model: CrystalModel, data: Path, tmp_path: Path) -> None:
    found, skipped, figures = run(Reconstruct(effort="fast"), data, tmp_path)
    wanted = evaluate_reconstruction(model, data / "t.parquet", effort="fast", half="all")
    assert list(skipped) == list(wanted.not_encoded) == [LARGE]
    assert found.index.tolist() == [one.material_id for one in wanted.comparisons]
    for one in wanted.comparisons:
        row = found.loc[one.material_id]
        rms = np.nan if one.rms is None else one.rms
        np.testing.assert_allclose(row["rms"], rms, atol=1e-4)
        assert row["same_composition"] == one.same_composition
        assert row["same_space_group"] == one.same_space_group
    assert figures["match_rate"] == pytest.approx(wanted.match_rate)
    assert figures["composition_rate"] == pytest.approx(wanted.composition_rate)
    assert figures["space_group_rate"] == pytest.approx(wanted.space_group_rate)
    assert figures["mean_rms"] == pytest.approx(wanted.mean_rms, abs=1e-4)


def test_explanations_are_those_of_single_crystals(model: CrystalModel, data: Path, tmp_path: Path) -> None:
    found, skipped, _ = run(Explain(target="band_gap"), data, tmp_path)
    assert list(skipped) == [LARGE]
    table = pd.read_parquet(data / "t.parquet").set_index("material_id")
    for name in ("c0", "c3"):
        wanted = attribute(model, structure_of(table.loc[name].to_dict()), "band_gap")
        np.testing.assert_allclose(found.loc[name, "scores"], wanted.scores, atol=1e-5)
        assert list(found.loc[name, "names"]) == wanted.names
        row = found.loc[name]
        assert sum(row["scores"]) == pytest.approx(row["target_value"] - row["baseline_value"], abs=1e-3)


def test_relaxed_crystals_are_those_of_relax(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("chgnet")
    from xcrystal.energetics.relaxing import relax

    table = pd.read_parquet(data / "t.parquet").iloc[:1]
    table.to_parquet(tmp_path / "one.parquet")
    found, skipped, _ = run(Relax(steps=2), tmp_path / "one.parquet", tmp_path / "run")
    (wanted,) = relax(structure_of(table.iloc[0].to_dict()), steps=2, progress=False)
    row = found.loc["c0"]
    assert row["energy_per_atom"] == pytest.approx(wanted.energy_per_atom, abs=1e-6)
    assert row["steps"] == wanted.steps
    told = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert told["weights"] == f"chgnet {version('chgnet')}"
    assert not skipped
    assert wanted.structure is not None
    assert structure_of(row.to_dict()).matches(wanted.structure)


def test_a_partition_without_crystals_is_done(data: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(data / "t.parquet")
    table[table["material_id"] == LARGE].to_parquet(tmp_path / "t.parquet")
    for task in (Encode(), MapRows(), Reconstruct(), Explain()):
        report = run_partitions(task, tmp_path / "t.parquet", tmp_path / task.title)
        assert (report.crystals, report.skipped, report.failed) == (0, 1, {})


@pytest.mark.parametrize(
    "task",
    [Encode(), MapRows(), Reconstruct(effort="fast"), Explain(), Relax(steps=0)],
    ids=lambda task: str(task.title),
)
def test_all_parts_are_read_as_one_table(task: Task, data: Path, tmp_path: Path) -> None:
    """Also if the first has no crystal, and others know nothing of a property."""
    if isinstance(task, Relax):
        pytest.importorskip("chgnet")
    table = pd.read_parquet(data / "t.parquet").set_index("material_id")
    empty = table.assign(species=[["Xx"] * len(names) for names in table["species"]])
    data = tmp_path / "data"
    data.mkdir()
    empty.loc[["c2"]].reset_index().to_parquet(data / "a.parquet")
    table.loc[["c0", "c1"]].reset_index().to_parquet(data / "b.parquet")
    given = {"hardness": [7], "z": 2.5, "predicted_band_gap": 1.0}
    table.loc[["c3"]].reset_index().assign(**given).to_parquet(data / "c.parquet")
    report = run_partitions(task, data, tmp_path / "run")
    assert (report.partitions, report.crystals, report.failed) == (3, 3, {})
    schemas = [read_schema(path) for path in RunFolder(tmp_path / "run").parts()]
    assert schemas[0] == schemas[1] == schemas[2]
    assert not any(pa.types.is_null(kind) for kind in schemas[0].types)
    found = pd.read_parquet(tmp_path / "run" / "parts").set_index("material_id")
    assert pyarrow.dataset.dataset(tmp_path / "run" / "parts").to_table().num_rows == len(found)
    assert sorted(found.index) == ["c0", "c1", "c3"]
    if isinstance(task, (Encode, MapRows)):
        np.testing.assert_array_equal(found.loc[["c0", "c3"], "hardness"], [np.nan, 7])
        np.testing.assert_array_equal(found.loc[["c0", "c3"], "given_z"], [np.nan, 2.5])
        assert found.loc["c3", "given_predicted_band_gap"] == 1.0
        assert len(found.loc["c3", "z"]) == task.opened.latent_dim
    if isinstance(task, Encode):
        assert found.loc["c3", "predicted_band_gap"] != 1.0
        assert schemas[0].field("hardness").type == pa.float64()


@pytest.mark.parametrize(
    ("task", "error", "said"),
    [
        (Encode("nothing"), CheckpointError, "There is no model 'nothing'"),
        (Explain(target="weight"), TargetError, "weight"),
        (Explain(method="magic"), TargetError, "magic"),
        (Relax(potential="emt"), TargetError, "emt"),
    ],
)
def test_mistakes_are_said_before_anything_is_read(
    task: Task, error: type[Exception], said: str, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        run_partitions(task, data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_of_a_model_is_found_from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model_folder("mp20")
    monkeypatch.chdir(folder.parents[1])
    task = Encode(str(Path("data") / "mp20"))
    assert task.model == str(folder.resolve())
    assert Encode().model == "mp20"
    assert replace(task, model="mp20") == Encode()
