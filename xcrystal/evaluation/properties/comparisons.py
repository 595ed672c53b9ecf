"""Other predictors of properties, fitted to the same crystals, that a model's predictions from z stand beside."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.crystal.elements import MAX_Z, element_features

if TYPE_CHECKING:
    import torch

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel

_TREES = 30
_NEIGHBOURS = (1, 2, 3, 5, 8, 12, 20)
_ASKED = 2000  # training crystals that choose the number of neighbours
_CHUNK = 256


def neighbour_values(
    model: CrystalModel,
    crystals: list[WyckoffCrystal],
    properties: np.ndarray,
    asked: list[WyckoffCrystal],
    seed: int,
) -> np.ndarray:
    """(n, 3) of the asked crystals: means over their nearest neighbours in latent space, nearer ones counting more.

    The number of neighbours is, for each property, that with the least error over a sample of the training crystals,
    of whose neighbours those of the same composition are left out.
    """
    from sklearn.neighbors import KNeighborsRegressor, NearestNeighbors

    z, questions = model.encode_canonical(crystals), model.encode_canonical(asked)
    formulas = np.unique([_composition(crystal) for crystal in crystals], return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    values = np.full((len(asked), len(PROPERTIES)), np.nan)
    for k in range(len(PROPERTIES)):
        known = np.flatnonzero(np.isfinite(properties[:, k]))
        if not len(known):
            continue
        sample = rng.permutation(known)[:_ASKED]
        most = min(4 * _NEIGHBOURS[-1], len(known))
        distances, near = NearestNeighbors(n_neighbors=most).fit(z[known]).kneighbors(z[sample])
        others = formulas[known[near]] != formulas[sample][:, None]
        errors = {n: _error_of(n, distances, others, properties[known[near], k], properties[sample, k])
                  for n in _NEIGHBOURS if n <= len(known)}  # fmt: skip
        best = min(errors, key=lambda n: errors[n])
        fitted = KNeighborsRegressor(best, weights="distance").fit(z[known], properties[known, k])
        values[:, k] = fitted.predict(questions)
    return values


def _composition(crystal: WyckoffCrystal) -> str:
    from xcrystal.crystal.collections.tables import reduced_composition

    return str(reduced_composition(np.repeat(crystal.elements, crystal.multiplicities).tolist()))


def _error_of(n: int, distances: np.ndarray, others: np.ndarray, values: np.ndarray, truth: np.ndarray) -> float:
    """Mean absolute error of the first n neighbours of another composition, weighted by inverse distance."""
    taken = others & (np.cumsum(others, axis=1) <= n)
    weights = taken / np.maximum(distances, 1e-9)
    some = taken.any(axis=1)
    means = (weights[some] * values[some]).sum(axis=1) / weights[some].sum(axis=1)
    return float(np.abs(means - truth[some]).mean()) if some.any() else np.inf


def composition_features(crystals: list[WyckoffCrystal]) -> np.ndarray:
    """(n, 95 + 20): fractions of the elements; mean, spread, least and largest of the five features of elements."""
    table, rows = element_features().astype(float), []
    for crystal in crystals:
        amount = np.bincount(crystal.elements, crystal.multiplicities, MAX_Z + 1)[: MAX_Z + 1]
        amount = amount / amount.sum()
        there = table[amount > 0]
        mean = amount @ table
        spread = np.sqrt(np.clip(amount @ table**2 - mean**2, 0, None))
        rows.append(np.concatenate([amount, mean, spread, there.min(axis=0), there.max(axis=0)]))
    return np.array(rows)


def forest_values(
    model: CrystalModel,
    crystals: list[WyckoffCrystal],
    properties: np.ndarray,
    asked: list[WyckoffCrystal],
    seed: int,
) -> np.ndarray:
    """(n, 3) of the asked crystals by random forests (Breiman, Machine Learning 45, 5, 2001) on compositions."""
    from sklearn.ensemble import RandomForestRegressor
    from tqdm.auto import tqdm

    inputs, questions = composition_features(crystals), composition_features(asked)
    values = np.full((len(asked), len(PROPERTIES)), np.nan)
    for k in tqdm(range(len(PROPERTIES)), desc="random forests", unit="property", leave=False, disable=None):
        known = np.isfinite(properties[:, k])
        if known.any():
            forest = RandomForestRegressor(_TREES, max_features=0.33, min_samples_leaf=2, random_state=seed)
            values[:, k] = forest.fit(inputs[known], properties[known, k]).predict(questions)
    return values


def unsqueezed_values(
    model: CrystalModel,
    crystals: list[WyckoffCrystal],
    properties: np.ndarray,
    asked: list[WyckoffCrystal],
    seed: int,
) -> np.ndarray:
    """(n, 3) of the asked crystals from the encoder's state before the posterior, with the model's own kind of head."""
    import torch
    from torch import nn
    from tqdm.auto import tqdm

    from xcrystal.model.device import one_thread
    from xcrystal.model.properties import PropertyEnsemble
    from xcrystal.model.property_fitting import FitSettings, fit_ensemble, steps

    how = FitSettings(members=2, epochs=8)
    head = model.network.properties
    if not isinstance(head, PropertyEnsemble):
        head = PropertyEnsemble.from_head(model.network.joint_head(), how.members)
    posterior = model.network.encoder.posterior
    mean = nn.Linear(posterior.in_features, model.latent_dim)
    with torch.no_grad():
        mean.weight.copy_(posterior.weight[: model.latent_dim])
        mean.bias.copy_(posterior.bias[: model.latent_dim])
    ensemble = copy.deepcopy(head).cpu().first_members(how.members).after(mean)
    states = unsqueezed(model, crystals)
    with one_thread(), tqdm(total=steps(len(states), how), desc="fitting", leave=False, disable=None) as bar:
        learned = torch.from_numpy(properties.astype(np.float32))
        fit_ensemble(ensemble, states, None, learned, how, seed, bar.update)
        with torch.no_grad():
            values: np.ndarray = ensemble(unsqueezed(model, asked)).double().numpy()
    return values


def unsqueezed(model: CrystalModel, crystals: list[WyckoffCrystal]) -> torch.Tensor:
    """(n, 3 W) state of the encoder before the linear layer that gives the posterior."""
    import torch

    states: list[torch.Tensor] = []
    handle = model.network.encoder.posterior.register_forward_pre_hook(lambda _, x: states.append(x[0].float().cpu()))
    try:
        with torch.no_grad():
            for i in range(0, len(crystals), _CHUNK):
                model.network.posterior(model.batch(crystals[i : i + _CHUNK]))
    finally:
        handle.remove()
    return torch.cat(states)
