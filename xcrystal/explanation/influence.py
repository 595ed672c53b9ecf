"""Which known crystals a prediction is near to in latent space, and what the model says of these.

They are neighbours of the latent vector, not the crystals that changed the weights most: what they tell is whether the
model has seen anything like it, and whether crystals so near agree with each other and with the prediction.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.errors import TargetError
from xcrystal.explanation.targets import Target, target_of

if TYPE_CHECKING:
    import pandas as pd

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

MOST = 200
_SAMPLE = 500  # latent vectors that tell how much a target varies
_SAME = 0.02  # latent vectors of an atlas are kept with 16 bits
_Z90 = 1.645  # of a normal distribution: half the length of its central 90 %, in standard deviations


@dataclass(frozen=True)
class Near:
    """A known crystal near the one that is explained.

    Attributes
    ----------
    row, material_id, formula
        In the atlas.
    distance, weight
        In latent space; and its share in the mean, from a Gaussian of half the distance of the farthest.
    known, predicted, error
        The target as it is known (NaN if it is not), as the model has it at the crystal's latent vector, and their
        difference.
    """

    row: int
    material_id: str
    formula: str
    distance: float
    weight: float
    known: float
    predicted: float
    error: float


@dataclass(frozen=True)
class Influence:
    """The known crystals that a prediction is near to.

    Attributes
    ----------
    target, unit
        What is predicted, and its unit.
    value, error
        The prediction, and half the length of its 90 % interval, NaN if the model knows none.
    near
        The crystals, nearest first.
    mean, spread
        Weighted mean and standard deviation of what is known of them, or of what is predicted where nothing is.
    typical
        Standard deviation of the same over the whole atlas.
    measured
        Whether ``mean`` and ``spread`` are of known values.
    """

    target: str
    unit: str
    value: float
    error: float
    near: tuple[Near, ...]
    mean: float
    spread: float
    typical: float
    measured: bool

    @property
    def disagree(self) -> bool:
        """Whether neighbours differ by more than the prediction is uncertain, or half as much as all crystals."""
        return self.spread > (self.error / _Z90 if np.isfinite(self.error) else self.typical / 2)

    def table(self) -> pd.DataFrame:
        """One row a crystal, nearest first."""
        import pandas as pd

        return pd.DataFrame([asdict(one) for one in self.near])

    def words(self) -> str:
        """What it comes to, in some sentences."""
        unit = f" {self.unit}" if self.unit else ""
        what = "" if self.measured else "predictions for "
        said = [f"Predicted {self.value:.3f}{unit}; {what}the {len(self.near)} nearest known crystals: "]
        said[0] += f"{self.mean:.3f} ± {self.spread:.3f}{unit}."
        if self.near[0].distance < _SAME:
            said.append("The nearest is this very crystal: the model has learned from it.")
        if self.disagree:
            said.append("The neighbours disagree with each other, so being near to them says little about the value.")
        if abs(self.value - self.mean) > 2 * max(self.spread, self.error / _Z90 if np.isfinite(self.error) else 0.0):
            said.append("The prediction is not what its neighbours suggest.")
        return " ".join(said)


def influence(
    model: CrystalModel,
    structure: Any,
    target: str | Target = "formation_energy_per_atom",
    atlas: Atlas | None = None,
    k: int = 8,
) -> Influence:
    """The known crystals that a prediction is near to.

    Parameters
    ----------
    model
        The model to explain.
    structure
        A Structure, the path of a crystal file, or a latent vector (latent_dim,).
    target
        See ``xcrystal.explanation.targets.target_of``.
    atlas
        The known crystals; by default those of the model's name.
    k
        How many, up to 200.

    Raises
    ------
    TargetError
        If there is no such target, or ``k`` or the atlas does not fit.
    ReadError, InvalidCrystalError, UnsupportedCrystalError
        If the structure cannot be encoded.
    DatasetError
        If there is no atlas.
    """
    import torch

    from xcrystal.latent.atlas import open_atlas

    if atlas is None:
        atlas = open_atlas(model.name)
    if atlas.z.shape[1] != model.latent_dim:
        raise TargetError(f"The atlas has latent vectors of {atlas.z.shape[1]} numbers, the model {model.latent_dim}.")
    if not 1 <= k <= min(MOST, len(atlas)):
        raise TargetError(f"There are 1 to {min(MOST, len(atlas))} neighbours to ask for, not {k}.")
    z = structure if isinstance(structure, np.ndarray) else model.encode(structure)[0]
    of = target_of(model, target, None, atlas)
    rows, distances = (found[0] for found in atlas.neighbours(z, k))
    codes = np.concatenate([np.reshape(z, (1, -1)), atlas.z[rows]]).astype(np.float32)
    with torch.no_grad():
        value, *predicted = of.of(torch.from_numpy(codes).to(model.device)).double().cpu().tolist()
    every = (
        atlas.table[of.name].to_numpy(dtype=float) if of.name in model.properties and of.name in atlas.table else None
    )
    known = np.full(k, np.nan) if every is None else every[rows]
    width = max(float(distances[-1]) / 2, 1e-6)
    weights = np.exp(-0.5 * (distances / width) ** 2)
    measured = bool(np.isfinite(known).any())
    values = known if measured else np.array(predicted)
    share = np.where(np.isfinite(values), weights, 0.0)
    share = share / share.sum()
    mean = float(np.nansum(share * values))
    spread = float(np.sqrt(np.nansum(share * (values - mean) ** 2)))
    typical = float(np.nanstd(every)) if measured and every is not None else _spread_of(of, model, atlas)
    bounds = model.known_intervals(codes[:1]).get(of.name)
    ids, formulas = atlas.table["material_id"], atlas.table["formula"]
    near = tuple(
        Near(int(r), str(ids.iat[r]), str(formulas.iat[r]), float(d), float(w), float(a), float(p), float(p - a))
        for r, d, w, a, p in zip(rows, distances, weights / weights.sum(), known, predicted, strict=True)
    )
    error = float("nan") if bounds is None else float(np.ptp(bounds[0]) / 2)
    return Influence(of.name, of.unit, value, error, near, mean, spread, typical, measured)


def _spread_of(target: Target, model: CrystalModel, atlas: Atlas) -> float:
    """Standard deviation of a target over a seeded sample of an atlas."""
    import torch

    rows = np.random.default_rng(0).permutation(len(atlas))[:_SAMPLE]
    with torch.no_grad():
        return float(target.of(torch.from_numpy(atlas.z[rows]).to(model.device)).double().std(correction=0))
