"""Fit the conditional prior of a trained model: where the latent vectors of crystals with given properties are.

All that it learns from is in the model's atlas, which holds no crystal that is kept for validation.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xcrystal.generator import CrystalModel, model_folder
from xcrystal.inverse_design.conditions import conditions_of, known_conditions
from xcrystal.latent.atlas import Atlas, open_atlas
from xcrystal.training.codes import open_network, posteriors, tokens_of

_MEASURED = 512  # crystals of which the posterior's standard deviations are measured


@dataclass(frozen=True)
class FlowSettings:
    """How a conditional prior is fitted: optimizer steps, crystals in each, how many standard deviations of their
    posteriors latent vectors are moved by, and the sizes of the network."""

    steps: int = 9000
    batch_size: int = 512
    noise: float = 0.5
    width: int = 384
    blocks: int = 3


def fit_conditional_prior(
    model: str | Path,
    atlas: str | Path = "",
    settings: FlowSettings | None = None,
    seed: int = 0,
    device: str = "cpu",
    held_out: Path | None = None,
) -> tuple[Path, float]:
    """Fit a conditional flow to the latent vectors of an atlas and write it into the model's folder.

    A fit that was interrupted goes on where it was.

    Parameters
    ----------
    model
        A model's folder, or a bundled model's name.
    atlas
        Of this model; the default is the one in its folder.
    settings
        How to fit.
    seed
        Of everything random.
    device
        Where: "cpu", "cuda".
    held_out
        A table of crystals that the atlas does not hold.

    Returns
    -------
    file, loss
        What was written, and the loss on the held-out crystals, NaN without any.

    Raises
    ------
    CheckpointError
        If there is no such model, or what an interrupted fit left is damaged.
    DatasetError
        If there is no such atlas, or no such table.
    """
    from tqdm.auto import tqdm

    from xcrystal.model.conditional_prior import FILE, fit_conditional_flow, held_out_loss, save_conditional_flow
    from xcrystal.model.device import one_thread, pick_device
    from xcrystal.model.digests import weights_digest

    how, folder = settings or FlowSettings(), model_folder(model)
    opened, known = open_network(model), open_atlas(atlas or model)
    # of these weights and this atlas: to go on with others would mix two fits
    of = hashlib.sha256(known.z.tobytes() + f"{weights_digest(folder)} {how} {seed}".encode()).hexdigest()[:12]
    unfinished = folder / f"{FILE}.{of}.part"
    with one_thread(), tqdm(total=how.steps, desc="fitting", unit="step", disable=None) as bar:
        flow = fit_conditional_flow(
            known.z,
            _deviations(opened, known),
            known_conditions(known),
            **vars(how),
            seed=seed,
            device=pick_device(device),
            unfinished=unfinished,
            progress=lambda done: bar.update(done - bar.n),
        )
    save_conditional_flow(flow, folder)
    unfinished.unlink(missing_ok=True)
    if held_out is None:
        return folder / FILE, math.nan
    tokens = tokens_of(held_out, None, opened)
    return folder / FILE, held_out_loss(flow, posteriors(opened, tokens)[0], conditions_of(tokens))


def _deviations(model: CrystalModel, atlas: Atlas) -> np.ndarray:
    """(Z,) typical standard deviations of the posteriors of crystals that the model decodes."""
    rows = np.random.default_rng(0).choice(len(atlas), min(_MEASURED, len(atlas)), replace=False)
    decoded = [one.crystal for one in model.decode_arrays(atlas.z[rows], effort="fast") if len(one.element)]
    return np.sqrt(np.square(model.posterior_canonical(decoded)[1]).mean(axis=0))
