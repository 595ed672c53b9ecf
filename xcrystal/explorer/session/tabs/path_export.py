"""A path as files: CIFs in a zip, extended XYZ, or an animated picture."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.formats.cif import cif_text, model_output
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.scene import build_scene, element_colors
from xcrystal.explorer.drawing.svg_picture import turned
from xcrystal.explorer.drawing.viewpoint import standard_view

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.explorer.session.state import Path

FORMATS = {"cif": "application/zip", "xyz": "chemical/x-xyz", "gif": "image/gif"}
SIZE = 360  # of the animated picture, in pixels
_FINER = 2  # drawn so many times larger, for smooth edges
_PIECES = 40
_FACE_ALPHA = 115  # of 255
_CAPTION = 44  # pixels below
_FRAME_TIME, _END_TIME = 180, 900  # ms
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date of a zip: the same path gives the same bytes


def export_path(path: Path, format: str, model: str, conventional: bool = True) -> tuple[str, bytes]:
    """A name and the content of a file with all frames of a path.

    Parameters
    ----------
    path
        Its frames.
    format
        One of ``FORMATS``.
    model
        Name of the model that made them, which is written into the file.
    conventional
        Write and draw conventional cells rather than primitive ones.
    """
    structures = [point.structure for point in path.frames]
    if conventional:
        structures = [conventional_cell(structure) for structure in structures]
    first, last = (re.sub(r"[^\w-]+", "", _formula(structures[k])) for k in (0, -1))
    name = f"path-{first}-{last}"
    labels = [point.label for point in path.frames]
    if format == "cif":
        return f"{name}.zip", _zip(structures, labels, model)
    if format == "xyz":
        return f"{name}.xyz", extended_xyz(structures, labels, model).encode()
    return f"{name}.gif", _gif(structures)


def _formula(structure: Structure) -> str:
    return str(structure.composition.reduced_formula)


def _zip(structures: Sequence[Structure], labels: Sequence[str], model: str) -> bytes:
    content = io.BytesIO()
    digits = len(str(len(structures)))
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for k, (structure, label) in enumerate(zip(structures, labels, strict=True)):
            file = zipfile.ZipInfo(f"{k + 1:0{digits}d}-{_formula(structure)}.cif", _EPOCH)
            file.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(file, cif_text(structure, f"{label}; {model_output(model)}"))
    return content.getvalue()


def extended_xyz(structures: Sequence[Structure], labels: Sequence[str], model: str) -> str:
    """Frames in extended XYZ, as ASE, OVITO and VMD read it: Å, periodic, the lattice's vectors as rows."""
    lines = []
    for structure, label in zip(structures, labels, strict=True):
        lattice = " ".join(f"{x:.8f}" for x in structure.lattice.matrix.ravel())
        note = re.sub(r'["\\\s]+', " ", f"{label}; {model_output(model)}")
        lines += [
            str(len(structure)),
            f'Lattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T" comment="{note}"',
            *(
                f"{site.specie.symbol:<2} " + " ".join(f"{x:14.8f}" for x in point)
                for site, point in zip(structure, structure.cart_coords, strict=True)
            ),
        ]
    return "\n".join(lines) + "\n"


def _gif(structures: Sequence[Structure]) -> bytes:
    scenes = [build_scene(structure) for structure in structures]
    views = [standard_view(structure.lattice.matrix) for structure in structures]
    reach = 0.3 + max(
        _reach(scene, view) for scene, view in zip(scenes, views, strict=True)
    )  # one scale for all frames
    pictures = [
        _picture(scene, structure, view, reach, f"{k + 1} of {len(scenes)}")
        for k, (scene, structure, view) in enumerate(zip(scenes, structures, views, strict=True))
    ]
    times = [_END_TIME, *[_FRAME_TIME] * (len(pictures) - 2), _END_TIME]
    content = io.BytesIO()
    pictures[0].save(content, "GIF", save_all=True, append_images=pictures[1:], duration=times, loop=0, disposal=1)
    return content.getvalue()


def _reach(scene: Any, view: np.ndarray) -> float:
    edges, bonds, centres = (turned(points, view) for points in (scene.edges, scene.bond_ends, scene.positions))
    corners = turned(scene.corners, view)
    points = [np.abs(edges[..., :2]).max(), *(np.abs(ends[:, :2]).max(initial=0.0) for ends in (bonds, corners))]
    if len(centres):
        points.append((np.abs(centres[:, :2]).max(axis=1) + scene.radii).max())
    return float(max(points))


def _picture(scene: Any, structure: Structure, view: np.ndarray, reach: float, number: str) -> Any:
    """One frame as a PIL image of 128 colours: what is far away first."""
    from PIL import Image, ImageDraw, ImageFont

    side = SIZE * _FINER
    scale = side / (2 * reach)
    image = Image.new("RGB", (side, side + _CAPTION * _FINER), "white")
    draw = ImageDraw.Draw(image, "RGBA")  # faces are translucent
    colors = (255 * element_colors()).round().astype(int)
    numbers = np.array([site.specie.Z for site in structure])

    def at(point: np.ndarray) -> tuple[float, float]:
        return float(side / 2 + scale * point[0]), float(side / 2 + scale * point[1])

    items: list[tuple[float, Any]] = []
    starts, ends, centres = (turned(points, view) for points in (scene.bond_starts, scene.bond_ends, scene.positions))
    for start, end in turned(scene.edges, view):
        # in pieces, so that an edge can pass behind one atom and before another
        points = start + np.linspace(0, 1, _PIECES + 1)[:, None] * (end - start)
        for a, b in pairwise(points):
            middle = (a + b) / 2
            if (np.linalg.norm(centres - middle, axis=1) > scene.radii).all():  # what is within an atom is not seen
                items.append((middle[2], ("line", a, b, 0.06, (136, 136, 136))))
    bonds = zip(starts, ends, scene.bond_radii, scene.bond_atoms, strict=True)
    for start, end, radius, atom in bonds:
        items.append(((start[2] + end[2]) / 2, ("line", start, end, 2 * radius, tuple(colors[numbers[atom]]))))
    for centre, radius, z in zip(centres, scene.radii, scene.numbers, strict=True):
        items.append((centre[2], ("ball", centre, None, radius, tuple(colors[z]))))
    corners = turned(scene.corners, view)
    ends_of_faces = np.cumsum(scene.face_sizes, dtype=int)
    for size, end, atom in zip(scene.face_sizes, ends_of_faces, scene.face_atoms, strict=True):
        face = corners[end - size : end]
        items.append((face[:, 2].mean(), ("face", face, None, 0.06, tuple(colors[numbers[atom]]))))
    for _, (kind, one, other, size, color) in sorted(items, key=lambda item: item[0]):
        if kind == "face":
            outline = [at(corner) for corner in one]
            draw.polygon(outline, fill=(*color, _FACE_ALPHA))
            edge = tuple(int(0.65 * c) for c in color)
            draw.line([*outline, outline[0]], fill=edge, width=max(_FINER, round(scale * size)), joint="curve")
            continue
        if kind == "line":
            draw.line([at(one), at(other)], fill=color, width=max(_FINER, round(scale * size)))
            continue
        x, y = at(one)
        r = scale * size
        draw.ellipse(
            [x - r, y - r, x + r, y + r], fill=color, outline=tuple(int(0.55 * c) for c in color), width=_FINER
        )
        light = tuple(int(c + 0.6 * (255 - c)) for c in color)
        draw.ellipse([x - 0.55 * r, y - 0.6 * r, x - 0.1 * r, y - 0.15 * r], fill=light)
    caption = f"{_formula(structure)}, space group {structure.properties['space_group']}, {number}"
    small = "decoded by a model, not relaxed, not verified"
    for line, text, height, ink in ((0, caption, 17, "#111111"), (1, small, 12, "#555555")):
        font = ImageFont.load_default(height * _FINER)
        position = (side / 2, side + _FINER * (12 + 21 * line))
        draw.text(position, text, fill=ink, font=font, anchor="mm")
    smaller = image.resize((SIZE, SIZE + _CAPTION), Image.Resampling.LANCZOS)
    return smaller.convert("P", palette=Image.Palette.ADAPTIVE, colors=128)
