"""Idealized perovskites made by rule, so that a class can train a small model before it has any data.

They are toy crystals: charges balance and sizes follow the elements, but nothing is relaxed, many cannot be made, and
there are no energies. Real ABX3 data are those of Castelli et al., Energy Environ. Sci. 5, 9034 (2012).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tables import row_of, write_table
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal

if TYPE_CHECKING:
    import pandas as pd

# common oxidation states of elements that stand on the A, B and X positions of perovskites
_A = {"Na": 1, "K": 1, "Rb": 1, "Cs": 1, "Ca": 2, "Sr": 2, "Ba": 2, "Pb": 2, "Y": 3, "La": 3, "Nd": 3, "Gd": 3, "Bi": 3}
_B = {
    "Mg": 2, "Ca": 2, "Mn": 2, "Co": 2, "Cu": 2, "Zn": 2, "Cd": 2, "Pb": 2, "Al": 3, "Sc": 3, "V": 3, "Fe": 3, "Ga": 3,
    "Rh": 3, "In": 3, "Ti": 4, "Zr": 4, "Hf": 4, "Mo": 4, "Ru": 4, "Ce": 4, "Nb": 5, "Ta": 5, "W": 5,
}  # fmt: skip
_X = {"F": -1, "Cl": -1, "Br": -1, "I": -1, "O": -2, "S": -2}
_POLAR = 0.94


def idealized_perovskite(a: str, b: str, x: str) -> WyckoffCrystal:
    """ABX3 from three element symbols, one of each of those that ``idealized_perovskites`` combines.

    B and X touch: the cubic cell (Pm-3m) is as long as two ionic radii of each, 4.01 Å for SrTiO3 (measured: 3.905 Å).
    Where A is large, so that Goldschmidt's tolerance factor t is above 0.94 (with the radii of sixfold coordination
    throughout), B has room to leave its centre, and the cell becomes polar and tetragonal (P4mm), as in BaTiO3.
    """
    from pymatgen.core import Element

    charges = (_A[a], _B[b], _X[x])
    elements = [Element(symbol) for symbol in (a, b, x)]
    r_a, r_b, r_x = (e.ionic_radii[charge] for e, charge in zip(elements, charges, strict=True))
    tolerance = (r_a + r_x) / (np.sqrt(2) * (r_b + r_x))
    length = max(2 * (r_b + r_x), np.sqrt(2) * (r_a + r_x))
    numbers = [e.Z for e in elements]
    if tolerance <= _POLAR:
        return _crystal(221, (length, length), numbers, np.zeros((3, 3)))
    off = 0.02 + 0.3 * (tolerance - _POLAR)
    heights = [0.0, 0.5 + off / 2, 1 - off / 2, 0.5 - off / 2]
    points = np.column_stack([np.zeros(4), np.zeros(4), heights])
    return _crystal(99, (length * (1 - off / 3), length * (1 + off)), [*numbers, numbers[2]], points)


def idealized_perovskites() -> pd.DataFrame:
    """A table of all whose charges balance, in the format of ``xcrystal.crystal.collections.tables``."""
    import pandas as pd

    rows = []
    for a, b, x in _combinations():
        structure = idealized_perovskite(a, b, x).to_structure()
        facts = {"formula": f"{a}{b}{x}3", "source": "idealized by rule, not computed by DFT"}
        rows.append(row_of(structure, f"toy-{a}{b}{x}3") | facts)
    return pd.DataFrame(rows)


def idealized_crystals() -> list[WyckoffCrystal]:
    """The same crystals as orbits."""
    return [idealized_perovskite(a, b, x) for a, b, x in _combinations()]


def write_idealized_perovskites(folder: str | Path) -> pd.DataFrame:
    """Write ``idealized_perovskites`` to ``train.parquet`` in a folder, ready to train on, and return the table."""
    table = idealized_perovskites()
    path = Path(folder) / "train.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(table, path)
    return table


def _combinations() -> Iterator[tuple[str, str, str]]:
    for a, b, x in product(_A, _B, _X):
        if _A[a] + _B[b] + 3 * _X[x] == 0:
            yield a, b, x


def _crystal(number: int, lengths: tuple[float, float], elements: list[int], points: np.ndarray) -> WyckoffCrystal:
    # Wyckoff letters of A, B and X: a, b, c in Pm-3m; a, b, and b and c in P4mm
    letters = [0, 1, 2] if number == 221 else [0, 1, 1, 2]
    cell = np.array([lengths[0], lengths[0], lengths[1], 90, 90, 90])
    return WyckoffCrystal(number, cell, np.array(letters), np.array(elements), points, np.arange(len(letters))[None])
