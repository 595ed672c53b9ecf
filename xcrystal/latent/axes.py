"""Axes through latent space that a slider moves along: what they mean, where a latent vector lies on them, how to go
along them.

Property and concept axes come in two parts that differ, in a space whose dimensions vary by very different amounts.
A discriminant or a regression tells groups or values apart best, but its weights are large where latent vectors hardly
vary, and moving along it leaves the decoded crystal as it is. The difference of the groups' means, or the covariance
with the value, is where latent vectors do differ (Haufe et al., NeuroImage 87, 96, 2014). So the axis is the latter,
and how well a concept is separable, or a value is known from a latent vector, is said of the former.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.errors import DatasetError, TargetError

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas
    from xcrystal.wrapping import Explorable

FAMILIES = ("principal", "latent", "property", "concept")
_TOWARDS = {
    "formation_energy_per_atom": ("lower formation energy", -1.0),
    "band_gap": ("larger band gap", 1.0),
    "e_above_hull": ("lower energy above hull", -1.0),
}
LATENTS = 16  # single dimensions that are offered first
SMALLEST = 5  # crystals of a group that a concept can be made of
_FOLDS = 5
_FEWEST = 20  # crystals that a regression can be made of
_SHRINKAGE = 0.1  # of a discriminant; over groups of 5 to thousands, better than none and than the means alone
_PENALTY = 1.0  # of the ridge regression: as if each dimension had been seen once more


@dataclass(frozen=True, eq=False)
class Axis:
    """A direction in latent space with a unit of length.

    Attributes
    ----------
    name
        Unique among the axes of an explorer: "principal 1", "latent 17", "lower formation energy", or a concept's.
    family
        One of ``FAMILIES``.
    vector
        (Z,) unit length.
    mean
        (Z,) the codes' mean, where the coordinate is 0.
    scale
        Standard deviation of the atlas latent vectors along it, its unit of length.
    note
        How it was found and how good it is, in words.
    target
        The property that it is made to change, if any.
    """

    name: str
    family: str
    vector: np.ndarray
    mean: np.ndarray
    scale: float
    note: str = ""
    target: str | None = None

    def coordinates(self, z: np.ndarray) -> np.ndarray:
        """(n,) coordinates of latent vectors (n, Z) or (Z,), in standard deviations."""
        return np.asarray((np.atleast_2d(z) - self.mean) @ self.vector / self.scale)

    def move(self, z: np.ndarray, value: float) -> np.ndarray:
        """(Z,) float32 copy of a latent vector with its coordinate set to ``value``, all at right angles to it kept."""
        point = np.asarray(z, dtype=np.float64).reshape(-1)
        change = value - float(self.coordinates(point)[0])
        return np.asarray(point + change * self.scale * self.vector, dtype=np.float32)


class Axes:
    """The axes that an atlas has by itself, each computed when it is first asked for.

    Parameters
    ----------
    atlas
        Known crystals with their latent vectors.
    model
        Names the properties; its predictions stand in where the atlas knows too few of their values.
    """

    def __init__(self, atlas: Atlas, model: Explorable) -> None:
        self.atlas, self.model = atlas, model

    @cached_property
    def principal(self) -> tuple[Axis, ...]:
        """Principal directions, the one with most of the variance first."""
        found = self.atlas.directions
        return tuple(
            Axis(
                f"principal {k + 1}",
                "principal",
                vector,
                found.mean,
                float(scale),
                f"{100 * share:.1f} % of the variance",
            )
            for k, (vector, scale, share) in enumerate(zip(found.components, found.scale, found.explained, strict=True))
        )

    @cached_property
    def latent(self) -> tuple[Axis, ...]:
        """Single dimensions, all of them, the one that varies most over the atlas first."""
        mean, scale = self._mean, np.sqrt(np.diag(self._covariance))
        return tuple(
            Axis(
                f"latent {k}",
                "latent",
                np.eye(len(mean))[k],
                mean,
                float(scale[k]) or 1.0,
                f"z[{k}]: standard deviation {scale[k]:.2f} over the atlas",
            )
            for k in np.argsort(-scale, kind="stable")
        )

    def latent_axis(self, number: int) -> Axis:
        """The axis of one dimension.

        Raises
        ------
        TargetError
            If there is no such dimension.
        """
        found = next((axis for axis in self.latent if axis.name == f"latent {number}"), None)
        if found is None:
            raise TargetError(f"There is no latent dimension {number}; they go from 0 to {len(self._mean) - 1}.")
        return found

    @cached_property
    def property(self) -> tuple[Axis, ...]:
        """One axis for each property of the model or the atlas, in the direction that one usually wants."""
        names = dict.fromkeys((*self.model.properties, *self.atlas.properties))
        return tuple(axis for name in names if (axis := self._property_axis(name)) is not None)

    def concept(self, name: str, positive: np.ndarray, negative: np.ndarray, seed: int = 0) -> Axis:
        """The axis from one group of crystals to another.

        Parameters
        ----------
        name
            What it is called.
        positive, negative
            Rows (k,) of the atlas: towards these, and away from those, none of which is in both. All others if there
            are no negative ones.
        seed
            Of the folds of cross-validation.

        Raises
        ------
        DatasetError
            If a group has fewer than 5 crystals, or the two have the same mean.
        """
        positive = np.unique(np.asarray(positive, dtype=int))
        rest = np.arange(len(self.atlas)) if len(negative) == 0 else np.unique(np.asarray(negative, dtype=int))
        negative = np.setdiff1d(rest, positive)
        if min(len(positive), len(negative)) < SMALLEST:
            raise DatasetError(
                f"A direction needs at least {SMALLEST} crystals in each group; "
                f"there are {len(positive)} and {len(negative)} that are in one of them only."
            )
        one, other = (self.atlas.z[rows].astype(np.float64) for rows in (positive, negative))
        between = one.mean(axis=0) - other.mean(axis=0)
        if not np.linalg.norm(between) > 1e-9:
            raise DatasetError(
                "The two groups have the same mean in latent space, so that nothing leads from one to the other."
            )
        separable, along = separability(one, other, seed)
        note = (
            f"{len(positive):,} against {len(negative):,} crystals: cross-validated AUC {separable:.2f}, "
            f"{along:.2f} along this direction alone"
        )
        return self._axis(name, "concept", between, note)

    def _property_axis(self, name: str) -> Axis | None:
        words, sign = towards(name)
        table = self.atlas.table
        values = table[name].to_numpy(dtype=np.float64) if name in table else np.full(len(table), np.nan)
        known, source = np.isfinite(values), ""
        if known.sum() < _FEWEST and name in self.model.properties:
            values, source = self.model.predict(self.atlas.z)[name], "predictions for "
            known = np.isfinite(values)
        z, y = self.atlas.z[known].astype(np.float64), values[known]
        if known.sum() < _FEWEST or np.ptp(y) == 0:
            return None
        covariance = (z - z.mean(axis=0)).T @ (y - y.mean())
        note = f"regression on {source}{len(z):,} crystals: R² {explained_variance(z, y):.2f}"
        return self._axis(words, "property", sign * covariance, note, target=name)

    def _axis(self, name: str, family: str, direction: np.ndarray, note: str, target: str | None = None) -> Axis:
        vector = direction / np.linalg.norm(direction)
        scale = float(np.sqrt(vector @ self._covariance @ vector)) or 1.0
        return Axis(name, family, vector, self._mean, scale, note, target)

    @cached_property
    def _mean(self) -> np.ndarray:
        return self.atlas.z.mean(axis=0, dtype=np.float64)

    @cached_property
    def _covariance(self) -> np.ndarray:
        z = self.atlas.z.astype(np.float64)
        return np.atleast_2d(np.cov(z if len(z) > 1 else np.repeat(z, 2, axis=0), rowvar=False))


def towards(name: str) -> tuple[str, float]:
    """What one usually wants of a property, in words, and the sign of that change."""
    return _TOWARDS.get(name, (f"higher {name.replace('_', ' ')}", 1.0))


def coordinates(axes: Sequence[Axis], z: np.ndarray) -> np.ndarray:
    """(k,) coordinates of one latent vector (Z,) along each of k axes, in standard deviations."""
    return np.array([float(axis.coordinates(z)[0]) for axis in axes])


def explained_variance(z: np.ndarray, y: np.ndarray, seed: int = 0) -> float:
    """Cross-validated R² of a ridge regression of values (n,) on latent vectors (n, Z), over 5 folds drawn with
    ``seed``.
    """
    fold = _folds(len(y), np.random.default_rng(seed))
    errors = np.empty(len(y))
    for k in range(_FOLDS):
        fitted, held = fold != k, fold == k
        mean, middle = z[fitted].mean(axis=0), y[fitted].mean()
        weights = ridge_weights(z[fitted], y[fitted])
        errors[held] = y[held] - middle - (z[held] - mean) @ weights
    return float(1 - np.square(errors).sum() / np.square(y - y.mean()).sum())


def ridge_weights(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(Z,) weights of a ridge regression of values (n,) on latent vectors (n, Z)."""
    inner = z - z.mean(axis=0)
    return np.linalg.solve(inner.T @ inner + _PENALTY * np.eye(z.shape[1]), inner.T @ (y - y.mean()))


def separability(one: np.ndarray, other: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """How well two groups of latent vectors (n, Z) and (m, Z) are told apart.

    Returns
    -------
    tuple of float
        Area under the ROC curve, the mean over 5 folds drawn with ``seed``, of their linear
        discriminant; and of the coordinate along the difference of the means. 1 is perfect, 0.5 no better than chance.
    """
    rng = np.random.default_rng(seed)
    folds = _folds(len(one), rng), _folds(len(other), rng)
    areas = []
    for k in range(_FOLDS):
        (fitted, held), (against, held_against) = (
            (g[f != k], g[f == k]) for g, f in zip((one, other), folds, strict=True)
        )
        directions = discriminant(fitted, against), fitted.mean(axis=0) - against.mean(axis=0)
        areas.append([area_under_roc(held @ v, held_against @ v) for v in directions])
    separable, along = np.mean(areas, axis=0)
    return float(separable), float(along)


def discriminant(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(Z,) direction in which two groups of latent vectors (n, Z) and (m, Z) differ most, for their spread within the
    groups.

    Both groups count the same, and the spread is shrunk towards the same in all dimensions by as much as the means of
    so few crystals are uncertain; the more crystals, the less.
    """
    size = one.shape[1]
    within = (np.cov(one, rowvar=False) + np.cov(other, rowvar=False)) / 2
    ridge = (_SHRINKAGE * size / min(len(one), len(other)) + 1e-6) * np.trace(within) / size
    return np.linalg.solve(within + (ridge or 1.0) * np.eye(size), one.mean(axis=0) - other.mean(axis=0))


def area_under_roc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Probability that a positive score (n,) is above a negative one (m,); ties count half."""
    from sklearn.metrics import roc_auc_score

    truth = np.repeat([True, False], [len(positive), len(negative)])
    return float(roc_auc_score(truth, np.concatenate([positive, negative])))


def _folds(n: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) which of the folds each is in, at random, all of the same size up to one."""
    return rng.permutation(n) % _FOLDS
