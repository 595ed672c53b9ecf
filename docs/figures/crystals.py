"""Draws images/orbits.svg, SrTiO3 with one colour for each of its orbits: python docs/figures/crystals.py"""

from __future__ import annotations

from pathlib import Path

from pymatgen.core import Lattice, Structure

from xcrystal.explorer.drawing.svg_picture import svg

IMAGES = Path(__file__).parents[1] / "images"


def main() -> None:
    """Draw it."""
    points = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]]
    crystal = Structure.from_spacegroup("Pm-3m", Lattice.cubic(3.91), ["Sr", "Ti", "O"], points)
    (IMAGES / "orbits.svg").write_text(svg(crystal, width=260) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
