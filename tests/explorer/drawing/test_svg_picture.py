"""Still pictures: every drawn thing is there, colours follow scores, captions are escaped."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.explorer.drawing.palette import hex_color
from xcrystal.explorer.drawing.scene import build_scene, element_colors
from xcrystal.explorer.drawing.svg_picture import Pictures, svg, thumbnail

SVG = "{http://www.w3.org/2000/svg}"
PEROVSKITE = CRYSTALS["perovskite SrTiO3"].to_structure()


@pytest.mark.parametrize("name", CRYSTALS)
def test_every_atom_is_drawn_inside_of_the_frame(name: str) -> None:
    structure = CRYSTALS[name].to_structure()
    image = ElementTree.fromstring(svg(structure))
    circles = image.findall(f"{SVG}circle")
    assert len(circles) == len(build_scene(structure).positions)
    low, _, side, _ = (float(word) for word in image.attrib["viewBox"].split())
    for circle in circles:
        for axis in ("cx", "cy"):
            centre, radius = float(circle.attrib[axis]), float(circle.attrib["r"])
            assert low <= centre - radius and centre + radius <= low + side


@pytest.mark.parametrize("near", ["Cs", "F"])
def test_nearer_atoms_are_drawn_later(near: str) -> None:
    """The eye looks along b, from below: what has the smaller y lies in front."""
    far = {"Cs": "F", "F": "Cs"}[near]
    structure = Structure(Lattice.cubic(8), [near, far], [[0.5, 0.25, 0.5], [0.5, 0.75, 0.5]])
    circles = ElementTree.fromstring(svg(structure, boundary=False)).findall(f"{SVG}circle")
    radii = dict(zip((near, far), build_scene(structure, boundary=False).radii, strict=True))
    assert [float(circle.attrib["r"]) for circle in circles] == pytest.approx([radii[far], radii[near]], abs=0.01)


def test_scores_colour_the_atoms() -> None:
    scores = np.array([1.0, -1.0, 0.0, 0.0, 0.0])
    image = svg(PEROVSKITE, scores)
    assert "#b2182b" in image and "#2166ac" in image and "#f7f7f7" in image
    assert "#b2182b" not in svg(PEROVSKITE)


def test_captions_are_escaped_and_gradients_are_not_shared() -> None:
    html = Pictures([PEROVSKITE, PEROVSKITE], ["<script>", "SrTiO3"])._repr_html_()
    assert "<script>" not in html and "SrTiO<sub>3</sub>" in html
    names = [part.split('"')[0] for part in html.split('radialGradient id="')[1:]]
    assert len(names) == len(set(names)) == 6


def test_polyhedra_are_drawn_in_the_colour_of_their_centre() -> None:
    faces = ElementTree.fromstring(svg(PEROVSKITE)).findall(f"{SVG}path")
    assert len(faces) == 8
    assert {face.attrib["fill"] for face in faces} == {hex_color(element_colors()[22])}
    assert not ElementTree.fromstring(svg(PEROVSKITE, polyhedra=False)).findall(f"{SVG}path")


def test_a_picture_shows_what_the_canvas_would() -> None:
    image = ElementTree.fromstring(svg(PEROVSKITE, boundary=False, bonds=False, repeat=(2, 1, 1)))
    assert len(image.findall(f"{SVG}circle")) == 2 * len(PEROVSKITE)
    assert len(image.findall(f"{SVG}line")) == 16 * 12


@pytest.mark.parametrize("name", CRYSTALS)
def test_thumbnails_are_small(name: str) -> None:
    structure = CRYSTALS[name].to_structure()
    small = thumbnail(structure)
    image = ElementTree.fromstring(small)
    assert image.attrib["width"] == "64"
    atoms = build_scene(structure, bonds=False, polyhedra=False)
    assert len(image.findall(f"{SVG}circle")) == len(atoms.positions)
    assert len(small) < 6000 and "Gradient" not in small
