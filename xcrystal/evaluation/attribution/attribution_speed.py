"""How long explanations take on this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.evaluation.attribution.method_scores import RANDOM, methods_with_random
from xcrystal.evaluation.generative.speed import cores, milliseconds
from xcrystal.explanation.attribution import attribute
from xcrystal.explanation.batches import score_crystals
from xcrystal.explanation.methods import usual_method
from xcrystal.reporting import Report, aligned

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel


MOST_ORBITS = 10  # up to which times are told apart
_EACH = 5  # crystals of so many orbits
_REPEATS = 3


@dataclass(frozen=True)
class AttributionSpeed(Report):
    """Wall-clock times.

    Attributes
    ----------
    usual_ms, usual_ms_95
        One crystal by the usual method, from the structure to the scores of its orbits: median and 95th percentile.
    by_orbits_ms
        The same by the number of orbits, 1 to 10: medians over up to 5 crystals, 3 times each.
    by_orbits_encodings
        And by how many times one encoding of a crystal in canonical form, which other work on the machine slows down
        alike, goes into each.
    all_methods_s
        The same crystals, every method at the level "orbits" one after another: median of their sums.
    methods_ms
        Medians by method.
    crystals_per_second
        The usual method for crystals in canonical form, in batches.
    crystals, batch
        How many crystals were timed singly, and together.
    device, cores, load
        Where, how many cores this process may use, and how many processes wanted one, if the system tells.
    """

    usual_ms: float
    usual_ms_95: float
    by_orbits_ms: dict[str, float]
    by_orbits_encodings: dict[str, float]
    all_methods_s: float
    methods_ms: dict[str, float]
    crystals_per_second: float
    crystals: int
    batch: int
    device: str
    cores: int
    load: float | None

    def table(self) -> str:
        """The figures as lines of text."""
        busy = "" if self.load is None else f", load {self.load:.1f}"
        rows = [
            ("usual method, one crystal", f"{self.usual_ms:.0f} ms (95th percentile {self.usual_ms_95:.0f} ms)"),
            *(
                (f"  of {n} orbit{'s' * (n != '1')}", f"{ms:.0f} ms, {self.by_orbits_encodings[n]:.0f} encodings")
                for n, ms in self.by_orbits_ms.items()
            ),
            ("all methods, one crystal", f"{self.all_methods_s:.2f} s"),
            *((f"  {name}", f"{value:.0f} ms") for name, value in self.methods_ms.items()),
            (f"usual method, {self.batch} together", f"{self.crystals_per_second:.0f} crystals/s"),
            ("device, cores", f"{self.device}, {self.cores}{busy}"),
        ]
        return aligned(rows)


def evaluate_attribution_speed(
    model: CrystalModel,
    structures: Sequence[Structure],
    crystals: Sequence[WyckoffCrystal],
    target: str = "formation_energy_per_atom",
    n: int = 20,
    batch: int = 128,
) -> AttributionSpeed:
    """Time attributions of the first ``n`` crystals that have two or more orbits, and of ``batch`` together.

    Every method is called twice before it is timed.
    """
    from tqdm.auto import tqdm

    places = [i for i, crystal in enumerate(crystals) if len(crystal.elements) >= 2][:n]
    methods = [name for name in methods_with_random() if name != RANDOM]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None

    def explain(choice: tuple[str, int]) -> None:
        method, place = choice
        attribute(model, structures[place], target, method, "orbits")

    bar = tqdm(methods, desc="timing", leave=False, disable=None)
    times = np.array([milliseconds(explain, [(method, place) for place in places]) for method in bar])
    together = list(crystals[:batch])
    start = time.perf_counter()
    score_crystals(model, together, target)
    seconds = time.perf_counter() - start
    usual = times[methods.index(usual_method("orbits"))]
    by_orbits, encodings = _by_orbits(model, structures, crystals, target)
    return AttributionSpeed(
        usual_ms=float(np.median(usual)),
        usual_ms_95=float(np.quantile(usual, 0.95)),
        by_orbits_ms=by_orbits,
        by_orbits_encodings=encodings,
        all_methods_s=float(np.median(times.sum(axis=0))) / 1000,
        methods_ms={name: float(np.median(row)) for name, row in zip(methods, times, strict=True)},
        crystals_per_second=len(together) / seconds,
        crystals=len(places),
        batch=len(together),
        device=str(model.device),
        cores=cores(),
        load=load,
    )


def _by_orbits(
    model: CrystalModel, structures: Sequence[Structure], crystals: Sequence[WyckoffCrystal], target: str
) -> tuple[dict[str, float], dict[str, float]]:
    """Median milliseconds of the usual method for crystals of so many orbits, and the same in encodings."""
    found, encodings = {}, {}
    for orbits in range(1, MOST_ORBITS + 1):
        places = [i for i, crystal in enumerate(crystals) if len(crystal.elements) == orbits][:_EACH] * _REPEATS
        if not places:
            continue
        times = milliseconds(lambda i: attribute(model, structures[i], target, level="orbits"), places)
        once = milliseconds(lambda i: model.encode_canonical([crystals[i]]), places)
        found[str(orbits)] = float(np.median(times))
        encodings[str(orbits)] = float(np.median(np.array(times) / once))
    return found, encodings
