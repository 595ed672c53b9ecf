"""What there is to say of one atom: its orbit, its neighbours, how sure the decoder was of its element."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.geometry.neighbours import structure_neighbours
from xcrystal.crystal.limits import MAX_SEARCHED
from xcrystal.crystal.symmetry.canonical import symmetry_dataset
from xcrystal.explorer.drawing.occupancy import shares, site_name, site_symbols

if TYPE_CHECKING:
    from pymatgen.core import PeriodicSite, Structure

MOST_NEIGHBOURS = 8  # kinds of neighbours that are named


def with_orbits(structure: Structure) -> Structure:
    """The structure with ``site_properties`` "orbit" and "wyckoff"; the same object if it has them, as decodes do.

    Those of other crystals are found by spglib. Where there is no symmetry to be found, or the cell is too large to
    look for it, each atom is an orbit of its own and its Wyckoff position is empty.
    """
    if {"orbit", "wyckoff"} <= set(structure.site_properties):
        return structure
    found = symmetry_dataset(structure) if len(structure) <= MAX_SEARCHED else None
    if found is None:
        orbit, wyckoff = list(range(len(structure))), [""] * len(structure)
    else:
        firsts = found.equivalent_atoms.tolist()
        numbers = {first: k for k, first in enumerate(dict.fromkeys(firsts))}
        orbit = [numbers[first] for first in firsts]
        share = len(found.std_types) / len(structure)  # the multiplicity counts atoms of the conventional cell
        counts = Counter(orbit)
        wyckoff = [f"{round(counts[k] * share)}{letter}" for k, letter in zip(orbit, found.wyckoffs, strict=True)]
    marked = structure.copy()
    marked.add_site_property("orbit", orbit)
    marked.add_site_property("wyckoff", wyckoff)
    return marked


def _orbits(structure: Structure) -> tuple[list[int], list[str]]:
    sites = with_orbits(structure).site_properties
    return [int(k) for k in sites["orbit"]], [str(label) for label in sites["wyckoff"]]


def orbit_choices(structure: Structure) -> list[dict[str, Any]]:
    """The first atom of each orbit, and what the orbit is called: "Ti 1b, 1 atom"."""
    numbers, wyckoff = _orbits(structure)
    counts = Counter(numbers)
    choices = []
    for orbit in dict.fromkeys(numbers):
        atom = numbers.index(orbit)
        name = f"{site_name(structure[atom])} {wyckoff[atom]}".strip()
        many = counts[orbit]
        choices.append({"atom": atom, "label": f"{name}, {many} atom{'s' if many > 1 else ''}"})
    return choices


def site_facts(
    structure: Structure, atom: int, *, score: float | None = None, unit: str = "", neighbours: bool = True
) -> list[tuple[str, str]]:
    """Headings and texts about one atom of a structure.

    Parameters
    ----------
    structure
        Any cell.
    atom
        Its index.
    score, unit
        Of an attribution, if there is one.
    neighbours
        Whether to look for its coordination, which takes a millisecond.
    """
    site = structure[atom]
    numbers, wyckoff = _orbits(structure)
    same = numbers.count(numbers[atom])
    x, y, z = np.round(site.frac_coords % 1.0, 4) % 1.0
    facts = [_contents(site)]
    if wyckoff[atom]:
        facts.append(("Wyckoff position", wyckoff[atom]))
    facts.append(("Orbit", f"{numbers[atom] + 1} of {len(set(numbers))}; equivalent atoms in this cell: {same}"))
    facts.append(("Place in the cell", f"{x:.4f}, {y:.4f}, {z:.4f}"))
    if neighbours:
        facts.append(("Coordination", coordination(structure, atom)))
    sure = structure.site_properties.get("element_probability")
    if sure is not None:
        facts.append(("Decoder's probability of the element", f"{sure[atom]:.1%}"))
    if score is not None:
        facts.append(("Attribution", f"{score:+.3f} {unit}".strip()))
    return facts


def _contents(site: PeriodicSite) -> tuple[str, str]:
    """The element of a site, or what shares it: "70 % La, 30 % Sr"."""
    found = shares(site)
    if len(found) == 1:
        return "Element", f"{found[0].symbol} ({found[0].number})"
    return "On this site", ", ".join(f"{100 * share.part:.3g} % {share.symbol}" for share in found)


def coordination(structure: Structure, atom: int) -> str:
    """Number, elements and distances of an atom's neighbours: "6: 6 O at 1.95 to 2.01 Å"."""
    pairs = structure_neighbours(structure)
    around = pairs.of(pairs.first == atom)
    if not len(around.first):
        return "no neighbours found"
    distances: dict[str, list[float]] = {}
    for other, length in zip(around.second.tolist(), around.lengths.tolist(), strict=True):
        distances.setdefault("/".join(site_symbols(structure[other])), []).append(length)
    parts = []
    for symbol, lengths in sorted(distances.items(), key=lambda item: min(item[1]))[:MOST_NEIGHBOURS]:
        low, high = min(lengths), max(lengths)
        reach = f"{low:.2f} Å" if high - low < 0.005 else f"{low:.2f} to {high:.2f} Å"
        parts.append(f"{len(lengths)} {symbol} at {reach}")
    return f"{len(around.first)}: {', '.join(parts)}"
