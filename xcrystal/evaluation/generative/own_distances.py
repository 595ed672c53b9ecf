"""Whether a wrong reconstruction can be told from a right one without the original.

A crystal that is decoded from z has a latent vector of its own: the one that it gets when it is encoded again. Of a
right reconstruction the two are nearly the same. Their distance, in units of the root of the dimension, is known
wherever a crystal is decoded, so it is asked here how well it tells wrong reconstructions from right ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.evaluation.shared.encoding import Sources, encodable_of
from xcrystal.evaluation.shared.ranking import auroc
from xcrystal.evaluation.shared.statistics import Quartiles, quartiles

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.evaluation.shared.parallel import Workers
    from xcrystal.generator import CrystalModel

ALARMS = 0.1  # share of the right reconstructions that a threshold may take for wrong ones


@dataclass(frozen=True)
class OwnDistances:
    """Distances between latent vectors and those of the crystals decoded from them, by root of the dimension.

    Attributes
    ----------
    right, wrong
        25th, 50th and 75th percentile over the right and the wrong reconstructions; None of none.
    auroc
        Probability that a wrong one lies farther off than a right one; None where there are none of a kind.
    threshold, caught
        The distance that all but a tenth of the right ones lie within, and the share of the wrong ones beyond it.
    unreadable
        How many decoded crystals cannot be encoded again: these lie farther off than any.
    """

    right: Quartiles | None
    wrong: Quartiles | None
    auroc: float | None
    threshold: float | None
    caught: float | None
    unreadable: int

    @classmethod
    def of(cls, distances: np.ndarray, right: np.ndarray) -> OwnDistances:
        """From distances (n,), infinite where a crystal cannot be encoded, and whether each (n,) is right."""
        threshold = float(np.quantile(distances[right], 1 - ALARMS, method="higher")) if right.any() else None
        both = right.any() and not right.all()
        return cls(
            quartiles(distances[right]),
            quartiles(distances[~right]),
            auroc(np.nan_to_num(distances, posinf=np.finfo(float).max), ~right) if both else None,
            threshold,
            float((distances[~right] > threshold).mean()) if both else None,
            int(np.isinf(distances).sum()),
        )

    def rows(self) -> list[tuple[str, str]]:
        """Lines of a report."""
        kinds = (("right", self.right), ("wrong", self.wrong))
        rows = [
            (f"own vector of {name} ones", f"median {q[1]:.3f} off (quartiles {q[0]:.3f} to {q[2]:.3f})")
            for name, q in kinds
            if q is not None
        ]
        if self.auroc is not None:
            rows.append(("  AUROC of wrong ones", f"{self.auroc:.3f}"))
            rows.append(
                (
                    f"  farther than {self.threshold:.3f}",
                    f"{self.caught:.1%} of the wrong ones, {ALARMS:.0%} of the right",
                )
            )
        if self.unreadable:
            rows.append(("  cannot be encoded again", f"{self.unreadable}"))
        return rows


def own_distances(model: CrystalModel, z: np.ndarray, decoded: Sequence[Structure], workers: Workers) -> np.ndarray:
    """(n,) distances of latent vectors (n, Z) from those of the crystals decoded from them, by root of the dimension.

    Infinite where a crystal cannot be encoded.
    """
    found = encodable_of(Sources([str(k) for k in range(len(decoded))], list(decoded)), workers, model.limits)
    distances = np.full(len(z), np.inf)
    distances[found.places] = np.linalg.norm(found.codes(model) - z[found.places], axis=1) / z.shape[1] ** 0.5
    return distances
