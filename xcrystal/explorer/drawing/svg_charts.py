"""Small still charts for lessons: SVG, so that a saved notebook shows them without a kernel, a network or a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from xcrystal.explanation.score_scale import ScoreScale, score_span
from xcrystal.explorer.drawing.palette import QUALITATIVE, UNKNOWN, hex_color

_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 12, 44
_LEGEND = 130  # right of the curves
_DASHES = ("", "7 4", "2 3", "10 3 2 3")  # lines differ by more than colour


class Chart:
    """An SVG picture; a notebook shows it when it is the last line of a cell."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x:auto">{self.svg}</div>'


def bars(
    values: Any,
    names: Sequence[str] = (),
    title: str = "",
    errors: Any = None,
    width: int = 640,
    height: int = 220,
    *,
    scores: bool = False,
) -> Chart:
    """Bars from zero, with error bars if given.

    Parameters
    ----------
    values
        (n,) numbers: blue above zero, orange below.
    names
        (n,) words below the bars; left out if there are many bars.
    title
        Of the vertical axis, with its unit.
    errors
        (n,) half lengths of error bars, or None.
    scores
        Whether the numbers are scores of an attribution: then they have the colours that atoms have, blue below zero
        and red above.
    """
    y = np.asarray(values, dtype=float)
    error = np.zeros(len(y)) if errors is None else np.asarray(errors, dtype=float)
    frame = _Frame((-0.5, len(y) - 0.5), (min(0.0, (y - error).min()), max(0.0, (y + error).max())), width, height)
    step = frame.x(1) - frame.x(0)
    shades = [hex_color(color) for color in ScoreScale(score_span(y)).colors(y)]
    drawn = [frame.grid(title, "")]
    for k, value in enumerate(y):
        top, bottom = sorted((frame.y(value), frame.y(0)))
        paint = shades[k] if scores else QUALITATIVE[0] if value >= 0 else QUALITATIVE[5]
        x = frame.x(k)
        drawn.append(_rect(x - 0.4 * step, top, 0.8 * step, bottom - top, paint))
        if errors is not None:
            drawn.append(_line([x, x], [frame.y(value - error[k]), frame.y(value + error[k])], "currentColor", 0.8))
        if names:
            drawn.append(_text(x, height - _BOTTOM + 16, names[k], "middle"))
    return Chart(frame.image("".join(drawn), title or "bars"))


def lines(
    curves: Mapping[str, tuple[Any, Any]],
    x_title: str = "",
    y_title: str = "",
    log: bool = False,
    marks: bool = False,
    width: int = 640,
    height: int = 260,
) -> Chart:
    """Curves over a common axis, each with a colour and a dash of its own.

    Parameters
    ----------
    curves
        By name, (n,) places and (n,) values; with ``log`` values that are not positive are left out.
    marks
        Also draw a dot at each place.
    """
    data = {name: (np.asarray(x, dtype=float), np.asarray(y, dtype=float)) for name, (x, y) in curves.items()}
    if log:
        data = {name: (x[y > 0], np.log10(y[y > 0])) for name, (x, y) in data.items() if (y > 0).any()}
    every_x, every_y = (np.concatenate([pair[k] for pair in data.values()]) for k in (0, 1))
    every_x, every_y = every_x[np.isfinite(every_x)], every_y[np.isfinite(every_y)]
    frame = _Frame((every_x.min(), every_x.max()), (every_y.min(), every_y.max()), width - _LEGEND, height, log)
    drawn = [frame.grid(y_title, x_title)]
    for k, (name, (x, y)) in enumerate(data.items()):
        paint, dash = QUALITATIVE[k % 6], _DASHES[(k // 6 + k) % len(_DASHES)]
        drawn.append(_line(frame.x(x), frame.y(y), paint, 2, dash))
        if marks:
            drawn += [_dot(frame.x(a), frame.y(b), 3.5, paint, name) for a, b in zip(x, y, strict=True)]
        top = _TOP + 12 + 16 * k
        drawn.append(_line([width - _LEGEND + 4, width - _LEGEND + 30], [top - 4, top - 4], paint, 2, dash))
        drawn.append(_text(width - _LEGEND + 36, top, name))
    frame.width = width
    return Chart(frame.image("".join(drawn), f"{y_title} over {x_title}"))


def scatter(
    groups: Mapping[str, tuple[Any, Any]], x_title: str = "", y_title: str = "", width: int = 520, height: int = 320
) -> Chart:
    """Points of several groups, each with a colour and a shape of its own.

    Parameters
    ----------
    groups
        By name, (n,) places and (n,) values.
    """
    data = {name: (np.asarray(x, dtype=float), np.asarray(y, dtype=float)) for name, (x, y) in groups.items()}
    x_ends, y_ends = (_ends(np.concatenate([pair[k] for pair in data.values()])) for k in (0, 1))
    frame = _Frame(x_ends, y_ends, width, height)
    drawn = [frame.grid(y_title, x_title)]
    for k, (name, (x, y)) in enumerate(data.items()):
        paint = QUALITATIVE[(0, 5, 2)[k % 3]]
        shape = _dot if k % 2 == 0 else _cross
        drawn += [shape(frame.x(a), frame.y(b), 3.5, paint, name) for a, b in zip(x, y, strict=True)]
        drawn += [shape(_LEFT + 14, _TOP + 10 + 17 * k, 4.5, paint), _text(_LEFT + 24, _TOP + 14 + 17 * k, name)]
    return Chart(frame.image("".join(drawn), f"{y_title} over {x_title}"))


def cloud(
    points: Any, marks: Mapping[str, Any] | None = None, path: Any = None, width: int = 460, height: int = 400
) -> Chart:
    """A map: grey points, some of them named, and a path with arrows of time from its first to its last point.

    Parameters
    ----------
    points
        (n, 2) places; of more than 2,500 every so manieth is drawn.
    marks
        Places (2,) by name.
    path
        (m, 2) places, joined.
    """
    every = np.asarray(points, dtype=float)
    named = {name: np.asarray(place, dtype=float) for name, place in (marks or {}).items()}
    walked = np.zeros((0, 2)) if path is None else np.asarray(path, dtype=float)
    some = every[:: max(1, len(every) // 2500)]
    seen = np.concatenate([some, *(place[None] for place in named.values()), walked])
    frame = _Frame(_ends(seen[:, 0]), _ends(seen[:, 1]), width, height, bare=True)
    drawn = [_dot(frame.x(x), frame.y(y), 1.1, UNKNOWN) for x, y in some]
    if len(walked):
        x, y = frame.x(walked[:, 0]), frame.y(walked[:, 1])
        drawn.append(_line(x, y, QUALITATIVE[5], 2))
        drawn += [_dot(a, b, 3, QUALITATIVE[5]) for a, b in zip(x, y, strict=True)]
    for name, place in named.items():
        x, y = frame.x(place[0]), frame.y(place[1])
        side = "end" if x > 0.75 * width else "start"
        drawn += [_dot(x, y, 5, QUALITATIVE[0]), _text(x + (-9 if side == "end" else 9), y + 4, name, side)]
    return Chart(frame.image("".join(drawn), "map"))


class _Frame:
    """Where numbers lie in a picture."""

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        width: int,
        height: int,
        log: bool = False,
        bare: bool = False,
    ) -> None:
        self.width, self.height, self.log = width, height, log
        self._edges = (8, 8, 8, 8) if bare else (_LEFT, _RIGHT, _TOP, _BOTTOM)
        self._x = (x[0], x[1] if x[1] > x[0] else x[0] + 1)
        spare = 0.04 * (y[1] - y[0]) or 0.5
        flat = y[0] == y[1] == 0  # a frame needs a height also where every value is zero
        self._y = (0.0, 1.0) if flat else (y[0] - (spare if y[0] else 0), y[1] + (spare if y[1] else 0))

    def x(self, value: Any) -> Any:
        left, right = self._edges[:2]
        return left + (value - self._x[0]) / (self._x[1] - self._x[0]) * (self.width - left - right)

    def y(self, value: Any) -> Any:
        top, bottom = self._edges[2:]
        return self.height - bottom - (value - self._y[0]) / (self._y[1] - self._y[0]) * (self.height - top - bottom)

    def grid(self, y_title: str, x_title: str) -> str:
        drawn = []
        for value in _ticks(*self._y, whole=self.log):
            y = self.y(value)
            drawn.append(_line([_LEFT, self.width - _RIGHT], [y, y], "currentColor", 0.5, opacity=0.25))
            drawn.append(_text(_LEFT - 6, y + 4, f"{10**value:g}" if self.log else f"{value:g}", "end"))
        places = _ticks(*self._x) if x_title else []
        drawn += [_text(self.x(value), self.height - _BOTTOM + 16, f"{value:g}", "middle") for value in places]
        drawn.append(_text((_LEFT + self.width - _RIGHT) / 2, self.height - 8, x_title, "middle"))
        middle = (_TOP + self.height - _BOTTOM) / 2
        drawn.append(f'<g transform="translate(14 {middle:.0f}) rotate(-90)">{_text(0, 0, y_title, "middle")}</g>')
        return "".join(drawn)

    def image(self, drawn: str, label: str) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" role="img" '
            f'aria-label="{escape(label, quote=True)}" viewBox="0 0 {self.width} {self.height}" '
            f'font-family="sans-serif" font-size="12">{drawn}</svg>'
        )


def _ends(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Four to eight round numbers in a range."""
    rough = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * 0.999)
    step = max(step, 1.0) if whole else step
    first = np.ceil(low / step - 1e-9)
    return [round(float(k * step), 10) + 0.0 for k in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def _line(x: Any, y: Any, paint: str, width: float, dash: str = "", opacity: float = 1.0) -> str:
    places = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if np.isfinite(a) and np.isfinite(b))
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<polyline points="{places}" fill="none" stroke="{paint}" stroke-width="{width}" '
        f'stroke-opacity="{opacity}"{dashes}/>'
    )


def _rect(x: float, y: float, width: float, height: float, paint: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{paint}"/>'


def _dot(x: float, y: float, radius: float, paint: str, title: str = "") -> str:
    told = f"<title>{escape(title)}</title>" if title else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{paint}">{told}</circle>'


def _cross(x: float, y: float, radius: float, paint: str, title: str = "") -> str:
    told = f"<title>{escape(title)}</title>" if title else ""
    a, b, c, d = x - radius, y - radius, x + radius, y + radius
    path = f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}M{a:.1f} {d:.1f}L{c:.1f} {b:.1f}"
    return f'<path d="{path}" stroke="{paint}" stroke-width="1.6" fill="none">{told}</path>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{escape(text)}</text>'
