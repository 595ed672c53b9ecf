"""Checks of attributions that any model can be put to, whatever it was trained on.

Equal atoms should have equal scores, in every writing of a crystal; and a score should foretell what happens when the
atoms are exchanged for others of the same charge: what an orbit contributes is lost, on average, with its elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.benchmarks.task_scores import Attributor, Predictor, mean_by_orbit, scores_of
from xcrystal.benchmarks.toy_crystals import VERSION, Example, examples
from xcrystal.errors import TargetError, XCrystalError
from xcrystal.evaluation.shared.ranking import pearson, tau_b
from xcrystal.evaluation.shared.statistics import Interval, Share, bootstrap_interval, interval_text
from xcrystal.explanation.substitutions import same_charge_elements
from xcrystal.reporting import Report, columns

if TYPE_CHECKING:
    from pymatgen.core import Structure

TOLERANCE = 1e-3  # of the crystal's largest score
_OTHERS = 4  # crystals in which an orbit is exchanged
_FEWEST = 2  # orbits, to have an order


@dataclass(frozen=True)
class AttributionChecks(Report):
    """What a model's attributions fulfil.

    Attributes
    ----------
    version, crystals
        Of the benchmark, and how many crystals were asked.
    left_out
        How many of them the model could not answer for.
    equal_atoms, equal_in_supercells
        Share of the crystals in which the scores of each orbit's atoms differ by less than a thousandth of the largest
        score, in the primitive cell, and from those in a cell that is twice as long, each up to one factor.
    sum_error
        Median of |sum of scores - prediction| by |prediction|: 0 for scores that share out the prediction itself.
    substitution, random, oracle
        Mean tau-b, over crystals of two orbits and more, of an orbit's score and how much the prediction falls, per
        atom, when the orbit is exchanged for others of its charge; of the model's scores, of random ones, and of that
        fall itself. With 95 % bootstrap intervals.
    correlation
        Pearson's r of the same, over all orbits of all crystals.
    """

    version: str
    crystals: int
    left_out: int
    equal_atoms: float
    equal_in_supercells: float
    sum_error: float
    substitution: Interval
    random: Interval
    oracle: Interval
    correlation: float

    def table(self) -> str:
        """The figures as lines of text."""
        head = f"benchmark version {self.version}, {self.crystals} crystals, {self.left_out} left out"
        return f"{head}\n{columns(self._rows())}"

    def to_markdown(self) -> str:
        """The figures as a Markdown table."""
        rows = "\n".join(f"| {name} | {value} |" for name, value in self._rows())
        head = f"| version {self.version}, {self.crystals} crystals, {self.left_out} left out | |"
        return f"{head}\n|---|---|\n{rows}\n"

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("equal atoms have equal scores", f"{self.equal_atoms:.1%}"),
            ("and in supercells", f"{self.equal_in_supercells:.1%}"),
            ("sum of scores misses the prediction by", f"{self.sum_error:.2%}"),
            ("tau-b with substitutions: model", interval_text(self.substitution)),
            ("tau-b with substitutions: random", interval_text(self.random)),
            ("tau-b with substitutions: oracle", interval_text(self.oracle)),
            ("Pearson's r with substitutions", f"{self.correlation:.3f}"),
        ]


def check_attributions(
    predict: Predictor, attribute: Attributor, limit: int | None = 100, seed: int = 0
) -> AttributionChecks:
    """Put a model's attributions to what can be asked of any.

    Parameters
    ----------
    predict
        A Structure to a number; one that is the same in every cell, such as an energy per atom. A crystal is left out
        if it raises an XCrystalError.
    attribute
        A Structure of n atoms to the scores (n,) of its atoms.
    limit
        Take so many of the test crystals, drawn at random; None for all.
    seed
        Of everything random.

    Returns
    -------
    AttributionChecks
        The report: ``.table()``, ``.to_dict()`` and ``.to_markdown()``.

    Raises
    ------
    TargetError
        If the scores are not one finite number an atom.
    """
    every = examples("test")
    some = [every[int(k)] for k in np.random.default_rng(seed).permutation(len(every))[:limit]]
    equal, tiled, sums = [], [], []
    orders: dict[str, list[float]] = {"substitution": [], "random": [], "oracle": []}
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    rng, left_out = np.random.default_rng(seed), 0
    for example in some:
        structure = example.structure
        try:
            scores, value = scores_of(structure, attribute), float(predict(structure))
            same, falls = _equal_in_supercell(scores, structure, attribute), _falls(example, predict, value, seed)
        except TargetError:
            raise
        except XCrystalError:
            left_out += 1
            continue
        sums.append(abs(scores.sum() - value) / max(abs(value), 1e-12))
        equal.append(_equal(scores, structure))
        tiled.append(same)
        own = mean_by_orbit(scores, structure)
        pairs.append((own, falls))
        if len(own) >= _FEWEST:
            for name, one in (("substitution", own), ("random", rng.standard_normal(len(own))), ("oracle", falls)):
                orders[name].append(tau_b(one, falls))
    if not sums:
        raise TargetError(f"The model could answer for none of the {len(some)} crystals.")
    intervals = {name: bootstrap_interval(np.array(values), seed=seed) for name, values in orders.items()}
    return AttributionChecks(
        version=VERSION,
        crystals=len(some),
        left_out=left_out,
        equal_atoms=_share(equal),
        equal_in_supercells=_share(tiled),
        sum_error=float(np.median(sums)),
        correlation=pearson(*(np.concatenate(side) for side in zip(*pairs, strict=True))),
        **intervals,
    )


def _share(kept: Sequence[bool]) -> float:
    return Share.of(sum(kept), len(kept)).share


def _equal(scores: np.ndarray, structure: Structure) -> bool:
    means = mean_by_orbit(scores, structure)[np.array(structure.site_properties["orbit"])]
    return bool(np.abs(scores - means).max() <= TOLERANCE * max(np.abs(scores).max(), 1e-12))


def _equal_in_supercell(scores: np.ndarray, structure: Structure, attribute: Attributor) -> bool:
    """Whether each atom's share of a supercell is that of its twin: the same number, or the same share of the sum."""
    tiled = structure.copy()
    tiled.add_site_property("twin", list(range(len(structure))))
    tiled = tiled * (2, 1, 1)
    found, expected = scores_of(tiled, attribute), scores[tiled.site_properties["twin"]]
    size = max(np.abs(expected).max(), 1e-12)
    return any(bool(np.abs(k * found - expected).max() <= TOLERANCE * size) for k in (1, 2))


def _falls(example: Example, predict: Predictor, value: float, seed: int) -> np.ndarray:
    """(n,) by how much the prediction falls, by one atom of each orbit, when the orbit is made of other elements."""
    from dataclasses import replace

    own = example.crystal
    drawn = same_charge_elements(own.elements, own.multiplicities, {}, _OTHERS, seed)
    falls = np.empty(len(own.elements))
    for k, atoms in enumerate(own.multiplicities):
        others = np.where(np.arange(len(own.elements)) == k, drawn, own.elements)
        after = [float(predict(replace(own, elements=one).to_structure())) for one in others]
        falls[k] = (value - float(np.mean(after))) / atoms
    return falls
