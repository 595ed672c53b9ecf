"""A crystal as a graph: one node an atom of the cell, one edge all bonds between two of them and their images."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xcrystal.crystal.geometry.neighbours import structure_neighbours
from xcrystal.explorer.drawing.palette import hex_color
from xcrystal.explorer.drawing.scene import element_colors
from xcrystal.explorer.drawing.svg_charts import Chart

if TYPE_CHECKING:
    from pymatgen.core import Structure


class Bonds(NamedTuple):
    """``counts``: how many bonds there are between two atoms i <= j; ``around``: (n,) bonds of each atom."""

    counts: dict[tuple[int, int], int]
    around: np.ndarray


def bonds(structure: Structure) -> Bonds:
    """Bonds of a periodic crystal, all images included: those of ``crystal.neighbours``."""
    pairs = structure_neighbours(structure)
    found = Counter((min(i, j), max(i, j)) for i, j in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    # every bond was met from both of its ends
    counts = {pair: count // 2 for pair, count in sorted(found.items())}
    return Bonds(counts, np.bincount(pairs.first, minlength=len(structure)))


def graph(structure: Structure, width: int = 300) -> Chart:
    """The graph drawn as a ring of atoms, with the number of bonds on edges that stand for several.

    Parameters
    ----------
    structure
        Ordered; best its primitive cell, since each atom becomes a node.
    width
        And height, in pixels.
    """
    found = bonds(structure)
    angles = np.arange(len(structure)) / len(structure) * 2 * np.pi - np.pi / 2
    places = width / 2 + 0.36 * width * np.column_stack([np.cos(angles), np.sin(angles)])
    drawn = []
    for (i, j), count in found.counts.items():
        (x, y), (u, v) = places[i], places[j]
        if i == j:
            out = (places[i] - width / 2) / (0.36 * width) * 24
            drawn.append(f'<circle cx="{x + out[0]:.1f}" cy="{y + out[1]:.1f}" r="16" fill="none" {_stroke(count)}/>')
            a, b = places[i] + 1.7 * out
        else:
            drawn.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}" {_stroke(count)}/>')
            a, b = 0.45 * places[i] + 0.55 * places[j]
        if count > 1:
            drawn.append(_label(a, b, f"×{count}", halo=True))
    colors = element_colors()
    for site, (x, y), count in zip(structure, places, found.around, strict=True):
        paint = colors[site.specie.Z]
        drawn.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="17" fill="{hex_color(paint)}" stroke="#555555">'
            f"<title>{escape(site.specie.symbol)}: {count} bonds</title></circle>"
        )
        ink = "#000000" if np.dot(paint, [0.3, 0.6, 0.1]) > 0.5 else "#ffffff"
        drawn.append(_label(x, y, site.specie.symbol, ink))
    label = escape(f"graph of {structure.composition.reduced_formula}", quote=True)
    return Chart(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{width}" role="img" aria-label="{label}" '
        f'viewBox="0 0 {width} {width}" font-family="sans-serif" font-size="13">{"".join(drawn)}</svg>'
    )


def _stroke(count: int) -> str:
    return f'stroke="#888888" stroke-width="{1 + 0.9 * count:.1f}"'


def _label(x: float, y: float, text: str, ink: str = "#000000", halo: bool = False) -> str:
    around = ' stroke="#ffffff" stroke-width="3.5" paint-order="stroke"' if halo else ""
    return f'<text x="{x:.1f}" y="{y + 4.5:.1f}" text-anchor="middle" fill="{ink}"{around}>{escape(text)}</text>'
