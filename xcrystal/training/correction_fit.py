"""Train a corrector for a trained model: spoil crystals, and learn to say what they were.

The model is frozen. A crystal is encoded, then spoiled: elements exchanged between orbits or replaced, coordinates
moved, put elsewhere, or shifted by simple fractions, the lattice strained; in some only a little, in others all of it.
The orbits of what comes out are assigned to those of the crystal that are nearest, since nothing tells two orbits on
the same Wyckoff letter apart but what stands on them.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from xcrystal.crystal.collections.tokens import Tokens
from xcrystal.model.correction import Corrector, save_corrector
from xcrystal.model.loss import coordinate_losses
from xcrystal.model.optimizing import set_learning_rate, update_average
from xcrystal.model.tensors import Batch
from xcrystal.model.vae import CrystalVAE
from xcrystal.model.wyckoff_tables import position_tables
from xcrystal.training.augmentation import Augmentation, Sampler
from xcrystal.training.codes import open_network, tokens_of

_FRACTIONS = np.array([1 / 2, 1 / 3, 2 / 3, 1 / 4, 3 / 4])


@dataclass(frozen=True)
class CorrectorSettings:
    """How a corrector is trained.

    Attributes
    ----------
    minutes
        Time budget; the learning rate falls to zero over it.
    batch_size, learning_rate, weight_decay, warm_up_steps, average
        As for a recipe of ``xcrystal.training``.
    simple_share
        Share of the crystals of few orbits that an epoch takes.
    drawn
        Share of crystals whose latent vector is moved by half a standard deviation of the posterior.
    """

    minutes: float = 35.0
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    warm_up_steps: int = 200
    average: float = 0.998
    simple_share: float = 0.3
    drawn: float = 0.3


def fit_corrector(
    model: str | Path,
    data: Path,
    tokens: Path | None = None,
    also: Sequence[Path] = (),
    seed: int = 0,
    settings: CorrectorSettings | None = None,
    report: Callable[[dict[str, float]], None] | None = None,
) -> dict[str, float]:
    """Train, and write ``corrector.safetensors`` into the model's folder every few minutes and at the end.

    Parameters
    ----------
    model
        A model's folder, or a bundled model's name.
    data, also
        Folder with ``train.parquet``, and more tables to learn from.
    tokens
        A folder in which a training run keeps the canonical forms of these crystals, which saves making them again.
    seed
        Of everything random; how far a run gets within its minutes depends on the machine.
    report
        Is given the figures of each epoch as they come.

    Returns
    -------
    dict
        Of the last epoch: ``minutes`` and ``steps`` so far, the parts of the loss, and the share of orbits whose
        element is ``right``.

    Raises
    ------
    CheckpointError, DatasetError
        If there is no such model, or no data.
    """
    from xcrystal.generator import model_folder
    from xcrystal.model.device import one_thread

    how, folder = settings or CorrectorSettings(), model_folder(model)
    opened = open_network(model)
    network = opened.network
    tables = (data / "train.parquet", *also)
    sampler = Sampler(Tokens.joined([tokens_of(table, tokens, opened) for table in tables]))
    torch.manual_seed(seed)
    corrector = Corrector(network.config)
    averaged = copy.deepcopy(corrector).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(
        corrector.parameters(), lr=0.0, weight_decay=how.weight_decay, betas=(0.9, 0.98), fused=True
    )
    augmentation = Augmentation(averaged=0.0)
    began, saved, step, epoch = time.monotonic(), time.monotonic(), 0, 0
    record: dict[str, float] = {}
    with one_thread():
        while (spent := time.monotonic() - began) < 60 * how.minutes:
            rng = np.random.default_rng([seed, epoch])
            generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
            sums: dict[str, float] = {}
            count = 0
            for rows in sampler.epoch(how.batch_size, rng, how.simple_share):
                spent = time.monotonic() - began
                if spent >= 60 * how.minutes:
                    break
                used, warmed = spent / (60 * how.minutes), (step + 1) / how.warm_up_steps
                set_learning_rate(optimizer, how.learning_rate, used, warmed, lowest=0.01)
                crystal, _ = sampler.augmented(rows, augmentation, rng)
                parts = correction_loss(corrector, network, crystal, how.drawn, rng, generator)
                loss = torch.stack([parts[n] for n in ("element", "coordinate", "residual", "lattice")]).sum()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(corrector.parameters(), 5.0)
                optimizer.step()
                step, count = step + 1, count + 1
                update_average(averaged, corrector, step, how.average)
                for name, value in parts.items():
                    sums[name] = sums.get(name, 0.0) + float(value.detach())
            epoch += 1
            if count:
                parts_of = {name: round(value / count, 4) for name, value in sums.items()}
                record = {"minutes": round(spent / 60, 2), "steps": step, **parts_of}
                if report:
                    report(record)
            if time.monotonic() - saved > 240:
                save_corrector(averaged, folder)
                saved = time.monotonic()
    save_corrector(averaged, folder, {"minutes": f"{how.minutes:g}", "steps": str(step)})
    return record


def correction_loss(
    corrector: Corrector,
    network: CrystalVAE,
    crystal: Batch,
    drawn: float,
    rng: np.random.Generator,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Parts () of the loss on spoiled crystals, means over the batch, and the share of elements that are right."""
    spoiled, truth = spoil(crystal, rng)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        mu, log_variance = network.posterior(truth)
        move = 0.5 * (torch.rand(len(mu), 1, generator=generator) < drawn)
        z = mu + move * (0.5 * log_variance).exp() * torch.randn(mu.shape, generator=generator)
        code, _ = network.posterior(spoiled)
    embed, mask, B = network.embed, truth.mask, len(truth)
    with torch.autocast("cpu", torch.bfloat16):
        found = corrector(network, spoiled, code.float(), z.float())
        state = corrector.with_elements(found.state, embed.elements(truth.element))
    right = (found.element.argmax(dim=-1) == truth.element) & mask
    element = F.cross_entropy(found.element.float().transpose(1, 2), truth.element, reduction="none")
    rows = embed.rows(truth.group, truth.letter)
    free = embed.free[rows] & mask[..., None]
    with torch.autocast("cpu", torch.bfloat16):
        coordinate, residual = coordinate_losses(corrector, state, truth.coordinates, free, corrector.with_axis)
    lattice = F.smooth_l1_loss(found.lattice.float(), network.standardized(truth.lattice), beta=0.02, reduction="none")
    return {
        "element": (element * mask).sum() / B,
        "coordinate": coordinate,
        "residual": 2 * residual,
        "lattice": 4 * lattice.sum(dim=1).mean(),
        "right": right.sum() / mask.sum(),
    }


def spoil(crystal: Batch, rng: np.random.Generator) -> tuple[Batch, Batch]:
    """Spoiled crystals, and the true ones with their orbits in the order in which the spoiled ones resemble them."""
    tables = position_tables()
    letters, groups = crystal.letter.numpy(), crystal.group.numpy()
    true_elements, true_points = crystal.element.numpy(), crystal.coordinates.numpy()
    elements, points = true_elements.copy(), true_points.copy()
    order = np.tile(np.arange(letters.shape[1]), (len(letters), 1))
    for i, n in enumerate((letters >= 0).sum(axis=1)):
        share = rng.random() ** 0.7
        own = true_elements[i, :n]
        wrong = np.flatnonzero(rng.random(n) < share * rng.random())
        if len(wrong):
            kind = rng.random()
            if kind < 0.35:
                elements[i, wrong] = rng.permutation(own[wrong])
            elif kind < 0.8:
                elements[i, wrong] = rng.choice(own, len(wrong))
            else:
                elements[i, wrong] = rng.integers(1, 95, len(wrong))
        free = tables.free[tables.index[groups[i], letters[i, :n]]]
        moved = rng.random(n) < share
        kind = rng.random(n)[:, None]
        jitter = rng.normal(0, rng.choice([0.01, 0.04, 0.12]), (n, 3))
        fraction = _FRACTIONS[rng.integers(len(_FRACTIONS), size=(n, 3))] * (rng.random((n, 3)) < 0.5)
        move = np.where(kind < 0.45, jitter, np.where(kind < 0.65, fraction, rng.random((n, 3))))
        points[i, :n] = (points[i, :n] + move * free * moved[:, None]) % 1.0
        if moved.any():
            order[i, :n] = _nearest(letters[i, :n], own, elements[i, :n], true_points[i, :n], points[i, :n])
    strain = torch.from_numpy(rng.normal(0, 1, (len(groups), 7)).astype(np.float32))
    strain = strain * torch.from_numpy(rng.choice([0.0, 0.02, 0.06], (len(groups), 1)).astype(np.float32))
    tie = torch.from_numpy(tables.tie[groups])
    shape = torch.einsum("bij,bj->bi", tie, strain[:, 1:4])
    strain[:, 1:4] = shape - shape.mean(dim=1, keepdim=True)
    strain[:, 4:] *= torch.from_numpy(tables.free_angles[groups].astype(np.float32))
    spoiled = replace(
        crystal,
        lattice=crystal.lattice + strain,
        element=torch.from_numpy(elements),
        coordinates=torch.from_numpy(points.astype(np.float32)),
    )
    rows = torch.from_numpy(order)
    truth = replace(
        crystal,
        element=crystal.element.gather(1, rows),
        coordinates=crystal.coordinates.gather(1, rows[..., None].expand(-1, -1, 3)),
    )
    return spoiled, truth


def _nearest(
    letters: np.ndarray, own: np.ndarray, elements: np.ndarray, true_points: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """(n,) for each spoiled orbit the true one of the same letter that it is most like, each once."""
    order = np.arange(len(letters))
    for letter in np.unique(letters):
        rows = np.flatnonzero(letters == letter)
        if len(rows) < 2:
            continue
        apart = points[rows][:, None] - true_points[rows][None]
        apart = np.abs(apart - np.rint(apart)).sum(axis=2)
        cost = apart + 0.25 * (elements[rows][:, None] != own[rows][None])
        order[rows] = rows[linear_sum_assignment(cost)[1]]
    return order
