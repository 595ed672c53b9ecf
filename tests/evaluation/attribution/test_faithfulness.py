"""Every method is measured, beside random scores and the best order."""

from __future__ import annotations

import json

from tests.crystals import CRYSTALS
from xcrystal.evaluation.attribution.faithfulness import evaluate_faithfulness
from xcrystal.evaluation.attribution.method_scores import methods_with_random
from xcrystal.generator import CrystalModel


def test_every_method_is_measured(model: CrystalModel) -> None:
    crystals = [CRYSTALS[n] for n in ("perovskite SrTiO3", "monoclinic polar LiFeF3", "polar BaTiO3", "hcp Mg")]
    report = evaluate_faithfulness(model, crystals)
    assert set(report.methods) == set(methods_with_random())
    assert report.crystals == 3  # of magnesium's one orbit there is no order
    assert report.crystals_moved == 2  # nothing of the perovskite is free
    best = report.best["deletion"][0], report.best["insertion"][0]
    for name, figures in report.methods.items():
        assert figures.deletion[0] <= best[0] + 1e-9, name
        assert figures.insertion[0] <= best[1] + 1e-9, name
        assert 0 <= figures.unexplained[0] <= 1.001
    assert report.methods["shapley"].deletion[0] > report.methods["random"].deletion[0]
    assert "best order" in report.table()
    json.dumps(report.to_dict(), allow_nan=False)
