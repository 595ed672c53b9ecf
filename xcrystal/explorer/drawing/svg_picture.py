"""Still pictures of crystals for notebooks: a row of SVG drawings, with nothing to run in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import count, pairwise
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.explanation.score_scale import ScoreScale
from xcrystal.explorer import words
from xcrystal.explorer.drawing.occupancy import shares, site_name
from xcrystal.explorer.drawing.overlay import SHELL_COLOR, shells
from xcrystal.explorer.drawing.palette import hex_color
from xcrystal.explorer.drawing.scene import BOND_RADIUS, STYLES, Scene, build_scene
from xcrystal.explorer.drawing.scene_message import atom_colors, share_color
from xcrystal.explorer.drawing.svg_annotations import Measurement, axes_svg, labels_svg, measurement_svg
from xcrystal.explorer.drawing.viewpoint import standard_view

if TYPE_CHECKING:
    from pymatgen.core import PeriodicSite, Structure

    from xcrystal.explanation.attribution import Attribution

_EDGE_PIECES = 12  # an edge is drawn in pieces, so that it can pass behind one atom and before another
_FACE_OPACITY = 0.45
_SHELL_OPACITY = 0.4
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
        For each structure None, to colour its atoms by element; an attribution, as ``xcrystal.explain`` gives it, to
        colour them by that; or (n_atoms,) numbers, to colour them from blue (negative) to red (positive).
    width
        Of one picture, in pixels.
    """

    def __init__(
        self,
        structures: Sequence[Structure],
        captions: Sequence[str] = (),
        *,
        scores: Sequence[np.ndarray | Attribution | None] = (),
        width: int = 220,
    ) -> None:
        self.structures = list(structures)
        self.captions = list(captions) or [s.composition.reduced_formula for s in self.structures]
        self.scores = list(scores) or [None] * len(self.structures)
        self.width = width

    def _repr_html_(self) -> str:
        drawings = (
            f'<figure style="margin:0;width:{self.width}px;text-align:center">'
            f"{self._picture(structure, of)}"
            f"<figcaption>{words.formula_html(caption)}</figcaption></figure>"
            for structure, caption, of in zip(self.structures, self.captions, self.scores, strict=True)
        )
        return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{"".join(drawings)}</div>'

    def _picture(self, structure: Structure, of: np.ndarray | Attribution | None) -> str:
        if of is None or isinstance(of, np.ndarray):
            return svg(structure, of, self.width)
        return svg(structure, of.atom_scores, self.width, scale=of.scale())


def svg(
    structure: Structure,
    scores: np.ndarray | None = None,
    width: int = 220,
    *,
    boundary: bool = True,
    bonds: bool = True,
    polyhedra: bool = True,
    repeat: tuple[int, int, int] = (1, 1, 1),
    scale: ScoreScale | None = None,
    view: np.ndarray | None = None,
    style: str = STYLES[0],
    hidden: Sequence[str] = (),
    palette: str = "jmol",
    over: Structure | None = None,
    labels: Sequence[str] = (),
    measured: Measurement | None = None,
    axes: bool = False,
    reach: float = 0.0,
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
    boundary, bonds, polyhedra, repeat, style, hidden
        As of ``build_scene``.
    palette
        As of ``element_colors``.
    scale
        The colours of the scores, by default from blue to red.
    view
        (3, 3) unit vectors as rows: what points to the right, upwards, and to the eye; None for the standard view.
    over
        A crystal that is laid over it as shells, as of ``overlay.shells``.
    labels
        What is written at each atom.
    measured
        A distance or an angle that is written into it.
    axes
        Whether arrows say where a, b and c point.
    reach
        How far the picture reaches at least from its centre, Å, so that several have one scale.
    """
    view = standard_view(structure.lattice.matrix) if view is None else view
    scene = build_scene(
        structure, boundary=boundary, bonds=bonds, polyhedra=polyhedra, repeat=repeat, style=style, hidden=hidden
    )
    paints = [hex_color(color) for color in atom_colors(structure, scores, scale, palette)]
    name = f"xc{next(_pictures)}"
    balls = [f"url(#{name}-{paint[1:]})" for paint in paints]
    gradients = _gradients(name, set(paints))
    around = None if over is None else shells(scene, structure, over)

    def written(reach: float) -> str:
        places = turned(scene.positions, view)
        return (
            labels_svg(scene, places, labels, reach)
            + ("" if measured is None else measurement_svg(scene, places, measured, reach))
            + (axes_svg(structure.lattice.matrix, view, reach) if axes else "")
        )

    return _image(
        structure, scene, width, paints, balls, _EDGE_PIECES, 2, gradients, view, palette, around, written, reach
    )


def thumbnail(structure: Structure, width: int = 64) -> str:
    """One crystal as a small SVG image of a few kilobytes: flat discs, whole edges, no bonds.

    Parameters
    ----------
    structure
        Any cell.
    width
        And height, in pixels.
    """
    scene = build_scene(structure, bonds=False, polyhedra=False)
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
    palette: str = "jmol",
    around: np.ndarray | None = None,
    written: Callable[[float], str] = lambda reach: "",
    least: float = 0.0,
) -> str:
    """The SVG of a scene, what is nearer drawn later; ``balls`` are the fills of atoms, ``paints`` their colours,
    the rows of ``around`` (n, 4) are shells, and what is written over all of it depends on half of the side, which is
    ``least`` at least."""
    view = standard_view(structure.lattice.matrix) if view is None else view
    edges, starts, ends, centres = (
        turned(points, view) for points in (scene.edges, scene.bond_starts, scene.bond_ends, scene.positions)
    )
    around = np.zeros((0, 4)) if around is None else around
    places = turned(around[:, :3], view)
    outermost = (
        np.abs(edges[..., :2]).max(),
        np.abs(centres[:, :2]).max(axis=1) + scene.radii,
        np.abs(ends[:, :2]),
        np.abs(places[:, :2]).max(axis=1) + around[:, 3],
    )
    reach = 0.1 + max(least, *(float(np.max(sizes, initial=0.0)) for sizes in outermost))
    outline = "" if definitions else f' stroke="#666666" stroke-width="{0.05 * reach:.{digits}f}"'

    pieces = [*_edges(edges, edge_pieces, digits), *_shells(places, around[:, 3])]
    radii = np.zeros(len(structure))
    radii[scene.atoms] = scene.radii
    ways = ends - starts  # half of what lies in the sphere would be drawn over it
    starts += ways * np.minimum(0.9, 0.85 * radii[scene.bond_atoms] / np.linalg.norm(ways, axis=1))[:, None]
    for start, end, radius, atom in zip(starts, ends, scene.bond_radii, scene.bond_atoms, strict=True):
        pieces.append(((start[2] + end[2]) / 2, _line(start, end, 2 * radius, paints[atom], digits)))
    pieces += _faces(scene, view, paints, digits)
    sectors = [_sectors(site, palette) for site in structure]
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
        f'viewBox="{-side / 2:.2f} {-side / 2:.2f} {side:.2f} {side:.2f}">{definitions}{drawn}{written(reach)}</svg>'
    )


def _sectors(site: PeriodicSite, palette: str) -> str:
    """What is drawn over the ball of a site that is not filled by one element, for a centre (x, y) and a radius r."""
    found = shares(site)
    if len(found) == 1:
        return ""
    drawn, begin = [], 0.0
    for share in found:
        end = begin + min(share.part, 1 - 1e-4)  # a whole circle has no beginning
        (a, b), (c, d) = ((np.sin(2 * np.pi * angle), -np.cos(2 * np.pi * angle)) for angle in (begin, end))
        drawn.append(
            f'<path d="M 0 0 L {a:.4f} {b:.4f} A 1 1 0 {int(share.part > 0.5)} 1 {c:.4f} {d:.4f} Z" '
            f'fill="{hex_color(share_color(share, palette))}"/>'
        )
        begin = end
    ring = '<circle r="1" fill="none" stroke="#555555" stroke-width="0.06"/>'
    where = 'transform="translate({x:.2f} {y:.2f}) scale({r:.3f})"'
    return f"<g {where}><title>{escape(site_name(site))}</title>{''.join(drawn)}{ring}</g>"


def turned(points: np.ndarray, view: np.ndarray) -> np.ndarray:
    """Points (..., 3) as a view (3, 3) shows them: x to the right, y down, and z towards the eye."""
    return (points @ view.T) * (1.0, -1.0, 1.0)


def _edges(edges: np.ndarray, pieces: int, digits: int) -> Iterator[tuple[float, str]]:
    steps = np.linspace(0, 1, pieces + 1)[:, None]
    for start, end in edges:
        points = start + steps * (end - start)
        for one, other in pairwise(points):
            yield (one[2] + other[2]) / 2, _line(one, other, 0.6 * BOND_RADIUS, "#888888", digits)


def _faces(scene: Scene, view: np.ndarray, paints: list[str], digits: int) -> Iterator[tuple[float, str]]:
    """The faces of polyhedra, translucent, with darker edges."""
    parts = np.split(turned(scene.corners, view), np.cumsum(scene.face_sizes)[:-1]) if len(scene.face_sizes) else []
    for corners, atom in zip(parts, scene.face_atoms, strict=True):
        path = "L".join(f"{x:.{digits}f} {y:.{digits}f}" for x, y, _ in corners)
        yield (
            corners[:, 2].mean(),
            f'<path d="M{path}Z" fill="{paints[atom]}" fill-opacity="{_FACE_OPACITY}" '
            f'stroke="{_mixed(paints[atom], 0, 0.35)}" stroke-width="0.06" stroke-linejoin="round"/>',
        )


def _shells(places: np.ndarray, radii: np.ndarray) -> Iterator[tuple[float, str]]:
    for (x, y, z), radius in zip(places, radii, strict=True):
        yield (
            z + radius,  # over the atom inside
            f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}" fill="{SHELL_COLOR}" '
            f'fill-opacity="{_SHELL_OPACITY}"/>',
        )


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
