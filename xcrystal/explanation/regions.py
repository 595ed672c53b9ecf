"""What each element does to a target over a region of the map: mean attributions of many crystals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.elements import symbol
from xcrystal.errors import TargetError, XCrystalError
from xcrystal.explanation.batches import score_crystals
from xcrystal.explanation.methods import check
from xcrystal.explanation.targets import Target, target_of

if TYPE_CHECKING:
    import pandas as pd

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

_CHUNK = 16


@dataclass(frozen=True)
class ElementScore:
    """One element over a region.

    Attributes
    ----------
    element
        Its symbol.
    mean, error
        Of the score of one atom, over the crystals that hold the element, in the target's unit; and the standard error
        of the mean, NaN for a single crystal.
    crystals, atoms
        How many crystals hold it, and how many atoms of it their primitive cells have.
    """

    element: str
    mean: float
    error: float
    crystals: int
    atoms: int


@dataclass(frozen=True)
class RegionAttribution:
    """Mean attributions by element over some crystals of the atlas.

    Attributes
    ----------
    target, unit, method, baseline
        What was explained, and how.
    elements
        By atomic number.
    crystals, of
        How many crystals were explained, and of how many that were asked for.
    seed
        Of the sample, and of the method.
    """

    target: str
    unit: str
    method: str
    baseline: str
    elements: tuple[ElementScore, ...]
    crystals: int
    of: int
    seed: int

    def table(self) -> pd.DataFrame:
        """One row an element."""
        import pandas as pd

        return pd.DataFrame([asdict(element) for element in self.elements])

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def region_attribution(
    model: CrystalModel,
    atlas: Atlas,
    rows: Sequence[int] | np.ndarray,
    target: str | Target = "formation_energy_per_atom",
    method: str = "shapley",
    baseline: str | None = None,
    most: int = 200,
    seed: int = 0,
    progress: Callable[[int], bool] | None = None,
) -> RegionAttribution:
    """Explain a target for crystals of the atlas, and average by element.

    The atlas holds latent vectors, so what is explained are the crystals that the model decodes from them.

    Parameters
    ----------
    model, atlas
        The model to explain, and the crystals.
    rows
        (k,) of the atlas; if there are more than ``most``, so many of them drawn with ``seed``.
    target, method, baseline
        See ``xcrystal.explanation.batches.score_crystals``.
    most, seed
        See ``rows``.
    progress
        Called with how many crystals were done since; where it says False, no more are.

    Raises
    ------
    TargetError
        For a target, method or baseline that does not exist, or if no crystal can be explained.
    """
    asked = np.unique(np.asarray(rows, dtype=int).reshape(-1))
    if not len(asked) or not 0 <= asked[0] <= asked[-1] < len(atlas):
        raise TargetError(f"A region is one or more rows of the atlas, 0 to {len(atlas) - 1}.")
    some = np.random.default_rng(seed).permutation(asked)[:most]
    of = target_of(model, target, None, atlas)
    by = of if target == "density" else target  # a server takes names
    taken = check(method, "orbits", baseline)
    found: dict[int, list[tuple[float, int]]] = {}
    done = 0
    for start in range(0, len(some), _CHUNK):
        part = some[start : start + _CHUNK]
        crystals = _decoded(model, atlas.z[part])
        if crystals:
            scores = score_crystals(model, crystals, by, method, "orbits", baseline, seed, atlas)
            for crystal, values in zip(crystals, scores.values, strict=True):
                for element in np.unique(crystal.elements):
                    own = crystal.elements == element
                    if not np.isfinite(values[own]).all():  # a lone orbit that was to be taken out
                        continue
                    atoms = int(crystal.multiplicities[own].sum())
                    # one atom's score is the same whatever orbit it is on only by chance: the mean over the atoms
                    found.setdefault(int(element), []).append((float(values[own].sum()) / atoms, atoms))
        done += len(crystals)
        if progress is not None and not progress(len(part)):
            break
    if not done:
        raise TargetError("None of these crystals can be explained.")
    elements = tuple(_mean(z, found[z]) for z in sorted(found))
    return RegionAttribution(of.name, of.unit, method, taken, elements, done, len(asked), seed)


def _mean(number: int, scores: list[tuple[float, int]]) -> ElementScore:
    values = np.array([score for score, _ in scores])
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
    return ElementScore(symbol(number), float(values.mean()), error, len(values), sum(atoms for _, atoms in scores))


def _decoded(model: CrystalModel, z: np.ndarray) -> list[WyckoffCrystal]:
    """Decoded crystals in canonical form, without those that have none."""
    from xcrystal.crystal.reading import encodable

    found = []
    for decoded in model.decode_arrays(z):
        try:
            found.append(encodable(decoded.crystal.to_structure(), *model.limits).crystal)
        except XCrystalError:
            continue
    return found
