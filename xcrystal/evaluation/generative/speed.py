"""How fast a model is on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.errors import XCrystalError
from xcrystal.reporting import Report, aligned

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel

BATCH = 256
_IMPORT = "import time; t = time.perf_counter(); import xcrystal; print(time.perf_counter() - t)"


@dataclass(frozen=True)
class SpeedReport(Report):
    """Medians, in milliseconds unless the name says otherwise.

    Attributes
    ----------
    decode_ms
        One latent vector to a pymatgen Structure.
    decode_ms_95
        The 95th percentile of the same: where the decoder looks for a crystal without an overlap it takes longer.
    decodes_per_second
        In batches of 256 different vectors, Structures included.
    most_probable_per_second
        The same with ``effort="fast"``: the most probable crystals, whatever they are.
    thorough_ms, thorough_ms_95
        One latent vector with ``effort="thorough"``, median and 95th percentile.
    encode_ms
        One structure to its code: checks, symmetry and network.
    attribution_ms
        Integrated gradients of the formation energy over the atoms of one crystal.
    import_s
        ``import xcrystal`` in a fresh interpreter, in seconds.
    device, threads
        Where it was measured.
    move_ms, move_ms_95
        The explorer's kernel: one movement of a slider, median and 95th percentile, without a browser that competes for
        the processor; None if it was not measured.
    """

    decode_ms: float
    decode_ms_95: float
    decodes_per_second: float
    most_probable_per_second: float
    thorough_ms: float
    thorough_ms_95: float
    encode_ms: float
    attribution_ms: float
    import_s: float
    device: str
    threads: int
    move_ms: float | None = None
    move_ms_95: float | None = None

    def table(self) -> str:
        """The figures as lines of text."""
        moved = f"{self.move_ms:.1f} ms (95th percentile {self.move_ms_95:.1f} ms)" if self.move_ms is not None else ""
        rows = [
            ("decode, one crystal", f"{self.decode_ms:.1f} ms (95th percentile {self.decode_ms_95:.1f} ms)"),
            (f"decode, batches of {BATCH}", f"{self.decodes_per_second:.0f} crystals/s"),
            ("  most probable crystals", f"{self.most_probable_per_second:.0f} crystals/s"),
            (
                "  thorough search, one crystal",
                f"{self.thorough_ms:.0f} ms (95th percentile {self.thorough_ms_95:.0f} ms)",
            ),
            ("encode, one crystal", f"{self.encode_ms:.1f} ms"),
            ("attribution, one crystal", f"{self.attribution_ms:.1f} ms"),
            *([] if self.move_ms is None else [("explorer, one move of a slider", moved)]),
            ("import xcrystal", f"{self.import_s:.2f} s"),
            ("device, threads", f"{self.device}, {self.threads}"),
        ]
        return aligned(rows)


def benchmark(model: CrystalModel, repeats: int = 50, seed: int = 0, threads: int | None = None) -> SpeedReport:
    """Measure a model on this machine.

    Torch takes as many threads as there are cores for this process, or ``threads``. The crystals are the model's own
    samples, and the latent vectors their codes (256 different ones; where too few samples can be encoded again, further
    draws of the prior), so no data is needed. Every kind of call is made twice before it is
    timed; then ``repeats`` calls, each on another crystal in turn, are timed one by one and their median is taken.
    Thorough searches are timed half as often, batches and attributions a tenth as often (at least 3 times), imports 5
    times.

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

    used = threads or cores()
    with torch_threads(used):
        crystals, z = _own_crystals(model, seed)
        one = [z[i % len(z)][None] for i in range(repeats)]
        # few may be encoded again, and equal vectors would be no fair batch
        many = np.concatenate([z, model.sample_latent(BATCH - len(z), seed + 1)])
        few = max(3, repeats // 10)
        target = "formation_energy_per_atom"
        decode_ms = milliseconds(model.decode, one)
        batch_ms = _median_ms(model.decode, [many] * few)
        thorough_ms = milliseconds(lambda vector: model.decode(vector, effort="thorough"), one[: max(3, repeats // 2)])
        plain_ms = _median_ms(lambda batch: model.decode(batch, effort="fast"), [many] * few)
        return SpeedReport(
            decode_ms=median(decode_ms),
            decode_ms_95=float(np.quantile(decode_ms, 0.95)),
            decodes_per_second=1000 * BATCH / batch_ms,
            most_probable_per_second=1000 * BATCH / plain_ms,
            thorough_ms=median(thorough_ms),
            thorough_ms_95=float(np.quantile(thorough_ms, 0.95)),
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
    return median(milliseconds(call, arguments))


def milliseconds(call: Callable[[Any], object], arguments: Sequence[Any]) -> list[float]:
    """Of a call with each argument, after two calls that are not timed."""
    for argument in arguments[:2]:
        call(argument)
    times = []
    for argument in arguments:
        began = time.perf_counter()
        call(argument)
        times.append(1000 * (time.perf_counter() - began))
    return times


def _own_crystals(model: CrystalModel, seed: int, n: int = BATCH) -> tuple[list[Structure], np.ndarray]:
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


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
