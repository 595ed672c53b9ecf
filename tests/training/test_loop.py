"""The training loop on a dozen crystals: it learns, and an interrupted run goes on as if nothing had happened."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tables import read_table
from xcrystal.crystal.collections.tokens import Tokens, tokenize
from xcrystal.crystal.folder_lock import LOCK
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import DatasetError
from xcrystal.generator import to_structure
from xcrystal.model.checkpoint import load_weights, unique_state
from xcrystal.model.decoding import greedy_decode
from xcrystal.model.loss import LossWeights, loss_parts
from xcrystal.model.vae import Config, CrystalVAE
from xcrystal.training.augmentation import SIMPLE, Augmentation, Sampler
from xcrystal.training.curves import PARTS
from xcrystal.training.loop import Recipe, Training
from xcrystal.training.recipes import open_run

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
    tokens.save(tmp_path / "tokens")
    again = Tokens.load(tmp_path / "tokens")
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


FOUR = ("rutile TiO2", "baddeleyite ZrO2", "quartz SiO2", "rock salt NaCl")


def fitted(tokens: Tokens, folder: Path, kl: float, steps: int) -> tuple[float, dict[int, dict[str, Any]]]:
    """How many of four crystals a network reconstructs that has learned nothing else, and its metrics."""
    four = tokens.take(np.array([list(CRYSTALS).index(name) for name in FOUR]))
    recipe = replace(
        RECIPE,
        weights=LossWeights(kl=kl),
        augmentation=Augmentation(untouched=1.0),
        steps=steps,
        warm_up_steps=20,
        average=0.9,
    )
    Training(recipe, Tokens.joined([four] * 50), folder).run()  # what follows an epoch takes longer than one step
    network, _ = load_weights(folder / "best")
    with torch.no_grad():
        decoded = greedy_decode(network, network.posterior(Sampler(four).plain(np.arange(4)))[0])
    found = [match_rms(c.to_structure(), to_structure(d)) for c, d in zip(four.crystals(), decoded, strict=True)]
    alike = [
        rms is not None and rms < 0.1 and c.elements.tolist() == d.element.tolist() and c.space_group == d.group
        for rms, c, d in zip(found, four.crystals(), decoded, strict=True)
    ]
    return float(np.mean(alike)), records(folder)


def test_four_crystals_are_learned_by_heart(tokens: Tokens, tmp_path: Path) -> None:
    """A sign that is wrong anywhere in the objective makes it impossible; without the KL term latent vectors spread
    out.
    """
    share, metrics = fitted(tokens, tmp_path / "whole", kl=0.03, steps=250)
    last = metrics[max(metrics)]
    assert share == 1.0
    for name in ("group", "composition", "letter", "element", "coordinate"):
        assert last[name] > 0, f"{name} is a cross-entropy"
    assert last["group"] < 0.1 and last["letter"] < 0.3 and last["element"] < 0.3
    assert last["composition"] < 1.0  # the entropy of the true compositions is 0.59
    _, without = fitted(tokens, tmp_path / "without", kl=0.0, steps=125)
    assert metrics[5]["step"] == without[5]["step"] == 125
    assert metrics[5]["kl"] < 0.8 * without[5]["kl"]


def test_the_kl_term_is_warmed_up(tokens: Tokens, tmp_path: Path) -> None:
    weights = LossWeights(kl=1.0, lattice=1.0, residual=1.0, composition=1.0, properties=1.0)
    recipe = replace(RECIPE, weights=weights, batch_size=len(tokens), warm_up_steps=1, steps=8)
    Training(recipe, tokens, tmp_path).run()
    found = records(tmp_path)
    for epoch, record in found.items():  # of one step each
        others = sum(record[n] for n in (*PARTS, "residual", "properties") if n != "kl")
        share = (record["loss"] - others) / record["kl"]
        assert share == pytest.approx(min(1.0, (epoch - 1) / 5), abs=0.01)
    assert len(found) == 8


def test_an_epoch_may_take_a_share_of_the_simple_crystals(tokens: Tokens) -> None:
    many = Tokens.joined([tokens] * 60)
    lengths = np.diff(many.start)
    assert (lengths > SIMPLE).sum() > 0 or lengths.max() <= SIMPLE
    complex_ones = many.take(np.flatnonzero(lengths >= 3))
    sampler = Sampler(many)
    sampler.lengths = np.where(lengths >= 3, SIMPLE + 1, SIMPLE)  # the test crystals are all simple
    drawn = np.concatenate(sampler.epoch(16, np.random.default_rng(0), 0.25))
    assert len(np.unique(drawn)) == len(drawn)
    assert (lengths[drawn] >= 3).sum() == len(complex_ones)
    few = (lengths < 3).sum()
    assert (lengths[drawn] < 3).sum() == pytest.approx(0.25 * few, abs=4 * (few * 0.25 * 0.75) ** 0.5)


def test_a_share_of_crystals_has_averaged_sites(tokens: Tokens) -> None:
    rows = np.arange(len(tokens)).repeat(40)
    how = Augmentation(untouched=0.0, substitute=0.0, jitter_share=0.0, strain=0.0, averaged=0.3)
    sampler = Sampler(tokens)
    batch, properties = sampler.augmented(rows, how, np.random.default_rng(0))
    plain = sampler.plain(rows)
    hidden = (batch.element == 0) & batch.mask
    assert torch.equal(torch.where(hidden, 0, plain.element), batch.element)
    assert np.isnan(properties[hidden.any(dim=1).numpy()]).all()
    unknown = np.isnan(properties[:, 0]) & ~np.isnan(tokens.properties[rows, 0])
    assert unknown.mean() == pytest.approx(0.3, abs=0.06)
    orbits = plain.mask.sum(dim=1)
    part = hidden.sum(dim=1)[(orbits > 2) & hidden.any(dim=1)] / orbits[(orbits > 2) & hidden.any(dim=1)]
    assert part.min() < 0.5 and part.max() == 1.0
    assert sampler.frequencies.sum() == pytest.approx(1.0) and sampler.frequencies[0] == 0
    assert not (
        sampler.augmented(rows, Augmentation(drop=0.0), np.random.default_rng(0))[0].element[plain.mask] == 0
    ).any()


def test_a_network_grows_and_makes_what_it_made(tokens: Tokens, tmp_path: Path) -> None:
    torch.manual_seed(1)
    small = CrystalVAE(replace(SMALL, max_orbits=5, max_atoms=20)).eval()
    larger = replace(RECIPE, config=replace(SMALL, width=96, max_orbits=9, max_atoms=40), steps=1)
    grown = Training(larger, tokens, tmp_path, start=small).model
    assert grown.config == replace(small.config, max_orbits=9, max_atoms=40), "sizes stay, limits grow"
    batch = Sampler(tokens).plain(np.arange(len(tokens)))
    unknown = torch.full((len(tokens), 3), torch.nan)
    with torch.no_grad():
        one, other = (
            loss_parts(m, batch, unknown, LossWeights(token_dropout=0), torch.Generator().manual_seed(0))
            for m in (small, grown)
        )
        z = small.posterior(batch)[0]
        assert torch.equal(z, grown.posterior(batch)[0])
    for name in set(one) - {"letter"}:  # letters of larger multiplicity are possible now
        assert torch.allclose(one[name], other[name], atol=1e-5), name
    assert torch.equal(grown.decoder.step.weight[5:], small.decoder.step.weight[-1:].expand(5, -1))
    assert torch.equal(grown.decoder.atoms_so_far.weight[20:], small.decoder.atoms_so_far.weight[-1:].expand(21, -1))
    smaller = Training(replace(larger, config=SMALL), tokens, tmp_path, start=grown).model
    assert (smaller.config.max_orbits, smaller.config.max_atoms) == (20, 40), "limits never shrink"


def test_crystals_larger_than_the_network_are_left_out(tokens: Tokens, tmp_path: Path) -> None:
    recipe = replace(RECIPE, config=replace(SMALL, max_atoms=6), steps=2)
    training = Training(recipe, tokens, tmp_path)
    assert len(training.sampler.tokens) == (tokens.atoms <= 6).sum() < len(tokens)
    training.run()
    assert np.isfinite(records(tmp_path)[1]["loss"])


def test_there_must_be_a_run_to_resume(tokens: Tokens, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no run to resume"):
        Training(RECIPE, tokens, tmp_path).resume()


def test_nothing_to_tokenize(crystal_table: Path) -> None:
    table = read_table(crystal_table).iloc[:2].assign(a=0.01)
    with pytest.raises(DatasetError, match="No crystal"):
        tokenize(table, workers=1)


@pytest.mark.parametrize("damage", ["{}", "[", "7", "cut"])
def test_a_damaged_checkpoint_is_refused_in_one_sentence(tokens: Tokens, tmp_path: Path, damage: str) -> None:
    Training(RECIPE, tokens, tmp_path).save()
    Training(RECIPE, tokens, tmp_path).resume()
    weights = tmp_path / "checkpoint.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:5000])
    else:
        (tmp_path / "checkpoint.json").write_text(damage)
    with pytest.raises(DatasetError, match="is damaged") as caught:
        Training(RECIPE, tokens, tmp_path).resume()
    assert "\n" not in str(caught.value)


def test_two_do_not_train_in_one_folder(tokens: Tokens, tmp_path: Path) -> None:
    lock = str(tmp_path / LOCK)
    code = f"from filelock import FileLock\nlock = FileLock({lock!r})\nlock.acquire()\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(DatasetError, match="Another process works in"):
            Training(RECIPE, tokens, tmp_path).run()
        with pytest.raises(DatasetError, match="Another process works in"):
            open_run("toy", tmp_path / "nothing", tmp_path)  # before there is anything else to complain of
        other.kill()
    assert not (tmp_path / "checkpoint.json").exists()
    Training(RECIPE, tokens, tmp_path).run()
    assert (tmp_path / "checkpoint.json").exists()
