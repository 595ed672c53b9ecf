"""The training loop on a dozen crystals: it learns, and an interrupted run goes on as if nothing had happened."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.crystal.tables import read_table
from xcrystal.crystal.tokens import Tokens, tokenize
from xcrystal.errors import DatasetError
from xcrystal.model.checkpoint import load_weights, unique_state
from xcrystal.model.vae import Config
from xcrystal.training.augmentation import Augmentation, Sampler
from xcrystal.training.loop import Recipe, Training

SMALL = Config(width=48, encoder_layers=1, decoder_layers=1, heads=4, latent_dim=16, prefix=2)
RECIPE = Recipe(name="small", config=SMALL, batch_size=8, learning_rate=3e-3, warm_up_steps=5, steps=30)


@pytest.fixture(scope="module")
def tokens(crystal_table: Path) -> Tokens:
    return tokenize(read_table(crystal_table), workers=1)


def records(folder: Path) -> dict[int, dict[str, Any]]:
    """The last record of each epoch, without what a clock tells."""
    found = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        found[record["epoch"]] = {k: v for k, v in record.items() if k not in ("minutes", "seconds_per_epoch")}
    return found


def test_tokens_are_the_crystals(tokens: Tokens, tmp_path: Path) -> None:
    assert len(tokens) == len(CRYSTALS)
    assert tokens.group.tolist() == [c.space_group for c in CRYSTALS.values()]
    assert np.diff(tokens.start).tolist() == [len(c.positions) for c in CRYSTALS.values()]
    tokens.save(tmp_path / "tokens.npz")
    again = Tokens.load(tmp_path / "tokens.npz")
    assert all(np.array_equal(a, b) for a, b in zip(vars(tokens).values(), vars(again).values(), strict=True))


def test_every_crystal_is_drawn_once_an_epoch(tokens: Tokens) -> None:
    batches = Sampler(tokens).epoch(4, np.random.default_rng(0))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(tokens)))
    assert max(map(len, batches)) <= 4


def test_augmented_crystals_stay_possible(tokens: Tokens) -> None:
    sampler, rng = Sampler(tokens), np.random.default_rng(0)
    rows = np.arange(len(tokens))
    plain = sampler.plain(rows)
    for _ in range(10):
        batch, properties = sampler.augmented(rows, Augmentation(0.0, 1.0, anything=0.5, drop=0.0), rng)
        assert torch.equal(batch.group, plain.group)
        assert torch.equal(batch.letter, plain.letter)
        assert torch.isfinite(batch.lattice).all()
        assert ((batch.coordinates >= 0) & (batch.coordinates < 1)).all()
        assert torch.equal(batch.element > 0, plain.mask)
        unchanged = ~np.isnan(properties).any(axis=1)
        assert np.allclose(properties[unchanged], tokens.properties[unchanged])


def test_some_crystals_stay_as_they_are_and_some_lose_an_orbit(tokens: Tokens) -> None:
    sampler, rng = Sampler(tokens), np.random.default_rng(0)
    rows = np.arange(len(tokens))
    plain = sampler.plain(rows)
    same, properties = sampler.augmented(rows, Augmentation(untouched=1.0), rng)
    for name, value in vars(plain).items():
        assert torch.equal(getattr(same, name), value), name
    assert np.array_equal(properties, tokens.properties.astype(np.float32), equal_nan=True)
    fewer, properties = sampler.augmented(rows, Augmentation(0.0, 1.0, drop=1.0), rng)
    before, after = plain.mask.sum(dim=1), fewer.mask.sum(dim=1)
    assert torch.equal(after, torch.where(before > 2, before - 1, before))
    assert np.isnan(properties).all()


def test_thirty_steps_lower_the_loss_and_resuming_changes_nothing(tokens: Tokens, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order, so that runs can be compared bit by bit
    try:
        whole = Training(RECIPE, tokens, tmp_path / "whole", seed=3)
        whole.run()

        def interrupt(record: dict[str, Any]) -> None:
            if record["epoch"] == 7:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Training(RECIPE, tokens, tmp_path / "parts", seed=3).run(report=interrupt)
        rest = Training(RECIPE, tokens, tmp_path / "parts", seed=3)
        rest.resume()
        assert 0 < rest.steps < 30
        rest.run()
    finally:
        torch.set_num_threads(threads)
    one, other = records(tmp_path / "whole"), records(tmp_path / "parts")
    assert one == other
    assert one[max(one)]["step"] == 30
    assert one[max(one)]["loss"] < 0.8 * one[1]["loss"]
    for name, value in unique_state(whole.averaged).items():
        assert torch.equal(unique_state(rest.averaged)[name], value), name
    best, facts = load_weights(tmp_path / "whole" / "best")
    assert facts["crystals"] == len(tokens)
    assert best.config.lattice_mean == whole.recipe.config.lattice_mean


def test_another_seed_is_another_run(tokens: Tokens, tmp_path: Path) -> None:
    short = replace(RECIPE, steps=2)
    losses = []
    for seed in (0, 1):
        Training(short, tokens, tmp_path / str(seed), seed=seed).run()
        losses.append(records(tmp_path / str(seed))[1]["loss"])
    assert losses[0] != losses[1]


def test_the_best_model_by_match_rate_is_kept(tokens: Tokens, tmp_path: Path) -> None:
    scores = iter([0.4, 0.9, 0.2])
    training = Training(replace(RECIPE, steps=6, score_every=0.0), tokens, tmp_path)
    kept = []

    def score(model: torch.nn.Module) -> dict[str, float]:
        kept.append({k: v.clone() for k, v in model.state_dict().items()})
        return {"match_rate": next(scores)}

    training.run(score)
    assert len(kept) == 3
    best = load_weights(tmp_path / "best")[0].state_dict()
    name = "properties.net.0.weight"
    assert torch.allclose(best[name], kept[1][name], atol=1e-3)
    distances = [float((best[name] - k[name]).abs().max()) for k in kept]
    assert int(np.argmin(distances)) == 1


def test_there_must_be_a_run_to_resume(tokens: Tokens, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no run to resume"):
        Training(RECIPE, tokens, tmp_path).resume()


def test_nothing_to_tokenize(crystal_table: Path) -> None:
    table = read_table(crystal_table).iloc[:2].assign(a=0.01)
    with pytest.raises(DatasetError, match="No crystal"):
        tokenize(table, workers=1)
