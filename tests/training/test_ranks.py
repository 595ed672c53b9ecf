"""Two processes that train one model: the same as one does with the same batches, and they end together."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from xcrystal.crystal.collections.tables import read_table
from xcrystal.crystal.collections.tokens import tokenize
from xcrystal.errors import DatasetError, TargetError
from xcrystal.model.checkpoint import load_weights
from xcrystal.model.loss import LossWeights
from xcrystal.model.vae import Config
from xcrystal.training.augmentation import Augmentation
from xcrystal.training.loop import Recipe, Training
from xcrystal.training.ranks import ALONE, Ranks, in_processes
from xcrystal.training.recipes import run_recipe

RECIPE = Recipe(
    config=Config(width=24, encoder_layers=1, decoder_layers=1, heads=2, latent_dim=8, prefix=2),
    augmentation=Augmentation(untouched=1.0),  # or each process would draw its own
    weights=LossWeights(token_dropout=0.0),
    batch_size=8,
    warm_up_steps=5,
    steps=40,
    threads=1,
)


def train(table: Path, out: Path, ranks: Ranks = ALONE) -> None:
    """Train, go on from the checkpoint, and see that the weights are the same in all processes."""
    torch.set_num_threads(1)
    tokens = tokenize(read_table(table))
    for steps in (20, 40):
        training = Training(replace(RECIPE, steps=steps), tokens, out, seed=1, ranks=ranks)
        if steps == 40:
            training.resume()
        training.run()
        total = float(sum(p.detach().double().abs().sum() for p in training.model.parameters()))
        assert ranks.of_first(total) == total


def fall(ranks: Ranks) -> None:
    if ranks.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    ranks.of_first(1.0)  # waits for the other one


def fail(ranks: Ranks) -> None:
    if ranks.rank == 1:
        raise ZeroDivisionError("bad luck")
    ranks.of_first(1.0)
    ranks.mean({"loss": 1.0})  # waits for the other one


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_every_row_is_taken_and_small_batches_are_filled() -> None:
    two = [Ranks(k, 2) for k in range(2)]
    rows = np.arange(7)
    assert sorted(np.concatenate([r.share(rows) for r in two]).tolist()) == rows.tolist()
    assert [r.share(rows[:1]).tolist() for r in two] == [[0], [0]]
    assert ALONE.share(rows).tolist() == rows.tolist()


def test_two_processes_learn_as_one_does_and_go_on_from_its_checkpoint(crystal_table: Path, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    try:
        train(crystal_table, tmp_path / "one")
    finally:
        torch.set_num_threads(threads)
    in_processes(2, train, crystal_table, tmp_path / "two")
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(one) == len(two), "each epoch is written once"
    assert one[-1] < 0.95 * one[0]
    # shares have other noise, and means are over shares
    assert np.allclose(one, two, rtol=0.06)
    counters = json.loads((tmp_path / "two" / "checkpoint.json").read_text())
    assert counters["steps"] == 40
    facts = [load_weights(tmp_path / name / "best")[1] for name in ("one", "two")]
    assert [(one["seed"], one["processes"]) for one in facts] == [(1, 1), (1, 2)]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are not killed so there")
def test_if_one_is_killed_all_end_with_one_sentence() -> None:
    with pytest.raises(DatasetError, match=r"Process 1 of 2 has ended, and all with it: .*SIGKILL"):
        in_processes(2, fall)


def test_who_fails_is_named() -> None:
    with pytest.raises(DatasetError, match=r"Process 1 of 2 has ended, and all with it: .*bad luck"):
        in_processes(2, fail)


def test_crystals_are_canonicalized_before_any_process_begins(
    crystal_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []

    def begin(count: int, work: object) -> dict[str, float]:
        found.extend(path.name.partition("-")[0] for path in (tmp_path / "out").iterdir() if path.is_dir())
        return {}

    monkeypatch.setattr("xcrystal.training.ranks.in_processes", begin)
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(crystal_table, data / "train.parquet")
    run_recipe("toy", data, tmp_path / "out", processes=2)
    assert sorted(found) == ["split", "tokens", "tokens"]
    with pytest.raises(TargetError, match="The number of processes is a whole number of at least 1, not '0'"):
        run_recipe("toy", data, tmp_path / "none", processes=0)
    assert not (tmp_path / "none").exists()
