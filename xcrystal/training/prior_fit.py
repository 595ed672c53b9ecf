"""Fit the prior of a trained model: where among all latent vectors the latent vectors of crystals are."""

from __future__ import annotations

from pathlib import Path

from xcrystal.generator import model_folder
from xcrystal.training.codes import open_network, posteriors, tokens_of


def fit_prior(model: str | Path, data: Path, tokens: Path | None = None, steps: int = 15000, seed: int = 0) -> Path:
    """Fit a flow to the latent vectors of the training crystals and write it into the model's folder, over one that is
    there.

    Parameters
    ----------
    model
        A model's folder, or a bundled model's name.
    data
        Folder with ``train.parquet``.
    tokens
        A folder in which a training run keeps the canonical forms of these crystals, which saves making them again.
    steps
        Optimizer steps.
    seed
        Of everything random.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    CheckpointError
        If there is no such model.
    DatasetError
        If there are no data.
    """
    import torch
    from tqdm.auto import tqdm

    from xcrystal.model.device import one_thread
    from xcrystal.model.prior import FILE, fit_flow, save_flow

    folder = model_folder(model)
    opened = open_network(model)
    means, stds = posteriors(opened, tokens_of(data / "train.parquet", tokens, opened))
    with one_thread(), tqdm(total=steps, desc="fitting", unit="step", disable=None) as bar:
        codes = (torch.from_numpy(means), torch.from_numpy(stds))
        save_flow(fit_flow(*codes, steps=steps, seed=seed, progress=bar.update), folder)
    return folder / FILE
