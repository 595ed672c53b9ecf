"""What a canvas is told: a scene as numbers in one piece of bytes, and the words that belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.geometry.neighbours import main_elements
from xcrystal.explanation.score_scale import ScoreScale, score_span
from xcrystal.explorer.drawing.occupancy import Share, shares, site_name, site_symbols
from xcrystal.explorer.drawing.scene import STYLES, Scene, build_scene, element_colors

if TYPE_CHECKING:
    from pymatgen.core import Structure

_EMPTY = np.full(3, 0.93)  # of the part of a site that nothing fills


def scene_message(
    structure: Structure,
    *,
    boundary: bool = True,
    bonds: bool = True,
    polyhedra: bool = True,
    repeat: tuple[int, int, int] = (1, 1, 1),
    style: str = STYLES[0],
    hidden: Sequence[str] = (),
    palette: str = "jmol",
    scores: np.ndarray | None = None,
    unit: str = "",
    scale: ScoreScale | None = None,
) -> tuple[dict[str, Any], bytes, Scene]:
    """What the front end draws; each atom of the structure is one kind, with a colour and a name.

    Parameters
    ----------
    structure
        Any cell.
    boundary, bonds, polyhedra, repeat, style, hidden
        As of ``build_scene``.
    palette
        As of ``element_colors``.
    scores, unit, scale
        (n_atoms,) numbers that colour the atoms, their unit, and their colours; None for the colours of the elements.

    Returns
    -------
    tuple
        Plain JSON: how many spheres, bonds, edges and corners there are, the names of the atoms, the parts and colours
        of those that several elements share or that are partly empty, and the radius of all in Å.
        float32 numbers one after the other, little-endian: of each sphere place, radius and atom; of each half bond
        its ends, radius and atom; of each edge its ends; of each corner of a face of a polyhedron its place, the atom
        in the centre, and how many corners the face has; of each atom red, green and blue. And the scene itself.
    """
    scene = build_scene(
        structure, boundary=boundary, bonds=bonds, polyhedra=polyhedra, repeat=repeat, style=style, hidden=hidden
    )
    faces = np.column_stack([scene.face_atoms, scene.face_sizes])
    blocks = (
        np.column_stack([scene.positions, scene.radii, scene.atoms]),
        np.column_stack([scene.bond_starts, scene.bond_ends, scene.bond_radii, scene.bond_atoms]),
        scene.edges.reshape(-1, 6),
        np.column_stack([scene.corners, np.repeat(faces, scene.face_sizes, axis=0)]),
        atom_colors(structure, scores, scale, palette),
    )
    header = {
        "spheres": len(scene.positions),
        "bonds": len(scene.bond_starts),
        "edges": len(scene.edges),
        "corners": len(scene.corners),
        "names": atom_names(structure, scores, unit),
        "shares": [] if scores is not None else _shared(structure, palette),
        "extent": round(scene.extent, 3),
    }
    data = np.concatenate([block.ravel() for block in blocks]).astype("<f4").tobytes()
    return header, data, scene


def _shared(structure: Structure, palette: str) -> list[list[Any]]:
    """Of each atom that is not all of one element: its index, and of each share its part and its colour, 0 to 1."""
    found = [(k, shares(site)) for k, site in enumerate(structure) if not site.is_ordered]
    return [
        [k, [[round(share.part, 4), *share_color(share, palette).round(4).tolist()] for share in parts]]
        for k, parts in found
        if len(parts) > 1
    ]


def share_color(share: Share, palette: str = "jmol") -> np.ndarray:
    """(3,) colour of a part of a site, 0 to 1: that of its element, or light grey where it is empty."""
    color: np.ndarray = element_colors(palette)[share.number] if share.number else _EMPTY
    return color


def atom_colors(
    structure: Structure, scores: np.ndarray | None = None, scale: ScoreScale | None = None, palette: str = "jmol"
) -> np.ndarray:
    """(n_atoms, 3) colours, 0 to 1: of the elements, or of scores (n_atoms,) on a scale, by default blue to red."""
    if scores is None:
        colors: np.ndarray = element_colors(palette)[main_elements(structure)]
        return colors
    return (scale or ScoreScale(score_span(scores))).colors(scores)


def atom_labels(structure: Structure, by: str) -> list[str]:
    """What is written at n atoms: their "elements", the names of their "sites", such as O2, or nothing for "none".

    Elements that share a site are written one after the other: "La/Sr", "La1/Sr1".
    """
    if by == "none":
        return []
    held = [site_symbols(site) for site in structure]
    orbits = structure.site_properties.get("orbit") or [None] * len(structure)
    if by == "elements" or None in orbits:
        return ["/".join(symbols) for symbols in held]
    seen: dict[str, list[int]] = {}
    for symbols, orbit in zip(held, orbits, strict=True):
        for symbol in symbols:
            known = seen.setdefault(symbol, [])
            if orbit not in known:
                known.append(orbit)
    return [
        "/".join(f"{symbol}{seen[symbol].index(orbit) + 1}" for symbol in symbols)
        for symbols, orbit in zip(held, orbits, strict=True)
    ]


def atom_names(structure: Structure, scores: np.ndarray | None = None, unit: str = "") -> list[str]:
    """Tooltips of n atoms with scores (n,): what is there, Wyckoff position, orbit if there are several, score."""
    sites = structure.site_properties
    count = len(structure)
    wyckoff = sites.get("wyckoff") or [""] * count
    orbits = sites.get("orbit") or [None] * count
    symbols = [site_name(site) for site in structure]
    several = len(set(orbits)) > 1
    names = []
    for k in range(count):
        name = f"{symbols[k]}{' at' if ',' in symbols[k] and wyckoff[k] else ''} {wyckoff[k]}".strip()
        if several and orbits[k] is not None:
            name += f", orbit {orbits[k] + 1}"
        if scores is not None:
            name += f": {scores[k]:+.3f} {unit}"
        names.append(name)
    return names
