"""The latent vectors of a dataset under a trained network: what is fitted after training begins here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xcrystal.crystal.collections.tables import read_table
from xcrystal.crystal.collections.tokens import Tokens, load_tokens, tokenize
from xcrystal.generator import CrystalModel, model_folder

_AT_ONCE = 1 << 14  # crystals that are taken from the tokens at once


def open_network(model: str | Path) -> CrystalModel:
    """A model's network alone, on the CPU: what lies beside it may belong to other weights, and is to be replaced."""
    import torch

    from xcrystal.model.checkpoint import load_weights

    network, facts = load_weights(model_folder(model))
    return CrystalModel(network, str(model), facts, torch.device("cpu"))


def tokens_of(table: Path, folder: Path | None, model: CrystalModel) -> Tokens:
    """Tokens of the crystals of a table that a model encodes.

    They come from the folder in which a training run keeps them if there is one.
    """
    tokens = tokenize(read_table(table)) if folder is None else load_tokens(table, folder)
    return tokens.within(*model.limits)


def posteriors(model: CrystalModel, tokens: Tokens) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations (n, latent_dim), crystals of like length together so that little is padded."""
    order = np.argsort(np.diff(tokens.start), kind="stable")
    parts = [order[i : i + _AT_ONCE] for i in range(0, len(order), _AT_ONCE)]
    found = [model.posterior_canonical(tokens.take(part).crystals()) for part in parts]
    back = np.argsort(order)
    means, deviations = (np.concatenate(column) for column in zip(*found, strict=True))
    return means[back], deviations[back]
