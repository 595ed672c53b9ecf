"""Train networks on the tasks with known answers: one network a task, each in minutes on one core.

A network begins with the weights of a model's encoder and embeddings (or with random ones), and all of these are
trained further. In most crystals of a batch elements are exchanged and the target is computed anew, which the closed
forms allow: in known crystals an oxygen tells much about its neighbours, and a network may then rightly look at the
oxygen where the truth names the neighbour. In some crystals orbits are put to the baseline, the mean element, whose
target the closed forms give as well: a truth is a contribution minus the baseline's, and a network that never saw its
baseline knows nothing of the difference. Only the end of an attribution's path is shown to it, not the path.
``exchanged=0`` and ``baseline_sites=0`` train without. Errors are measured on validation crystals as they are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from xcrystal.crystal.collections.tokens import Tokens
from xcrystal.errors import DatasetError
from xcrystal.explanation.known_answers import (
    TASKS,
    KnownTask,
)
from xcrystal.explanation.task_models import TaskNetwork, open_task, save_task, task_model
from xcrystal.generator import CrystalModel
from xcrystal.latent.axes import area_under_roc
from xcrystal.model.device import one_thread, pick_device
from xcrystal.model.optimizing import set_learning_rate
from xcrystal.model.vae import N_ELEMENTS, CrystalVAE
from xcrystal.training.baseline_fit import fit_vector
from xcrystal.training.codes import open_network, tokens_of
from xcrystal.training.task_data import Exchange, TaskData, batches

_AT_ONCE = 256
EPOCHS = {
    "electronegativity": 4,
    "alkali": 3,
    "octahedron": 24,
    "pair_energy": 16,
    "oxygen_neighbours": 8,
    "short_bond": 8,
    "layered": 8,
    "volume": 3,
    "noise": 3,
}
"""Of each task: three quarters of an hour for all of them on one core."""


@dataclass(frozen=True)
class TaskSettings:
    """How the networks are trained.

    Attributes
    ----------
    epochs
        None takes the task's own number, ``EPOCHS``.
    minutes
        Time budget instead of epochs; the learning rate falls over it, whatever the machine's speed.
    batch_size, learning_rate, weight_decay
        As everywhere; the learning rate falls to zero along a cosine.
    warm_up
        Share of the steps in which it rises.
    exchanged
        Share of the crystals in a batch whose elements are exchanged.
    baseline_sites
        Share of the crystals in a batch of whose orbits some are put to the mean element, any number of them alike.
    scratch
        Begin with random weights instead of the model's.
    smoothing
        What a binary target is away from 0 and 1. With it a logit has one right value where the answer is sure, so
        that differences of logits tell of answers, not of how sure a network happens to be.
    """

    epochs: int | None = None
    minutes: float | None = None
    batch_size: int = 128
    learning_rate: float = 6e-4
    weight_decay: float = 0.02
    warm_up: float = 0.05
    exchanged: float = 0.7
    baseline_sites: float = 0.4
    scratch: bool = False
    smoothing: float = 0.0


def train_task(
    task: KnownTask,
    model: CrystalModel,
    data: TaskData,
    settings: TaskSettings | None = None,
    seed: int = 0,
    progress: Callable[[], object] | None = None,
    device: str = "cpu",
) -> tuple[TaskNetwork, list[float]]:
    """Train one network.

    Parameters
    ----------
    task
        What it learns.
    model
        Whose encoder and embeddings it begins with.
    data
        Training crystals.
    settings, seed
        How, and what determines everything random.
    progress
        Is called after each step.
    device
        Where it is trained.

    Returns
    -------
    tuple of TaskNetwork and list of float
        The network in evaluation mode, on the CPU, and the loss of each step.
    """
    how, where = for_task(task, settings), pick_device(device)
    rng, total = np.random.default_rng(seed), steps(len(data), how)
    targets = data.targets(task, seed)
    binary = task.kind == "binary"
    mean, std = (0.0, 1.0) if binary else (float(targets.mean()), float(max(targets.std(), 1e-6)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vae = CrystalVAE(model.network.config)
        network = TaskNetwork(vae, mean, std)
    if not how.scratch:
        vae.embed.load_state_dict(model.network.embed.state_dict())
        vae.encoder.load_state_dict(model.network.encoder.state_dict())
    network.to(where).train()
    exchange = Exchange(data.elements.ravel())
    weights = torch.zeros(N_ELEMENTS)
    for z, count in data.elements_seen.items():
        weights[int(z)] = count
    weights = (weights / weights.sum()).to(where)
    parameters = list({id(p): p for part in network.trained().values() for p in part.parameters()}.values())
    optimizer = torch.optim.AdamW(parameters, lr=0.0, weight_decay=how.weight_decay, betas=(0.9, 0.98))
    losses: list[Tensor] = []
    began, used = time.monotonic(), 0.0
    for rows in batches(data.lengths, how.batch_size, rng) if total or how.minutes else ():
        set_learning_rate(optimizer, how.learning_rate, used, (used + 1 / (total or 1000)) / how.warm_up)
        elements, truth = _drawn(task, data, rows, targets, exchange, how, rng)
        wanted = torch.from_numpy(truth.astype(np.float32)).to(where)
        with torch.autocast("cpu", torch.bfloat16, where.type == "cpu"):  # half of the time on a CPU
            found = network(data.rows(rows, elements).to(where), weights).float()
        if binary:
            smooth = how.smoothing + (1 - 2 * how.smoothing) * wanted
            loss = F.binary_cross_entropy_with_logits(found, smooth)
        else:
            loss = F.smooth_l1_loss((found - mean) / std, (wanted - mean) / std)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        losses.append(loss.detach())  # not read yet: a GPU goes on while the next batch is made
        if progress is not None:
            progress()
        used = (time.monotonic() - began) / 60 / how.minutes if how.minutes else len(losses) / total
        if used >= 1:
            break
    return network.cpu().eval(), [float(loss) for loss in losses]


def for_task(task: KnownTask, settings: TaskSettings | None = None) -> TaskSettings:
    """Settings with a number of epochs, or with minutes."""
    how = settings or TaskSettings()
    return how if how.epochs is not None or how.minutes is not None else replace(how, epochs=EPOCHS[task.name])


def steps(crystals: int, settings: TaskSettings) -> int:
    """How many steps the training of one task takes, with the settings of ``for_task``; 0 if its budget is time."""
    return (settings.epochs or 0) * math.ceil(crystals / settings.batch_size)


def _drawn(
    task: KnownTask,
    data: TaskData,
    rows: np.ndarray,
    targets: np.ndarray,
    exchange: Exchange,
    how: TaskSettings,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Elements (B, T) of the crystals of a batch, 0 for the mean one, and their targets; random ones stay."""
    own, crystals = data.own(rows), (len(rows), 1)
    elements = np.where(rng.random(crystals) < how.exchanged, exchange(own, rng), own)
    taken = (rng.random(own.shape) < rng.random(crystals)) & (rng.random(crystals) < how.baseline_sites)
    elements = np.where(taken, 0, elements)
    return elements, targets[rows] if task.value is None else data.value(task, rows, elements)


def task_errors(
    task: KnownTask, network: TaskNetwork, data: TaskData, trained_on: np.ndarray, seed: int = 0
) -> dict[str, Any]:
    """Errors on crystals as they are: mean absolute, or the share of wrong answers; and those of a constant answer.

    ``trained_on`` (n,) holds the training crystals' targets, whose median or commoner answer the constant is.
    """
    truth = data.targets(task, seed + 1)
    order = np.argsort(data.lengths, kind="stable")
    found = np.empty(len(data))
    with torch.no_grad():
        for i in range(0, len(order), _AT_ONCE):
            rows = order[i : i + _AT_ONCE]
            found[rows] = network(data.rows(rows, data.own(rows))).numpy()
    if task.kind == "binary":
        wrong, usual = (found > 0) != (truth > 0.5), float(trained_on.mean() > 0.5)
        yes = truth > 0.5
        area = area_under_roc(found[yes], found[~yes]) if yes.any() and not yes.all() else None
        errors: dict[str, Any] = {"test_error": float(wrong.mean()), "trivial_error": float((truth != usual).mean())}
        return errors | {"error_unit": "share wrong", "test_auroc": area}
    errors = {
        "test_error": float(np.abs(found - truth).mean()),
        "trivial_error": float(np.abs(truth - np.median(trained_on)).mean()),
        "error_unit": task.unit or "target's units",
    }
    return errors | {
        "test_r2": float(1 - ((found - truth) ** 2).sum() / max(((truth - truth.mean()) ** 2).sum(), 1e-12))
    }


def fit_tasks(
    data: Path,
    out: Path,
    model: str | Path = "mp20",
    tokens: Path | None = None,
    names: Sequence[str] = (),
    seed: int = 0,
    settings: TaskSettings | None = None,
    also: Sequence[Path] = (),
    device: str = "cpu",
) -> dict[str, dict[str, Any]]:
    """Train the networks of all tasks, or of those named, and write them into a folder.

    Of one that is not taught what the baseline's sites give, the vector of the baseline "fitted_element" is fitted. A
    task whose network is there, trained in the same way, is not trained again, so that a run that was stopped goes
    on where it was.

    Parameters
    ----------
    data
        Folder with ``train.parquet`` and ``val.parquet``.
    out
        Where the networks go.
    model
        The model whose encoder they have.
    tokens
        A folder in which a training run keeps the canonical forms of these crystals, which saves making them again.
    names
        Of tasks; all if empty.
    seed
        Of everything random.
    settings
        How to train.
    also
        More tables of crystals to train on.
    device
        Where to train; the targets of exchanged crystals are computed on the CPU.

    Returns
    -------
    dict
        Of each task its errors on the validation crystals, and minutes.

    Raises
    ------
    CheckpointError
        If there is no such model.
    DatasetError
        If data are missing, there is no such task, or no time for it.
    """
    from tqdm.auto import tqdm

    wanted = list(names) or list(TASKS)
    for name in wanted:
        if name not in TASKS:
            raise DatasetError(f"There is no task {name!r}; there are: {', '.join(TASKS)}.")
    if settings is not None and settings.minutes is not None and not settings.minutes > 0:
        raise DatasetError(f"A network is trained for more than 0 minutes, not {settings.minutes:g}.")
    opened = open_network(model)
    protocols: dict[str, dict[str, Any]] = {
        name: {"model": str(model), "seed": seed, "settings": asdict(for_task(TASKS[name], settings))}
        | ({"also": [table.name for table in also]} if also else {})
        for name in wanted
    }
    missing = [name for name in wanted if not _is_there(out, name, protocols[name])]
    if missing:
        tables = [data / "train.parquet", *also]
        train, val = (
            _data(opened, [tokens_of(table, tokens, opened) for table in own])
            for own in (tables, [data / "val.parquet"])
        )
    with one_thread():
        for name in missing:
            began, task = time.monotonic(), TASKS[name]
            how = for_task(task, settings)
            with tqdm(total=steps(len(train), how) or None, desc=name, unit="step", disable=None) as bar:
                network, losses = train_task(task, opened, train, how, seed, bar.update, device)
            errors = task_errors(task, network, val, train.targets(task, seed), seed)
            element = None
            if not how.baseline_sites and task.value is not None:
                own = task_model(task, network, {"elements_seen": train.elements_seen}, torch.device("cpu"))
                element = fit_vector(own.model, train, seed=seed)
            minutes = round((time.monotonic() - began) / 60, 1)
            facts = protocols[name] | {"elements_seen": train.elements_seen, "crystals": len(train)} | errors
            save_task(out, task, network, facts | {"minutes": minutes, "steps": len(losses)}, element)
    return {name: _report(out, name) for name in wanted}


def _data(model: CrystalModel, parts: Sequence[Tokens]) -> TaskData:
    return TaskData(model, Tokens.joined(parts).crystals())


def _is_there(folder: Path, name: str, protocol: dict[str, Any]) -> bool:
    if not (folder / f"{name}.json").is_file():
        return False
    facts = open_task(folder, name).facts
    kept = facts | {"settings": asdict(TaskSettings()) | facts.get("settings", {})}  # earlier ones lack some
    return all(kept.get(key) == value for key, value in protocol.items())


def _report(folder: Path, name: str) -> dict[str, Any]:
    facts = open_task(folder, name).facts
    keys = ("test_error", "trivial_error", "error_unit", "test_r2", "test_auroc", "minutes")
    return {key: facts[key] for key in keys if key in facts}
