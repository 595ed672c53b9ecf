"""Fit the graph networks that predict formation energies and gaps from atoms and distances.

They are an opinion beside that of the latent vector, so they learn nothing from the autoencoder: only crystals and
their properties. Spreads are widened to what errors are on held-out crystals.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from xcrystal.crystal.collections.tables import PROPERTIES, read_table, selection_half
from xcrystal.crystal.collections.tokens import Tokens, load_tokens, tokenize
from xcrystal.model.graph_network import (
    GAP,
    PREDICTED,
    GraphEnsemble,
    GraphNetwork,
    Graphs,
    negative_log_likelihood,
    save_graph_ensemble,
)
from xcrystal.model.optimizing import set_learning_rate, update_average

_COLUMNS = [PROPERTIES.index(name) for name in PREDICTED]
_KEPT = 0.999  # of the averaged weights, each step
_CHUNK = 512


@dataclass(frozen=True)
class GraphSettings:
    """How graph networks are fitted: networks, optimizer steps of each, crystals in a step, highest learning rate, and
    by what distances are changed at random: all of a crystal (share) and each (Å)."""

    members: int = 3
    steps: int = 2000
    batch_size: int = 256
    learning_rate: float = 2e-3
    strain: float = 0.01
    jitter: float = 0.02


@dataclass(frozen=True)
class GraphFit:
    """What was written, and the mean absolute errors on the held-out crystals that widened nothing, by property."""

    file: Path
    crystals: int
    held_out: int
    errors: dict[str, float]


def fit_graph_networks(
    folder: Path,
    data: Path,
    also: Sequence[Path] = (),
    tokens: Path | None = None,
    settings: GraphSettings | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> GraphFit:
    """Fit an ensemble and write ``graph_network.safetensors`` into a model's folder.

    Parameters
    ----------
    folder
        Of the model.
    data
        Folder with ``train.parquet`` and ``val.parquet``.
    also
        Other tables to learn from.
    tokens
        A folder in which a training run keeps the canonical forms of these crystals.
    settings
        How to fit.
    seed
        Of everything random.
    device
        Where: "cpu", "cuda".

    Raises
    ------
    DatasetError
        If data are missing.
    """
    from tqdm.auto import tqdm

    how = settings or GraphSettings()

    def read(table: Path) -> Tokens:
        return tokenize(read_table(table)) if tokens is None else load_tokens(table, tokens)

    train = labelled([read(table) for table in (data / "train.parquet", *also)])
    val = read(data / "val.parquet")
    graphs, truth = graphs_of(train), train.properties[:, _COLUMNS]
    scale = energy_scale(truth)
    members = []
    for k in range(how.members):
        with tqdm(total=how.steps, desc=f"network {k + 1}", unit="step", disable=None) as bar:

            def progress(step: int, _: GraphNetwork, bar: tqdm = bar) -> None:
                bar.update()

            members.append(fit_network(graphs, truth, scale, how, seed + k, device, progress))
    table = read_table(data / "val.parquet")
    chooses = selection_half(table.species)[val.row]
    ensemble, errors = calibrated(members, scale, val, chooses)
    return GraphFit(save_graph_ensemble(ensemble, folder), len(train), int((~chooses).sum()), errors)


def labelled(parts: Sequence[Tokens]) -> Tokens:
    """The crystals of tables of which energy or gap are known."""
    every = Tokens.joined(parts)
    return every.take(np.flatnonzero(np.isfinite(every.properties[:, _COLUMNS]).any(axis=1)))


def graphs_of(tokens: Tokens) -> Graphs:
    """The graphs of the crystals of tokens, 1 ms each."""
    crystals = tokens.crystals()
    parts = [Graphs.of(crystals[i : i + _CHUNK]) for i in range(0, len(crystals), _CHUNK)]
    starts = np.cumsum([0, *(part.start[-1] for part in parts)])
    start = np.concatenate([[0], *(part.start[1:] + first for part, first in zip(parts, starts, strict=False))])
    flat = (np.concatenate([getattr(p, name) for p in parts]) for name in ("element", "neighbour", "distance"))
    return Graphs(start, *flat)


def energy_scale(truth: np.ndarray) -> Tensor:
    """(2,) mean and standard deviation of the energies of (B, 2) properties."""
    energies = truth[np.isfinite(truth[:, 0]), 0]
    return torch.tensor([energies.mean(), energies.std()], dtype=torch.float32)


def fit_network(
    graphs: Graphs,
    truth: np.ndarray,
    scale: Tensor,
    how: GraphSettings,
    seed: int,
    device: str = "cpu",
    progress: Callable[[int, GraphNetwork], object] | None = None,
) -> GraphNetwork:
    """Fit one network to crystals and their properties (B, 2), NaN where unknown.

    Parameters
    ----------
    scale
        (2,) mean and standard deviation of energies.
    progress
        Called with each step's number and the averaged network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = GraphNetwork().to(device)
    averaged = copy.deepcopy(network).requires_grad_(False).eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.0, weight_decay=0.02, fused=True)
    rng = np.random.default_rng(seed)
    known, scale = torch.from_numpy(truth.astype(np.float32)).to(device), scale.to(device)
    order, at = rng.permutation(len(graphs)), 0
    for step in range(how.steps):
        set_learning_rate(optimizer, how.learning_rate, step / how.steps, (step + 1) / 500)
        if at + how.batch_size > len(order):
            order, at = rng.permutation(len(graphs)), 0
        rows, at = order[at : at + how.batch_size], at + how.batch_size
        element, neighbour, distance, owner = graphs.tensors(rows, device)
        strain = 1 + how.strain * torch.randn(len(rows), device=device)
        moved = distance * strain[owner][:, None] + how.jitter * torch.randn_like(distance)
        loss = negative_log_likelihood(network(element, neighbour, moved, owner), known[rows], scale).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        update_average(averaged, network, step, _KEPT)
        if progress:
            progress(step, averaged)
    return averaged.cpu()


def calibrated(
    members: Sequence[GraphNetwork], scale: Tensor, val: Tokens, chooses: np.ndarray
) -> tuple[GraphEnsemble, dict[str, float]]:
    """An ensemble with spreads as wide as its errors, and its mean absolute errors.

    Parameters
    ----------
    val, chooses
        Held-out crystals, and (n,) which of them set the spreads; errors are of the others.
    """
    ensemble = GraphEnsemble([member.eval() for member in members], scale.cpu(), torch.ones(2))
    graphs, truth = graphs_of(val), val.properties[:, _COLUMNS]
    raw = ensemble.raw(graphs).mean(dim=0).numpy()
    found = ensemble.predict(graphs)
    for k, (value, spread) in enumerate(((0, 1), (3, 4))):
        rows = chooses & (np.isfinite(truth[:, 0]) if k == 0 else truth[:, 1] > GAP)
        # the most probable width of Laplace distributions whose spreads are known up to a factor
        away = np.abs(raw[rows, value] - truth[rows, k]) / raw[rows, spread]
        ratio = float(away.mean()) if rows.any() else math.nan
        ensemble.widened[k] = ratio if math.isfinite(ratio) else 1.0
    errors = {name: float(np.nanmean(np.abs(found[name] - truth[:, k])[~chooses])) for k, name in enumerate(PREDICTED)}
    return ensemble, errors
