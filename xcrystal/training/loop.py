"""The training loop: seeded, resumable, within a time budget, on CPU or GPU; needs tokens, torch and numpy only."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.crystal.collections.tokens import Tokens
from xcrystal.crystal.folder_lock import alone_in
from xcrystal.errors import DatasetError
from xcrystal.model.checkpoint import load_unique_state, save_weights, unique_state, write_tensors, write_text
from xcrystal.model.loss import LossWeights, loss_parts, total
from xcrystal.model.optimizing import set_learning_rate, update_average
from xcrystal.model.tensors import Batch
from xcrystal.model.vae import Config, CrystalVAE
from xcrystal.training.augmentation import Augmentation, Sampler
from xcrystal.training.ranks import ALONE, Ranks

Score = Callable[[CrystalVAE], dict[str, float]]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a model is trained.

    Attributes
    ----------
    minutes
        Time budget, spent in optimizer steps; the learning rate falls to zero over it, whatever the machine's speed.
    steps
        Budget in optimizer steps instead of minutes: the same numbers on every run of the same machine.
    score_every
        Minutes between measurements on the validation set; the best model by ``match_rate`` is kept.
    average
        Decay of the running mean of the weights, which is what is scored and kept.
    score_crystals
        Validation crystals in each of these measurements.
    simple_share
        Share of the crystals of few orbits that an epoch takes; there are many of them, and they are learned first.
    threads
        Of torch; its own choice when None.
    """

    name: str = "mp20"
    config: Config = field(default_factory=Config)
    weights: LossWeights = field(default_factory=LossWeights)
    augmentation: Augmentation = field(default_factory=Augmentation)
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    warm_up_steps: int = 300
    minutes: float = 90.0
    steps: int | None = None
    score_every: float = 6.0
    average: float = 0.998
    score_crystals: int = 300
    simple_share: float = 1.0
    threads: int | None = None

    def fitted(self, sampler: Sampler) -> Recipe:
        """The same with the scales of a dataset in its configuration."""
        energy = sampler.tokens.properties[:, 0]
        known = energy[np.isfinite(energy)]
        mean, deviation = sampler.lattice_scale()
        config = replace(
            self.config,
            lattice_mean=tuple(round(float(x), 6) for x in mean),
            lattice_std=tuple(round(float(max(x, 0.02)), 6) for x in deviation),
            property_mean=round(float(known.mean()), 6) if len(known) else 0.0,
            property_std=round(float(known.std()), 6) if len(known) > 1 else 1.0,
        )
        return replace(self, config=config)


class Training:
    """A run in a folder: ``metrics.jsonl``, a checkpoint to go on from, and the best model so far in ``best/``.

    It begins with random weights, or with those of the model ``start``, whose sizes and scales it then keeps; but it
    makes crystals as large as the recipe's. Crystals that are larger than its network makes are left out.

    Of several processes, ``ranks``, each takes its share of every batch, gradients are averaged, and the first alone
    writes.
    """

    def __init__(
        self,
        recipe: Recipe,
        tokens: Tokens,
        out: Path,
        seed: int = 0,
        device: str = "cpu",
        start: CrystalVAE | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self.ranks = ranks
        limits = _larger(start.config, recipe.config) if start else recipe.config
        self.sampler = Sampler(tokens.within(limits.max_atoms, limits.max_orbits))
        self.out, self.seed, self.device = out, seed, torch.device(device)
        out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        self.recipe = recipe
        self.frequencies = torch.from_numpy(self.sampler.frequencies).to(self.device)
        self._build(limits if start else recipe.fitted(self.sampler).config, start)
        # a model that has learned to use its latent vector needs no warm-up of the KL weight
        self.kl_warm_up = 1 if start else 5 * recipe.warm_up_steps
        self.steps, self.epochs, self.seconds, self.best = 0, 0, 0.0, -1.0

    def _build(self, config: Config, start: CrystalVAE | None = None) -> None:
        """The network and what goes with it, with the weights of ``start`` or random ones."""
        self.recipe = replace(self.recipe, config=config)
        self.model = CrystalVAE(config)
        if start:
            load_unique_state(self.model, _grown(unique_state(start), config))
        self.model.to(self.device)
        self.averaged = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=0.0, weight_decay=self.recipe.weight_decay, betas=(0.9, 0.98), fused=True
        )
        self.losses = self.ranks.averaging(_Losses(self.model))

    @property
    def progress(self) -> float:
        """Share of the budget that is used."""
        if self.recipe.steps is not None:
            return min(self.steps / self.recipe.steps, 1.0)
        return min(self.seconds / (60 * self.recipe.minutes), 1.0)

    def run(
        self,
        score: Score | None = None,
        report: Callable[[dict[str, Any]], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        """Train until the budget is used.

        Parameters
        ----------
        score
            Called with the averaged model; its ``match_rate`` selects. Without one the last model is kept.
        report
            Called with each record of metrics.
        stop
            Asked after each epoch; where it says so, the model is scored and saved, and the run can be resumed.

        Raises
        ------
        DatasetError
            If another process is training in the folder.
        """
        with alone_in(self.out) if self.ranks.first else nullcontext():
            self._run(score, report, stop)

    def _run(
        self,
        score: Score | None,
        report: Callable[[dict[str, Any]], None] | None,
        stop: Callable[[], bool] | None,
    ) -> None:
        last_score, stopped = self.seconds, False
        while self.progress < 1 and not stopped:
            rng = np.random.default_rng([self.seed, self.epochs])
            batches = self.sampler.epoch(self.recipe.batch_size, rng, self.recipe.simple_share)
            seed = self.seed * 100_003 + self.epochs
            if not self.ranks.first:  # the same batches, other noise
                rng = np.random.default_rng([self.seed, self.epochs, self.ranks.rank])
                seed += 1_000_003 * self.ranks.rank
            generator = torch.Generator(self.device).manual_seed(seed)
            sums: dict[str, float] = {}
            began, count = time.monotonic(), 0
            for rows in batches:
                tick = time.monotonic()
                for name, value in self._step(self.ranks.share(rows), rng, generator).items():
                    sums[name] = sums.get(name, 0.0) + value
                count += 1
                self.seconds = self.ranks.of_first(self.seconds + time.monotonic() - tick)
                if self.progress >= 1:
                    break
            self.epochs += 1
            record: dict[str, Any] = {"epoch": self.epochs, "step": self.steps, "minutes": round(self.seconds / 60, 2)}
            record |= {name: round(value / count, 4) for name, value in self.ranks.mean(sums).items()}
            record["seconds_per_epoch"] = round(time.monotonic() - began, 1)
            stopped = bool(self.ranks.of_first(float(stop is not None and stop())))
            if not self.ranks.first:
                continue
            due = self.seconds - last_score >= 60 * self.recipe.score_every
            if score and (self.progress >= 1 or stopped or due):
                last_score = self.seconds
                record |= score(self.averaged)
                if record["match_rate"] >= self.best:  # of equals the one that has trained longer
                    self.best = record["match_rate"]
                    save_weights(self.averaged, self.out / "best", self.facts())
            with (self.out / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(record) + "\n")
            if report:
                report(record)
            self.save()
        if not score and self.ranks.first:
            save_weights(self.averaged, self.out / "best", self.facts())

    def facts(self) -> dict[str, Any]:
        """What the configuration of a trained model tells about how it came to be."""
        tokens = self.sampler.tokens
        return {
            "recipe": {k: v for k, v in asdict(self.recipe).items() if k != "config"},
            "seed": self.seed,
            "processes": self.ranks.count,
            "crystals": len(tokens),
            "epochs": self.epochs,
            "minutes": round(self.seconds / 60, 1),
            "elements_seen": {str(z): int(n) for z, n in enumerate(self.sampler.seen) if n},
            "properties": [n for k, n in enumerate(PROPERTIES) if np.isfinite(tokens.properties[:, k]).any()],
        }

    def _step(self, rows: np.ndarray, rng: np.random.Generator, generator: torch.Generator) -> dict[str, float]:
        recipe = self.recipe
        batch, properties = self.sampler.augmented(rows, recipe.augmentation, rng)
        warmed = (self.steps + 1) / recipe.warm_up_steps
        set_learning_rate(self.optimizer, recipe.learning_rate, self.progress, warmed, lowest=0.01)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type in ("cpu", "cuda")):
            parts = self.losses(
                batch.to(self.device),
                torch.from_numpy(properties).to(self.device),
                recipe.weights,
                generator,
                self.frequencies,
            )
            loss = total(parts, recipe.weights, min(1.0, self.steps / self.kl_warm_up))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # also of one that is not finite: other processes wait for these gradients
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)):
            self.optimizer.step()
        self.steps += 1
        update_average(self.averaged, self.model, self.steps, recipe.average)
        return {name: float(value.detach()) for name, value in parts.items()} | {"loss": float(loss.detach())}

    def save(self) -> None:
        """Write what ``resume`` needs, atomically."""
        state = {f"model.{k}": v for k, v in unique_state(self.model).items()}
        state |= {f"averaged.{k}": v for k, v in unique_state(self.averaged).items()}
        for i, entry in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{i}.{k}": torch.as_tensor(v) for k, v in entry.items()}
        write_tensors({k: v.contiguous() for k, v in state.items()}, self.out / "checkpoint.safetensors")
        names = ("steps", "epochs", "seconds", "best", "kl_warm_up", "seed")
        counters = {name: getattr(self, name) for name in names} | {"config": self.recipe.config.to_dict()}
        write_text(json.dumps(counters), self.out / "checkpoint.json")

    def resume(self) -> None:
        """Go on from the folder's checkpoint.

        Raises
        ------
        DatasetError
            If there is none, it is damaged, or it began with another seed.
        """
        if not (self.out / "checkpoint.json").is_file():
            raise DatasetError(f"There is no run to resume in {self.out}.")
        try:
            self._resume()
        except DatasetError:
            raise
        except Exception as error:  # a damaged file makes json, safetensors and torch raise whatever they meet
            reason = str(error) or type(error).__name__
            raise DatasetError(f"The checkpoint in {self.out} is damaged, so nothing is resumed: {reason}") from error

    def _resume(self) -> None:
        counters = json.loads((self.out / "checkpoint.json").read_text())
        lacking = {"steps", "epochs", "seconds", "best"} - counters.keys()
        if lacking:
            raise ValueError(f"checkpoint.json lacks {', '.join(sorted(lacking))}.")
        began = counters.get("seed", self.seed)
        if began != self.seed:
            raise DatasetError(f"The run in {self.out} began with the seed {began}: resume it with that one.")
        state = load_file(self.out / "checkpoint.safetensors", device=str(self.device))
        kept = counters.pop("config", {})
        config: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in kept.items()}
        if config and Config(**config) != self.recipe.config:  # of the model that the run began with
            self._build(Config(**config))
        load_unique_state(self.model, {k[6:]: v for k, v in state.items() if k.startswith("model.")})
        load_unique_state(self.averaged, {k[9:]: v for k, v in state.items() if k.startswith("averaged.")})
        entries: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in state.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                entries.setdefault(int(index), {})[name] = value
        full = self.optimizer.state_dict()
        full["state"] = entries
        self.optimizer.load_state_dict(full)
        for name, value in counters.items():
            setattr(self, name, value)


class _Losses(torch.nn.Module):
    """``loss_parts`` as what DistributedDataParallel wraps."""

    def __init__(self, model: CrystalVAE) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        batch: Batch,
        properties: torch.Tensor,
        weights: LossWeights,
        generator: torch.Generator,
        frequencies: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """The parts of the loss of B crystals with their properties (B, 3), and shares of the elements (95,)."""
        return loss_parts(self.model, batch, properties, weights, generator, frequencies)


def _larger(config: Config, other: Config) -> Config:
    """The configuration with the limits of the one or the other, whichever are larger."""
    limits = {name: max(getattr(config, name), getattr(other, name)) for name in ("max_orbits", "max_atoms")}
    return replace(config, **limits)


def _grown(state: dict[str, torch.Tensor], config: Config) -> dict[str, torch.Tensor]:
    """The weights of a network for smaller crystals; what it lacks begins as its last step or number of atoms."""
    rows = {"decoder.step.weight": config.max_orbits + 1, "decoder.atoms_so_far.weight": config.max_atoms + 1}
    for name, n in rows.items():
        last = state[name][-1:]
        state[name] = torch.cat([state[name], last.expand(n - len(state[name]), -1)])
    return state
