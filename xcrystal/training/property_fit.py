"""Fit the ensemble that predicts a trained model's properties from z, and calibrate its uncertainties.

The codes of the training crystals are optimistic, because the encoder has seen these crystals with their properties;
so the sizes of the uncertainties are set on the validation crystals, and the figures that are reported for them set
the constants on one half of these and measure on the other.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from xcrystal.crystal.tables import PROPERTIES
from xcrystal.crystal.tokens import Tokens
from xcrystal.errors import DatasetError
from xcrystal.evaluation.properties import PropertyReport, scores_of
from xcrystal.generator import CrystalModel, model_folder
from xcrystal.model.property_fitting import FitSettings
from xcrystal.training.codes import open_network, posteriors, tokens_of


def fit_properties(
    model: str | Path,
    data: Path,
    tokens: Path | None = None,
    seed: int = 0,
    settings: FitSettings | None = None,
) -> PropertyReport:
    """Fit, calibrate, and write ``properties.safetensors`` into the model's folder, over one that is there.

    Parameters
    ----------
    model
        A model's folder, or a bundled model's name.
    data
        Folder with ``train.parquet`` and ``val.parquet``.
    tokens
        A folder in which a training run keeps the canonical forms of these crystals, which saves making them again.
    seed
        Of everything random.
    settings
        How to fit.

    Returns
    -------
    PropertyReport
        Scores of the validation crystals.

    Raises
    ------
    CheckpointError
        If there is no such model.
    DatasetError
        If data are missing or hold no properties.
    """
    import torch
    from tqdm.auto import tqdm

    from xcrystal.model.device import one_thread
    from xcrystal.model.properties import PropertyEnsemble, calibrate, load_ensemble, save_ensemble
    from xcrystal.model.property_fitting import fit_ensemble, steps

    how, folder = settings or FitSettings(), model_folder(model)
    opened = open_network(model)
    network = opened.network
    train, val = (_tokens(data / f"{split}.parquet", tokens, opened) for split in ("train", "val"))
    ensemble = PropertyEnsemble.from_head(network.properties, how.members)
    with one_thread():
        means, deviations = posteriors(opened, train)
        truth = torch.from_numpy(train.properties.astype(np.float32))
        with tqdm(total=steps(len(train), how), desc="fitting", unit="step", disable=None) as bar:
            inputs = (torch.from_numpy(means), torch.from_numpy(deviations))
            fit_ensemble(ensemble, *inputs, truth, how, seed, bar.update)
        z, _ = posteriors(opened, val)
        with torch.no_grad():
            found = ensemble.predict(torch.from_numpy(z))
        calibrate(ensemble, found, torch.from_numpy(val.properties.astype(np.float32)))
        network.add_module("properties", ensemble)
        scores = scores_of(opened, z, val.properties, seed)
    report = PropertyReport(len(val), {}, scores)
    save_ensemble(ensemble, folder, {"validation": report.to_dict(), "settings": asdict(how), "seed": seed})
    load_ensemble(folder)
    return report


def _tokens(table: Path, folder: Path | None, model: CrystalModel) -> Tokens:
    found = tokens_of(table, folder, model)
    if not np.isfinite(found.properties).any():
        raise DatasetError(f"{table} holds none of the properties {', '.join(PROPERTIES)}: there is nothing to fit.")
    return found
