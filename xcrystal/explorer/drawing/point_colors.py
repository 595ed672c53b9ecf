"""What can colour the map: numbers and kinds of the atlas' crystals, by name.

A name is a column of the atlas' table that holds numbers or yes and no, "crystal_system", "number_of_elements",
"density" (of crystals on the map), or "element:O" (the share of atoms that are oxygen; crystals without any have no
value).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.elements import MAX_Z, symbol
from xcrystal.crystal.symmetry.groups import CRYSTAL_SYSTEMS, crystal_system
from xcrystal.explorer import words

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas

FIRST = ("formation_energy_per_atom", "band_gap", "e_above_hull", "above_hull", "space_group")
ELEMENT = "element:"
_PLACES = ("x", "y", "row")
_TITLES = {
    "crystal_system": "Crystal system",
    "density": "Density of crystals (log10)",
    "number_of_elements": "Number of elements",
    "close_packed": "Close-packed",
}
_NO_YES = ("no", "yes")
_LARGE = 100_000  # crystals
_NEAREST = 24  # crystals whose distance tells how dense the map is


@dataclass(frozen=True, eq=False)
class Coloring:
    """What colours the points.

    Attributes
    ----------
    name, title
        As ``color_by`` takes it; and for people, with its unit.
    values
        (N,) float32 numbers, or places in ``kinds``; NaN where there is none.
    kinds
        Names of the categories; empty for numbers.
    absent
        What a point without a value is.
    """

    name: str
    title: str
    values: np.ndarray
    kinds: tuple[str, ...] = ()
    absent: str = "not known"

    @cached_property
    def span(self) -> tuple[float, float]:
        """Where the scale of colours begins and ends; a few extreme values lie outside."""
        if self.kinds:
            return -0.5, len(self.kinds) - 0.5
        known = self.values[np.isfinite(self.values)]
        low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (0.0, 1.0)
        return float(low), float(max(high, low + 1e-6))

    def text(self, row: int) -> str:
        """The value of a crystal, for people; "" if nothing colours the map."""
        if not self.name:
            return ""
        value = float(self.values[row])
        if not np.isfinite(value):
            return f"{self.title}: {self.absent}"
        return f"{self.title}: {self.kinds[round(value)] if self.kinds else f'{value:.4g}'}"


def colors(atlas: Atlas) -> list[str]:
    """All names that can colour this atlas, the usual ones first."""
    kept: list[str] | None = vars(atlas).get("_colors")
    if kept is None:
        from pandas.api.types import is_numeric_dtype

        table = atlas.table
        columns = [
            str(name)
            for name in table.columns
            if name not in _PLACES and is_numeric_dtype(table[name]) and table[name].notna().any()
        ]
        usual = [name for name in FIRST if name in columns]
        own = [name for name in atlas.properties if name not in usual]
        usual = [*usual, *own] if set(usual) & set(FIRST[:3]) else [*own, *usual]  # what came with the crystals first
        kinds = ["crystal_system"] if "space_group" in columns else []
        kept = [*usual, *kinds, "number_of_elements", "density", *(name for name in columns if name not in usual)]
        held = {symbol(z) for formula in atlas.formulas[0] for z, _ in formula or ()}
        kept += [f"{ELEMENT}{symbol(z)}" for z in range(1, MAX_Z + 1) if symbol(z) in held]
        vars(atlas)["_colors"] = kept
    return kept


def known(atlas: Atlas, name: str) -> bool:
    """Whether there is such a colouring."""
    return name in colors(atlas)


def title(name: str) -> str:
    """ "Band gap (eV)" for ``band_gap``."""
    if name.startswith(ELEMENT):
        return f"Share of {name.removeprefix(ELEMENT)} atoms"
    return _TITLES.get(name) or words.with_unit(name)


def coloring(atlas: Atlas, name: str) -> Coloring:
    """The values that a name stands for; none for the empty name.

    Raises
    ------
    KeyError
        If there is no such colouring.
    """
    if not name:
        return Coloring("", "", np.full(len(atlas), np.nan, dtype=np.float32))
    if name.startswith(ELEMENT):
        element = name.removeprefix(ELEMENT)
        return Coloring(name, title(name), _shares(atlas, element), absent=f"no {element}")
    if name == "crystal_system":
        return Coloring(name, title(name), _systems(atlas), CRYSTAL_SYSTEMS)
    if name == "number_of_elements":
        formulas, which = atlas.formulas
        counts = np.array([len(formula or ()) for formula in formulas], dtype=np.float32)
        return Coloring(name, title(name), counts[which])
    if name == "density":
        return Coloring(name, title(name), _density(atlas))
    column = atlas.table[name]
    return Coloring(name, title(name), column.to_numpy(dtype=np.float32), _NO_YES if column.dtype == bool else ())


def _shares(atlas: Atlas, element: str) -> np.ndarray:
    formulas, which = atlas.formulas
    counts = [({symbol(z): n for z, n in formula or ()}) for formula in formulas]
    shares = [count[element] / sum(count.values()) if element in count else np.nan for count in counts]
    return np.array(shares, dtype=np.float32)[which]


def _systems(atlas: Atlas) -> np.ndarray:
    groups = atlas.table["space_group"].to_numpy(dtype=np.float64)
    systems = np.full(len(groups), np.nan, dtype=np.float32)
    for number in np.unique(groups[np.isfinite(groups)]):
        if 1 <= number <= 230:
            systems[groups == number] = CRYSTAL_SYSTEMS.index(crystal_system(int(number)))
    return systems


def _density(atlas: Atlas) -> np.ndarray:
    """log10 of how many crystals are around each, in a circle of 1 % of the map's width.

    Estimated from the distance to the 24th nearest; of a large atlas counted in cells.
    """
    places, circle = atlas.inverse.places, 0.01 * atlas.inverse.width
    if len(places) >= _LARGE:
        return _counted(places, circle)
    from scipy.spatial import cKDTree

    k = min(_NEAREST, len(places) - 1)
    if k < 1:
        return np.zeros(len(places), dtype=np.float32)
    distance = cKDTree(places).query(places, k + 1)[0][:, -1]
    return np.log10(k * (circle / np.maximum(distance, 0.01 * circle)) ** 2).astype(np.float32)


def _counted(places: np.ndarray, circle: float) -> np.ndarray:
    """(N,) float32 log10 of the crystals within this distance of the cell of each, cells a quarter of it wide."""
    x, y = ((places - places.min(axis=0)) / (circle / 4)).astype(int).T
    shape = (int(x.max()) + 1, int(y.max()) + 1)
    cell = x * shape[1] + y
    counts = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    padded, disc = np.pad(counts, 4), [(i, j) for i in range(-4, 5) for j in range(-4, 5) if i**2 + j**2 <= 16]
    around = np.zeros(shape)
    for i, j in disc:
        around += padded[4 + i : 4 + i + shape[0], 4 + j : 4 + j + shape[1]]
    return np.log10(around.reshape(-1)[cell] * (np.pi * 16 / len(disc))).astype(np.float32)
