"""What opening, neighbours, search and colours of large atlases cost, on made-up ones (``tests.made_up_atlas``).

Run ``python -m tests.measure_large_atlases`` on Linux. Each size is written and measured in a process of its
own that has imported what it needs, pymatgen among it, and opened the bundled atlas before. Printed are

open s, open MB
    seconds to open the folder, and by how much the memory of the process has grown then
neighbours ms
    the ten nearest of one vector, asked alone: median and 95 % quantile of 200, half of them near crystals of the
    atlas (noise of 0.1 on each coordinate) and half drawn from the prior, after 20 others
recall
    share of the ten nearest that are found, compared with all: near crystals, and of the prior
first search ms
    the first search of a session, which reads the formulas
search ms, color ms
    slowest of eight searches, and of five colours of the map
raster ms
    the picture of the whole map, of atlases that have one: median of 20
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import numpy as np

T = TypeVar("T")
SEARCHES = ("SrTiO3", "gap > 2, oxide", "Ti O", "cubic", "ABX3", "made-up-77", "perovskite", "-1 < energy < 0, no Pb")
COLORS = ("band_gap", "crystal_system", "number_of_elements", "element:O", "density")


def main() -> None:
    """Print a table, or one JSON object a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="an atlas to measure instead", default=None)
    options = parser.parse_args()
    if options.folder is not None:
        print(json.dumps(measure(options.folder)))  # noqa: T201
        return
    from tests.made_up_atlas import made_up_atlas

    found = {}
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            made_up_atlas(size).save(Path(folder))
            command = [sys.executable, "-m", "tests.measure_large_atlases", "--folder", folder]
            found[size] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{'':20}" + "".join(f"{size:>14,}" for size in found))  # noqa: T201
    for name in dict.fromkeys(name for one in found.values() for name in one):
        print(f"{name:20}" + "".join(f"{one.get(name, '')!s:>14}" for one in found.values()))  # noqa: T201


def measure(folder: Path) -> dict[str, float]:
    """The figures of the atlas in a folder."""
    from xcrystal.explorer.drawing.point_colors import coloring
    from xcrystal.explorer.map.map_figure import Points
    from xcrystal.generator import open_model
    from xcrystal.latent.atlas import open_atlas
    from xcrystal.latent.nearest import Nearest
    from xcrystal.latent.searching import search

    import_module("pymatgen.core")  # which has drawn a crystal before anybody searches
    open_atlas("mp20")
    prior = open_model("mp20").sample_latent(120, seed=0).astype(np.float32)
    before = _megabytes()
    opened, atlas = _seconds(lambda: open_atlas(folder))
    found = {"open s": round(opened, 2), "open MB": round(_megabytes() - before)}
    first = 1000 * _seconds(lambda: search(atlas, "SrTiO3"))[0]
    searches = [1000 * _seconds(lambda query=query: search(atlas, query))[0] for query in SEARCHES]
    colors = [1000 * _seconds(lambda name=name: coloring(atlas, name).span)[0] for name in COLORS]
    points = Points(atlas, "band_gap")
    rasters = [1000 * _seconds(points._drawn)[0] for _ in range(20)]
    rng = np.random.default_rng(0)
    known = atlas.z[rng.choice(len(atlas), 120)] + 0.1 * rng.standard_normal((120, atlas.z.shape[1]), dtype=np.float32)
    asked = np.concatenate([prior[:10], known[:10], prior[10:110], known[10:110]])
    answers = [_seconds(lambda z=z: atlas.neighbours(z, 10)[0][0]) for z in asked]
    took = [1000 * seconds for seconds, _ in answers[20:]]
    wanted = Nearest(atlas.z).query(asked[20:], 10)[0]
    kept = [len(set(a.tolist()) & set(b.tolist())) / 10 for (_, a), b in zip(answers[20:], wanted, strict=True)]
    return found | {
        "neighbours ms": round(float(np.median(took)), 2),
        "neighbours 95 % ms": round(float(np.quantile(took, 0.95)), 2),
        "recall near": round(float(np.mean(kept[100:])), 3),
        "recall prior": round(float(np.mean(kept[:100])), 3),
        "first search ms": round(first),
        "search ms": round(max(searches)),
        "color ms": round(max(colors)),
        **({} if points.raster is None else {"raster ms": round(float(np.median(rasters)), 1)}),
    }


def _seconds(do: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    found = do()
    return time.perf_counter() - start, found


def _megabytes() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


if __name__ == "__main__":
    main()
