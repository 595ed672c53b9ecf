"""Every crystal of the bundled atlas as its model decodes it, kept in the system's temp folder between runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms


def decoded_atlas() -> Path:
    """File with the crystals that the atlas' codes decode to; made at the first call, which takes about a minute.

    They are the most probable crystals, without a choice among candidates. The name of the file holds what it was made
    from, so that another atlas makes another file.

    Returns
    -------
    Path
        An npz with ``cells`` (n, 3, 3) in Å, ``counts`` (n,) atoms each, ``numbers`` (atoms,) and ``scaled``
        (atoms, 3), row after row of the atlas.
    """
    from hashlib import sha256

    import xcrystal as xc

    model, atlas = xc.load("mp20"), xc.atlas("mp20")
    name = sha256(atlas.z.tobytes() + xc.__version__.encode()).hexdigest()[:12]
    path = Path(tempfile.gettempdir()) / f"xcrystal-decoded-{name}.npz"
    if not path.is_file():
        crystals = [crystal for part in np.array_split(atlas.z, 20) for crystal in model.decode(part, effort="fast")]
        fresh = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(
            fresh,
            cells=np.array([crystal.lattice.matrix for crystal in crystals]),
            counts=np.array([len(crystal) for crystal in crystals]),
            numbers=np.concatenate([crystal.atomic_numbers for crystal in crystals]),
            scaled=np.concatenate([crystal.frac_coords for crystal in crystals]),
        )
        fresh.replace(path)
    return path


def read_atoms(path: Path, most: int) -> list[Atoms]:
    """The first crystals of that file, as chemiscope takes them."""
    from ase import Atoms

    with np.load(path) as held:
        cells, counts, numbers, scaled = (held[name] for name in ("cells", "counts", "numbers", "scaled"))
    ends = np.cumsum(counts)
    return [
        Atoms(numbers[end - count : end], scaled_positions=scaled[end - count : end], cell=cell, pbc=True)
        for cell, count, end in zip(cells[:most], counts, ends, strict=False)
    ]
