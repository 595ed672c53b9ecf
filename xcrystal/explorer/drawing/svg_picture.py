"""Still pictures of crystals for notebooks: a row of SVG drawings, with nothing to run in the browser."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape
from itertools import count, pairwise
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.explorer import words
from xcrystal.explorer.drawing.palette import hex_color
from xcrystal.explorer.drawing.scene import BOND_RADIUS, Scene, build_scene, element_colors
from xcrystal.explorer.drawing.scene_message import atom_colors
from xcrystal.explorer.drawing.viewpoint import standard_view

if TYPE_CHECKING:
    from pymatgen.core import PeriodicSite, Structure

_FULL = 1e-3  # what is so little empty is full
_EMPTY = "#ededed"
_EDGE_PIECES = 12  # an edge is drawn in pieces, so that it can pass behind one atom and before another
_pictures = count()  # names of gradients are global in a page


class Pictures:
    """Crystals drawn side by side; a notebook shows it when it is the last line of a cell.

    Parameters
    ----------
    structures
        What to draw, each in the cell that it has.
    captions
        One line of text below each; formulas by default. Escaped, with the numbers of formulas as subscripts.
    scores
        For each structure None, to colour its atoms by element, or (n_atoms,) numbers, to colour them from blue
        (negative) to red (positive).
    width
        Of one picture, in pixels.
    """

    def __init__(
        self,
        structures: Sequence[Structure],
        captions: Sequence[str] = (),
        *,
        scores: Sequence[np.ndarray | None] = (),
        width: int = 220,
    ) -> None:
        self.structures = list(structures)
        self.captions = list(captions) or [s.composition.reduced_formula for s in self.structures]
        self.scores = list(scores) or [None] * len(self.structures)
        self.width = width

    def _repr_html_(self) -> str:
        drawings = (
            f'<figure style="margin:0;width:{self.width}px;text-align:center">{svg(structure, scores, self.width)}'
            f"<figcaption>{words.formula_html(caption)}</figcaption></figure>"
            for structure, caption, scores in zip(self.structures, self.captions, self.scores, strict=True)
        )
        return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{"".join(drawings)}</div>'


def svg(
    structure: Structure,
    scores: np.ndarray | None = None,
    width: int = 220,
    *,
    boundary: bool = True,
    bonds: bool = True,
    repeat: tuple[int, int, int] = (1, 1, 1),
    view: np.ndarray | None = None,
) -> str:
    """One crystal as an SVG image, in parallel projection.

    Parameters
    ----------
    structure
        Any cell. A site that elements share, or that is not full, is a disc with a sector for each share.
    scores
        (n_atoms,) numbers that colour the atoms, or None for the colours of the elements.
    width
        And height, in pixels.
    boundary, bonds, repeat
        As of ``build_scene``.
    view
        (3, 3) unit vectors as rows: what points to the right, upwards, and to the eye; None for the standard view.
    """
    scene = build_scene(structure, boundary=boundary, bonds=bonds, repeat=repeat)
    paints = [hex_color(color) for color in atom_colors(structure, scores)]
    name = f"xc{next(_pictures)}"
    balls = [f"url(#{name}-{paint[1:]})" for paint in paints]
    return _image(structure, scene, width, paints, balls, _EDGE_PIECES, 2, _gradients(name, set(paints)), view)


def thumbnail(structure: Structure, width: int = 64) -> str:
    """One crystal as a small SVG image of a few kilobytes: flat discs, whole edges, no bonds.

    Parameters
    ----------
    structure
        Ordered, any cell.
    width
        And height, in pixels.
    """
    scene = build_scene(structure, bonds=False)
    paints = [hex_color(color) for color in atom_colors(structure)]
    return _image(structure, scene, width, paints, paints, 1, 1, "")


def _image(
    structure: Structure,
    scene: Scene,
    width: int,
    paints: list[str],
    balls: list[str],
    edge_pieces: int,
    digits: int,
    definitions: str,
    view: np.ndarray | None = None,
) -> str:
    """The SVG of a scene, what is nearer drawn later; ``balls`` are the fills of atoms, ``paints`` their colours."""
    view = standard_view(structure.lattice.matrix) if view is None else view
    edges, starts, ends, centres = (
        turned(points, view) for points in (scene.edges, scene.bond_starts, scene.bond_ends, scene.positions)
    )
    outermost = (np.abs(edges[..., :2]).max(), np.abs(centres[:, :2]).max(axis=1) + scene.radii, np.abs(ends[:, :2]))
    reach = 0.1 + max(float(np.max(sizes, initial=0.0)) for sizes in outermost)
    outline = "" if definitions else f' stroke="#666666" stroke-width="{0.05 * reach:.{digits}f}"'

    pieces = [*_edges(edges, edge_pieces, digits)]
    for start, end, radius, atom in zip(starts, ends, scene.bond_radii, scene.bond_atoms, strict=True):
        pieces.append(((start[2] + end[2]) / 2, _line(start, end, 2 * radius, paints[atom], digits)))
    sectors = [_sectors(site) for site in structure]
    for centre, radius, atom in zip(centres, scene.radii, scene.atoms, strict=True):
        circle = (
            f'<circle cx="{centre[0]:.{digits}f}" cy="{centre[1]:.{digits}f}" r="{radius:.2f}" '
            f'fill="{balls[atom]}"{outline}/>'
        )
        pieces.append((centre[2], circle + sectors[atom].format(x=centre[0], y=centre[1], r=radius)))
    drawn = "".join(piece for _, piece in sorted(pieces, key=lambda item: item[0]))
    side = 2 * reach
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{width}" role="img" '
        f'aria-label="{escape(structure.composition.reduced_formula)}" '
        f'viewBox="{-side / 2:.2f} {-side / 2:.2f} {side:.2f} {side:.2f}">{definitions}{drawn}</svg>'
    )


def _sectors(site: PeriodicSite) -> str:
    """What is drawn over the ball of a site that is not filled by one element, for a centre (x, y) and a radius r."""
    amounts: defaultdict[tuple[int, str], float] = defaultdict(float)
    for species, share in site.species.items():
        amounts[species.Z, species.symbol] += float(share)
    ordered = sorted(amounts.items(), key=lambda item: -item[1])
    shares = [(symbol, share) for (_, symbol), share in ordered]
    empty = 1 - sum(share for _, share in shares)
    if len(shares) == 1 and empty < _FULL:
        return ""
    paints = [hex_color(element_colors()[number]) for (number, _), _ in ordered]
    if empty >= _FULL:
        shares.append(("empty", empty))
        paints.append(_EMPTY)
    total = sum(share for _, share in shares)
    drawn, begin = [], 0.0
    for (_, share), paint in zip(shares, paints, strict=True):
        end = begin + min(share / total, 1 - 1e-4)  # a whole circle has no beginning
        (a, b), (c, d) = ((np.sin(2 * np.pi * angle), -np.cos(2 * np.pi * angle)) for angle in (begin, end))
        drawn.append(
            f'<path d="M 0 0 L {a:.4f} {b:.4f} A 1 1 0 {int(share / total > 0.5)} 1 {c:.4f} {d:.4f} Z" fill="{paint}"/>'
        )
        begin = end
    said = escape(", ".join(f"{name} {share:.2f}" for name, share in shares))
    ring = '<circle r="1" fill="none" stroke="#555555" stroke-width="0.06"/>'
    where = 'transform="translate({x:.2f} {y:.2f}) scale({r:.3f})"'
    return f"<g {where}><title>{said}</title>{''.join(drawn)}{ring}</g>"


def turned(points: np.ndarray, view: np.ndarray) -> np.ndarray:
    """Points (..., 3) as a view (3, 3) shows them: x to the right, y down, and z towards the eye."""
    return (points @ view.T) * (1.0, -1.0, 1.0)


def _edges(edges: np.ndarray, pieces: int, digits: int) -> Iterator[tuple[float, str]]:
    steps = np.linspace(0, 1, pieces + 1)[:, None]
    for start, end in edges:
        points = start + steps * (end - start)
        for one, other in pairwise(points):
            yield (one[2] + other[2]) / 2, _line(one, other, 0.6 * BOND_RADIUS, "#888888", digits)


def _line(start: np.ndarray, end: np.ndarray, width: float, color: str, digits: int) -> str:
    return (
        f'<line x1="{start[0]:.{digits}f}" y1="{start[1]:.{digits}f}" '
        f'x2="{end[0]:.{digits}f}" y2="{end[1]:.{digits}f}" '
        f'stroke="{color}" stroke-width="{width:.2f}" stroke-linecap="round"/>'
    )


def _gradients(name: str, paints: set[str]) -> str:
    """For each colour a ball with the light from the upper left."""
    balls = (
        f'<radialGradient id="{name}-{paint[1:]}" cx="0.36" cy="0.32" r="0.75">'
        f'<stop offset="0" stop-color="{_mixed(paint, 255, 0.65)}"/><stop offset="0.45" stop-color="{paint}"/>'
        f'<stop offset="1" stop-color="{_mixed(paint, 0, 0.5)}"/></radialGradient>'
        for paint in sorted(paints)
    )
    return f"<defs>{''.join(balls)}</defs>"


def _mixed(paint: str, other: int, share: float) -> str:
    """A colour with a share of white (255) or black (0)."""
    channels = (int(paint[k : k + 2], 16) for k in (1, 3, 5))
    return "#" + "".join(f"{round(channel + (other - channel) * share):02x}" for channel in channels)
