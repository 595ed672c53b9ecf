"""Fit the conditional prior of a trained model: where the latent vectors of crystals with given properties are.

All that it learns from is in the model's atlas, which holds no crystal that is kept for validation.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from xcrystal.generator import CrystalModel, model_folder
from xcrystal.inverse_design.conditions import known_conditions
from xcrystal.latent.atlas import Atlas, open_atlas
from xcrystal.training.codes import open_network

_MEASURED = 512  # crystals of which the posterior's standard deviations are measured


def fit_conditional_prior(model: str | Path, atlas: str | Path = "", steps: int = 15000, seed: int = 0) -> Path:
    """Fit a conditional flow to the latent vectors of an atlas and write it into the model's folder.

    A fit that was interrupted goes on where it was.

    Parameters
    ----------
    model
        A model's folder, or a bundled model's name.
    atlas
        Of this model; the default is the one in its folder.
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
        If there is no such model, or what an interrupted fit left is damaged.
    DatasetError
        If there is no such atlas.
    """
    from tqdm.auto import tqdm

    from xcrystal.model.checkpoint import weights_digest
    from xcrystal.model.conditional_prior import FILE, fit_conditional_flow, save_conditional_flow
    from xcrystal.model.device import one_thread

    folder = model_folder(model)
    opened, known = open_network(model), open_atlas(atlas or model)
    # of these weights and this atlas: to go on with others would mix two fits
    of = hashlib.sha256(known.z.tobytes() + weights_digest(folder).encode()).hexdigest()[:12]
    unfinished = folder / f"{FILE}.{steps}-{seed}-{of}.part"
    with one_thread(), tqdm(total=steps, desc="fitting", unit="step", disable=None) as bar:
        flow = fit_conditional_flow(
            known.z,
            _deviations(opened, known),
            known_conditions(known),
            steps=steps,
            seed=seed,
            unfinished=unfinished,
            progress=lambda done: bar.update(done - bar.n),
        )
    save_conditional_flow(flow, folder)
    unfinished.unlink(missing_ok=True)
    return folder / FILE


def _deviations(model: CrystalModel, atlas: Atlas) -> np.ndarray:
    """(Z,) typical standard deviations of the posteriors of crystals that the model decodes."""
    rows = np.random.default_rng(0).choice(len(atlas), min(_MEASURED, len(atlas)), replace=False)
    decoded = [one.crystal for one in model.decode_arrays(atlas.z[rows], effort="fast") if len(one.element)]
    return np.sqrt(np.square(model.posterior_canonical(decoded)[1]).mean(axis=0))
