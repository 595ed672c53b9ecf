"""Write what the extension knows of the elements: ``python -m tests.extension.write_elements``."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import numpy as np

ELEMENTS = Path(__file__).parents[2] / "extension" / "src" / "elements.json"


def elements_text() -> str:
    """One element a line from Z = 0 ("X", unknown) on: symbol, covalent radius in Å and colour
    as the explorer draws them, the other colour that it offers, radii of space-filling atoms (as a cation, an anion,
    and in a molecule), and the electronegativity by which formulas are ordered (null: none is known)."""
    from ase.data import chemical_symbols
    from pymatgen.core import Element

    from xcrystal.crystal.geometry.radii import covalent_radii, ionic_radii, van_der_waals_radii
    from xcrystal.explorer.drawing.palette import hex_color
    from xcrystal.explorer.drawing.scene import element_colors

    lines = []
    radii = covalent_radii(np.arange(len(chemical_symbols)))
    for number, symbol in enumerate(chemical_symbols):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # noble gases have no electronegativity
            negativity = Element(symbol).X if number else 0.0
        row = {
            "symbol": symbol,
            "radius": float(radii[number]),
            "colour": hex_color(element_colors()[number]),
            "vesta": hex_color(element_colors("vesta")[number]),
            "cation": float(ionic_radii()[0, number]),
            "anion": float(ionic_radii()[1, number]),
            "molecular": float(van_der_waals_radii()[number]),
            "electronegativity": None if math.isnan(negativity) else negativity,  # a dummy has 0 in pymatgen
        }
        inner = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in row.items())
        lines.append(f"  {{ {inner} }}")
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    ELEMENTS.write_text(elements_text(), encoding="utf-8")
