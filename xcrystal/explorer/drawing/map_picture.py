"""The map as a picture to take away: vectors, with the scale of its colours and the position of the crystal."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.explorer.drawing.palette import COLOR_MAP, COLOR_MAPS, QUALITATIVE, UNKNOWN
from xcrystal.explorer.drawing.point_colors import Coloring, coloring
from xcrystal.latent.thinning import thin

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas

_SIZE, _MARGIN, _LEGEND = 800, 16, 64  # pixels; the legend is below the points
_MOST, _MANY = 20_000, 2_000  # points; from which on they are smaller
_LEVELS = 32  # colours of numbers
_FADED, _OPAQUE = 0.12, 0.9
_FONT = 'font-family="sans-serif" font-size="15" fill="#111111"'


def map_svg(
    atlas: Atlas,
    position: tuple[float, float],
    *,
    color: str = "",
    color_map: str = COLOR_MAP,
    selected: np.ndarray | None = None,
) -> str:
    """All points in their colours, those outside a selection faint, and a ring where the current crystal is.

    Parameters
    ----------
    atlas
        The crystals. Of more than 20,000, so many are drawn that stand for all, and all that are selected.
    position
        UMAP coordinates of the current crystal.
    color, color_map
        What colours the points, of ``point_colors.colors``, or ""; and the scale of colours for numbers.
    selected
        (k,) rows that stand out; None for no difference.
    """
    shown = coloring(atlas, color)
    places = atlas.inverse.places
    low = places.min(axis=0)
    scale = (_SIZE - 2 * _MARGIN) / max(float(np.ptp(places, axis=0).max()), 1e-9)
    height = 2 * _MARGIN + scale * float(np.ptp(places[:, 1]))

    def at(points: np.ndarray) -> np.ndarray:
        x, y = ((np.asarray(points) - low) * scale + _MARGIN).T
        return np.column_stack([x, height - y])

    rows = thin(places, _MOST, None)
    chosen = np.ones(len(rows), dtype=bool)
    if selected is not None:
        rows = np.union1d(rows, selected)
        chosen = np.isin(rows, selected)
    paints = _paints(shown, rows, color_map)
    size = 3.0 if len(rows) > _MANY else 6.0
    groups = [
        _dots(at(places[rows[of]]), paint, size, _OPAQUE if bright else _FADED)
        for bright in (False, True)
        for paint in sorted(set(paints))
        if (of := (paints == paint) & (chosen == bright)).any()
    ]
    ((x, y),) = at(np.array([position]))
    ring = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="none" stroke="#ffffff" stroke-width="6"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="none" stroke="#d55e00" stroke-width="3.5"/>'
    )
    whole = height + (_LEGEND if shown.name else 0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIZE}" height="{whole:.0f}" role="img" '
        f'aria-label="{escape(f"Map of {len(places)} crystals")}" viewBox="0 0 {_SIZE} {whole:.0f}">'
        f"{''.join(groups)}{ring}{_legend(shown, color_map, height)}</svg>"
    )


def _paints(shown: Coloring, rows: np.ndarray, color_map: str) -> np.ndarray:
    """(n,) colour of each row, of a few."""
    values = shown.values[rows]
    known = np.isfinite(values)
    paints = np.full(len(rows), UNKNOWN)
    if shown.kinds:
        paints[known] = np.array(QUALITATIVE)[values[known].astype(int) % len(QUALITATIVE)]
        return paints
    low, high = shown.span
    shares = np.clip((values[known] - low) / (high - low), 0, 1)
    levels = np.array([_between(COLOR_MAPS[color_map], k / (_LEVELS - 1)) for k in range(_LEVELS)])
    paints[known] = levels[np.rint(shares * (_LEVELS - 1)).astype(int)]
    return paints


def _between(stops: list[str], share: float) -> str:
    """The colour so far along a scale."""
    channels = np.array([[int(stop[k : k + 2], 16) for k in (1, 3, 5)] for stop in stops])
    found = (np.interp(share * (len(stops) - 1), range(len(stops)), channel) for channel in channels.T)
    return "#" + "".join(f"{round(float(value)):02x}" for value in found)


def _dots(points: np.ndarray, paint: str, size: float, opacity: float) -> str:
    path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)
    return (
        f'<path d="{path}" stroke="{paint}" stroke-width="{size:.1f}" stroke-opacity="{opacity}" '
        'stroke-linecap="round" fill="none"/>'
    )


def _legend(shown: Coloring, color_map: str, top: float) -> str:
    """What the colours mean; nothing if there are none."""
    if not shown.name:
        return ""
    title = f'<text x="{_MARGIN}" y="{top + 18:.0f}" {_FONT}>{escape(shown.title)}</text>'
    y = top + 30
    if shown.kinds:
        step = (_SIZE - 2 * _MARGIN) / len(shown.kinds)
        return title + "".join(
            f'<circle cx="{_MARGIN + k * step + 7:.0f}" cy="{y + 8:.0f}" r="7" '
            f'fill="{QUALITATIVE[k % len(QUALITATIVE)]}"/>'
            f'<text x="{_MARGIN + k * step + 19:.0f}" y="{y + 13:.0f}" {_FONT}>{escape(kind)}</text>'
            for k, kind in enumerate(shown.kinds)
        )
    stops = COLOR_MAPS[color_map]
    gradient = "".join(f'<stop offset="{k / (len(stops) - 1):.3f}" stop-color="{c}"/>' for k, c in enumerate(stops))
    low, high = shown.span
    return (
        f'<defs><linearGradient id="xc-scale">{gradient}</linearGradient></defs>{title}'
        f'<text x="{_MARGIN}" y="{y + 13:.0f}" {_FONT}>{low:.3g}</text>'
        f'<rect x="{_MARGIN + 70}" y="{y:.0f}" width="240" height="14" fill="url(#xc-scale)"/>'
        f'<text x="{_MARGIN + 322}" y="{y + 13:.0f}" {_FONT}>{high:.3g}</text>'
    )
