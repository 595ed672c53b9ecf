"""Powder patterns as plotly figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xcrystal.diffraction.powder import UNITS, Pattern, Unit, in_unit

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from xcrystal.diffraction.measured import MeasuredPattern

_COLOURS = ("#0072b2", "#d55e00")  # told apart by those who do not see all colours, too
_LABELLED = 12  # peaks whose planes are written; the others tell theirs under the pointer


def pattern_figure(pattern: Pattern | MeasuredPattern, other: Pattern | MeasuredPattern | None = None) -> Figure:
    """A pattern, with another one upside down beneath it, in the unit of the first that is calculated."""
    import plotly.graph_objects as go

    given = [one for one in (pattern, other) if one is not None]
    unit: Unit = next((one.unit for one in given if isinstance(one, Pattern)), "two_theta")
    figure = go.Figure()
    for one, colour, sign in zip(given, _COLOURS, (1, -1), strict=False):
        name = one.formula if isinstance(one, Pattern) else one.name
        x, y = _curve(one, unit)
        figure.add_scatter(x=x, y=sign * y, name=name, line={"color": colour, "width": 1.2}, hoverinfo="skip")
        if not isinstance(one, Pattern):
            continue
        at = in_unit(one.two_theta, one.wavelength, unit)
        high = sign * np.interp(at, x, y)
        planes = one.peaks["hkl"].tolist()
        figure.add_scatter(
            x=at,
            y=high,
            mode="markers+text",
            marker={"color": colour, "size": 5, "symbol": "circle" if sign > 0 else "diamond"},
            text=[words if k in _strongest(one) else "" for k, words in enumerate(planes)],
            textposition="top center" if sign > 0 else "bottom center",
            textfont={"size": 10},
            customdata=list(zip(planes, one.d.tolist(), one.intensity.tolist(), strict=True)),
            hovertemplate="%{customdata[0]}<br>%{x:.3f}<br>d = %{customdata[1]:.4f} Å"
            "<br>%{customdata[2]:.1f} %<extra>" + name + "</extra>",
            showlegend=False,
        )
    figure.update_layout(
        xaxis_title=UNITS[unit],
        yaxis_title="intensity (% of the highest)",
        template="plotly_white",
        height=360,
        margin={"l": 60, "r": 20, "t": 30, "b": 50},
        legend={"orientation": "h", "y": 1.08},
    )
    return figure


def _curve(one: Pattern | MeasuredPattern, unit: Unit) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(one, Pattern):
        x, y = one.profile()
        return (x, y) if one.unit == unit else (in_unit(x, one.wavelength, unit), y)
    y = one.intensity - min(one.intensity.min(), 0)
    return in_unit(one.two_theta, one.wavelength, unit), 100 * y / y.max()


def _strongest(pattern: Pattern) -> set[int]:
    return set(np.argsort(-pattern.intensity)[:_LABELLED].tolist())
