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
from xcrystal.reporting import Report, aligned

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.crystal.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel


@dataclass(frozen=True)
class AttributionSpeed(Report):
    """Wall-clock times.

    Attributes
    ----------
    integrated_gradients_ms, integrated_gradients_ms_95
        One crystal, from the structure to the scores of its atoms: median and 95th percentile.
    all_methods_s
        The same crystals, every method at the level "orbits" one after another: median of their sums.
    methods_ms
        Medians by method.
    crystals_per_second
        Integrated gradients of crystals in canonical form, in batches.
    crystals, batch
        How many crystals were timed singly, and together.
    device, cores, load
        Where, how many cores this process may use, and how many processes wanted one, if the system tells.
    """

    integrated_gradients_ms: float
    integrated_gradients_ms_95: float
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
        percentile = f"(95th percentile {self.integrated_gradients_ms_95:.0f} ms)"
        busy = "" if self.load is None else f", load {self.load:.1f}"
        rows = [
            ("integrated gradients, one crystal", f"{self.integrated_gradients_ms:.0f} ms {percentile}"),
            ("all methods, one crystal", f"{self.all_methods_s:.2f} s"),
            *((f"  {name}", f"{value:.0f} ms") for name, value in self.methods_ms.items()),
            (f"integrated gradients, {self.batch} together", f"{self.crystals_per_second:.0f} crystals/s"),
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
    first = times[methods.index("integrated_gradients")]
    return AttributionSpeed(
        integrated_gradients_ms=float(np.median(first)),
        integrated_gradients_ms_95=float(np.quantile(first, 0.95)),
        all_methods_s=float(np.median(times.sum(axis=0))) / 1000,
        methods_ms={name: float(np.median(row)) for name, row in zip(methods, times, strict=True)},
        crystals_per_second=len(together) / seconds,
        crystals=len(places),
        batch=len(together),
        device=str(model.device),
        cores=cores(),
        load=load,
    )
