"""Whether two potentials agree on which crystals are metastable: the figures of ``xcrystal evaluate potentials``.

Each crystal is relaxed by both, from the same start. Two networks that were trained on the same calculations are no
independent judges; where they differ, at least one of them is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.crystal_sets import crystal_set
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.energetics.potentials import potential_of
from xcrystal.energetics.relaxing import relax
from xcrystal.errors import RelaxationError
from xcrystal.evaluation.energies.sample_stability import METASTABLE
from xcrystal.evaluation.shared.statistics import Quartiles, Share, quartiles
from xcrystal.reporting import Report, aligned, share_text

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel

POTENTIALS = ("chgnet", "sevennet")


@dataclass(frozen=True)
class AgreementReport(Report):
    """The figures of crystals that two potentials have relaxed.

    Attributes
    ----------
    potentials
        Their titles.
    crystals, compared
        How many crystals there are, and how many of them both give an energy above the hull.
    metastable
        How many of these each finds below 0.1 eV/atom.
    agree
        On whether a crystal lies below 0.1 eV/atom.
    same_structure
        Relaxed to structures that StructureMatcher (stol 0.5, ltol 0.3, angle_tol 10) finds alike.
    difference
        Quartiles of the second's energy above the hull less the first's, eV/atom.
    mean_absolute
        Of the same differences.
    """

    potentials: tuple[str, str]
    crystals: int
    compared: int
    metastable: tuple[int, int]
    agree: Share
    same_structure: Share
    difference: Quartiles | None
    mean_absolute: float | None

    def table(self) -> str:
        """The figures as lines of text."""
        first, second = self.potentials
        rows = [
            ("crystals", f"{self.crystals}"),
            ("energy above the hull known of both", f"{self.compared}"),
            (f"metastable by {first}", f"{self.metastable[0]}"),
            (f"metastable by {second}", f"{self.metastable[1]}"),
            ("agree on what is metastable", share_text(self.agree.share, self.agree.interval, name="95 % interval ")),
            (
                "relaxed to the same structure",
                share_text(self.same_structure.share, self.same_structure.interval, name="95 % interval "),
            ),
        ]
        if self.difference is not None and self.mean_absolute is not None:
            low, middle, high = (f"{value:+.3f}" for value in self.difference)
            told = f"median {middle} eV/atom, quartiles {low} and {high}; mean absolute {self.mean_absolute:.3f}"
            rows.append((f"energy above the hull, {second} less {first}", told))
        return aligned(rows)


def evaluate_potentials(
    model: CrystalModel, n: int = 1000, limit: int = 60, seed: int = 0, effort: str = "normal", **options: Any
) -> AgreementReport:
    """Relax a model's samples with CHGNet and with SevenNet, and compare what both say.

    Parameters
    ----------
    model
        Whose samples are relaxed.
    n, seed, effort
        As for ``CrystalModel.sample``.
    limit
        Take only the first so many of the samples.
    options
        As for ``xcrystal.energetics.relaxing.relax``: ``folder``, ``workers``.

    Raises
    ------
    RelaxationError
        If a potential is not installed.
    """
    for potential in POTENTIALS:
        if missing := potential_of(potential).missing:
            raise RelaxationError(missing)
    cells = crystal_set(model.decode(model.sample_latent(n, seed)[:limit], effort)).cells
    structures = [cell.structure() for cell in cells]
    first, second = (relax(structures, potential=potential, **options) for potential in POTENTIALS)
    above = np.array([[result.e_above_hull for result in results] for results in (first, second)])
    known = np.isfinite(above).all(axis=0)
    low = above[:, known] < METASTABLE
    differences = (above[1] - above[0])[known]
    alike = [
        one.structure is not None
        and other.structure is not None
        and match_rms(one.structure, other.structure) is not None
        for one, other in zip(first, second, strict=True)
    ]
    titles = tuple(potential_of(potential).title for potential in POTENTIALS)
    return AgreementReport(
        potentials=(titles[0], titles[1]),
        crystals=len(structures),
        compared=int(known.sum()),
        metastable=(int(low[0].sum()), int(low[1].sum())),
        agree=Share.of(int((low[0] == low[1]).sum()), int(known.sum())),
        same_structure=Share.of(int(np.array(alike)[known].sum()), int(known.sum())),
        difference=quartiles(differences),
        mean_absolute=float(np.abs(differences).mean()) if len(differences) else None,
    )
