"""How long the kernel takes for one movement of a slider: what the explorer needs to stay with the hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

_MOVES = 5  # from each crystal
_WARM = 5


def move_milliseconds(model: CrystalModel, atlas: Atlas, repeats: int = 50, seed: int = 0) -> np.ndarray:
    """Times (repeats,) of single moves along principal directions, in milliseconds.

    Each is one call of ``Session.move`` with all views of an explorer listening: decoding, predicting, placing on the
    map, and making every message, without a browser that competes for the processor. Moves begin at crystals of the
    atlas, five from each, by up to 2.5 standard deviations.
    """
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.widget import Explorer

    rng = np.random.default_rng(seed)
    explorer = Explorer(Session(model, atlas))
    session, times = explorer.session, []
    try:
        for number in range(_WARM + repeats):
            if number % _MOVES == 0:
                session.select(int(rng.integers(len(atlas))))
            axis, value = int(rng.integers(min(8, len(session.sliders.axes)))), float(rng.uniform(-2.5, 2.5))
            begun = time.perf_counter()
            session.move(axis, value)
            times.append(1e3 * (time.perf_counter() - begun))
    finally:
        explorer.close()
    return np.array(times[_WARM:])
