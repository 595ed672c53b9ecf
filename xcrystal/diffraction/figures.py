"""Powder patterns as plotly figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_COLOURS = ("#0072b2", "#d55e00")  # told apart by those who do not see all colours, too
_LABELLED = 12  # peaks whose planes are written; the others tell theirs under the pointer


@dataclass(frozen=True, eq=False)
class Curve:
    """A pattern as it is drawn.

    Attributes
    ----------
    name
        Of what.
    x, y
        (n,) positions, and intensities of which the highest is 100.
    at, d, intensity
        (k,) positions of the peaks, spacings in Å, and intensities; of a measured pattern none.
    planes
        Of each peak.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    at: np.ndarray
    d: np.ndarray
    intensity: np.ndarray
    planes: tuple[str, ...] = ()


class Drawable(Protocol):
    """A pattern, calculated or measured."""

    def curve(self, unit: str) -> Curve:
        """As it is drawn, in a unit."""


def pattern_figure(pattern: Drawable, other: Drawable | None, unit: str, title: str) -> Figure:
    """A pattern, with another one upside down beneath it; ``title`` is that of the axis."""
    import plotly.graph_objects as go

    figure = go.Figure()
    curves = [one.curve(unit) for one in (pattern, other) if one is not None]
    for one, colour, sign in zip(curves, _COLOURS, (1, -1), strict=False):
        figure.add_scatter(
            x=one.x, y=sign * one.y, name=_title(one), line={"color": colour, "width": 1.2}, hoverinfo="skip"
        )
        if not len(one.at):
            continue
        strongest = set(np.argsort(-one.intensity)[:_LABELLED].tolist())
        figure.add_scatter(
            x=one.at,
            y=sign * np.interp(one.at, one.x, one.y),
            mode="markers+text",
            marker={"color": colour, "size": 5, "symbol": "circle" if sign > 0 else "diamond"},
            text=[words if k in strongest else "" for k, words in enumerate(one.planes)],
            textposition="top center" if sign > 0 else "bottom center",
            textfont={"size": 10},
            customdata=list(zip(one.planes, one.d.tolist(), one.intensity.tolist(), strict=True)),
            hovertemplate="%{customdata[0]}<br>%{x:.3f}<br>d = %{customdata[1]:.4f} Å"
            "<br>%{customdata[2]:.1f} %<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(
        xaxis_title=title,
        yaxis_title="intensity (% of the highest)",
        template="plotly_white",
        height=360,
        margin={"l": 60, "r": 20, "t": 30, "b": 50},
        legend={"orientation": "h", "y": 1.08},
    )
    return figure


def _title(curve: Curve) -> str:
    """The name of a curve as plotly reads it: a formula with subscripts; a file's name as it is."""
    name = escape(curve.name, quote=False)
    return re.sub(r"(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)", r"<sub>\1</sub>", name) if len(curve.at) else name
