"""Whether an atom gets the same score however its crystal is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.errors import XCrystalError
from xcrystal.evaluation.generative.invariance import TOLERANCE
from xcrystal.explanation.attribution import attribute
from xcrystal.reporting import Report, aligned

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel

_ORIGIN = "origin"


@dataclass(frozen=True)
class AttributionInvariance(Report):
    """Scores per atom of five writings of each crystal against those of the crystal as given.

    Attributes
    ----------
    method, target, crystals
        What was computed, and for how many crystals.
    tolerance
        Difference, relative to the crystal's largest score, up to which two scores are the same.
    share
        Share of all writings whose every atom is within the tolerance; ``share_by_writing`` tells them apart.
    worst
        The largest difference, None where a writing could not be explained at all.
    """

    method: str
    target: str
    crystals: int
    tolerance: float
    share: float
    share_by_writing: dict[str, float]
    worst: float | None

    def table(self) -> str:
        """The figures as lines of text."""
        rows = [
            (f"writings of {self.crystals} crystals within {self.tolerance:g}", f"{self.share:.2%}"),
            *((f"  {name}", f"{share:.2%}") for name, share in self.share_by_writing.items()),
            ("worst", "not explained" if self.worst is None else f"{self.worst:.2g}"),
        ]
        return aligned(rows)


def evaluate_attribution_invariance(
    model: CrystalModel,
    structures: Sequence[Structure],
    target: str = "formation_energy_per_atom",
    method: str = "shapley",
    seed: int = 0,
) -> AttributionInvariance:
    """Explain each structure and five other writings of it, and compare atom by atom, in a supercell its share."""
    from tqdm.auto import tqdm

    rng = np.random.default_rng(seed)
    found: dict[str, list[float]] = {}
    for structure in tqdm(structures, desc="rewriting", leave=False, disable=None):
        marked = structure.copy()
        marked.add_site_property(_ORIGIN, list(range(len(marked))))
        own = attribute(model, marked, target, method, seed=seed).scores
        for name, other in rewritten(marked, rng).items():
            found.setdefault(name, []).append(_difference(model, other, own, target, method, seed))
    every = [value for values in found.values() for value in values]
    worst = max(every, default=math.inf)
    return AttributionInvariance(
        method=method,
        target=target,
        crystals=len(structures),
        tolerance=TOLERANCE,
        share=float(np.mean(np.array(every) <= TOLERANCE)),
        share_by_writing={name: float(np.mean(np.array(values) <= TOLERANCE)) for name, values in found.items()},
        worst=worst if math.isfinite(worst) else None,
    )


def rewritten(structure: Structure, rng: np.random.Generator) -> dict[str, Structure]:
    """The same crystal as a supercell, along other axes, with its atoms permuted, its origin moved, and turned."""
    from pymatgen.core import Lattice, Structure

    shifted = structure.copy()
    shifted.translate_sites(list(range(len(shifted))), rng.random(3))
    turn, upper = np.linalg.qr(rng.normal(size=(3, 3)))
    turn = turn * np.sign(np.diag(upper))
    turn[:, 0] *= np.linalg.det(turn)
    turned = Structure(
        Lattice(structure.lattice.matrix @ turn),
        [site.specie for site in structure],
        structure.frac_coords,
        site_properties={_ORIGIN: structure.site_properties[_ORIGIN]},
    )
    sheared = structure.copy()
    sheared.make_supercell(((1, 0, 0), (1, 1, 0), (0, -1, 1)))
    return {
        "supercell 2x1x1": structure * (2, 1, 1),
        "sheared cell": sheared,
        "permuted": Structure.from_sites([structure[int(i)] for i in rng.permutation(len(structure))]),
        "translated": shifted,
        "rotated": turned,
    }


def _difference(model: CrystalModel, other: Structure, own: np.ndarray, target: str, method: str, seed: int) -> float:
    try:
        scores = attribute(model, other, target, method, seed=seed).scores
    except XCrystalError:
        return math.inf
    expected = own[np.array(other.site_properties[_ORIGIN], dtype=int)] * len(own) / len(scores)
    return float(np.abs(scores - expected).max() / max(np.abs(expected).max(), 1e-12))
