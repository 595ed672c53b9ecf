"""The points of the map as a plotly figure: which of them are drawn, their colours, and which ones stand out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.explorer.drawing.palette import COLOR_MAP, COLOR_MAPS, QUALITATIVE, UNKNOWN
from xcrystal.explorer.drawing.plotly_adapter import complete_figure_class
from xcrystal.explorer.drawing.point_colors import Coloring, coloring
from xcrystal.explorer.map.density_raster import CellCounts, Raster
from xcrystal.latent.landmarks import central_window
from xcrystal.latent.thinning import thin

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas


CONFIG = {"scrollZoom": True, "displaylogo": False, "responsive": True}  # of the figure in the page
MOST = 20_000  # points that are drawn at once: few enough to be sent, and to move smoothly without a graphics card
DENSE = 100_000  # crystals from which on a picture of their density is shown instead of some of them
_MARGIN = {"l": 6, "r": 6, "t": 6, "b": 6}
_CANDIDATES = 64  # crystals nearest on the map, of which one is nearest on the screen, where x and y differ in scale
_EDGE = 0.04  # of the map's extent, left free around it
_FADED = 0.45  # of grey points, when others are selected
_SMALLEST, _LARGEST, _MANY = 4.0, 10.0, 2000  # pixels; crystals from which on points are the smallest
KIND_SIZE = 1.125  # larger where colours are categories, which need some area to be told apart


class Points:
    """The figure, and what it shows.

    Parameters
    ----------
    atlas
        The crystals.
    color
        What colours them, of ``coloring.colors``, or "".
    selected
        (k,) rows that stand out; None for no difference.
    color_map
        The scale of colours for numbers, of ``palette.COLOR_MAPS``.

    Attributes
    ----------
    figure
        The widget: grey points of unknown value, and coloured ones above.
    rows
        (n,) rows of the atlas that are drawn as points.
    raster
        The density that is shown below them; None if all crystals of the window, or of a small map, are drawn.
    coloring, color_map
        What colours them, and the scale of colours.
    beyond
        How many crystals lie outside of the first view.
    """

    def __init__(
        self, atlas: Atlas, color: str, selected: np.ndarray | None = None, color_map: str = COLOR_MAP
    ) -> None:
        self.xy = atlas.inverse.places
        self.coloring, self._atlas, self._selected = coloring(atlas, color), atlas, selected
        self.color_map = color_map
        self._home = home_window(self.xy)
        self.beyond = int(((self.xy < self._home[0]) | (self.xy > self._home[1])).any(axis=1).sum())
        self._window = _around(*self._home)
        self._counts = CellCounts(self.xy) if len(self.xy) >= DENSE else None
        self.rows: np.ndarray
        self.raster: Raster | None
        self.rows, self.raster = self._drawn()
        self.figure = _figure(self._traces(), self._home)
        self.figure.add_class("xc-points")

    @property
    def thinned(self) -> bool:
        """Whether not all points can be drawn at once."""
        return len(self.xy) > MOST

    def color_by(self, name: str, color_map: str = COLOR_MAP) -> None:
        """Colour by something else, or in other colours."""
        if (name, color_map) != (self.coloring.name, self.color_map):
            self.coloring = self.coloring if name == self.coloring.name else coloring(self._atlas, name)
            self.color_map = color_map
            self.rows, self.raster = self._drawn()
            self._update()

    def select(self, rows: np.ndarray | None) -> None:
        """Let the points of other rows (k,) stand out; None for no selection."""
        if rows is not self._selected:
            self._selected = rows
            self.rows, self.raster = self._drawn()
            self._update()

    def look_at(self, window: tuple[float, float, float, float]) -> None:
        """Draw other points if there are too many to draw all: those around x from, x to, y from, y to."""
        if not self.thinned:
            return
        x0, x1, y0, y1 = window
        self._window = _around((x0, y0), (x1, y1))
        rows, raster = self._drawn()
        changed = not np.array_equal(rows, self.rows)
        self.rows, self.raster = rows if changed else self.rows, raster
        if changed:
            self._update()

    def nearest(self, point: tuple[float, float], pixel: tuple[float, float]) -> tuple[int, float]:
        """Row of the nearest point on the screen, of those that are drawn or are part of the density, and how many
        pixels off it is.
        """
        among = self.rows if self.raster is None else self._atlas.inverse.nearest(point, _CANDIDATES)
        if len(among) == 0:
            return 0, float("inf")
        row = int(among[nearest(self.xy[among], point, pixel)])
        return row, float(np.linalg.norm((self.xy[row] - np.array(point)) / np.array(pixel)))

    def _drawn(self) -> tuple[np.ndarray, Raster | None]:
        """Rows to draw, of the whole map or of the window, and the density below them.

        What stands out has at least half of the rows if it needs to. Above a density, only what stands out is drawn.
        """
        selected, window = self._selected, self._window  # read once: another thread may set others
        if self._counts is not None:
            inside = self._counts.rows(window, MOST)
            if inside is not None:
                return inside, None
            raster = self._counts.raster(window, self.coloring, self.color_map, selected is not None)
            none = np.zeros(0, dtype=int)
            return none if selected is None else self._thinned(np.unique(selected), MOST, window), raster
        if selected is None or not len(selected) or not self.thinned:
            return thin(self.xy, MOST, window), None
        others = np.setdiff1d(np.arange(len(self.xy)), selected)
        standing = self._thinned(np.unique(selected), max(MOST // 2, MOST - len(others)), window)
        return np.union1d(standing, self._thinned(others, MOST - len(standing), window)), None

    def _thinned(self, rows: np.ndarray, limit: int, window: tuple[float, float, float, float]) -> np.ndarray:
        return rows[thin(self.xy[rows], limit, window)] if len(rows) else rows

    def _update(self) -> None:
        for number, wanted in enumerate(self._traces()):
            marker = {f"marker.{name}": [value] for name, value in wanted["marker"].items() if name != "size"}
            # not by ``update``, which leaves out the coordinates
            self.figure.plotly_restyle({"x": [wanted["x"]], "y": [wanted["y"]], **marker}, trace_indexes=[number])

    def _traces(self) -> list[dict[str, Any]]:
        values = self.coloring.values[self.rows]
        known = np.isfinite(values)
        if self._selected is not None:
            known &= np.isin(self.rows, self._selected)  # all others are grey
        low, high = self.coloring.span
        kinds = self.coloring.kinds
        colored = {
            "color": values[known],
            "cmin": low,
            "cmax": high,
            "colorscale": scale(self.coloring, self.color_map),
        }
        size = point_size(len(self.xy)) * (KIND_SIZE if kinds else 1)
        unknown = {"color": UNKNOWN, "size": point_size(len(self.xy))}
        # with categories, fewer points hide others when they are drawn in the atlas' order, which is not theirs
        return [
            _trace(self.xy, self.rows[~known], self._opacity(self.rows[~known], 0.8), unknown),
            _trace(self.xy, self.rows[known], self._opacity(self.rows[known], 0.9), colored | {"size": size}),
        ]

    def _opacity(self, rows: np.ndarray, full: float) -> Any:
        if self._selected is None:
            return full
        return np.where(np.isin(rows, self._selected), np.float32(1), np.float32(_FADED))


def _around(low: Sequence[float], high: Sequence[float]) -> tuple[float, float, float, float]:
    """A window, x from, x to, y from, y to, with something beyond its edges, so that a small pan finds points there."""
    (x0, y0), (x1, y1) = low, high
    wide, tall = 0.25 * (x1 - x0), 0.25 * (y1 - y0)
    return float(x0 - wide), float(x1 + wide), float(y0 - tall), float(y1 + tall)


def nearest(points: np.ndarray, point: tuple[float, float], pixel: tuple[float, float]) -> int:
    """Index of the point (n, 2) that is nearest on the screen, where a pixel has the size ``pixel``."""
    return int((((points - np.array(point)) / np.array(pixel)) ** 2).sum(axis=1).argmin())


def scale(coloring: Coloring, color_map: str = COLOR_MAP) -> list[list[Any]]:
    """The colours as plotly wants them: from 0 to 1, in steps for categories."""
    if not coloring.kinds:
        stops = COLOR_MAPS[color_map]
        return [[k / (len(stops) - 1), color] for k, color in enumerate(stops)]
    n = len(coloring.kinds)
    return [[(k + end) / n, QUALITATIVE[k % len(QUALITATIVE)]] for k in range(n) for end in (0, 1)]


def point_size(count: int) -> float:
    """Pixels across a point, so that a map of a few dozen crystals can be seen, and one of thousands seen through."""
    return float(np.clip(_SMALLEST * (_MANY / max(count, 1)) ** 0.25, _SMALLEST, _LARGEST))


def _trace(xy: np.ndarray, rows: np.ndarray, opacity: Any, marker: dict[str, Any]) -> dict[str, Any]:
    x, y = xy[rows].astype(np.float32).T
    return {
        "type": "scattergl",
        "mode": "markers",
        "x": np.ascontiguousarray(x),
        "y": np.ascontiguousarray(y),
        "hoverinfo": "skip",  # plotly would look at every point on each move of the mouse, and know nothing of it
        "marker": {"opacity": opacity, **marker},
    }


def home_window(xy: np.ndarray) -> np.ndarray:
    """(2, 2) lower and upper corner of what is seen at first of points (N, 2)."""
    low, high = central_window(xy)
    free = np.maximum((high - low) * _EDGE, 1e-6)
    return np.stack([low - free, high + free])


def layout(home: np.ndarray) -> dict[str, Any]:
    """The layout of the figure, which begins with the window ``home`` (2, 2)."""

    def axis(k: int) -> dict[str, Any]:
        return {"visible": False, "showgrid": False, "zeroline": False, "range": home[:, k].tolist()}

    return {
        "autosize": True,
        "margin": _MARGIN,
        "dragmode": "pan",
        "hovermode": False,
        "showlegend": False,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": axis(0),
        "yaxis": axis(1),
    }


def _figure(traces: list[dict[str, Any]], home: np.ndarray) -> Any:
    # plotly's validation walks over all points several times, half a second for what we know to be right
    figure = complete_figure_class()(data=traces, layout=layout(home), _validate=False)
    figure._config = {**figure._config, **CONFIG}
    figure.introduce()
    return figure
