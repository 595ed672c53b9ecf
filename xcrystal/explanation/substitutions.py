"""Crystals of other elements that are possible: each element exchanged for another of the same charge, or for that of
a known crystal of the same formula type.

Charges are pymatgen's likeliest guess from the composition. Metals take the place of metals, and other elements that
of other elements, if they are known with the same charge, so that charges balance in every mixture of the two crystals
as well. Where no guess adds up to zero, as in alloys, only the former counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.elements import symbol
from xcrystal.errors import TargetError
from xcrystal.explanation.known_answers import ELECTRONEGATIVITY, IS_METAL

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas

_NEVER = (2, 10, 18, 36, 54, 86, 84, 85, 87, 88)  # noble gases, and Po, At, Fr and Ra: there are next to no crystals


def same_charge_elements(
    elements: np.ndarray, multiplicities: np.ndarray, seen: Mapping[str, int], count: int, seed: int = 0
) -> np.ndarray:
    """Draw crystals of other elements on the same orbits.

    Parameters
    ----------
    elements, multiplicities
        (n,) atomic number and number of atoms of each orbit.
    seen
        How often each atomic number occurs, which is how often it is drawn; empty for all alike.
    count, seed
        How many to draw, and what determines them.

    Returns
    -------
    ndarray
        (count, n) atomic numbers. An element gets the same one on all of its orbits, never itself unless nothing else
        is known with its charge.
    """
    kinds = sorted({int(z) for z in elements})
    amounts = tuple(int(multiplicities[elements == z].sum()) for z in kinds)
    divisor = math.gcd(*amounts)
    charges = _charges(tuple(kinds), tuple(n // divisor for n in amounts))
    rng = np.random.default_rng(seed)
    drawn = np.empty((count, len(elements)), dtype=np.int64)
    for z, charge in zip(kinds, charges, strict=True):
        others = [k for k in _alike(z, charge) if k != z and (not seen or seen.get(str(k), 0))] or [z]
        weights = np.array([seen.get(str(k), 0) if seen else 1 for k in others], dtype=float)
        chances = weights / weights.sum() if weights.sum() else None
        drawn[:, elements == z] = rng.choice(others, size=count, p=chances)[:, None]
    return drawn


def neighbour_elements(
    elements: np.ndarray, multiplicities: np.ndarray, z: np.ndarray, atlas: Atlas, count: int
) -> np.ndarray:
    """Crystals on the same orbits, made of the elements of the nearest known crystals of the same formula type.

    An element gives way to the one of which there is as much; among several, electronegativities are in the same order.

    Parameters
    ----------
    elements, multiplicities
        (n,) atomic number and number of atoms of each orbit.
    z
        (latent_dim,) the crystal's latent vector.
    atlas
        The known crystals.
    count
        How many different ones to find.

    Returns
    -------
    ndarray
        (count, n) atomic numbers, the nearest first.

    Raises
    ------
    TargetError
        If the atlas knows fewer of this formula type.
    """
    from xcrystal.latent.compositions import pattern

    amounts = {int(k): int(multiplicities[elements == k].sum()) for k in np.unique(elements)}
    divisor = math.gcd(*amounts.values())
    own = tuple((k, amount // divisor) for k, amount in sorted(amounts.items()))
    wanted = pattern(own)
    others = {f for f in atlas.row_formulas if f is not None and f != own and pattern(f) == wanted}
    if len(others) < count:
        raise TargetError(
            f"The atlas holds {len(others)} other formulas of this type, and the baseline 'neighbours' takes {count}; "
            "take 'real_elements'."
        )
    rows = [row for row, formula in enumerate(atlas.row_formulas) if formula in others]
    distances = np.linalg.norm(atlas.z[rows] - z, axis=1)
    nearest = dict.fromkeys(atlas.row_formulas[rows[k]] for k in np.argsort(distances, kind="stable"))
    found = []
    for formula in list(nearest)[:count]:
        pairs = zip(*(sorted(one, key=_by_amount) for one in (own, formula or ())), strict=True)
        instead = {old: new for (old, _), (new, _) in pairs}
        found.append([instead[int(k)] for k in elements])
    return np.array(found, dtype=np.int64)


def _by_amount(part: tuple[int, int]) -> tuple[int, float]:
    return part[1], float(ELECTRONEGATIVITY[part[0]])


@lru_cache(maxsize=4096)
def _charges(kinds: tuple[int, ...], amounts: tuple[int, ...]) -> tuple[float | None, ...]:
    """Mean charge of each element in a formula; None for all where no guess is neutral."""
    from pymatgen.core import Composition

    if len(kinds) > 1:
        formula = Composition({symbol(z): n for z, n in zip(kinds, amounts, strict=True)})
        guesses = formula.oxi_state_guesses(max_sites=-1)
        if guesses:
            return tuple(float(guesses[0][symbol(z)]) for z in kinds)
    return (None,) * len(kinds)


@lru_cache(maxsize=1024)
def _alike(number: int, charge: float | None) -> tuple[int, ...]:
    """Atomic numbers of the elements that may take the place of one."""
    from pymatgen.core import Element

    alike = [z for z in range(1, len(IS_METAL)) if IS_METAL[z] == IS_METAL[number] and z not in _NEVER]
    if charge is None:
        return tuple(alike)
    # a mean charge between two whole ones is a mixture of both
    states = {math.floor(charge + 1e-6), math.ceil(charge - 1e-6)}
    return tuple(z for z in alike if states <= set(Element.from_Z(z).common_oxidation_states))
