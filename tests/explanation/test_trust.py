"""Figures beside the weights are read for these weights only, and damage is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from xcrystal.errors import CheckpointError
from xcrystal.explanation.trust import FILE, load_trust, read_trust
from xcrystal.generator import CrystalModel, model_folder
from xcrystal.model.digests import weights_digest


def content(folder: Path) -> dict[str, Any]:
    chance = {"auroc": [0.5, 0.45, 0.55], "tau": None, "pearson": None}
    good = {"auroc": [0.97, 0.95, 0.98], "tau": None, "pearson": None, "crystals": 80, "beats_random": True}
    poor = {"auroc": [0.52, 0.4, 0.6], "tau": None, "pearson": None, "crystals": 80, "beats_random": False}
    unknown = {"auroc": [None, None, None], "tau": None, "pearson": None, "crystals": 0, "beats_random": None}
    nothing = {"kind": "null", "methods": {"saliency": unknown, "shapley": unknown, "random": unknown}}
    motif = {"kind": "binary", "methods": {"shapley": good, "saliency": poor, "random": chance}}
    return {"version": 1, "weights": weights_digest(folder), "tasks": {"motif": motif, "nothing": nothing}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(model_folder("mp20") / "weights.safetensors", tmp_path)
    (tmp_path / FILE).write_text(json.dumps(content(tmp_path)))
    return tmp_path


def test_figures_stand_beside_those_of_random_scores(folder: Path) -> None:
    trust = read_trust(folder)
    assert trust is not None
    (figure,) = trust.of("shapley")
    assert figure == ("motif", "auroc", 0.97, 0.95, 0.98, 0.5, True)
    assert trust.beats_random("shapley")
    assert "AUROC 0.97 on motif (random 0.50)" in trust.words("shapley")
    assert not trust.beats_random("saliency")
    assert trust.words("saliency").startswith("Not better than random")


def test_a_method_that_was_not_tested_is_not_trusted(folder: Path) -> None:
    trust = read_trust(folder)
    assert trust is not None
    assert trust.of("smoothgrad") == []
    assert not trust.beats_random("smoothgrad")
    assert "not tested" in trust.words("smoothgrad")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"version": 2}, "version 2"),
        ({"weights": "0" * 16}, "other weights"),
        ({"tasks": None}, "cannot be read"),
        ({"tasks": {"motif": {"kind": "binary", "methods": {"shapley": {"auroc": ["high", 0, 1]}}}}}, "cannot be read"),
        ({"tasks": {"motif": {"kind": "binary", "methods": {"shapley": {"auroc": [0.9]}}}}}, "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, change: dict[str, Any], why: str) -> None:
    (folder / FILE).write_text(json.dumps(content(folder) | change))
    with pytest.raises(CheckpointError, match=why):
        read_trust(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"version": 1}', "\0"])
def test_a_damaged_file_is_one_clear_error(folder: Path, text: str) -> None:
    (folder / FILE).write_text(text)
    with pytest.raises(CheckpointError, match=FILE):
        read_trust(folder)


def test_without_a_file_or_a_folder_there_is_none(folder: Path, model: CrystalModel) -> None:
    (folder / FILE).unlink()
    assert read_trust(folder) is None
    assert load_trust(CrystalModel(model.network, "no such folder", {}, model.device)) is None
