"""From a potential's total energy to a formation energy on the scale of the table that ships.

A potential has a zero of its own. What it gives less a reference energy of each element is a formation energy. The
references are those with which known crystals come out as the table has them (``xcrystal fit-references``), so they
also take in how the two scales differ: releases of the Materials Project, its corrections of anions and of PBE+U.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.files import replacing
from xcrystal.errors import check_one_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core import Composition

REFERENCES = Path(__file__).parents[1] / "data" / "references"


@dataclass(frozen=True)
class References:
    """Reference energies of the elements for a potential.

    Attributes
    ----------
    potential
        Its name.
    elements
        Reference energy of each element, eV/atom.
    crystals
        From how many they were fitted.
    median_error, mean_error
        Median and mean absolute deviation of the fit, eV/atom.
    """

    potential: str
    elements: dict[str, float]
    crystals: int
    median_error: float
    mean_error: float

    def save(self, path: Path) -> None:
        """Write a JSON file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            part.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


@cache
def references(potential: str = "chgnet") -> References:
    """The reference energies that ship for a potential.

    Raises
    ------
    TargetError
        If there are none.
    """
    check_one_of(potential, sorted(path.stem for path in REFERENCES.glob("*.json")), "set of reference energies")
    return References(**json.loads((REFERENCES / f"{potential}.json").read_text(encoding="utf-8")))


def formation_energy(composition: Composition, energy: float, potential: str = "chgnet") -> float:
    """Formation energy, eV/atom, of a composition whose total energy in a potential is ``energy``, eV/atom.

    NaN if an element has no reference.
    """
    known = references(potential).elements
    shares = composition.fractional_composition.get_el_amt_dict()
    return energy - sum(share * known.get(element, math.nan) for element, share in shares.items())


def fit_references(
    compositions: Sequence[Composition], energies: np.ndarray, formation_energies: np.ndarray, potential: str
) -> References:
    """Fit reference energies by Huber's robust regression (Ann. Math. Stat. 35, 73, 1964).

    Parameters
    ----------
    compositions
        Of n known crystals.
    energies, formation_energies
        (n,) the potential's total energies and the table's formation energies, eV/atom.
    potential
        Its name.
    """
    from sklearn.linear_model import HuberRegressor

    shares = [composition.fractional_composition.get_el_amt_dict() for composition in compositions]
    elements = sorted({element for share in shares for element in share})
    x = np.array([[share.get(element, 0.0) for element in elements] for share in shares])
    y = np.asarray(energies, dtype=float) - np.asarray(formation_energies, dtype=float)
    found = HuberRegressor(fit_intercept=False, alpha=1e-6, max_iter=5000, tol=1e-8).fit(x, y).coef_
    off = np.abs(y - x @ found)
    return References(
        potential=potential,
        elements={element: round(float(value), 5) for element, value in zip(elements, found, strict=True)},
        crystals=len(y),
        median_error=round(float(np.median(off)), 5),
        mean_error=round(float(off.mean()), 5),
    )
