"""Fit the ensemble that predicts a trained model's properties from z, and calibrate its uncertainties.

The latent vectors of the training crystals are optimistic, because the encoder has seen these crystals with their
properties; so the intervals are calibrated on validation crystals: on those of the compositions that may choose
(``xcrystal.crystal.collections.tables.selection_half``). The figures that are reported are of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES, read_table, selection_half
from xcrystal.crystal.collections.tokens import Tokens
from xcrystal.errors import DatasetError
from xcrystal.evaluation.properties.prediction_errors import PropertyReport, scores_of
from xcrystal.evaluation.shared.halves import write_validation_ids
from xcrystal.generator import CrystalModel, model_folder
from xcrystal.model.property_fitting import FitSettings
from xcrystal.training.codes import open_network, posteriors, tokens_of


def fit_properties(
    model: str | Path,
    data: Path,
    tokens: Path | None = None,
    seed: int = 0,
    settings: FitSettings | None = None,
    also: Sequence[Path] = (),
) -> PropertyReport:
    """Fit, calibrate, and write ``properties.safetensors`` into the model's folder, over one that is there.

    Beside it are written the ids of the validation crystals, where the table has any, so that evaluations know them.

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
    also
        Other tables to learn from. What one does not know of a crystal is left out: each property is learned from the
        crystals of which it is known. Labels are taken as they are, so they should be of one kind of calculation.

    Returns
    -------
    PropertyReport
        Scores of the validation crystals that calibrated nothing.

    Raises
    ------
    CheckpointError
        If there is no such model.
    DatasetError
        If data are missing or hold no properties, or all validation crystals fall into one half.
    """
    import torch
    from tqdm.auto import tqdm

    from xcrystal.model.device import one_thread
    from xcrystal.model.properties import PropertyEnsemble, calibrate, load_ensemble, save_ensemble
    from xcrystal.model.property_fitting import fit_ensemble, steps

    how, folder = settings or FitSettings(), model_folder(model)
    opened = open_network(model)
    network = opened.network
    train = Tokens.joined([_tokens(table, tokens, opened) for table in (data / "train.parquet", *also)])
    val = _tokens(data / "val.parquet", tokens, opened)
    table = read_table(data / "val.parquet")
    chooses = selection_half(table.species)[val.row]
    known = np.isfinite(val.properties).any(axis=1)
    if not (known & chooses).any() or not (known & ~chooses).any():
        raise DatasetError(f"{data / 'val.parquet'} holds too few compositions to calibrate on some and report others.")
    ensemble = PropertyEnsemble.from_head(network.joint_head(), how.members)
    with one_thread():
        means, stds = posteriors(opened, train)
        truth = torch.from_numpy(train.properties.astype(np.float32))
        with tqdm(total=steps(len(train), how), desc="fitting", unit="step", disable=None) as bar:
            inputs = (torch.from_numpy(means), torch.from_numpy(stds))
            fit_ensemble(ensemble, *inputs, truth, how, seed, bar.update)
        z, _ = posteriors(opened, val)
        calibrate(ensemble, torch.from_numpy(z[chooses]), torch.from_numpy(val.properties[chooses].astype(np.float32)))
        network.properties = ensemble
        scores = scores_of(opened, z[~chooses], val.properties[~chooses])
    report = PropertyReport(int((~chooses).sum()), {}, scores, "the half of the validation split that chose nothing")
    learned = {"crystals": len(train), "tables": [data.name, *(table.stem for table in also)]}
    figures = {"validation": report.to_dict(), "settings": asdict(how), "seed": seed, "learned": learned}
    save_ensemble(ensemble, folder, figures)
    write_validation_ids(folder, table)
    load_ensemble(folder)
    return report


def _tokens(table: Path, folder: Path | None, model: CrystalModel) -> Tokens:
    found = tokens_of(table, folder, model)
    if not np.isfinite(found.properties).any():
        raise DatasetError(f"{table} holds none of the properties {', '.join(PROPERTIES)}: there is nothing to fit.")
    return found
