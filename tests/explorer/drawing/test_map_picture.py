"""The map as vectors: every crystal is in it, coloured as on the screen, and the current one is marked."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from xcrystal.explorer.drawing.palette import COLOR_MAPS, QUALITATIVE
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.thinning import thin

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


def dots(image: ElementTree.Element) -> dict[tuple[str, str], np.ndarray]:
    """Pixels (n, 2) by colour and opacity."""
    return {
        (path.attrib["stroke"], path.attrib["stroke-opacity"]): np.array(
            re.findall(r"M([-.0-9]+) ([-.0-9]+)h0", path.attrib["d"]), dtype=float
        )
        for path in image.iter(f"{SVG}path")
    }


def test_all_crystals_and_the_current_one_are_drawn(session: Session, atlas: Atlas) -> None:
    row = int(atlas.inverse.places[:, 1].argmax())  # the uppermost
    session.select(row)
    session.display.color_by("band_gap")
    image = ElementTree.fromstring(session.display.map_svg())
    points = np.concatenate(list(dots(image).values()))
    assert len(points) == len(thin(atlas.inverse.places, 20_000, None)) > 0.9 * min(len(atlas), 20_000)
    width, height = (float(image.attrib[name]) for name in ("width", "height"))
    assert (points >= 0).all() and (points <= (width, height)).all()
    ring = image.findall(f"{SVG}circle")[-1]
    here = np.array([float(ring.attrib["cx"]), float(ring.attrib["cy"])])
    assert here[1] <= points[:, 1].min() + 0.1
    texts = [text.text for text in image.iter(f"{SVG}text")]
    assert texts[0] == "Band gap (eV)"


def test_colours_are_those_of_the_scale_and_follow_the_values(session: Session, atlas: Atlas) -> None:
    session.display.color_by("formation_energy_per_atom")
    session.display.show_color_map("magma")
    drawn = dots(ElementTree.fromstring(session.display.map_svg()))
    scale = COLOR_MAPS["magma"]
    assert (scale[0], "0.9") in drawn and (scale[-1], "0.9") in drawn
    # where the map's points of low and of high energy are: their pictures are as far apart, in the same direction
    energies, places = atlas.table["formation_energy_per_atom"].to_numpy(), atlas.inverse.places
    low, high = np.nanquantile(energies, [0.02, 0.98])
    apart = places[energies >= high].mean(axis=0) - places[energies <= low].mean(axis=0)
    drawn_apart = drawn[scale[-1], "0.9"].mean(axis=0) - drawn[scale[0], "0.9"].mean(axis=0)
    assert np.sign(drawn_apart).tolist() == (np.sign(apart) * (1, -1)).tolist()  # y is downwards


def test_what_is_not_selected_is_faint(session: Session) -> None:
    session.display.color_by("crystal_system")
    session.search("ABX3, O")
    assert session.state.selection is not None
    drawn = dots(ElementTree.fromstring(session.display.map_svg()))
    bright = sum(len(points) for (_, opacity), points in drawn.items() if opacity == "0.9")
    assert bright == len(session.state.selection.rows)
    assert {paint for paint, _ in drawn} <= {*QUALITATIVE, "#b8b8b8"}
