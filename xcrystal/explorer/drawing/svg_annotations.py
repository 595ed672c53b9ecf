"""What is written over the SVG picture of a crystal: its axes, labels of atoms, and what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xcrystal.explorer.drawing.scene import Scene

MOST_LABELS = 250  # more would cover what they name
_PIXELS = 400  # across a canvas, whose sizes of letters and arrows these are
_ARROW, _LETTER, _CORNER = 26, 35, 42  # pixels
_AXES = (("a", "#d55e00"), ("b", "#009e73"), ("c", "#0072b2"))
_INK, _GROUND = "#111111", "#ffffff"


@dataclass(frozen=True)
class Measurement:
    """A distance or an angle.

    Attributes
    ----------
    spheres
        Two to four spheres of the scene, in the order in which they were chosen.
    text
        What is written between them.
    """

    spheres: tuple[int, ...]
    text: str


def axes_svg(lattice: np.ndarray, view: np.ndarray, reach: float) -> str:
    """Arrows along a, b and c in the lower left corner.

    Parameters
    ----------
    lattice
        (3, 3) rows a, b and c, Å.
    view
        (3, 3) unit vectors as rows: what points to the right, upwards, and to the eye.
    reach
        Half of the picture's side, Å.
    """
    unit = 2 * reach / _PIXELS
    ways = (lattice / np.linalg.norm(lattice, axis=1)[:, None]) @ view.T
    drawn = []
    for k in np.argsort(ways[:, 2]):  # what is nearer is drawn over what is farther
        (right, up, near), (name, color) = ways[k], _AXES[k]
        length = float(np.hypot(right, up))
        if length < 0.12:  # straight to the eye, or away from it
            fill = color if near > 0 else "none"
            end = f'<circle r="4" fill="{fill}" stroke="{color}" stroke-width="2.4"/>'
            x, y = -10.0, 10.0
        else:
            x, y = _ARROW * right, -_ARROW * up
            along = np.array([right, -up]) / length
            across = 3 * np.array([-along[1], along[0]])
            back = np.array([x, y]) - 6 * min(1, 0.4 + length) * along
            corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in ((x, y), back + across, back - across))
            end = (
                f'<line x2="{x - 3 * along[0]:.1f}" y2="{y - 3 * along[1]:.1f}" stroke="{color}" stroke-width="2.6"/>'
                f'<polygon points="{corners}" fill="{color}"/>'
            )
            x, y = (x, y) + (_LETTER - _ARROW) * along
        drawn.append(end + _text(x, y, name, 14, color, 'font-style="italic"'))
    return (
        f'<g transform="translate({-reach + _CORNER * unit:.3f} {reach - _CORNER * unit:.3f}) scale({unit:.5f})">'
        f"{''.join(drawn)}</g>"
    )


def labels_svg(scene: Scene, places: np.ndarray, labels: Sequence[str], reach: float) -> str:
    """The label of each sphere that no nearer one covers; nothing if there are more than can be read.

    Parameters
    ----------
    scene
        What is drawn.
    places
        (n, 3) its spheres as ``turned`` gives them, Å.
    labels
        Of each atom.
    reach
        Half of the picture's side, Å.
    """
    if not any(labels) or len(places) > MOST_LABELS:
        return ""
    size = 12 * 2 * reach / _PIXELS
    flat = np.linalg.norm(places[:, None, :2] - places[None, :, :2], axis=-1)  # (sphere, what may cover it)
    covered = ((places[None, :, 2] - places[:, None, 2] > 0.1) & (flat < scene.radii)).any(axis=1)
    return "".join(
        _text(x, y, labels[atom], size)
        for (x, y, _), atom, hidden in zip(places, scene.atoms, covered, strict=True)
        if not hidden and labels[atom]
    )


def measurement_svg(scene: Scene, places: np.ndarray, measured: Measurement, reach: float) -> str:
    """Rings around the atoms, lines between them, and the number.

    Parameters
    ----------
    scene
        What is drawn.
    places
        (n, 3) its spheres as ``turned`` gives them, Å.
    measured
        Between which of them, and what is written there.
    reach
        Half of the picture's side, Å.
    """
    unit = 2 * reach / _PIXELS
    look = f'fill="none" stroke="{_INK}" stroke-width="{2 * unit:.3f}" stroke-dasharray="{5 * unit:.3f} {3 * unit:.3f}"'
    chosen = [k for k in measured.spheres if 0 <= k < len(places)]
    points = places[chosen, :2]
    drawn = [
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius + 2 * unit:.2f}" {look}/>'
        for (x, y), radius in zip(points, scene.radii[chosen], strict=True)
    ]
    drawn += [
        f'<line x1="{x:.2f}" y1="{y:.2f}" x2="{u:.2f}" y2="{v:.2f}" {look}/>' for (x, y), (u, v) in pairwise(points)
    ]
    if measured.text and len(points) > 1:
        middle = (
            points[1]
            if len(points) == 3
            else (points[0] + points[1] if len(points) == 2 else points[1] + points[2]) / 2
        )
        drawn.append(_text(middle[0], middle[1] - 8 * unit, measured.text, 14 * unit))
    return "".join(drawn)


def _text(x: float, y: float, text: str, size: float, color: str = _INK, more: str = "") -> str:
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" font-family="sans-serif" font-weight="bold" font-size="{size:.3f}" {more} '
        f'text-anchor="middle" dominant-baseline="central" fill="{color}" stroke="{_GROUND}" '
        f'stroke-width="{size / 4:.3f}" paint-order="stroke">{escape(text)}</text>'
    )
