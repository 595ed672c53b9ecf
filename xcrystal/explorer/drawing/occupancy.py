"""What is on a site: one element, several that share it, or a part that is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xcrystal.crystal.mixed_sites import amounts

if TYPE_CHECKING:
    from pymatgen.core import PeriodicSite

_FULL = 1e-3  # what is so little empty is full


class Share(NamedTuple):
    """The part of a site, 0 to 1, that one element has: its symbol and atomic number; "empty" and 0 for what is not
    filled."""

    symbol: str
    number: int
    part: float


def shares(site: PeriodicSite) -> list[Share]:
    """Shares of a site, the largest first and what is empty last; all make 1 even where more is said to be there."""
    numbers = {species.symbol: species.Z for species in site.species}
    held = amounts(site)
    filled = sum(held.values())
    found = [
        Share(symbol, numbers[symbol], amount / max(1.0, filled))
        for symbol, amount in sorted(held.items(), key=lambda item: -item[1])
    ]
    return found if filled > 1 - _FULL else [*found, Share("empty", 0, 1 - filled)]


def site_symbols(site: PeriodicSite) -> list[str]:
    """Symbols of the elements on a site, the most abundant first."""
    return [share.symbol for share in shares(site) if share.number]


def site_name(site: PeriodicSite) -> str:
    """ "Ti" for a full site of one element, otherwise what is on it: "La 0.7, Sr 0.3"."""
    found = shares(site)
    if len(found) == 1:
        return found[0].symbol
    return ", ".join(f"{share.symbol} {np.round(share.part, 2):g}" for share in found)
