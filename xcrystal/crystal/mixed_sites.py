"""Sites that several elements share, or that are partly empty, as short text and back: "La0.7 Sr0.3"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xcrystal.errors import ReadError

if TYPE_CHECKING:
    from pymatgen.core import IStructure, PeriodicSite

_SHARE = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)")
_DIGITS = 6


def amounts(site: PeriodicSite) -> dict[str, float]:
    """Symbols of the elements on a site and how much there is of each, charges and isotopes left out."""
    found: dict[str, float] = {}
    for species, amount in site.species.items():
        found[species.symbol] = found.get(species.symbol, 0.0) + float(amount)
    return found


def site_text(site: PeriodicSite) -> str:
    """The symbol of a full site of one element, otherwise each with its amount."""
    found = {symbol: round(amount, _DIGITS) for symbol, amount in amounts(site).items()}
    return " ".join(symbol if amount == 1 else f"{symbol}{amount:.{_DIGITS}g}" for symbol, amount in found.items())


def species_of(text: str) -> str | dict[str, float]:
    """What ``site_text`` wrote, as pymatgen takes it: a symbol, or amounts by symbol.

    Raises
    ------
    ReadError
        If it is not such text.
    """
    parts = [_SHARE.fullmatch(part) for part in text.split()]
    if not parts or not all(parts):
        raise ReadError(f"{text[:60]!r} does not say what is on a site.")
    found = {part[1]: float(part[2] or 1) for part in parts if part is not None}
    return next(iter(found)) if list(found.values()) == [1.0] else found


def site_kinds(structure: IStructure) -> list[int]:
    """A number for each of n sites, equal where the same is on them; atomic numbers if one element fills each."""
    if structure.is_ordered:
        return [site.specie.Z for site in structure]
    texts = [site_text(site) for site in structure]
    numbers = {text: k for k, text in enumerate(dict.fromkeys(texts), start=1)}
    return [numbers[text] for text in texts]
