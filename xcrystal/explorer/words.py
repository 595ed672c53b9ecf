"""How properties, formulas and messages are written for people; all HTML text passes through here and is escaped."""

from __future__ import annotations

import math
import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from xcrystal.reporting import fixed

if TYPE_CHECKING:
    from pymatgen.core import Structure

PROPERTIES = {
    "formation_energy_per_atom": ("Formation energy", "eV/atom"),
    "band_gap": ("Band gap", "eV"),
    "e_above_hull": ("Energy above hull", "eV/atom"),
    "above_hull": ("Energy above the map's hull", "eV/atom"),
    "space_group": ("Space group number", ""),
}
CREDIT_HTML = (
    '<a href="https://next-gen.materialsproject.org/about/terms" target="_blank" rel="noopener">'
    "Materials Project, CC BY 4.0</a>"
)
CHOSEN = {
    "avoids an overlap": "not as the most probable crystal, whose atoms overlap",
    "overlaps less": "not as the most probable crystal, whose atoms overlap more",
    "nearer to the latent vector": "not as the most probable crystal: this one is nearer to the latent vector",
    "overruled": "with choices of the decoder that were overruled",
    "nearest known": "not at all: this is the nearest known crystal of the atlas",
}
CAUTION = "Decoded crystals are output of a model: not relaxed by DFT, not verified."


def title(name: str) -> str:
    """ "Band gap" for ``band_gap``."""
    return PROPERTIES.get(name, (name.replace("_", " ").capitalize(), ""))[0]


def unit(name: str) -> str:
    """ "eV" for ``band_gap``; empty if it has none."""
    return PROPERTIES.get(name, ("", ""))[1]


def with_unit(name: str) -> str:
    """ "Band gap (eV)" for ``band_gap``."""
    return f"{title(name)} ({unit(name)})" if unit(name) else title(name)


def explained(target: str) -> str:
    """What is explained, within a sentence: "the predicted band gap", "the space group 221"."""
    if target in PROPERTIES:
        name = title(target)
        return f"the predicted {name[0].lower()}{name[1:]}"
    if target == "density":
        return "the density of known crystals around here"
    if " on orbit " in target or target.startswith("space group"):
        return f"the log-odds of {target}"
    return target if target.startswith("latent") else f"the {target}".replace("the along", "the coordinate along")


def formula_html(formula: str) -> str:
    """A formula with its numbers as subscripts."""
    return re.sub(r"(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)", r"<sub>\1</sub>", escape(formula))


def space_group_html(symbol: str) -> str:
    """ "P6<sub>3</sub>/mmc" for "P6_3/mmc"; a minus becomes an overline."""
    subscripted = re.sub(r"_(\d)", r"<sub>\1</sub>", escape(symbol))
    return re.sub(r"-(\d)", r'<span style="text-decoration:overline">\1</span>', subscripted)


def space_group_text(symbol: str) -> str:
    """ "P6₃/mmc" for "P6_3/mmc", and a bar over what follows a minus, where no markup can be."""
    barred = re.sub(r"-(\d)", "\\1\u0305", symbol)
    return re.sub(r"_(\d)", lambda found: "₀₁₂₃₄₅₆₇₈₉"[int(found[1])], barred)


def with_symbols(text: str) -> str:
    """A text with the symbols of space groups in it, such as "136 (P4_2/mnm)", as ``space_group_text`` writes them."""
    return re.sub(r"\([PABCFIR][^()\s]*\)", lambda found: space_group_text(found[0]), text)


def number(value: float, digits: int, plus: bool = False) -> str:
    """A number with so many digits behind the point, a minus as wide as a plus, and no sign before zero."""
    return "–" if math.isnan(value) else fixed(value, digits, plus).replace("-", "−")


Parts = list[tuple[str, str]]  # pieces of text, each with its look: "", "b", "sub", "over", "small", "yes", "no"


def formula_of(structure: Structure) -> str:
    """The reduced formula of a structure, also a disordered one: "La0.7Sr0.3MnO3" without a 1 behind Mn."""
    return re.sub(r"(?<=[A-Za-z])1(?![\d.])", "", structure.composition.reduced_formula)


def formula_parts(formula: str, look: str = "") -> Parts:
    """A formula for a panel's script; numbers are subscripts, all else has the look that is given."""
    pieces = re.split(r"((?<=[A-Za-z)\]])\d+(?:\.\d+)?)", formula)
    return [("sub" if k % 2 else look, piece) for k, piece in enumerate(pieces) if piece]


def space_group_parts(symbol: str) -> Parts:
    """The symbol of a space group for a panel's script: "P6_3/mmc" with a subscript, "P-1" with an overline."""
    looks = {"_": "sub", "-": "over"}
    pieces = re.split(r"([_-]\d)", symbol)
    return [(looks[piece[0]], piece[1:]) if k % 2 else ("", piece) for k, piece in enumerate(pieces) if piece]


def percent(p: float) -> str:
    """A probability; never "0 %" or "100 %" of what is only nearly so."""
    if p < 0.01:
        return "< 1 %"
    return "> 99 %" if p > 0.99 else f"{100 * p:.0f} %"


def in_materials_project(material_id: str) -> bool:
    """Whether it is an id of the Materials Project."""
    return re.fullmatch(r"(mp|mvc)-[0-9]+", material_id) is not None


def material_link(material_id: str) -> str:
    """A link to a material's page, or only the id if it is none of the Materials Project's."""
    if not in_materials_project(material_id):
        return escape(material_id)
    page = f"https://next-gen.materialsproject.org/materials/{quote(material_id, safe='')}"
    return f'<a href="{page}" target="_blank" rel="noopener">{escape(material_id)}</a>'


def file_stem(name: str) -> str:
    """A name as that of a file, without the ending of the CIF file that it may have come from."""
    return re.sub(r"[^\w.-]+", "_", name.removesuffix(".cif"))


def radiation(source: str) -> str:
    """A line such as "CuKa1", or a wavelength with its unit."""
    try:
        float(source)
    except ValueError:
        return source
    return f"{source} Å"
