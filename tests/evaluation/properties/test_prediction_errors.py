"""The report on properties: its numbers against plain ones, and what it says of a model without an ensemble."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tables import PROPERTIES, read_table, selection_half
from xcrystal.errors import DatasetError
from xcrystal.evaluation.properties.comparisons import composition_features, neighbour_values, unsqueezed
from xcrystal.evaluation.properties.prediction_errors import (
    Coverage,
    evaluate_properties,
    mean_absolute_errors,
)
from xcrystal.generator import CrystalModel, model_folder, open_model
from xcrystal.model.checkpoint import load_weights
from xcrystal.model.properties import PropertyEnsemble, calibrate, save_ensemble


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, crystal_table: Path) -> CrystalModel:
    """The bundled model with an ensemble that says what the joint head says, calibrated on the test crystals."""
    folder = tmp_path_factory.mktemp("fitted")
    for name in ("config.json", "weights.safetensors"):
        shutil.copy(model_folder("mp20") / name, folder / name)
    network, _ = load_weights(folder)
    ensemble = PropertyEnsemble.from_head(network.properties, 2).eval()
    codes = torch.from_numpy(open_model(folder, "cpu").encode([c.to_structure() for c in CRYSTALS.values()]))
    truth = torch.from_numpy(read_table(crystal_table)[list(PROPERTIES)].to_numpy(dtype=np.float32))
    with torch.no_grad():
        calibrate(ensemble, codes, truth)
    save_ensemble(ensemble, folder)
    return open_model(folder, "cpu")


def test_the_report_is_what_the_model_says(fitted: CrystalModel, crystal_table: Path) -> None:
    report = evaluate_properties(fitted, crystal_table, workers=1)
    truth = read_table(crystal_table)[list(PROPERTIES)].to_numpy(dtype=float)
    codes = fitted.encode([c.to_structure() for c in CRYSTALS.values()])
    values, ends, nonzero = fitted.predict(codes), fitted.predict_interval(codes), fitted.predict_nonzero(codes)
    assert report.crystals == len(CRYSTALS)
    for k, name in enumerate(PROPERTIES):
        score, true = report.properties[name], truth[:, k]
        assert score.mae == pytest.approx(np.abs(values[name] - true).mean(), abs=0.02)  # tables round coordinates
        assert score.mae_of_median == pytest.approx(np.abs(np.median(true) - true).mean())
        assert score.mae_of_mean == pytest.approx(np.abs(true.mean() - true).mean())
        assert score.mae_of_zero == pytest.approx(np.abs(true).mean())
        assert score.coverage is not None and score.coverage.crystals == len(true)
        inside = (ends[name][:, 0] <= true) & (true <= ends[name][:, 1])
        assert score.coverage.inside == pytest.approx(inside.mean(), abs=1.1 / len(true))
        if k:
            assert score.coverage_zero is not None and score.coverage_others is not None
            assert score.coverage_zero.crystals == int((true <= 1e-3).sum())
            assert score.coverage_others.crystals == int((true > 1e-3).sum())
            assert score.right_side == pytest.approx(
                ((nonzero[name] > 0.5) == (true > 1e-3)).mean(), abs=1.1 / len(true)
            )
    json.dumps(report.to_dict(), allow_nan=False)
    for words in ("MAE", "AUROC", "of those at zero", "median width", "best constant", "eV/atom"):
        assert words in report.table()


def test_of_its_validation_crystals_only_those_that_calibrated_nothing_are_measured(
    fitted: CrystalModel, crystal_table: Path
) -> None:
    chose = int(selection_half(read_table(crystal_table).species).sum())
    assert 0 < chose < len(CRYSTALS)
    others = evaluate_properties(fitted, crystal_table, workers=1)
    assert (others.crystals, others.which) == (len(CRYSTALS), "all of the table"), "another table calibrated nothing"
    listed = Path(fitted.name) / "validation_ids.txt"
    listed.write_text("\n".join(CRYSTALS))
    try:
        report = evaluate_properties(fitted, crystal_table, workers=1)
        whole = evaluate_properties(fitted, crystal_table, workers=1, half="all")
    finally:
        listed.unlink()
    assert report.crystals == len(CRYSTALS) - chose
    assert "half that chose nothing" in report.table()
    assert whole == others
    calibrated = evaluate_properties(fitted, crystal_table, workers=1, half="selection")
    assert calibrated.crystals == chose
    with pytest.raises(DatasetError, match="no half"):
        evaluate_properties(fitted, crystal_table, workers=1, half="best")


def test_a_joint_head_has_errors_but_no_intervals(fitted: CrystalModel, crystal_table: Path) -> None:
    network, facts = load_weights(model_folder("mp20"))
    report = evaluate_properties(CrystalModel(network, "joint", facts, torch.device("cpu")), crystal_table, workers=1)
    with_ensemble = evaluate_properties(fitted, crystal_table, workers=1)
    for name, score in report.properties.items():
        assert score.coverage is None
        assert score.mae == pytest.approx(with_ensemble.properties[name].mae, abs=0.01)
    assert "fit-properties" in report.table()


def test_comparisons_learn_from_the_training_table(
    fitted: CrystalModel, crystal_table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xcrystal.evaluation.properties.comparisons._TREES", 10)
    report = evaluate_properties(fitted, crystal_table, train=[crystal_table], workers=1)
    assert set(report.comparisons) == {"nearest_neighbours", "random_forest", "without_bottleneck"}
    # they are asked of what they have learned
    energy = report.properties["formation_energy_per_atom"]
    assert report.comparisons["random_forest"]["formation_energy_per_atom"] < 0.8 * energy.mae_of_mean
    assert report.comparisons["without_bottleneck"]["formation_energy_per_atom"] < energy.mae + 0.1
    # the nearest is each crystal itself
    assert report.comparisons["nearest_neighbours"]["formation_energy_per_atom"] < 0.01
    assert "MAE random forest" in report.table()


def test_the_state_before_the_bottleneck_leads_to_z(model: CrystalModel) -> None:
    crystals = list(CRYSTALS.values())
    with torch.no_grad():
        mean, _ = model.network.encoder.posterior(unsqueezed(model, crystals)).chunk(2, dim=1)
    np.testing.assert_allclose(mean.numpy(), model.encode_canonical(crystals), atol=1e-4)
    assert not model.network.encoder.posterior._forward_pre_hooks


def test_compositions_know_nothing_else() -> None:
    crystals = [CRYSTALS["rutile TiO2"], CRYSTALS["perovskite SrTiO3"]]
    rutile, perovskite = composition_features(crystals)
    assert rutile[[8, 22]] == pytest.approx([2 / 3, 1 / 3])
    assert perovskite[[8, 22, 38]] == pytest.approx([0.6, 0.2, 0.2])
    assert rutile[:95].sum() == pytest.approx(1)


def test_coverage_counts_what_is_inside() -> None:
    ends = np.array([[0.0, 0.0], [1.0, 2.0], [0.0, 3.0], [2.0, 2.5]])
    assert Coverage.of(ends, np.array([0.0, 2.5, 3.0, 1.0])) == Coverage(4, 0.5, 0.75)
    assert Coverage.of(ends[:0], np.zeros(0)) == Coverage(0, None, None)


def test_nearer_neighbours_count_more(model: CrystalModel) -> None:
    crystals = [*CRYSTALS.values()]
    truth = np.random.default_rng(0).normal(size=len(crystals))
    properties = np.column_stack([truth, np.full((len(truth), 2), np.nan)])
    values = neighbour_values(model, crystals, properties, crystals[:1], 0)
    assert np.isnan(values[:, 1:]).all()
    assert values[0, 0] == pytest.approx(truth[0], abs=1e-4)  # its own, at no distance


def test_errors_leave_out_what_is_unknown() -> None:
    truth = np.array([[1.0, math.nan, math.nan], [2.0, 1.0, math.nan]])
    assert mean_absolute_errors(np.zeros((2, 3)), truth) == {"formation_energy_per_atom": 1.5, "band_gap": 1.0}


def test_tables_without_properties_are_refused(model: CrystalModel, crystal_table: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.parquet"
    read_table(crystal_table).drop(columns=list(PROPERTIES)).to_parquet(bare)
    for table, train in ((bare, ()), (crystal_table, [bare]), (tmp_path / "none.parquet", ()), (tmp_path, ())):
        with pytest.raises(DatasetError):
            evaluate_properties(model, table, train, workers=1)
    broken = pd.concat([read_table(crystal_table).assign(a=0.001)])
    broken.to_parquet(bare)
    with pytest.raises(DatasetError, match="encoded"):
        evaluate_properties(model, bare, workers=1)
