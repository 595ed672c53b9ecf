"""One crystal, one latent vector."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.crystals import CRYSTALS
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.evaluation.generative.invariance import evaluate_invariance, moved, writings
from xcrystal.generator import CrystalModel


def test_codes_do_not_depend_on_the_writing(model: CrystalModel, crystal_table: Path) -> None:
    report = evaluate_invariance(model, crystal_table)
    assert report.crystals == len(CRYSTALS)
    assert report.share == 1.0, report.worst
    assert set(report.share_by_writing.values()) == {1.0}
    assert report.worst[0].difference <= report.tolerance
    assert report.worst[0].material_id in report.table()
    json.dumps(report.to_dict(), allow_nan=False)


def test_the_choice_is_seeded(model: CrystalModel, crystal_table: Path) -> None:
    assert evaluate_invariance(model, crystal_table, n=3, seed=1) == evaluate_invariance(
        model, crystal_table, n=3, seed=1
    )


def test_a_model_that_reads_the_writing_is_found_out(crystal_table: Path) -> None:
    class ReadsTheCell:
        """Not a model of crystals: its latent vector is the cell as written."""

        def encode(self, structures: list) -> np.ndarray:
            return np.array([s.lattice.matrix.ravel() for s in structures], dtype=np.float32)

    report = evaluate_invariance(ReadsTheCell(), crystal_table)  # type: ignore[arg-type]
    assert report.share < 0.5
    assert report.worst[0].difference > 0.1


@pytest.mark.parametrize("name", CRYSTALS)
def test_writings_are_the_same_crystal_written_differently(name: str) -> None:
    structure = CRYSTALS[name].to_structure()
    for other in writings(structure, np.random.default_rng(0)).values():
        assert match_rms(structure, other, scale=False) == pytest.approx(0, abs=1e-4)
    turned = moved(structure, np.random.default_rng(1))
    assert not np.allclose(turned.lattice.matrix, structure.lattice.matrix)
    assert np.linalg.det(turned.lattice.matrix) == pytest.approx(np.linalg.det(structure.lattice.matrix))
