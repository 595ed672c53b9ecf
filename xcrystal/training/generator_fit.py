"""Train a generator of another family than the autoencoder: autoregressive, or diffusion.

Both learn from the same crystals, and are told which collection each is from: ``train``, whose distribution they shall
have, or the others, which teach what crystals are like at all.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xcrystal.crystal.collections.tokens import Tokens
from xcrystal.errors import DatasetError
from xcrystal.generators.autoregressive import AutoregressiveNetwork
from xcrystal.generators.diffusion import Templates
from xcrystal.generators.stored import Network, build, save_network
from xcrystal.model.device import one_thread, pick_device
from xcrystal.model.optimizing import set_learning_rate, update_average
from xcrystal.model.tensors import Batch
from xcrystal.training.augmentation import Sampler

TRAIN, OTHER = 0, 1
FAMILIES = ("autoregressive", "diffusion")


@dataclass(frozen=True)
class Budget:
    """How long a generator learns: until the steps are done or the seconds are over, whichever is given.

    Attributes
    ----------
    steps, seconds
        The learning rate falls to zero over the first that is not None.
    batch_size, learning_rate, weight_decay, warm_up
        Of the optimizer (AdamW); the warm-up in steps.
    average
        Decay of the running mean of the weights, which is what is kept.
    dropout
        Share of the orbits that an autoregressive network is not shown.
    score_every
        Steps between measurements on the validation set; the best mean weights are kept.
    train_share
        Share of ``train`` in each batch, however many other crystals there are.
    """

    steps: int | None = 5000
    seconds: float | None = None
    batch_size: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warm_up: int = 500
    average: float = 0.9995
    dropout: float = 0.1
    score_every: int = 1000
    train_share: float = 0.5


RECIPES = {
    "autoregressive": Budget(steps=4800),  # longer, and it learns cells by heart
    "diffusion": Budget(steps=7100, batch_size=1024, learning_rate=1.5e-3, dropout=0.0),
}


class Crystals:
    """All crystals of some tokens as tensors on a device, with the collection each is from."""

    def __init__(self, tokens: Sequence[Tokens], sources: Sequence[int], device: torch.device) -> None:
        joined = Tokens.joined(tokens)
        sampler = Sampler(joined)
        self.lengths = sampler.lengths
        self.batch = sampler.plain(np.arange(len(joined))).to(device)
        self.source = np.repeat(sources, [len(t) for t in tokens])
        self.on_device = torch.from_numpy(self.source).to(device)
        self.lattice = sampler.lattice(np.arange(len(joined)))

    def take(self, rows: np.ndarray) -> tuple[Batch, Tensor]:
        """Crystals of rows (B,), padded no further than the longest of them, and their collections (B,)."""
        where = torch.from_numpy(rows).to(self.batch.group.device)
        most = int(self.lengths[rows].max())
        taken = self.batch[where]
        cut = Batch(
            taken.group, taken.lattice, *(t[:, :most] for t in (taken.letter, taken.element, taken.coordinates))
        )
        return cut, self.on_device[where]


def fit_generator(
    family: str,
    train: Tokens,
    others: Sequence[Tokens],
    validation: Tokens,
    out: Path,
    budget: Budget | None = None,
    seed: int = 0,
    device: str = "auto",
    report: Callable[[dict[str, Any]], object] | None = None,
) -> dict[str, Any]:
    """Train a generator and write ``generator-FAMILY.safetensors`` into a folder, with ``metrics-FAMILY.jsonl``.

    Parameters
    ----------
    family
        "autoregressive" or "diffusion".
    train, others, validation
        Crystals of at most 20 atoms; what is generated shall be like ``train``.
    out
        The folder.
    budget
        How long, and how; by default as in ``RECIPES``.
    seed
        Of everything random.
    device
        "auto", "cpu", "cuda", ...
    report
        Is called with each record of metrics.

    Returns
    -------
    dict
        What is known of the training; also in the file.

    Raises
    ------
    DatasetError
        If there is no such family.
    """
    if family not in FAMILIES:
        raise DatasetError(f"There is no family {family!r}; there are {' and '.join(FAMILIES)}.")
    plan, where = budget or RECIPES[family], pick_device(device)
    out.mkdir(parents=True, exist_ok=True)
    with one_thread() if where.type == "cpu" else nullcontext(), torch.random.fork_rng():
        torch.manual_seed(seed)
        return _Fit(family, train, others, validation, out, plan, seed, where).run(report)


class _Fit:
    def __init__(
        self,
        family: str,
        train: Tokens,
        others: Sequence[Tokens],
        validation: Tokens,
        out: Path,
        plan: Budget,
        seed: int,
        device: torch.device,
    ) -> None:
        if device.type == "cuda":
            torch.set_float32_matmul_precision("high")
        limits = (20, 20)
        kept = [train.within(*limits), *(t.within(*limits) for t in others)]
        self.family, self.out, self.plan, self.seed, self.device = family, out, plan, seed, device
        self.crystals = Crystals(kept, [TRAIN, *[OTHER] * len(others)], device)
        self.validation = Crystals([validation.within(*limits)], [TRAIN], device)
        lattice = self.crystals.lattice
        self.network = build(
            family,
            lattice_mean=tuple(round(float(x), 6) for x in lattice.mean(axis=0)),
            lattice_std=tuple(round(float(max(x, 0.02)), 6) for x in lattice.std(axis=0)),
        ).to(device)
        if isinstance(self.network, AutoregressiveNetwork):
            self.network.count_groups(self.crystals.batch.group, self.crystals.on_device)
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.rng = np.random.default_rng(seed)
        batch = self.crystals.batch
        known = self.crystals.source == TRAIN
        letters = batch.letter.cpu().numpy()[known]
        self.templates = Templates.of(batch.group.cpu().numpy()[known], letters) if family == "diffusion" else None

    def _rows(self) -> np.ndarray:
        """Rows (B,) of a batch, the share of ``train`` in it as planned."""
        source = self.crystals.source
        first = int((source == TRAIN).sum())
        of_train = round(self.plan.batch_size * self.plan.train_share) if first < len(source) else self.plan.batch_size
        rest = self.rng.integers(first, max(len(source), first + 1), self.plan.batch_size - of_train)
        return np.concatenate([self.rng.integers(0, first, of_train), rest])

    def _parts(self, network: Network, batch: Batch, source: Tensor, learning: bool) -> dict[str, Tensor]:
        if isinstance(network, AutoregressiveNetwork):
            return network.loss_parts(batch, source, self.plan.dropout if learning else 0.0)
        return network.loss_parts(batch, source, twice=not learning or self.rng.random() < 0.5)

    @torch.no_grad()
    def _score(self) -> dict[str, float]:
        """Loss of the mean weights on the validation set, with the same random numbers each time."""
        sums: dict[str, float] = {}
        repeats = 1 if self.family == "autoregressive" else 4
        every = np.tile(np.argsort(self.validation.lengths, kind="stable"), repeats)
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(1)
            for i in range(0, len(every), 512):
                rows = every[i : i + 512]
                for name, value in self._parts(self.averaged, *self.validation.take(rows), learning=False).items():
                    sums[name] = sums.get(name, 0.0) + float(value) * len(rows) / len(every)
        return {name: round(value, 4) for name, value in sums.items()}

    def run(self, report: Callable[[dict[str, Any]], object] | None) -> dict[str, Any]:
        plan, began, step = self.plan, time.monotonic(), 0
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=0.0, weight_decay=plan.weight_decay, betas=(0.9, 0.98), fused=True
        )
        best, best_step, used = float("inf"), 0, 0.0
        path = self.out / f"generator-{self.family}.safetensors"
        with (self.out / f"metrics-{self.family}.jsonl").open("w", encoding="utf-8") as log:
            while used < 1:
                seconds = time.monotonic() - began
                used = step / plan.steps if plan.steps else seconds / (plan.seconds or 1.0)
                if step % plan.score_every == 0 or used >= 1:
                    scores = self._score()
                    total = sum(scores.values())
                    if total < best:
                        best, best_step = total, step
                        save_network(self.averaged, path, self._facts(step, seconds, scores), self.templates)
                    record = {"step": step, "seconds": round(seconds, 1), "validation": round(total, 4), **scores}
                    log.write(json.dumps(record) + "\n")
                    log.flush()
                    if report:
                        report(record | {"used": min(used, 1.0)})
                if used >= 1:
                    break
                set_learning_rate(optimizer, plan.learning_rate, used, (step + 1) / plan.warm_up)
                loss = torch.stack(
                    list(self._parts(self.network, *self.crystals.take(self._rows()), learning=True).values())
                ).sum()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
                optimizer.step()
                update_average(self.averaged, self.network, step, plan.average)
                step += 1
        return {"best_step": best_step, "steps": step, "validation": round(best, 4)}

    def _facts(self, step: int, seconds: float, scores: dict[str, float]) -> dict[str, Any]:
        return {
            "steps": step,
            "minutes": round(seconds / 60, 2),
            "device": self.device.type,
            "seed": self.seed,
            "budget": vars(self.plan),
            "crystals": len(self.crystals.lengths),
            "crystals_of_train": int((self.crystals.source == TRAIN).sum()),
            "validation": scores,
        }


def fit_generator_of_tables(
    family: str,
    data: Path,
    out: Path,
    also: Sequence[Path] = (),
    tokens: Path | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
) -> dict[str, Any]:
    """Train a generator on tables of crystals; see ``fit_generator``.

    Parameters
    ----------
    data
        Folder with ``train.parquet`` and ``val.parquet``.
    also
        More tables to learn from.
    tokens
        A folder that keeps the canonical forms; by default ``out``.
    steps
        Of the optimizer; by default as in ``RECIPES``.
    """
    from tqdm.auto import tqdm

    from xcrystal.crystal.collections.tokens import load_tokens

    if family not in FAMILIES:
        raise DatasetError(f"There is no family {family!r}; there are {' and '.join(FAMILIES)}.")
    kept = tokens or out
    train, validation, *others = (
        load_tokens(path, kept) for path in (data / "train.parquet", data / "val.parquet", *also)
    )
    with tqdm(total=100, desc="training", unit="%", disable=None) as bar:

        def report(record: dict[str, Any]) -> None:
            bar.update(round(100 * record["used"]) - bar.n)
            bar.set_postfix_str(f"validation {record['validation']}")

        plan = RECIPES[family] if steps is None else replace(RECIPES[family], steps=steps)
        return fit_generator(family, train, others, validation, out, plan, seed, device, report)
