"""What signals of synthesizability tell apart: known crystals that the model has not seen, and draws from its prior.

Draws are no proof of what cannot be made; some may well be. An area of 0.5 is that of chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.assessment.synthesis_signals import SynthesisSignals, signals_of
from xcrystal.crystal.reading import check_structure, encodable
from xcrystal.errors import DatasetError, XCrystalError
from xcrystal.evaluation.shared.encoding import prepare, sources_of
from xcrystal.evaluation.shared.ranking import auroc
from xcrystal.reporting import Report, columns

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

_DRAWS = 1000


@dataclass(frozen=True)
class SignalScore:
    """How one signal does.

    Attributes
    ----------
    name
        Of the signal.
    known, sampled
        Median of known crystals and of samples; of rules the share that passes.
    area, interval
        Area under the ROC curve, by which known crystals are more favourable, and its 95 % bootstrap interval.
    """

    name: str
    known: float
    sampled: float
    area: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class SignalReport(Report):
    """All signals, for so many known crystals and samples; ``left_out`` samples could not be encoded."""

    known: int
    sampled: int
    left_out: int
    scores: list[SignalScore]

    def table(self) -> str:
        """Lines for reading."""
        head = ["signal", f"{self.known} known", f"{self.sampled} samples", "AUROC (95 %)"]
        rows = [
            [s.name, f"{s.known:.3f}", f"{s.sampled:.3f}", f"{s.area:.2f} ({s.interval[0]:.2f} to {s.interval[1]:.2f})"]
            for s in self.scores
        ]
        return columns([head, *rows])


def evaluate_signals(
    model: CrystalModel, atlas: Atlas, source: Any, limit: int = 300, seed: int = 0, effort: str = "normal"
) -> SignalReport:
    """Compare the signals of known crystals with those of as many samples.

    Parameters
    ----------
    model, atlas
        The model, and the crystals that distances are to.
    source
        Known crystals: a table, a folder of CIF files, or a list of Structures.
    limit
        At most so many of them, drawn at random.
    seed
        Of the draws and of the samples.
    effort
        Of the decoder.

    Raises
    ------
    DatasetError
        If there are fewer than 2 of either.
    """
    drawn = sources_of(source).at_random(limit, seed)
    prepared = (prepare(crystal, model.limits) for crystal in drawn.crystals)
    known = [found[0] for found in prepared if not isinstance(found, str)]
    sampled, left_out = _encodable(model, model.sample(len(known), seed, effort))
    if len(known) < 2 or len(sampled) < 2:
        raise DatasetError("There have to be at least two crystals, and two samples, to compare.")
    of_known, of_sampled = signals_of(model, atlas, known), signals_of(model, atlas, sampled)
    names = [signal.name for signal in of_known[0].signals if signal.value is not None]
    scores = [_score(name, of_known, of_sampled, seed) for name in names]
    return SignalReport(len(known), len(sampled), left_out, scores)


def _encodable(model: CrystalModel, structures: list[Structure]) -> tuple[list[Structure], int]:
    kept = []
    for structure in structures:
        try:
            checked = check_structure(structure)
            encodable(checked, *model.limits)
        except XCrystalError:
            continue
        kept.append(checked)
    return kept, len(structures) - len(kept)


def _score(name: str, known: list[SynthesisSignals], sampled: list[SynthesisSignals], seed: int) -> SignalScore:
    one, other = (np.array([signals[name].goodness for signals in group]) for group in (known, sampled))
    rng = np.random.default_rng(seed)
    areas = [_area(rng.choice(one, len(one)), rng.choice(other, len(other))) for _ in range(_DRAWS)]
    rule = isinstance(known[0][name].value, bool)
    sign = -1.0 if known[0][name].favourable == "small" else 1.0
    middle = np.mean if rule else np.median
    return SignalScore(
        name,
        float(sign * middle(one)),
        float(sign * middle(other)),
        _area(one, other),
        (float(np.quantile(areas, 0.025)), float(np.quantile(areas, 0.975))),
    )


def _area(one: np.ndarray, other: np.ndarray) -> float:
    truth = np.concatenate([np.ones(len(one), dtype=bool), np.zeros(len(other), dtype=bool)])
    return auroc(np.concatenate([one, other]), truth)
