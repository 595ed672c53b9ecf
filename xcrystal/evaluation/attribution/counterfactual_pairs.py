"""Whether predicted effects of substitutions point the right way: figures of ``xcrystal evaluate counterfactuals``.

Two real crystals in the same canonical Wyckoff form that differ by exactly one exchanged element are a substitution of
which the true effect is known. The first is edited as a counterfactual is: its own cell and coordinates, with the
other's element, not relaxed. The predicted change of a property is then compared with the true one, between both
relaxed crystals. Only pairs whose true values differ count, since no sign is right of no change. Of a model's own
validation crystals, edits lead to those of the half that neither chose it nor calibrated its intervals.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES, UNITS
from xcrystal.errors import DatasetError
from xcrystal.evaluation.shared.encoding import encodable_of, sources_of
from xcrystal.evaluation.shared.halves import half_of
from xcrystal.evaluation.shared.parallel import workers_of
from xcrystal.evaluation.shared.statistics import wilson_interval
from xcrystal.explanation.counterfactuals import difference_interval, exchanged
from xcrystal.reporting import Report, columns, share_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel

NOTICED = {"formation_energy_per_atom": 0.02, "band_gap": 0.1, "e_above_hull": 0.01}  # a true difference that counts
SAME_PLACE = 0.1  # largest difference of a free coordinate in one form


@dataclass(frozen=True)
class PairFigures:
    """Of all pairs, or of those whose predicted change exceeds the model's error.

    Attributes
    ----------
    target, which
        The property; "all" or "beyond the error".
    pairs, right
        How many there are, and how many predicted changes have the right sign.
    share, interval
        Of the right ones, with its 95 % Wilson interval; each crystal is led to once at most, but may be edited several
        times, so that the interval is a little too narrow.
    median_error
        Median absolute error of the predicted change, in the property's unit.
    covered
        Share of the true changes that lie in the 90 % interval of the predicted ones.
    """

    target: str
    which: str
    pairs: int
    right: int
    share: float
    interval: tuple[float, float]
    median_error: float
    covered: float


@dataclass(frozen=True)
class PairsReport(Report):
    """Figures of every property; ``half`` tells which crystals of the data they are about."""

    half: str
    crystals: int
    not_encoded: dict[str, str]
    pairs: int
    figures: list[PairFigures]

    def table(self) -> str:
        """A table for reading."""
        head = ("property", "pairs", "number", "right sign", "median error", "in the 90 % interval")
        rows = [
            (
                f.target,
                f.which,
                f.pairs,
                share_text(f.share, f.interval) if f.pairs else "–",
                f"{f.median_error:.3f} {UNITS[f.target]}" if f.pairs else "–",
                f"{f.covered:.1%}" if f.pairs else "–",
            )
            for f in self.figures
        ]
        least = ", ".join(f"{value:g} {UNITS[name]}" for name, value in NOTICED.items())
        taken = {"report": " (the half that calibrated nothing)", "selection": " (the half that calibrated)"}
        return (
            f"{self.pairs} of {self.crystals} crystals{taken.get(self.half, '')} are one substitution away from a "
            f"known one; pairs count whose true values differ by more than {least}.\n{columns([head, *rows])}"
        )


def evaluate_counterfactuals(
    model: CrystalModel,
    data: Path,
    train: Path | None = None,
    workers: int = 1,
    seed: int = 0,
    half: str | None = None,
) -> PairsReport:
    """Compare predicted with true changes over pairs of real crystals.

    Parameters
    ----------
    model
        What is measured.
    data
        A table with properties, or a folder with val.parquet: the crystals that edits lead to.
    train
        Another table, of the crystals that are edited, such as those that the model was trained on: known crystals,
        changed into unknown ones. Without it those of ``data`` are.
    workers
        Processes that read crystals.
    seed
        Of which crystal is edited where several could be.
    half
        Of ``data``: "report", "selection" or "all", as for ``xcrystal.evaluation.shared.halves.half_of``.

    Raises
    ------
    DatasetError
        If there is no such table or half, or it has none of the properties or no such pairs.
    """
    path = Path(data)
    path = path / "val.parquet" if path.is_dir() else path
    measured, half = half_of(model, sources_of(path), half)
    sources = [measured] if train is None else [sources_of(Path(train)), measured]
    tables = [s.table for s in sources if s.table is not None]
    known = [name for name in PROPERTIES if name in model.properties and all(name in table for table in tables)]
    if not known:
        raise DatasetError(f"{path} has none of the properties that the model predicts.")
    with workers_of(workers) as pool:
        found = [encodable_of(one, pool, model.limits) for one in sources]
    origins, aims = found[0], found[-1]
    pairs = substitution_pairs(origins.crystals, aims.crystals, seed)
    if not pairs:
        raise DatasetError(f"{path} has no two crystals that differ by one substitution.")
    ones, others = (np.array([pair[k] for pair in pairs]) for k in (0, 1))
    edited = [exchanged(origins.crystals[i], aims.crystals[j].elements) for i, j in pairs]
    codes = [model.encode_canonical([origins.crystals[i] for i in ones]), model.encode_canonical(edited)]
    (before, after), bounds = map(model.predict, codes), [model.known_intervals(z) for z in codes]
    figures = []
    for name in known:
        from_, to = (t[name].to_numpy(dtype=float)[f.places] for t, f in ((tables[0], origins), (tables[-1], aims)))
        change = to[others] - from_[ones]
        predicted = after[name] - before[name]
        ends = np.full((len(pairs), 2), np.nan)
        if name in bounds[0]:
            ends = difference_interval(before[name], after[name], *(found[name] for found in bounds))
        counts = np.isfinite(change) & (np.abs(change) > NOTICED[name])
        sure = counts & ((ends[:, 0] > 0) | (ends[:, 1] < 0))
        for which, chosen in (("all", counts), ("beyond the error", sure)):
            figures.append(_figures(name, which, change[chosen], predicted[chosen], ends[chosen]))
    return PairsReport(half, len(aims.crystals), aims.not_encoded, len(pairs), figures)


def substitution_pairs(
    origins: Sequence[WyckoffCrystal], aims: Sequence[WyckoffCrystal], seed: int = 0
) -> list[tuple[int, int]]:
    """Places of an origin and an aim that are in the same form with one element exchanged; each aim once at most."""
    forms: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for place, crystal in enumerate(origins):
        forms[crystal.space_group, *crystal.positions.tolist()].append(place)
    rng = np.random.default_rng(seed)
    pairs = []
    for place, crystal in enumerate(aims):
        alike = forms[crystal.space_group, *crystal.positions.tolist()]
        fitting = [i for i in alike if origins[i] is not crystal and _one_exchanged(origins[i], crystal)]
        if fitting:
            pairs.append((int(rng.choice(fitting)), place))
    return pairs


def _one_exchanged(one: WyckoffCrystal, other: WyckoffCrystal) -> bool:
    """Whether all atoms of one element became another, which the crystal did not hold; in like places."""
    different = one.elements != other.elements
    pairs = {(int(a), int(b)) for a, b in zip(one.elements[different], other.elements[different], strict=True)}
    if len(pairs) != 1:
        return False
    ((old, new),) = pairs
    if old in other.elements or new in one.elements:
        return False
    apart = one.coordinates - other.coordinates
    return bool((np.abs(apart - np.rint(apart)) <= SAME_PLACE).all())


def _figures(target: str, which: str, change: np.ndarray, predicted: np.ndarray, ends: np.ndarray) -> PairFigures:
    right = int((np.sign(predicted) == np.sign(change)).sum())
    some = len(change) > 0
    return PairFigures(
        target,
        which,
        len(change),
        right,
        right / len(change) if some else float("nan"),
        wilson_interval(right, len(change)),
        float(np.median(np.abs(predicted - change))) if some else float("nan"),
        float(((ends[:, 0] <= change) & (change <= ends[:, 1])).mean()) if some else float("nan"),
    )
