"""Made-up crystals, as many as one likes: python -m tests.scale.made_up --crystals 10000 --out FOLDER

They are the gallery's structure types with other elements, in cells that fit these. A file holds 50,000, in row groups
of 5,000.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from xcrystal.crystal.collections.tables import CELL
from xcrystal.crystal.elements import symbol
from xcrystal.crystal.files import replacing
from xcrystal.crystal.gallery.types import entries
from xcrystal.crystal.geometry.radii import covalent_radii

GROUP, FILE = 5_000, 50_000
_ELEMENTS = [z for z in range(1, 84) if z not in (2, 10, 18, 36, 43, 54, 61)]  # neither noble gases nor short-lived


def made_up(crystals: int, seed: int = 0, most: int = 1000) -> Iterator[pd.DataFrame]:
    """Tables of at most ``FILE`` crystals of at most ``most`` atoms, as ``xcrystal.crystal.collections.tables`` has
    them.

    They have a made-up ``band_gap``.
    """
    rng = np.random.default_rng(seed)
    types = [one for entry in entries() if len(one := entry.crystal.to_structure()) <= most]
    kinds = [np.unique([site.specie.Z for site in one], return_inverse=True) for one in types]
    for start in range(0, crystals, FILE):
        rows = []
        for number in range(start, min(start + FILE, crystals)):
            which = int(rng.integers(len(types)))
            structure, (old, place) = types[which], kinds[which]
            new = rng.choice(_ELEMENTS, len(old), replace=False)
            radii = [(covalent_radii(z[place]) ** 3).sum() for z in (new, old)]
            scale = (radii[0] / radii[1]) ** (1 / 3) * rng.uniform(0.97, 1.05)
            lengths, angles = np.array(structure.lattice.abc) * scale, structure.lattice.angles
            species = [symbol(int(z)) for z in new[place]]
            rows.append(
                dict(zip(CELL, (*lengths.tolist(), *angles), strict=True))
                | {
                    "material_id": f"made-{number:09}",
                    "formula": "".join(dict.fromkeys(species)),
                    "species": species,
                    "frac_coords": structure.frac_coords.ravel().tolist(),
                    "band_gap": float(rng.random()),
                }
            )
        yield pd.DataFrame(rows)


def write_made_up(folder: Path, crystals: int, seed: int = 0, most: int = 1000) -> None:
    """Write them as files of a folder, atomically, row groups of ``GROUP`` in each."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, table in enumerate(made_up(crystals, seed, most)):
        with replacing(folder / f"{number:05}.parquet") as part:
            table.to_parquet(part, index=False, compression="zstd", row_group_size=GROUP)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crystals", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most", type=int, default=1000, help="the most atoms of a crystal")
    given = parser.parse_args()
    write_made_up(given.out, given.crystals, most=given.most)
