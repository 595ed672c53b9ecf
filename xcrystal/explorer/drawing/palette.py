"""Colours that people with any colour vision tell apart."""

from __future__ import annotations

import numpy as np

# for numbers: each rises evenly in lightness, and is without its darkest and brightest ends, which vanish on a dark
# and on a white page
COLOR_MAPS = {
    "viridis": ["#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#e2e418"],
    "cividis": ["#243e6e", "#45506c", "#5e626f", "#757574", "#8c8878", "#a59c74", "#c0b16a", "#dcc759", "#f6e040"],
    "plasma": ["#6901a6", "#8d0fa2", "#ac2792", "#c6427d", "#dc5d67", "#ed7a53", "#f99a3d", "#fcbd2c", "#f6e423"],
    "magma": ["#711f81", "#8e2980", "#ad347b", "#cd4071", "#e55564", "#f57361", "#fd9769", "#feba82", "#fddda0"],
}
COLOR_MAP = "viridis"
# Okabe and Ito, without black; the order keeps neighbours apart also in lightness
QUALITATIVE = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442"]
# of the elements: what they are called by, and whose they are
ELEMENT_COLORS = {"jmol": "Jmol", "vesta": "VESTA"}
UNKNOWN = "#b8b8b8"  # of points without a value; the scale has no grey


def hex_color(color: np.ndarray) -> str:
    """ "#rrggbb" of a colour (3,), 0 to 1."""
    return "#" + "".join(f"{round(float(c) * 255):02x}" for c in color)
