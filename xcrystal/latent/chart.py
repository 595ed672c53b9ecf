"""The atlas: codes, map coordinates and properties of known crystals, as flat files that anyone can read.

A folder holds ``atlas.parquet`` (one row a crystal: id, formula, properties, space group, map coordinates) and
``atlas.safetensors`` (the codes ``z`` in the same order, 16-bit).
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.tables import write_table
from xcrystal.errors import DatasetError, ReadError
from xcrystal.generator import BUNDLED
from xcrystal.latent.directions import Directions, principal_directions
from xcrystal.latent.inverse import MapInverse
from xcrystal.latent.nearest import Nearest

if TYPE_CHECKING:
    import pandas as pd

TABLE, CODES = "atlas.parquet", "atlas.safetensors"
_PLACING_NEIGHBOURS = 8


class Atlas:
    """Known crystals in latent space and on the map.

    Attributes
    ----------
    name
        Name or folder.
    table
        One row a crystal: ``material_id``, ``formula``, ``formation_energy_per_atom`` (eV/atom), ``band_gap`` (eV),
        ``e_above_hull`` (eV/atom), ``space_group``, and the map coordinates ``x``, ``y``.
    z
        (N, latent_dim) float32 posterior means.
    """

    def __init__(self, name: str, table: pd.DataFrame, z: np.ndarray) -> None:
        if len(table) != len(z):
            raise DatasetError(f"The atlas {name} has {len(table)} rows but {len(z)} codes.")
        self.name, self.table, self.z = name, table, z

    def __repr__(self) -> str:
        return f"Atlas({self.name!r}, {len(self)} crystals)"

    def __len__(self) -> int:
        return len(self.z)

    @cached_property
    def directions(self) -> Directions:
        """Principal directions of the codes."""
        return principal_directions(self.z)

    @cached_property
    def inverse(self) -> MapInverse:
        """Latent vectors of places on the map."""
        return MapInverse(self)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {str(name): i for i, name in reversed(list(enumerate(self.table["material_id"])))}

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest(self.z)

    def row(self, material_id: str) -> int:
        """Row of a material id.

        Raises
        ------
        ReadError
            If the atlas does not hold it.
        """
        try:
            return self._row_of[str(material_id)]
        except KeyError:
            raise ReadError(f"The atlas {self.name} holds no material {str(material_id)[:60]!r}.") from None

    def neighbours(self, z: np.ndarray, k: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """The nearest crystals in latent space.

        Parameters
        ----------
        z
            (n, latent_dim) or (latent_dim,).

        Returns
        -------
        tuple
            Rows (n, k) and Euclidean distances (n, k), nearest first.
        """
        return self._nearest.query(np.atleast_2d(np.asarray(z, dtype=np.float32)), k)

    def place(self, z: np.ndarray) -> np.ndarray:
        """Map coordinates (n, 2) of latent vectors, at once.

        The mean of the nearest crystals' places, each weighted by its closeness; neighbours that lie far from the
        nearest one's place on the map are left out, since between two islands of the map there is nothing.
        A known crystal's own code falls on its own place. ``xcrystal atlas`` prints how far crystals that are left out
        of the neighbours fall from the place that UMAP gave them.
        """
        rows, distances = self.neighbours(z, _PLACING_NEIGHBOURS)
        xy = self.inverse.places[rows]
        weight = 1 / np.maximum(distances, 1e-6) ** 2
        near = np.linalg.norm(xy - xy[:, :1], axis=2) <= self._reach
        weight = np.where(near, weight, 0.0)
        placed: np.ndarray = (xy * weight[..., None]).sum(axis=1) / weight.sum(axis=1, keepdims=True)
        return placed

    @cached_property
    def _reach(self) -> float:
        return 0.1 * float(np.ptp(self.inverse.places, axis=0).max())

    def save(self, folder: Path) -> None:
        """Write the two files, each atomically."""
        import torch

        from xcrystal.model.checkpoint import write_tensors

        folder.mkdir(parents=True, exist_ok=True)
        write_table(self.table, folder / TABLE)
        write_tensors({"z": torch.from_numpy(self.z).half().contiguous()}, folder / CODES)


def open_atlas(name: str | Path = "mp20") -> Atlas:
    """Open the atlas of a bundled model, or of a folder.

    Raises
    ------
    DatasetError
        If there is none, or it is damaged.
    """
    import pandas as pd
    from safetensors.numpy import load_file

    folder = next((f for f in (BUNDLED / str(name), Path(name)) if (f / TABLE).is_file()), None)
    if folder is None:
        raise DatasetError(f"There is no atlas {str(name)!r}: neither bundled nor a folder with {TABLE}.")
    try:
        table = pd.read_parquet(folder / TABLE)
        z = load_file(folder / CODES)["z"].astype(np.float32)
    except Exception as error:
        raise DatasetError(f"The atlas in {folder} cannot be read: {error}") from error
    return Atlas(str(name), table, z)
