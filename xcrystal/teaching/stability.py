"""Exercise 12: stability. The convex hull by hand and by code, and how far a generated crystal lies above it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.energetics.hull import Hull, hull
from xcrystal.teaching import material
from xcrystal.teaching.questions import Choice, Count, Names, Number, Question

if TYPE_CHECKING:
    import pandas as pd

    from xcrystal.teaching.students import Student

TITLE = "Stability"
ENERGY = "formation_energy_per_atom"
SAMPLES = 16
# two elements, and a compound of them that lies above the hull
SYSTEMS = (("Mg", "Zn", "MgZn3"), ("Al", "Ni", "Al2Ni3"), ("Ti", "O", "Ti4O5"), ("Ca", "Si", "CaSi3"))


def given(student: Student) -> dict[str, Any]:
    """The two elements, and the compound."""
    first, second, compound = student.pick("system", SYSTEMS)
    return {"system": (first, second), "compound": compound}


def questions(system: tuple[str, str] = SYSTEMS[0][:2], compound: str = SYSTEMS[0][2]) -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Number(
            f"Share of {system[1]} among the atoms of {compound}",
            lambda: _share(compound, system[1]),
            ("Composition(formula).get_atomic_fraction(element), or count on your fingers.",),
            "The horizontal axis of a phase diagram counts atoms, not formulas.",
            unit="share",
            relative=0.001,
            slips=lambda: {"That is the share of the other element.": _share(compound, system[0])},
        ),
        "b": Names(
            f"Into which two phases {compound} decomposes",
            lambda: {phase.formula for phase in _above(compound).decomposition},
            (
                "Draw the lowest point of each composition. The hull is the rubber band below all of them.",
                "The two phases are the ends of the piece of the hull that lies below the compound.",
            ),
            "Not the two elements: what is nearest on the hull on both sides decides.",
        ),
        "c": Number(
            f"Energy of the hull at the composition of {compound}",
            lambda: _above(compound).formation_energy_per_atom - _above(compound).e_above_hull,
            (
                "A straight line between the two phases, at the share of a.",
                "np.interp(x, [x1, x2], [e1, e2]) draws it.",
            ),
            "The lever rule: each of the two phases counts as many atoms as it takes.",
            unit="eV/atom",
            relative=0.005,
            slips=lambda: {
                "That is the formation energy of the compound itself.": _above(compound).formation_energy_per_atom,
                "This is the mean of the two phases; the nearer one counts more.": float(
                    np.mean([phase.formation_energy_per_atom for phase in _above(compound).decomposition])
                ),
            },
        ),
        "d": Number(
            f"Energy above the hull of {compound}",
            lambda: _above(compound).e_above_hull,
            ("The compound's formation energy less that of c.",),
            "xc.hull says the same, of two elements as of eight.",
            unit="eV/atom",
            relative=0.01,
            absolute=0.0005,
        ),
        "e": Number(
            f"Share of the atoms that end up in the phase with more {system[1]}",
            lambda: _amount(compound, system[1]),
            ("The lever rule: how far the compound is from the one phase, of the way from there to the other.",),
            "The nearer phase takes more. Counted in formulas the shares would be others.",
            unit="share",
            relative=0.005,
            slips=lambda: {"That is the other phase.": 1 - _amount(compound, system[1])},
        ),
        "f": Count(
            f"Of {SAMPLES} samples, those that are predicted to lie below the hull",
            lambda: float(sum(above < 0 for above, _ in _sampled())),
            ("xc.hull(formula, energy).e_above_hull with the predicted formation energy of each.",),
            "Far too many. Known crystals of these elements were searched for decades.",
        ),
        "g": Count(
            "Of these, those whose whole 90 % interval lies below the hull",
            lambda: float(sum(high < 0 for _, high in _sampled())),
            ("The hull does not move: add the interval's upper end in the place of the prediction.",),
            "An interval holds for crystals like those that it was calibrated on; what a generator makes up is not.",
        ),
        "h": Choice(
            "What 0.08 eV/atom above the hull means",
            lambda: "not stable at 0 K, and perhaps made all the same",
            ("How far above graphite is diamond in the lesson, by PBE and by experiment?",),
            "A distance says what a crystal could become, not whether it does; part of 0.08 may be PBE's error.",
            options={
                "stable, since below 0.1 eV/atom": "0.1 is a threshold for what is worth a look, and no more.",
                "cannot be made": "Diamond is above graphite, too, by 0.13 by PBE and 0.02 by experiment.",
                "not stable at 0 K, and perhaps made all the same": "",
            },
        ),
    }


def lowest(system: tuple[str, str], atlas: Any = None) -> pd.DataFrame:
    """The lowest known crystal of each composition of two elements.

    Parameters
    ----------
    system
        The symbols of the two elements.
    atlas
        Whose crystals; by default those that ship.

    Returns
    -------
    pandas.DataFrame
        ``formula``, ``x`` (share of the second element among the atoms), ``formation_energy_per_atom`` (eV/atom),
        ``space_group`` and ``material_id``, by x. The elements are at 0, by the definition of a formation energy.
    """
    from pymatgen.core import Composition

    table = (atlas or material.atlas()).table
    mine = table["formula"].map(lambda text: _elements(text) <= set(system))
    rows = table[mine & table[ENERGY].notna()].sort_values(ENERGY).drop_duplicates("formula")
    x = rows["formula"].map(lambda text: Composition(text).get_atomic_fraction(system[1]))
    found = rows.assign(x=x)[["formula", "x", ENERGY, "space_group", "material_id"]]
    found.loc[found["x"].isin((0.0, 1.0)), ENERGY] = 0.0
    return found.sort_values("x").reset_index(drop=True)


@cache
def _elements(formula: str) -> frozenset[str]:
    import re

    return frozenset(re.findall(r"[A-Z][a-z]?", formula))


def _share(formula: str, element: str) -> float:
    from pymatgen.core import Composition

    return float(Composition(formula).get_atomic_fraction(element))


def _amount(compound: str, element: str) -> float:
    return max(_above(compound).decomposition, key=lambda phase: _share(phase.formula, element)).amount


@cache
def _above(formula: str) -> Hull:
    system = next(system[:2] for system in SYSTEMS if _elements(formula) == set(system[:2]))
    table = lowest(system)
    return hull(formula, float(table.loc[table["formula"] == formula, ENERGY].item()))


@cache
def _sampled() -> list[tuple[float, float]]:
    """Energy above the hull of each sample at its predicted formation energy, and at the upper end of its interval."""
    model = material.model()
    crystals = model.sample(SAMPLES, seed=0)
    z = model.encode(crystals)
    energies, intervals = model.predict(z)[ENERGY], model.predict_interval(z)[ENERGY]
    found = []
    for crystal, energy, (_, high) in zip(crystals, energies, intervals, strict=True):
        above = hull(crystal.composition.reduced_formula, float(energy)).e_above_hull
        found.append((above, above + float(high - energy)))
    return found
