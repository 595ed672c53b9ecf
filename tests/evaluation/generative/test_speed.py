"""The speed report measures; how fast is no matter of a test on a busy machine."""

from __future__ import annotations

import json

import torch

from xcrystal.evaluation.generative.speed import benchmark, import_seconds
from xcrystal.generator import CrystalModel


def test_every_figure_is_measured(model: CrystalModel) -> None:
    threads = torch.get_num_threads()
    report = benchmark(model, repeats=3, threads=1)
    assert torch.get_num_threads() == threads
    for name, value in report.to_dict().items():
        if isinstance(value, float):
            assert 0 < value < 1e5, name
    assert report.decode_ms <= report.decode_ms_95
    assert report.device == "cpu"
    assert report.threads == 1
    assert "decode, one crystal" in report.table()
    json.dumps(report.to_dict(), allow_nan=False)


def test_import_is_timed_in_a_fresh_interpreter() -> None:
    assert 0 < import_seconds(times=1) < 60
