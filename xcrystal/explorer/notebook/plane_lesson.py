"""A slider for the weight of the KL term, and the plane of a small autoencoder that learns while one looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import ipywidgets as widgets
import numpy as np

from xcrystal.explorer.drawing.palette import COLOR_MAP, COLOR_MAPS, QUALITATIVE
from xcrystal.explorer.drawing.svg_charts import Chart, lines
from xcrystal.training.plane_autoencoder import LENGTH, Plane, PlaneAutoencoder, PlaneData

_SIZE = 320  # pixels
_REACH = 3.2  # of the plane that is drawn
_ELLIPSES = 40


def plane_picture(plane: Plane, data: PlaneData) -> Chart:
    """The plane: tiles are the cell length that is decoded there, dots the crystals with theirs, in the same colours.

    Rings are posteriors (one standard deviation) of some crystals; the dashed circle is one standard deviation of the
    prior.
    """
    low, high = float(data.values[:, LENGTH].min()), float(data.values[:, LENGTH].max())
    tiles, side = len(plane.tiles), _SIZE * 6 / (2 * _REACH) / len(plane.tiles)
    edge = (_SIZE - tiles * side) / 2
    drawn = [
        f'<rect x="{edge + i * side:.1f}" y="{_SIZE - edge - (j + 1) * side:.1f}" width="{side + 0.3:.1f}" '
        f'height="{side + 0.3:.1f}" fill="{_shade((plane.tiles[j, i] - low) / (high - low))}" fill-opacity="0.55"/>'
        for j in range(tiles)
        for i in range(tiles)
    ]

    def at(value: float) -> float:
        return (float(np.clip(value, -_REACH, _REACH)) / _REACH + 1) * _SIZE / 2

    unit = _SIZE / (2 * _REACH)
    chosen = np.linspace(0, len(plane.mean) - 1, min(_ELLIPSES, len(plane.mean))).astype(int)
    drawn += [
        f'<ellipse cx="{at(plane.mean[k, 0]):.1f}" cy="{_SIZE - at(plane.mean[k, 1]):.1f}" '
        f'rx="{plane.std[k, 0] * unit:.1f}" ry="{plane.std[k, 1] * unit:.1f}" fill="none" stroke="#333" '
        'stroke-width="0.6" stroke-opacity="0.6"/>'
        for k in chosen
    ]
    for (x, y), value, name in zip(plane.mean, data.values[:, LENGTH], data.formula, strict=True):
        drawn.append(
            f'<circle cx="{at(x):.1f}" cy="{_SIZE - at(y):.1f}" r="3.2" fill="{_shade((value - low) / (high - low))}" '
            f'stroke="white" stroke-width="0.7"><title>{name}: {value:.2f} Å</title></circle>'
        )
    middle = _SIZE / 2
    drawn.append(
        f'<circle cx="{middle}" cy="{middle}" r="{unit:.1f}" fill="none" stroke="black" stroke-dasharray="5 4"/>'
    )
    steps = np.linspace(0, 1, 30)
    drawn += [
        f'<rect x="{8 + 4 * k}" y="{_SIZE + 10}" width="4.3" height="10" fill="{_shade(float(t))}"/>'
        for k, t in enumerate(steps)
    ]
    drawn.append(f'<text x="134" y="{_SIZE + 19}" fill="currentColor">cell length a, {low:.1f} to {high:.1f} Å</text>')
    return Chart(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIZE}" height="{_SIZE + 26}" role="img" '
        f'aria-label="The latent plane at a KL weight of {plane.beta:g}" viewBox="0 0 {_SIZE} {_SIZE + 26}" '
        f'font-family="sans-serif" font-size="12">{"".join(drawn)}</svg>'
    )


def beta_curves(planes: Sequence[Plane], width: int = 460) -> Chart:
    """Error of the reconstruction and KL (nats, a tenth of it) over the logarithm of the KL weight."""
    ordered = sorted(planes, key=lambda plane: plane.beta)
    at = np.array([math.log10(plane.beta) for plane in ordered])
    curves = {
        "error": (at, np.array([plane.error for plane in ordered])),
        "KL / 10": (at, np.array([plane.kl / 10 for plane in ordered])),
    }
    return lines(curves, "log10 of the KL weight", "error (spreads); KL / 10 (nats)", marks=True, width=width)


class PlaneLesson(widgets.VBox):
    """The live lesson: each move of the slider lets the network go on learning, and draws it as it does.

    Attributes
    ----------
    slider
        The weight of the KL term.
    tried
        The planes at the end of each training.
    """

    def __init__(self, seed: int = 0, beta: float = 1.0) -> None:
        self._network = PlaneAutoencoder(seed=seed)
        self.tried: list[Plane] = []
        self.slider = widgets.FloatLogSlider(
            beta, min=-3, max=2, step=0.25, description="KL weight", continuous_update=False
        )
        self._again = widgets.Button(description="Begin anew", tooltip="A network with new random weights")
        self._seed = seed
        self._again.on_click(self._anew)
        self._picture, self._curves, self._said = widgets.HTML(), widgets.HTML(), widgets.HTML()
        super().__init__(
            [widgets.HBox([self.slider, self._again]), self._said, widgets.HBox([self._picture, self._curves])]
        )
        self.slider.observe(self._learn, "value")
        self._learn()

    def _anew(self, _: Any) -> None:
        self._seed += 1
        self._network = PlaneAutoencoder(self._network.data, self._seed)
        self.tried.clear()
        self._learn()

    def _learn(self, _: Any = None) -> None:
        beta = float(self.slider.value)
        plane = None
        for plane in self._network.learn(beta):
            self._picture.value = plane_picture(plane, self._network.data).svg
            self._said.value = (
                f"KL weight {beta:g}: {plane.steps} steps, error {plane.error:.2f} spreads, "
                f"latent vectors say {plane.kl:.1f} nats"
            )
        assert plane is not None
        self.tried = [one for one in self.tried if one.beta != beta] + [plane]
        self._curves.value = beta_curves(self.tried).svg


def map_pictures(maps: dict[str, np.ndarray], groups: Sequence[str], size: int = 200) -> Chart:
    """Maps (n, 2) of the same points side by side, coloured by their groups, of which the first seven have colours."""
    names = sorted(set(groups), key=lambda name: -list(groups).count(name))[: len(QUALITATIVE)]
    paint = {name: QUALITATIVE[k] for k, name in enumerate(names)}
    drawn = []
    for place, (title, points) in enumerate(maps.items()):
        centred = points - (points.min(axis=0) + points.max(axis=0)) / 2
        scaled = centred / max(float(np.ptp(points, axis=0).max()), 1e-9) * (size - 16) + size / 2
        left = place * (size + 10)
        dots = "".join(
            f'<circle cx="{left + x:.1f}" cy="{size - y + 18:.1f}" r="1.6" fill="{paint.get(group, "#b8b8b8")}"/>'
            for (x, y), group in zip(scaled, groups, strict=True)
        )
        drawn.append(f'<text x="{left + 4}" y="12" fill="currentColor">{escape(title)}</text>{dots}')
    wide = len(maps) * (size + 10)
    legend = "".join(
        f'<circle cx="{10 + 100 * k}" cy="{size + 30}" r="4" fill="{paint[name]}"/>'
        f'<text x="{18 + 100 * k}" y="{size + 34}" fill="currentColor">{escape(name)}</text>'
        for k, name in enumerate(names)
    )
    return Chart(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{size + 42}" role="img" '
        f'aria-label="The same latent vectors on {len(maps)} maps" viewBox="0 0 {wide} {size + 42}" '
        f'font-family="sans-serif" font-size="12">{"".join(drawn)}{legend}</svg>'
    )


def _shade(value: float) -> str:
    import plotly.colors

    found = plotly.colors.sample_colorscale(COLOR_MAPS[COLOR_MAP], [min(max(value, 0.0), 1.0)])
    return str(found[0])
