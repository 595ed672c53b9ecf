"""How fast a model is on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.errors import XCrystalError
from xcrystal.evaluation.layout import aligned

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel

BATCH = 256
_IMPORT = "import time; t = time.perf_counter(); import xcrystal; print(time.perf_counter() - t)"


@dataclass(frozen=True)
class SpeedReport:
    """Medians, in milliseconds unless the name says otherwise.

    Attributes
    ----------
    decode_ms
        One latent vector to a pymatgen Structure.
    decodes_per_second
        In batches of 256, Structures included.
    encode_ms
        One structure to its code: checks, symmetry and network.
    attribution_ms
        Integrated gradients of the formation energy over the atoms of one crystal.
    import_s
        ``import xcrystal`` in a fresh interpreter, in seconds.
    device, threads
        Where it was measured.
    """

    decode_ms: float
    decodes_per_second: float
    encode_ms: float
    attribution_ms: float
    import_s: float
    device: str
    threads: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    def table(self) -> str:
        """The figures as lines of text."""
        rows = [
            ("decode, one crystal", f"{self.decode_ms:.1f} ms"),
            (f"decode, batches of {BATCH}", f"{self.decodes_per_second:.0f} crystals/s"),
            ("encode, one crystal", f"{self.encode_ms:.1f} ms"),
            ("attribution, one crystal", f"{self.attribution_ms:.1f} ms"),
            ("import xcrystal", f"{self.import_s:.2f} s"),
            ("device, threads", f"{self.device}, {self.threads}"),
        ]
        return aligned(rows)


def benchmark(model: CrystalModel, repeats: int = 50, seed: int = 0, threads: int | None = None) -> SpeedReport:
    """Measure a model on this machine.

    Torch takes as many threads as there are cores for this process, or ``threads``. The crystals are the model's own
    samples, and the latent vectors their codes, so no data is needed. Every kind of call is made twice before it is
    timed; then ``repeats`` calls, each on another crystal in turn, are timed one by one and their median is taken.
    Batches and attributions are timed a tenth as often (at least 3 times), imports 5 times.

    Parameters
    ----------
    repeats
        Calls that are timed.
    seed
        Of the samples.
    threads
        Of torch; all cores if not given. On cores that others keep busy, one thread may be faster.
    """
    from xcrystal.explanation.attribution import attribute
    from xcrystal.model.device import torch_threads

    used = threads or _cores()
    with torch_threads(used):
        crystals, z = _own_crystals(model, seed)
        one = [z[i % len(z)][None] for i in range(repeats)]
        many = np.resize(z, (BATCH, z.shape[1]))
        few = max(3, repeats // 10)
        target = "formation_energy_per_atom"
        batch_ms = _median_ms(model.decode, [many] * few)
        return SpeedReport(
            decode_ms=_median_ms(model.decode, one),
            decodes_per_second=1000 * BATCH / batch_ms,
            encode_ms=_median_ms(model.encode, [[crystals[i % len(crystals)]] for i in range(repeats)]),
            attribution_ms=_median_ms(
                lambda s: attribute(model, s, target=target), [crystals[i % len(crystals)] for i in range(few)]
            ),
            import_s=import_seconds(),
            device=str(model.device),
            threads=used,
        )


def import_seconds(times: int = 5) -> float:
    """Median seconds of ``import xcrystal`` in a fresh interpreter."""
    return median(
        float(subprocess.run([sys.executable, "-c", _IMPORT], check=True, capture_output=True, text=True).stdout)
        for _ in range(times)
    )


def _median_ms(call: Callable[[Any], object], arguments: list[Any]) -> float:
    for argument in arguments[:2]:
        call(argument)
    times = []
    for argument in arguments:
        began = time.perf_counter()
        call(argument)
        times.append(time.perf_counter() - began)
    return 1000 * median(times)


def _own_crystals(model: CrystalModel, seed: int, n: int = 64) -> tuple[list[Structure], np.ndarray]:
    """Samples of the model that can be encoded, and their codes."""
    crystals, codes = [], []
    for crystal in model.sample(n, seed=seed):
        try:
            codes.append(model.encode([crystal])[0])
        except XCrystalError:
            continue
        crystals.append(crystal)
    if not crystals:
        raise XCrystalError("No sample of this model can be encoded again: there is nothing to measure its speed on.")
    return crystals, np.stack(codes)


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
