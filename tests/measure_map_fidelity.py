"""How faithful a map is that UMAP was fitted to a part of, on a made-up atlas (``tests.made_up_atlas``).

Run ``python -m tests.measure_map_fidelity --crystals 100000 --fitted 20000``, and with ``--fitted`` of all crystals for
comparison. Printed are

kept
    share of the ten nearest latent vectors that are among the ten nearest on the map: of 500 of the crystals to which
    UMAP is fitted with 20,000, and of 500 of the others
placing
    how far ``Atlas.place`` puts crystals that are left out from where the map has them, as share of its width: median
    and 90 % quantile of 500
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from tests.made_up_atlas import made_up_atlas
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.building import placing_error
from xcrystal.latent.umap_layout import kept_neighbours, lay_out

_PART = 20_000


def main() -> None:
    """Print the figures of one map."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crystals", type=int, default=100_000)
    parser.add_argument("--fitted", type=int, default=_PART)
    options = parser.parse_args()
    z, start = made_up_atlas(options.crystals).z, time.perf_counter()
    layout, _ = lay_out(z, fitted=options.fitted)
    print(f"{'seconds':20}{time.perf_counter() - start:8.0f}")  # noqa: T201
    part = np.sort(np.random.default_rng(0).choice(len(z), min(_PART, len(z)), replace=False))  # as lay_out draws
    others = np.setdiff1d(np.arange(len(z)), part)
    for name, rows in (("kept, of the part", part), ("kept, of others", others)):
        if len(rows):
            print(f"{name:20}{kept_neighbours(z, layout, rows):8.3f}")  # noqa: T201
    for name, value in placing_error(Atlas("map", pd.DataFrame(layout, columns=["x", "y"]), z)).items():
        print(f"{name:20}{value:8.4f}")  # noqa: T201


if __name__ == "__main__":
    main()
