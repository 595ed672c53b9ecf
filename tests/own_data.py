"""Crystals and models as users bring them: built by rule, and written to files where a test wants files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pymatgen.core import Structure

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tables import row_of
from xcrystal.generator import CrystalModel


def scaled(count: int) -> tuple[list[str], list[Structure]]:
    """``count`` crystals with their names: the test crystals, and the same with longer cells."""
    names, found = [], []
    for k in range(count):
        name = list(CRYSTALS)[k % len(CRYSTALS)]
        structure = CRYSTALS[name].to_structure()
        structure.scale_lattice(structure.volume * (1 + 0.04 * (k // len(CRYSTALS))))
        names.append(f"{name}, {k // len(CRYSTALS)}")
        found.append(structure)
    return names, found


def table(count: int) -> pd.DataFrame:
    """The same as a table in our format, with two properties of their own that nobody else has."""
    rows = []
    for k, (name, structure) in enumerate(zip(*scaled(count), strict=True)):
        rows.append(row_of(structure, name) | {"hardness": 1.0 + structure.volume / len(structure), "run": float(k)})
    return pd.DataFrame(rows)


def write(folder: Path, count: int) -> Path:
    """The table in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    table(count).to_parquet(folder / "own.parquet")
    return folder


class PlainVAE:
    """The bundled model, with nothing but what the protocol asks for."""

    name = "plain VAE"

    def __init__(self, model: CrystalModel) -> None:
        self._model = model

    def encode(self, structures: Sequence[Structure]) -> np.ndarray:
        return self._model.encode(list(structures))

    def decode(self, z: np.ndarray) -> list[Structure]:
        return self._model.decode(z)

    def predict(self, z: np.ndarray) -> dict[str, np.ndarray]:
        return self._model.predict(z)


class Volume:
    """A model that only encodes: into the volume of an atom and the number of elements."""

    def encode(self, structures: Sequence[Structure]) -> np.ndarray:
        return np.array([[s.volume / len(s), len(s.composition)] for s in structures])


class Cubes:
    """A model that only decodes: into simple cubic polonium, whose cell is as long as the first number, above 2 Å."""

    def decode(self, z: np.ndarray) -> list[Structure]:
        return [Structure(np.eye(3) * max(2.0, float(one[0])), ["Po"], [[0, 0, 0]]) for one in z]
