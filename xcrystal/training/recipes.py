"""Recipes: one command from a dataset folder to a trained model, selected by match rate on the validation split."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES, read_table, selection_half, structure_of
from xcrystal.crystal.collections.tokens import Tokens, load_tokens
from xcrystal.crystal.folder_lock import alone_in
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.reading import MAX_ATOMS, MAX_ORBITS
from xcrystal.errors import DatasetError, TargetError, check_whole_number
from xcrystal.training.splitting import split_of

if TYPE_CHECKING:
    from xcrystal.training.loop import Recipe, Training
    from xcrystal.training.ranks import Ranks

RECIPES = ("mp20", "perov5", "toy")
SCORES = 15  # at least so many measurements in a run that is shorter than its recipe


def recipe_of(name: str, minutes: float | None = None) -> Recipe:
    """A recipe by its name, with another time budget if ``minutes`` is given.

    ``mp20`` is for crystals of all kinds, and hours on a CPU. ``perov5`` is for some thousands of crystals of one kind,
    such as the perovskites of Castelli et al. (Energy Environ. Sci. 5, 9034, 2012), and minutes on one core. ``toy`` is
    for some hundreds of very simple ones, and half a minute.

    Raises
    ------
    TargetError
        If there is no such recipe.
    """
    from xcrystal.model.vae import Config
    from xcrystal.training.augmentation import Augmentation
    from xcrystal.training.loop import Recipe

    # crystals of one kind keep which positions they have, and cations stay cations more often than not
    one_kind = Augmentation(anything=0.1, reassign=0.0, drop=0.0)
    if name == "mp20":
        chosen = Recipe(
            config=Config(max_orbits=MAX_ORBITS, max_atoms=MAX_ATOMS),
            augmentation=Augmentation(averaged=0.05),
            simple_share=0.5,
        )
    elif name == "perov5":
        chosen = Recipe(
            name="perov5",
            config=Config(width=96, encoder_layers=2, decoder_layers=2, heads=4, latent_dim=48, prefix=2),
            augmentation=one_kind,
            batch_size=128,
            learning_rate=2e-3,
            warm_up_steps=100,
            minutes=5.0,
            score_every=1 / 4,
            average=0.99,
            score_crystals=100,
            threads=1,  # a second one has little to do here, and on a busy machine the two wait for each other
        )
    elif name == "toy":
        chosen = Recipe(
            name="toy",
            config=Config(width=64, encoder_layers=1, decoder_layers=1, heads=4, latent_dim=24, prefix=2),
            augmentation=one_kind,
            batch_size=64,
            learning_rate=4e-3,
            warm_up_steps=20,
            minutes=0.4,
            score_every=1 / 30,
            average=0.97,
            score_crystals=40,
            threads=1,
        )
    else:
        raise TargetError(f"There is no recipe {name!r}; there are: {', '.join(RECIPES)}.")
    if minutes is None:
        return chosen
    return replace(chosen, minutes=minutes, score_every=min(chosen.score_every, max(minutes / SCORES, 0.03)))


@dataclass(frozen=True)
class RecipeRun:
    """A training run that is ready to begin or to go on, and what it is measured with.

    Attributes
    ----------
    training
        The run; its best model so far lies in ``out/best``, its metrics in ``out/metrics.jsonl``.
    score
        Measures a network on some validation crystals while it trains.
    validation, tokens
        Table of the validation crystals, and their tokens.
    """

    training: Training
    score: MatchRate
    validation: Path
    tokens: Tokens

    @property
    def out(self) -> Path:
        """The folder of the run."""
        return self.training.out

    def train(
        self, report: Callable[[dict[str, Any]], None] | None = None, stop: Callable[[], bool] | None = None
    ) -> None:
        """Train until the budget is used or ``stop`` says so, with ``report`` called with each record of metrics."""
        from xcrystal.model.device import torch_threads

        threads = self.training.recipe.threads
        with torch_threads(threads) if threads else nullcontext():
            self.training.run(self.score, report, stop)

    def result(self) -> dict[str, Any]:
        """How many validation crystals the best model reconstructs; also in ``out/result.json``.

        They are those of the half that did not choose the best model.

        Returns
        -------
        dict
            ``match_rate`` with its 95 % interval ``match_low`` to ``match_high``, ``rms`` of the matches, mean absolute
            errors of the properties that were learned, ``crystals`` measured and of which ``half``, ``steps`` and
            ``minutes`` of training.

        Raises
        ------
        CheckpointError
            If there is no model yet.
        """
        from xcrystal.evaluation.shared.statistics import wilson_interval
        from xcrystal.model.checkpoint import load_weights, write_text

        network, _ = load_weights(self.out / "best")
        measured = MatchRate(self.validation, self.tokens, half="report")
        scores, n = measured(network), len(measured.rows)
        low, high = wilson_interval(round(scores["match_rate"] * n), n)
        interval = {"match_low": round(low, 4), "match_high": round(high, 4)}
        spent = {"steps": self.training.steps, "minutes": round(self.training.seconds / 60, 2)}
        found = {**scores, **interval, "crystals": n, "half": measured.half, **spent}
        write_text(json.dumps(found) + "\n", self.out / "result.json")
        return found


def training_tokens(table: Path, also: Sequence[Path], folder: Path) -> Tokens:
    """Tokens of a table and of more tables to learn from, kept in a folder."""
    return Tokens.joined([load_tokens(path, folder) for path in (table, *also)])


@dataclass(frozen=True)
class _Plan:
    """A run whose crystals are split and in canonical form, so that several processes can open it."""

    recipe: Recipe
    training: Path
    validation: Path
    out: Path
    seed: int
    device: str
    resume: bool
    start: Path | None
    also: Sequence[Path]
    split: tuple[str, ...]  # the digests of the two tables

    def open(self, ranks: Ranks) -> RecipeRun:
        """Build the network in one of several processes.

        Raises
        ------
        DatasetError
            If another run has split the crystals anew in the same folder meanwhile.
        """
        from xcrystal.generator import model_folder
        from xcrystal.model.checkpoint import load_weights
        from xcrystal.model.device import pick_device
        from xcrystal.training.loop import Training

        if _digests(self.training, self.validation) != self.split:
            raise DatasetError(f"Another run has split crystals in {self.out} meanwhile: choose another folder.")
        train, val = training_tokens(self.training, self.also, self.out), load_tokens(self.validation, self.out)
        began_with = load_weights(model_folder(self.start))[0] if self.start else None
        device = str(ranks.device(pick_device(self.device)))
        training = Training(self.recipe, train, self.out, self.seed, device, began_with, ranks)
        if self.resume:
            training.resume()
        val = val.within(training.recipe.config.max_atoms, training.recipe.config.max_orbits)
        score = MatchRate(self.validation, val, self.seed, self.recipe.score_crystals, half="selection")
        return RecipeRun(training, score, self.validation, val)

    def train(self, ranks: Ranks) -> dict[str, Any]:
        """Train in one of several processes; the first has a result."""
        from tqdm.auto import tqdm

        run = self.open(ranks)
        training = run.training
        silent = not ranks.first
        with tqdm(total=100, initial=round(100 * training.progress), desc="training", unit="%", disable=silent) as bar:

            def report(record: dict[str, Any]) -> None:
                bar.update(round(100 * training.progress) - bar.n)
                shown = {k: record[k] for k in ("epoch", "loss", "match_rate") if k in record}
                bar.set_postfix_str(json.dumps(shown))

            run.train(report)
        return {} if silent else run.result()


def _plan(
    recipe: str,
    data: Path,
    out: Path,
    minutes: float | None,
    seed: int,
    device: str,
    resume: bool,
    start: Path | None,
    also: Sequence[Path],
    split: str,
    steps: int | None,
    simple_share: float | None,
) -> _Plan:
    """Split and canonicalize; the tokens are kept in ``out``."""
    chosen = recipe_of(recipe, minutes)
    chosen = replace(chosen, steps=steps, simple_share=chosen.simple_share if simple_share is None else simple_share)
    if (out / "checkpoint.json").exists() and not resume:
        raise DatasetError(f"{out} holds a run already; resume it, or choose another folder.")
    if resume and not (out / "checkpoint.json").exists():
        raise DatasetError(f"There is no run to resume in {out}.")
    if also and split != "composition":
        raise DatasetError(f"Other tables may hold what a split by {split} holds out: train on one.")
    with alone_in(out):  # a split made anew would be that of the other run
        train_table, val_table = split_of(data, out / "split", seed, keep=resume, by=split)
        for table in (train_table, *also, val_table):
            load_tokens(table, out)
        digests = _digests(train_table, val_table)
    return _Plan(chosen, train_table, val_table, out, seed, device, resume, start, tuple(also), digests)


def _digests(*tables: Path) -> tuple[str, ...]:
    from xcrystal.model.digests import digest_of

    return tuple(digest_of(path) for path in tables)


def open_run(
    recipe: str = "mp20",
    data: Path = Path("data/mp20"),
    out: Path = Path("runs/mp20"),
    minutes: float | None = None,
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
    start: Path | None = None,
    also: Sequence[Path] = (),
    split: str = "composition",
    steps: int | None = None,
    simple_share: float | None = None,
) -> RecipeRun:
    """Everything that comes before the first step: split, canonicalize, build the network. See ``run_recipe``."""
    from xcrystal.training.ranks import ALONE

    given = (recipe, data, out, minutes, seed, device, resume, start, also, split, steps, simple_share)
    return _plan(*given).open(ALONE)


def run_recipe(
    recipe: str = "mp20",
    data: Path = Path("data/mp20"),
    out: Path = Path("runs/mp20"),
    minutes: float | None = None,
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
    start: Path | None = None,
    also: Sequence[Path] = (),
    split: str = "composition",
    steps: int | None = None,
    simple_share: float | None = None,
    processes: int = 1,
) -> dict[str, Any]:
    """Train a model; the best one so far lies in ``out/best``, metrics in ``out/metrics.jsonl``.

    Interrupted, it leaves a checkpoint of the last full epoch to resume from.

    Parameters
    ----------
    recipe
        Name of a recipe; see ``recipe_of``.
    data
        Folder with ``train.parquet`` and ``val.parquet``. Without the latter, a tenth of the compositions is drawn
        for validation, and the two parts are kept in ``out/split``. Of the columns, ``PROPERTIES`` are learned where
        there are any; others are left out, since they mean something else (the heats of formation of Perov-5 have
        other reference states than those of the Materials Project, its gaps are not PBE).
    out
        Folder of the run; it also keeps the tokens, which can be made on one machine and used on another.
    minutes
        Time budget of the optimizer's steps, on top of which come canonicalizing and scoring; the recipe's own when
        None.
    seed
        Of everything random, the split included.
    device
        "auto", "cpu", "cuda", ...
    resume
        Go on from the checkpoint in ``out``.
    start
        A model's folder, whose weights the run begins with.
    also
        More tables to learn from, beside ``train.parquet``.
    split
        "composition", or "chemical-system" or "prototype": then a tenth of the crystals of ``train.parquet`` validates
        whose chemical system, or prototype, the rest does not hold. (Augmentation exchanges elements, so a network does
        meet other crystals of a held-out system.)
    steps
        Budget in steps of the optimizer instead of minutes, which does not depend on how fast the machine is.
    simple_share
        Share of the crystals of few orbits that an epoch takes; the recipe's own when None.
    processes
        That share every batch, on this machine; of GPUs, each takes one. A script that asks for several needs a main
        guard.

    Returns
    -------
    dict
        What ``RecipeRun.result`` says of the best model.

    Raises
    ------
    TargetError
        If there is no such recipe, or the number of processes is none.
    DatasetError
        If data are missing, or ``out`` holds another run and ``resume`` is not set, or one of another seed and it is.
    """
    from xcrystal.training.ranks import ALONE, in_processes

    check_whole_number(processes, "The number of processes")
    plan = _plan(recipe, data, out, minutes, seed, device, resume, start, also, split, steps, simple_share)
    if processes == 1:
        return plan.train(ALONE)
    found: dict[str, Any] = in_processes(processes, plan.train)
    return found


class MatchRate:
    """Scores a network by how many validation crystals it reconstructs: ``count`` of them, or all when None.

    With ``half`` they are of the half that may choose between models ("selection") or of the other ("report"); see
    ``selection_half``. A handful of crystals may all be of one half: then all of them are taken.
    """

    def __init__(
        self,
        table: Path,
        tokens: Tokens,
        seed: int = 0,
        count: int | None = None,
        half: Literal["selection", "report"] | None = None,
    ) -> None:
        from xcrystal.training.augmentation import Sampler

        found = read_table(table)
        rows = np.random.default_rng(seed).permutation(len(tokens))
        self.half = "all"
        if half is not None:
            of_half = rows[(selection_half(found.species.iloc[tokens.row]) == (half == "selection"))[rows]]
            if len(of_half):
                rows, self.half = of_half, half
        self.rows = np.sort(rows[:count])
        records = list(found.itertuples(index=False))
        self.references = [structure_of(records[tokens.row[i]]) for i in self.rows]
        self.batch = Sampler(tokens).plain(self.rows)
        self.properties = tokens.properties[self.rows]

    def __call__(self, network: Any) -> dict[str, float]:
        """``match_rate``, ``rms`` of matches, and mean absolute errors of the properties."""
        import torch

        from xcrystal.generator import to_structure
        from xcrystal.model.decoding import greedy_decode

        device = next(network.parameters()).device
        with torch.no_grad():
            z, _ = network.posterior(self.batch.to(device))
            decoded = greedy_decode(network, z)
            predicted = network.properties(z).cpu().numpy()
        found = [match_rms(r, to_structure(d)) for r, d in zip(self.references, decoded, strict=True)]
        matched = [rms for rms in found if rms is not None]
        scores = {"match_rate": len(matched) / len(found)}
        if matched:
            scores["rms"] = float(np.mean(matched))
        for k, name in enumerate(PROPERTIES):
            known = np.isfinite(self.properties[:, k])
            if known.any():
                scores[f"mae_{name}"] = float(np.abs(predicted[known, k] - self.properties[known, k]).mean())
        return {name: round(value, 4) for name, value in scores.items()}
