"""A second latent model, nothing like the VAE: principal components of descriptors, decoded by looking up the nearest.

It is here to be compared with, and as an example of ``xcrystal.protocols``: three methods, and no word of the explorer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.errors import DatasetError
from xcrystal.latent.axes import ridge_weights
from xcrystal.latent.descriptors import describe

if TYPE_CHECKING:
    from pymatgen.core import Structure

_FEWEST = 20  # known values that a regression is made of


class DescriptorPCA:
    """Principal components of ``xcrystal.latent.descriptors``, fitted to crystals.

    Parameters
    ----------
    structures
        (n,) crystals, at least 3.
    properties
        Name to values (n,) that are known of them, NaN where not; each with 20 or more is predicted by ridge regression
        on the latent vector.
    latent_dim
        Most numbers of a latent vector; never more than n - 1.

    Attributes
    ----------
    latent_dim
        Numbers of a latent vector.
    explained
        (latent_dim,) share of the variance of the scaled descriptors along each.

    Raises
    ------
    DatasetError
        If there are fewer than 3 crystals.

    Examples
    --------
    >>> model = DescriptorPCA(structures)
    >>> xcrystal.build_atlas(model, "folder", "atlas")
    >>> xcrystal.explore(model=model, atlas="atlas")
    """

    name = "PCA of descriptors"
    max_atoms = 100

    def __init__(
        self,
        structures: Sequence[Structure],
        properties: Mapping[str, Sequence[float] | np.ndarray] | None = None,
        latent_dim: int = 8,
    ) -> None:
        if len(structures) < 3:
            raise DatasetError(f"Principal components need at least 3 crystals, not {len(structures)}.")
        found = describe(structures)
        self._mean = found.mean(axis=0)
        spread = found.std(axis=0)
        self._scale = np.where(spread > 1e-6, spread, 1.0)  # what is the same in all says nothing
        _, sizes, axes = np.linalg.svd((found - self._mean) / self._scale, full_matrices=False)
        self.latent_dim = min(latent_dim, len(structures) - 1, len(axes))
        self.explained = (sizes**2 / (sizes**2).sum())[: self.latent_dim]
        self._axes = axes[: self.latent_dim]
        self._structures = list(structures)
        self._codes = (found - self._mean) / self._scale @ self._axes.T
        self._fits = {name: fit for name, y in (properties or {}).items() if (fit := self._fitted(y)) is not None}

    def encode(self, structures: Sequence[Structure]) -> np.ndarray:
        """Codes (n, latent_dim) of crystals."""
        return (describe(structures) - self._mean) / self._scale @ self._axes.T

    def decode(self, z: np.ndarray) -> list[Structure]:
        """The crystal, of those it was fitted to, that is nearest to each latent vector (n, latent_dim)."""
        distances = np.linalg.norm(np.asarray(z)[:, None] - self._codes[None], axis=2)
        return [self._structures[k].copy() for k in distances.argmin(axis=1)]

    def predict(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """Each property (n,) of latent vectors (n, latent_dim), as far as a straight line knows it."""
        middle = self._codes.mean(axis=0)
        return {name: start + (np.asarray(z) - middle) @ weights for name, (start, weights) in self._fits.items()}

    def _fitted(self, values: Sequence[float] | np.ndarray) -> tuple[float, np.ndarray] | None:
        """Mean and weights (latent_dim,) of a regression of known values; None if these are too few."""
        y = np.asarray(values, dtype=np.float64)
        known = np.isfinite(y)
        if known.sum() < _FEWEST:
            return None
        weights = ridge_weights(self._codes[known], y[known])
        start = y[known].mean() - (self._codes[known].mean(axis=0) - self._codes.mean(axis=0)) @ weights
        return float(start), weights
