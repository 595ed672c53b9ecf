"""The report that puts everything together, and what it writes is what the explorer reads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from xcrystal.errors import DatasetError, TargetError
from xcrystal.evaluation.attribution.explanation_report import evaluate_explanations
from xcrystal.explanation.trust import FILE, read_trust
from xcrystal.generator import CrystalModel, model_folder


def test_the_report_is_whole_and_can_be_read_again(model: CrystalModel, crystal_table: Path, tmp_path: Path) -> None:
    said: list[str] = []
    report = evaluate_explanations(model, crystal_table, limit=2, workers=1, progress=said.append)
    assert said[0] == "reading"
    text = report.table()
    for title in ("Known answers", "Faithfulness", "Completeness", "Sanity", "Invariance", "Speed"):
        assert title in text
    assert "fit-tasks" in text  # what would give known answers
    shutil.copy(model_folder("mp20") / "weights.safetensors", tmp_path)
    report.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [FILE, "weights.safetensors"]
    trust = read_trust(tmp_path)
    assert trust is not None
    assert trust.content == json.loads(json.dumps(report.to_dict()))
    assert trust.content["invariance"]["share"] == 1
    assert set(report.parts["speed"]["by_orbits_ms"]) <= set(map(str, range(1, 11)))
    part = evaluate_explanations(model, crystal_table, limit=1, only=["invariance"])
    assert part.texts.keys() == {"tasks", "invariance"}
    part.save(tmp_path)
    again = read_trust(tmp_path)
    assert again is not None
    assert again.content["invariance"]["crystals"] == 1
    assert again.content | {"invariance": 0} == trust.content | {"invariance": 0}
    (tmp_path / FILE).unlink()
    with pytest.raises(DatasetError, match="measure faithfulness"):
        part.save(tmp_path)


def test_what_cannot_be_measured_is_said_at_once(model: CrystalModel, crystal_table: Path, tmp_path: Path) -> None:
    with pytest.raises(TargetError):
        evaluate_explanations(model, crystal_table, target="taste")
    with pytest.raises(TargetError, match="There is no part"):
        evaluate_explanations(model, crystal_table, only=["taste"])
    with pytest.raises(DatasetError):
        evaluate_explanations(model, tmp_path / "missing.parquet")
