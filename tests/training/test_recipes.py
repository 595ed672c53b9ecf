"""One command from a dataset folder to a model: run for seconds, on test crystals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tables import selection_half
from xcrystal.errors import DatasetError, TargetError
from xcrystal.generator import open_model
from xcrystal.training import recipes
from xcrystal.training.curves import read_metrics
from xcrystal.training.perovskites import write_idealized_perovskites
from xcrystal.training.ranks import ALONE
from xcrystal.training.recipes import RECIPES, open_run, recipe_of, run_recipe


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
    run_recipe("toy", data, tmp_path / "run", minutes=0.02, seed=1, device="cpu")
    first = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert all(np.isfinite(record["loss"]) for record in first)
    assert 0 <= first[-1]["match_rate"] <= 1
    model = open_model(tmp_path / "run" / "best", device="cpu")
    assert model.facts["crystals"] == len(CRYSTALS)
    z = model.encode([crystal.to_structure() for crystal in CRYSTALS.values()])
    assert all(len(decoded) > 0 for decoded in model.decode(z))

    with pytest.raises(DatasetError, match="resume"):
        run_recipe("toy", data, tmp_path / "run", minutes=0.1, device="cpu")
    with pytest.raises(DatasetError, match="began with the seed 1"):
        run_recipe("toy", data, tmp_path / "run", minutes=0.06, seed=2, device="cpu", resume=True)
    run_recipe("toy", data, tmp_path / "run", minutes=0.06, seed=1, device="cpu", resume=True)
    again = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert again[: len(first)] == first
    assert again[-1]["epoch"] > first[-1]["epoch"]


def test_unknown_recipes_and_missing_data_get_one_sentence(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="mp20"):
        run_recipe("soup", data, tmp_path / "a")
    with pytest.raises(DatasetError, match="no crystals"):
        run_recipe("mp20", tmp_path, tmp_path / "b")
    with pytest.raises(DatasetError, match="resume"):
        run_recipe("mp20", data, tmp_path / "c", resume=True, device="cpu")


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but train.parquet, and without properties."""
    folder = tmp_path_factory.mktemp("toys")
    write_idealized_perovskites(folder).iloc[::5].to_parquet(folder / "train.parquet")
    return folder


def test_a_recipe_splits_trains_and_measures_on_what_was_held_out(toys: Path, tmp_path: Path) -> None:
    found = run_recipe("toy", toys, tmp_path / "run", minutes=0.03, seed=2, device="cpu")
    parts = {name: pd.read_parquet(tmp_path / "run" / "split" / f"{name}.parquet") for name in ("train", "val")}
    assert not set(parts["train"].formula) & set(parts["val"].formula)
    # those that did not choose the best model; a handful may all be of one half
    assert (found["crystals"], found["half"]) in {
        (int((~selection_half(parts["val"].species)).sum()), "report"),
        (len(parts["val"]), "all"),
    }
    assert found["match_low"] <= found["match_rate"] <= found["match_high"]
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == found
    assert {path.name for path in toys.iterdir()} == {"train.parquet"}
    records = read_metrics(tmp_path / "run")
    assert records[-1]["step"] == found["steps"] > 0
    assert "match_rate" in records[-1]
    facts = open_model(tmp_path / "run" / "best", device="cpu").facts
    assert facts["crystals"] == len(parts["train"])
    assert facts["properties"] == []  # none was in the table, so none was learned


def test_nobody_trains_on_the_split_of_another_run(toys: Path, tmp_path: Path) -> None:
    """The other run begins in the same folder after the first has split, and before it has opened its crystals."""
    given = ("toy", toys, tmp_path / "run", 0.03)
    more = ("cpu", False, None, (), "composition", None, None)
    first = recipes._plan(*given, 1, *more)
    recipes._plan(*given, 2, *more).open(ALONE)
    with pytest.raises(DatasetError, match=r"split crystals in .* meanwhile"):
        first.open(ALONE)


def test_what_was_learned_is_reported(data: Path, tmp_path: Path) -> None:
    run = open_run("toy", data, tmp_path, device="cpu")
    assert run.training.facts()["properties"] == ["formation_energy_per_atom", "e_above_hull"]  # no gap is known


def test_a_run_ends_where_it_is_told_to_and_goes_on_from_there(toys: Path, tmp_path: Path) -> None:
    run = open_run("toy", toys, tmp_path, minutes=1.0, device="cpu")
    run.train(stop=lambda: run.training.epochs >= 2)
    assert run.training.epochs == 2
    assert 0 < run.training.progress < 1
    assert "match_rate" in read_metrics(tmp_path)[-1]  # so that there is a model
    assert run.result()["steps"] == run.training.steps
    again = open_run("toy", toys, tmp_path, minutes=1.0, device="cpu", resume=True)
    assert (again.training.steps, again.training.epochs) == (run.training.steps, 2)
    again.train(stop=lambda: again.training.epochs >= 3)
    assert [r["epoch"] for r in read_metrics(tmp_path)] == [1, 2, 3]


def test_recipes() -> None:
    assert [recipe_of(name).name for name in RECIPES] == list(RECIPES)
    assert recipe_of("perov5").minutes <= 8  # of the ten minutes that all of it may take
    short = recipe_of("mp20", 1.0)
    assert short.minutes == 1.0
    assert short.score_every < recipe_of("mp20").score_every


def test_more_tables_are_learned_from_beside_the_first(data: Path, toys: Path, tmp_path: Path) -> None:
    alone = open_run("toy", data, tmp_path / "alone", device="cpu").training.sampler.tokens
    run = open_run("toy", data, tmp_path / "run", device="cpu", also=[toys / "train.parquet"])
    joined = run.training.sampler.tokens
    more = len(pd.read_parquet(toys / "train.parquet"))
    assert len(joined) == len(alone) + more
    assert np.array_equal(joined.cell[: len(alone)], alone.cell)
    assert len(run.tokens) == len(CRYSTALS), "what validates stays"
