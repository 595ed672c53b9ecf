"""Structures that are the last line of a notebook's cell are drawn, once that is asked for."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from typing import TYPE_CHECKING, Any

from xcrystal.errors import XCrystalError

if TYPE_CHECKING:
    from pymatgen.core import IStructure

MIME_TYPE = "application/vnd.xcrystal.structure+json"
MAX_ATOMS = 2000  # of a structure that is drawn; an output of more would make a notebook heavy
_KIND = ("pymatgen.core.structure", "IStructure")  # by name, so that pymatgen need not be imported


def draw_structures(on: bool = True) -> None:
    """Draw pymatgen structures that are the last line of a cell, in 3-D where the front end can.

    JupyterLab with xcrystal installed shows a viewer; other front ends, and notebooks that are exported, show a
    picture. The usual text is kept for all that show neither.

    Parameters
    ----------
    on
        False to have the usual text again.

    Raises
    ------
    XCrystalError
        Outside of IPython and Jupyter.

    Examples
    --------
    >>> xc.draw_structures()
    >>> structure
    """
    formatter = _shell().display_formatter.mimebundle_formatter
    if on:
        formatter.for_type_by_name(*_KIND, _bundle)
        return
    from pymatgen.core import IStructure

    # it is known by its name until the first structure was shown, and by its type afterwards
    formatter.deferred_printers.pop(_KIND, None)
    if IStructure in formatter.type_printers:
        formatter.pop(IStructure)


def structure_data(structure: IStructure) -> dict[str, Any]:
    """What the viewer draws, as plain JSON.

    Parameters
    ----------
    structure
        Any cell; sites may be shared by several elements.

    Returns
    -------
    dict
        ``version``; ``title``, the formula; ``lattice``, (3, 3) rows a, b and c in Å; ``species``, for each site that
        is not empty its elements with their occupancies, the most abundant first; ``positions``, (n, 3) fractional
        coordinates of these sites.
    """
    filled = [site for site in structure if len(site.species)]  # a site may also be left empty
    return {
        "version": 1,
        "title": structure.composition.reduced_formula,
        "lattice": structure.lattice.matrix.tolist(),
        "species": [_species(site) for site in filled],
        "positions": [site.frac_coords.tolist() for site in filled],
    }


def _species(site: Any) -> list[dict[str, Any]]:
    shares = sorted(site.species.items(), key=lambda item: -item[1])
    return [{"symbol": species.symbol, "occupancy": float(share)} for species, share in shares]


def _shell() -> Any:
    try:
        from IPython.core.getipython import get_ipython
    except ModuleNotFoundError:
        shell = None
    else:
        shell = get_ipython()
    if shell is None:
        raise XCrystalError("draw_structures() works in a notebook or in IPython only; this is plain Python.")
    return shell


def _bundle(structure: IStructure, include: object = None, exclude: object = None) -> dict[str, Any]:
    """All that front ends may choose from; IPython adds the text where it is not in it."""
    if not any(len(site.species) for site in structure):
        return {}
    if len(structure) > MAX_ATOMS:
        note = f"Not drawn: it has {len(structure):,} atoms, and structures of up to {MAX_ATOMS:,} are."
        return {"text/plain": f"{structure}\n{note}"}
    return {MIME_TYPE: structure_data(structure), "text/html": _picture(structure)}


def _picture(structure: IStructure) -> str:
    """For front ends without the viewer."""
    from pymatgen.core import Element, Structure

    from xcrystal.explorer.drawing.svg_picture import Pictures

    data = structure_data(structure)
    species: list[defaultdict[str, float]] = [defaultdict(float) for _ in data["species"]]
    for amounts, kinds in zip(species, data["species"], strict=True):
        for kind in kinds:
            amounts[kind["symbol"]] += kind["occupancy"]  # ions of one element have one symbol
    if not all(Element.is_valid_symbol(symbol) for kinds in species for symbol in kinds):
        return f"<pre>{escape(str(structure))}</pre>"
    drawn = Structure(structure.lattice, species, data["positions"])
    return Pictures([drawn], [structure.composition.reduced_formula], width=320)._repr_html_()
