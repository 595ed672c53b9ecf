"""One command from a dataset folder to a model: run for seconds, on test crystals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.crystals import CRYSTALS
from xcrystal.errors import DatasetError, TargetError
from xcrystal.generator import open_model
from xcrystal.training.recipes import run_recipe


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rows = []
    for name, crystal in CRYSTALS.items():
        structure = crystal.to_structure()
        cell = dict(zip(("a", "b", "c", "alpha", "beta", "gamma"), structure.lattice.parameters, strict=True))
        rows.append(
            cell
            | {
                "material_id": name,
                "formula": structure.composition.reduced_formula,
                "species": [site.specie.symbol for site in structure],
                "frac_coords": structure.frac_coords.ravel().tolist(),
                "formation_energy_per_atom": -float(len(structure)),
                "band_gap": np.nan,
                "e_above_hull": 0.0,
            }
        )
    for split in ("train", "val"):
        pd.DataFrame(rows).to_parquet(folder / f"{split}.parquet")
    return folder


def test_a_recipe_trains_resumes_and_leaves_a_model(data: Path, tmp_path: Path) -> None:
    run_recipe("mp20", data, tmp_path / "run", minutes=0.05, seed=1, device="cpu")
    first = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert first[-1]["loss"] < first[0]["loss"]
    assert 0 <= first[-1]["match_rate"] <= 1
    model = open_model(tmp_path / "run" / "best", device="cpu")
    assert model.facts["crystals"] == len(CRYSTALS)
    z = model.encode([crystal.to_structure() for crystal in CRYSTALS.values()])
    assert all(len(decoded) > 0 for decoded in model.decode(z))

    with pytest.raises(DatasetError, match="resume"):
        run_recipe("mp20", data, tmp_path / "run", minutes=0.1, device="cpu")
    run_recipe("mp20", data, tmp_path / "run", minutes=0.08, seed=1, device="cpu", resume=True)
    again = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert again[: len(first)] == first
    assert again[-1]["epoch"] > first[-1]["epoch"]


def test_unknown_recipes_and_missing_data_get_one_sentence(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="mp20"):
        run_recipe("soup", data, tmp_path / "a")
    with pytest.raises(DatasetError, match="train"):
        run_recipe("mp20", tmp_path, tmp_path / "b")
    with pytest.raises(DatasetError, match="resume"):
        run_recipe("mp20", data, tmp_path / "c", resume=True, device="cpu")
