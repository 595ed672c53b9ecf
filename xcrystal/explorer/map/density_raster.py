"""A picture of how many crystals lie where, and of what value, for maps of more points than can be drawn."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.explorer.drawing.palette import COLOR_MAPS, QUALITATIVE, UNKNOWN

if TYPE_CHECKING:
    from xcrystal.explorer.drawing.point_colors import Coloring

SIDE = 720  # cells along each side
_SHADES = 6  # of opacity
_TONES = 32  # of a scale of colours
_FAINTEST = 0.3  # opacity of a cell with one crystal
_BYTES = 255


@dataclass(frozen=True, eq=False)
class Raster:
    """Crystals counted in the cells of a window.

    Attributes
    ----------
    window
        x from, x to, y from, y to.
    tone
        (SIDE, SIDE) uint8 index of each cell's colour, the upper row first.
    shade
        (SIDE, SIDE) uint8: 0 without a crystal, 1 for one, and up to ``_SHADES`` for ``most``, by the logarithm.
    colors
        The colours.
    most
        Crystals in the fullest cell.
    """

    window: tuple[float, float, float, float]
    tone: np.ndarray
    shade: np.ndarray
    colors: list[str]
    most: int

    @property
    def address(self) -> str:
        """A data URL of it as PNG."""
        from PIL import Image

        image = Image.fromarray(np.where(self.shade, 1 + self.tone * _SHADES + self.shade - 1, 0).astype(np.uint8), "P")
        channels = [[int(color[k : k + 2], 16) for k in (1, 3, 5)] for color in self.colors]
        image.putpalette([0, 0, 0] + [value for color in channels for _ in range(_SHADES) for value in color])
        opacity = np.linspace(_FAINTEST, 1, _SHADES) * _BYTES
        clear = bytes([0, *np.tile(np.rint(opacity).astype(int), len(self.colors)).tolist()])
        file = BytesIO()
        image.save(file, "PNG", transparency=clear, compress_level=1)
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


class CellCounts:
    """Counts the points of a map in the cells of any window.

    Parameters
    ----------
    places
        (N, 2) coordinates.
    """

    def __init__(self, places: np.ndarray) -> None:
        # in the order of x, so that those of a window are looked for in a part of all
        self._order = np.argsort(places[:, 0], kind="stable")
        self._x, self._y = (np.ascontiguousarray(places[self._order, k]) for k in (0, 1))
        self._values: tuple[Coloring, np.ndarray] | None = None  # of the last colouring, in that order

    def rows(self, window: tuple[float, float, float, float], most: int) -> np.ndarray | None:
        """Rows (k,) of the points in a window, ascending; None if these are more than ``most``."""
        part, inside = self._inside(window)
        return np.sort(self._order[part][inside]) if len(inside) <= most else None

    def raster(
        self, window: tuple[float, float, float, float], coloring: Coloring, color_map: str, grey: bool = False
    ) -> Raster:
        """The picture of a window.

        Parameters
        ----------
        window
            x from, x to, y from, y to.
        coloring
            Of the points: a cell has the colour of the mean of its values, or of its most frequent kind.
        color_map
            The scale of colours for numbers, of ``palette.COLOR_MAPS``.
        grey
            Whether all are grey, so that others stand out.
        """
        x0, x1, y0, y1 = window
        part, inside = self._inside(window)
        column = ((self._x[part][inside] - x0) * (SIDE / (x1 - x0))).astype(np.int32).clip(0, SIDE - 1)
        line = SIDE - 1 - ((self._y[part][inside] - y0) * (SIDE / (y1 - y0))).astype(np.int32).clip(0, SIDE - 1)
        cell = line * SIDE + column
        count = np.bincount(cell, minlength=SIDE**2)
        most = int(count.max(initial=0))
        rank = np.log(np.arange(1, most + 1)) / np.log(max(most, 2))
        shades = np.concatenate([[0], 1 + np.rint(rank * (_SHADES - 1))]).astype(np.uint8)
        if grey or not coloring.name:
            tone, colors = np.zeros(SIDE**2, dtype=np.uint8), [UNKNOWN]
        else:
            kept = self._values  # read once: another thread may put that of another colouring there
            if kept is None or kept[0] is not coloring:
                self._values = kept = coloring, coloring.values[self._order]
            tone, colors = _tones(cell, coloring, kept[1][part][inside], color_map)
        return Raster(window, tone.reshape(SIDE, SIDE), shades[count].reshape(SIDE, SIDE), colors, most)

    def _inside(self, window: tuple[float, float, float, float]) -> tuple[slice, np.ndarray]:
        """The part of all points that a window is looked for in, and which of these (k,) are inside of it."""
        part = slice(*np.searchsorted(self._x, window[:2]).tolist())
        y = self._y[part]
        return part, np.flatnonzero((y >= window[2]) & (y < window[3]))


def _tones(cell: np.ndarray, coloring: Coloring, values: np.ndarray, color_map: str) -> tuple[np.ndarray, list[str]]:
    """(SIDE ** 2,) uint8 index of each cell's colour, and the colours, the first of them for cells of unknown value."""
    known = np.isfinite(values)
    cell, values = cell[known], values[known]
    if coloring.kinds:
        kinds = range(len(coloring.kinds))
        counts = np.stack([np.bincount(cell[values == kind], minlength=SIDE**2) for kind in kinds])
        tone = np.where(counts.any(axis=0), 1 + counts.argmax(axis=0), 0)
        return tone.astype(np.uint8), [UNKNOWN, *(QUALITATIVE[kind % len(QUALITATIVE)] for kind in kinds)]
    low, high = coloring.span
    count = np.bincount(cell, minlength=SIDE**2)
    mean = np.bincount(cell, values, SIDE**2) / np.maximum(count, 1)
    level = np.rint((mean - low) / (high - low) * (_TONES - 1)).clip(0, _TONES - 1)
    return np.where(count, 1 + level, 0).astype(np.uint8), [UNKNOWN, *_scale(COLOR_MAPS[color_map])]


def _scale(stops: list[str]) -> list[str]:
    """``_TONES`` colours along a scale."""
    channels = np.array([[int(stop[k : k + 2], 16) for k in (1, 3, 5)] for stop in stops])
    at = np.linspace(0, len(stops) - 1, _TONES)
    found = np.rint(np.stack([np.interp(at, np.arange(len(stops)), channel) for channel in channels.T], axis=1))
    return ["#" + "".join(f"{value:02x}" for value in color) for color in found.astype(int).tolist()]
