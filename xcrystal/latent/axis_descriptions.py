"""What grows along a direction of latent space, in words: "more oxygen, higher symmetry".

A direction has no meaning by itself. It gets the words of what its coordinate correlates with over known crystals:
their elements, their symmetry and the properties of the atlas. What correlates weakly grows
"slightly"; where nothing correlates, the word is "mixed".
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np

from xcrystal.crystal.elements import MAX_Z
from xcrystal.crystal.geometry.radii import COVALENT_RADII
from xcrystal.errors import ReadError
from xcrystal.latent.compositions import parse_formula

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas
    from xcrystal.latent.axes import Axis

MIXED = "mixed"
CLEAR, SLIGHT = 0.3, 0.15  # |r|: below the first nothing shows in a few crystals, below the second in many
_ALIKE = 0.5  # |r| of two quantities that say much the same
_MOST_CRYSTALS = 4000  # the error of a correlation is then below 0.02
_FEWEST = 50

_RARE_EARTHS = (*range(57, 72), 21, 39)
_GROUPS = {
    "oxygen": (8,),
    "hydrogen": (1,),
    "carbon": (6,),
    "nitrogen": (7,),
    "phosphorus": (15,),
    "fluorine": (9,),
    "halogens": (9, 17, 35, 53),
    "S, Se or Te": (16, 34, 52),
    "alkali metals": (3, 11, 19, 37, 55),
    "alkaline earths": (4, 12, 20, 38, 56),
    "rare earths": _RARE_EARTHS,
    "actinides": tuple(range(89, MAX_Z + 1)),
    "transition metals": (*range(22, 31), *range(40, 49), *range(72, 81)),
    "Al, Ga or In": (13, 31, 49),
    "Si or Ge": (14, 32),
}
_FEWER = dict.fromkeys(
    [name for name in _GROUPS if name.endswith(("metals", "halogens", "earths", "actinides"))], "fewer"
)
_PROPERTIES = {
    "band_gap": ("larger band gap", "smaller band gap"),
    "formation_energy_per_atom": ("higher formation energy", "lower formation energy"),
    "e_above_hull": ("farther above the hull", "nearer to the hull"),
}
# orders of point groups, and the last space group of each row of those with the same order
_ORDERS = np.array([1, 2, 4, 8, 4, 8, 16, 3, 6, 12, 6, 12, 24, 12, 24, 48])
_LAST_OF_ORDER = np.array([1, 9, 46, 74, 82, 122, 142, 146, 161, 167, 174, 190, 194, 199, 220, 230])


class AxisDescriptions:
    """Says what grows along axes, by correlations over an atlas.

    Parameters
    ----------
    atlas
        Known crystals; at most 4,000 of them are looked at.
    """

    def __init__(self, atlas: Atlas) -> None:
        self._atlas = atlas
        self._known: dict[Axis, str] = {}

    def describe(self, axis: Axis) -> str:
        """What grows along an axis, such as "more oxygen, higher symmetry"; "mixed" if nothing does.

        What can be seen in a crystal, its elements and symmetry, comes before properties.
        """
        if axis not in self._known:
            self._known[axis] = self._describe(self.correlations(axis))
        return self._known[axis]

    def _describe(self, correlations: np.ndarray) -> str:
        """The words for (Q,) correlations."""

        def word(k: int) -> str:
            return self._words[k][0 if correlations[k] > 0 else 1]

        found = np.abs(correlations)
        if found.max() < SLIGHT:
            return MIXED
        if found.max() < CLEAR:
            return f"slightly {word(int(found.argmax()))}"
        seen = found[: len(found) - len(self._atlas.properties)]
        first = int(seen.argmax()) if seen.max() >= CLEAR else int(found.argmax())
        others = np.where((np.abs(self._mutual[first]) < _ALIKE) & (found >= CLEAR), found, 0.0)
        return ", ".join(word(k) for k in (first, int(others.argmax()))[: 1 + others.any()])

    def correlations(self, axis: Axis) -> np.ndarray:
        """(Q,) Pearson's correlation of the coordinate along an axis with each quantity."""
        along = axis.coordinates(self._z)
        return _standard(along[:, None])[:, 0] @ self._quantities / max(len(along), 1)

    @property
    def quantities(self) -> list[str]:
        """What is correlated with: the words for more of each, in the order of ``correlations``."""
        return [more for more, _ in self._words]

    @cached_property
    def _rows(self) -> np.ndarray:
        """Rows of the atlas that are looked at, evenly spread over it."""
        count = len(self._atlas)
        return np.arange(0, count, -(-count // _MOST_CRYSTALS)) if count >= _FEWEST else np.arange(0)

    @cached_property
    def _z(self) -> np.ndarray:
        """(n, Z) latent vectors of the crystals that are looked at."""
        return self._atlas.z[self._rows].astype(np.float64)

    @cached_property
    def _words(self) -> list[tuple[str, str]]:
        """For each quantity, the words for more and for less of it."""
        return list(self._columns)

    @cached_property
    def _quantities(self) -> np.ndarray:
        """(n, Q) quantities of the crystals, each with mean 0 and standard deviation 1."""
        return _standard(np.stack(list(self._columns.values()), axis=1))

    @cached_property
    def _mutual(self) -> np.ndarray:
        """(Q, Q) correlations of the quantities with each other."""
        return self._quantities.T @ self._quantities / max(len(self._rows), 1)

    @cached_property
    def _columns(self) -> dict[tuple[str, str], np.ndarray]:
        table = self._atlas.table.iloc[self._rows]
        shares = _shares([str(text) for text in table["formula"]])
        columns = {
            (f"more {name}", f"{_FEWER.get(name, 'less')} {name}"): shares[:, list(numbers)].sum(axis=1)
            for name, numbers in _GROUPS.items()
        }
        columns["heavier elements", "lighter elements"] = shares @ np.arange(MAX_Z + 1)
        columns["larger atoms", "smaller atoms"] = shares @ COVALENT_RADII[: MAX_Z + 1]
        columns["more elements", "fewer elements"] = (shares > 0).sum(axis=1).astype(float)
        if "space_group" in table:
            columns["higher symmetry", "lower symmetry"] = _operations(table["space_group"].to_numpy())
        for name in self._atlas.properties:
            more = _PROPERTIES.get(name, (f"more {name.replace('_', ' ')}", f"less {name.replace('_', ' ')}"))
            columns[more] = table[name].to_numpy(dtype=float)
        return columns


_OPEN: WeakValueDictionary[int, AxisDescriptions] = WeakValueDictionary()  # by the atlas, which each keeps alive


def descriptions_over(atlas: Atlas) -> AxisDescriptions:
    """The descriptions over an atlas: those that somebody has already, since they hold megabytes, or new ones."""
    found = _OPEN.get(id(atlas))
    if found is None:
        found = _OPEN[id(atlas)] = AxisDescriptions(atlas)
    return found


def _standard(values: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and standard deviation 1; what is not known is as the mean, a constant is 0."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, values, 0.0)
    centred = np.where(known, filled - filled.sum(axis=0) / count, 0.0)
    spread = np.sqrt(np.square(centred).mean(axis=0)) if len(values) else np.ones(values.shape[1])
    return np.asarray(centred / np.where(spread > 0, spread, 1.0))


def _shares(formulas: list[str]) -> np.ndarray:
    """(n, 95) share of the atoms of each formula that are of each element; a formula that cannot be read is 0."""
    shares = np.zeros((len(formulas), MAX_Z + 1))
    for row, text in enumerate(formulas):
        try:
            counts = parse_formula(text)
        except ReadError:
            continue
        total = sum(n for _, n in counts)
        for number, n in counts:
            shares[row, number] = n / total
    return shares


def _operations(numbers: np.ndarray) -> np.ndarray:
    """(n,) logarithm of the order of the point group of each space group."""
    return np.log(_ORDERS[np.searchsorted(_LAST_OF_ORDER, numbers)])
