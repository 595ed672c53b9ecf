"""Fit the vector of the baseline ``fitted_element`` to a trained encoder (minutes on one core).

In a crystal whose elements are exchanged as those of the tasks are, some orbits get random elements, as often as they
occur; the vector on these orbits shall give the same latent vector. Of all that it cannot tell, the least-squares fit
takes the mean. Nothing else is trained.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from xcrystal.crystal.collections.tokens import Tokens
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.explanation.fitted_baseline import save_fitted_element
from xcrystal.explanation.inputs import mean_element_vector
from xcrystal.generator import CrystalModel, model_folder
from xcrystal.model.device import one_thread
from xcrystal.model.optimizing import set_learning_rate
from xcrystal.model.vae import N_ELEMENTS
from xcrystal.training.codes import open_network, tokens_of
from xcrystal.training.task_data import Exchange, TaskData, batches

STEPS = 300
_LEARNED = 4000  # crystals of the table, drawn at random
_BATCH, _RATE, _WARM_UP = 128, 0.03, 0.02
_EXCHANGED = 0.7
_CRYSTALS, _DRAWS = 200, 16  # that tell how good it is, and random elements for each


def fit_vector(
    model: CrystalModel, data: TaskData, steps: int = STEPS, seed: int = 0, progress: Callable[[], object] | None = None
) -> Tensor:
    """Fit the vector.

    Parameters
    ----------
    model
        Whose encoder it is for; on the CPU.
    data
        Training crystals.
    steps, seed
        How long, and what determines everything random.
    progress
        Called after each step.

    Returns
    -------
    Tensor
        (W,) the vector.
    """
    rng, exchange = np.random.default_rng(seed), Exchange(data.elements.ravel())
    vector = mean_element_vector(model).detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([vector], lr=0.0)
    for done, rows in enumerate(islice(batches(data.lengths, _BATCH, rng), steps)):
        set_learning_rate(optimizer, _RATE, done / steps, (done + 1) / steps / _WARM_UP)
        own = data.own(rows)
        elements = np.where(rng.random((len(rows), 1)) < _EXCHANGED, exchange(own, rng), own)
        hidden = (rng.random(own.shape) < rng.random((len(rows), 1))) & (own > 0)
        with torch.no_grad():
            wanted = model.network.posterior(data.rows(rows, _filled(elements, hidden, data, rng)))[0]
        found = _hidden(model, data, rows, elements, hidden, vector)
        loss = (found - wanted).square().sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if progress is not None:
            progress()
    return vector.detach()


def _filled(elements: np.ndarray, hidden: np.ndarray, data: TaskData, rng: np.random.Generator) -> np.ndarray:
    """(B, T) elements with random ones, as often as they occur, where they are hidden (B, T)."""
    often = np.bincount(data.elements.ravel(), minlength=N_ELEMENTS).astype(float)
    often[0] = 0
    return np.where(hidden, rng.choice(N_ELEMENTS, size=elements.shape, p=often / often.sum()), elements)


def _hidden(
    model: CrystalModel, data: TaskData, rows: np.ndarray, elements: np.ndarray, hidden: np.ndarray, vector: Tensor
) -> Tensor:
    """(B, Z) latent vectors of crystals of elements (B, T) with a vector (W,) where they are hidden (B, T)."""
    own = model.network.embed.elements(torch.from_numpy(elements))
    vectors = torch.where(torch.from_numpy(hidden)[..., None], vector, own)
    found: Tensor = model.network.posterior(data.rows(rows, elements), elements=vectors)[0]
    return found


def vector_errors(model: CrystalModel, data: TaskData, vector: Tensor, seed: int = 0) -> dict[str, float]:
    """How far latent vectors are from their mean over random elements with the mean element vector, and a vector (W,).

    In each crystal a random half of the orbits, but at least one, is hidden; the figures are mean distances in z.
    """
    rng, rows = np.random.default_rng(seed), np.arange(len(data))
    own = data.own(rows)
    hidden = (rng.random(own.shape) < 0.5) & (own > 0)
    hidden[:, 0] |= ~hidden.any(axis=1)
    with torch.no_grad():
        drawn = [model.network.posterior(data.rows(rows, _filled(own, hidden, data, rng)))[0] for _ in range(_DRAWS)]
        mean = torch.stack(drawn).mean(dim=0)
        vectors = {"mean element": mean_element_vector(model), "fitted element": vector}
        return {
            name: float((_hidden(model, data, rows, own, hidden, one) - mean).norm(dim=1).mean())
            for name, one in vectors.items()
        }


def _some(tokens: Tokens, count: int, seed: int) -> list[WyckoffCrystal]:
    drawn = np.random.default_rng(seed).permutation(len(tokens))[:count]
    return tokens.take(np.sort(drawn)).crystals()


def fit_baseline(
    model: str | Path, data: Path, tokens: Path | None = None, steps: int = STEPS, seed: int = 0
) -> dict[str, float]:
    """Fit the vector, and write ``baseline.safetensors`` into the model's folder.

    Parameters
    ----------
    model
        A model's folder, or a bundled model's name.
    data
        Folder with ``train.parquet`` and ``val.parquet``.
    tokens
        A folder in which a training run keeps the canonical forms of these crystals, which saves making them again.
    steps, seed
        How long, and what determines everything random.

    Returns
    -------
    dict
        ``vector_errors`` of validation crystals.

    Raises
    ------
    CheckpointError
        If there is no such model.
    DatasetError
        If data are missing.
    """
    from tqdm.auto import tqdm

    opened = open_network(model)
    train, val = (
        TaskData(opened, _some(tokens_of(data / f"{split}.parquet", tokens, opened), count, seed))
        for split, count in (("train", _LEARNED), ("val", _CRYSTALS))
    )
    with one_thread(), tqdm(total=steps, desc="fitting", unit="step", disable=None) as bar:
        vector = fit_vector(opened, train, steps, seed, bar.update)
        errors = vector_errors(opened, val, vector, seed)
    save_fitted_element(vector, model_folder(model))
    return errors
