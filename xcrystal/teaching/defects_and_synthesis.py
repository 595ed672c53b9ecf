"""Exercise 13: defects, ordering, and what stability does not say of synthesis."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.disorder.defects import Defect, defects
from xcrystal.teaching import material
from xcrystal.teaching.questions import Choice, Count, Number, Question

if TYPE_CHECKING:
    from xcrystal.teaching.students import Student

TITLE = "Defects and synthesis"
ENERGY = "formation_energy_per_atom"
BOLTZMANN = 8.617333e-5  # eV/K
OXIDES = ("cubic perovskite", "rutile", "corundum")
ERROR = 0.077  # eV/atom: mean absolute error of predicted formation energies on unseen crystals
HOT, COLD = 1200.0, 300.0  # K


def given(student: Student) -> dict[str, Any]:
    """The oxide of this student."""
    return {"oxide": student.pick("oxide", OXIDES)}


def questions(oxide: str = OXIDES[0]) -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Count(
            "Kinds of vacancies that symmetry tells apart",
            lambda: float(len(_vacancies(oxide))),
            ('xc.defects(crystal, "vacancy") makes one of each kind.',),
            "One for each orbit: equivalent sites make the same defect.",
        ),
        "b": Number(
            "Energy to take one oxygen out of the supercell, as predicted",
            lambda: _formation(_oxygen(oxide)),
            (
                "Energies per atom times atoms, of the cell with the defect less the perfect one.",
                "The perfect cell has one atom more than defect.structure.",
            ),
            "A formation energy is counted from the elements, so the oxygen that leaves is at 0: O2 at 0 K.",
            unit="eV",
            relative=0.005,
            slips=lambda: {
                "Energies per atom were subtracted; multiply each with its number of atoms first.": _per_atom(
                    _oxygen(oxide)
                ),
            },
        ),
        "c": Number(
            "What an error of 0.077 eV/atom of the cell with the defect means for that energy",
            lambda: ERROR * len(_oxygen(oxide).structure),
            ("It is multiplied as the energy is.",),
            "Many times what an energy of a defect has to be good for (0.1 eV). Errors of two such cells cancel in "
            "part; how much, nobody knows.",
            unit="eV",
            relative=0.01,
        ),
        "d": Number(
            "Share of sites that are empty at 1200 K, if a vacancy costs 2 eV",
            lambda: float(np.exp(-2.0 / (BOLTZMANN * HOT))),
            ("exp(-E / kT), with k = 8.617e-5 eV/K.",),
            "A few in a thousand million. The supercell above has far more than that.",
            relative=0.01,
            absolute=0.0,
            slips=lambda: {"That is at 300 K.": float(np.exp(-2.0 / (BOLTZMANN * COLD)))},
        ),
        "e": Number(
            "Entropy of mixing of an alloy of 1 to 1, in meV/K for an atom",
            lambda: 1000 * BOLTZMANN * float(np.log(2)),
            ("-k Σ x ln x over the two elements.",),
            "At 1000 K that is 0.06 eV/atom: what is 0.05 above the hull when cold may be stable when hot.",
            relative=0.01,
            slips=lambda: {"This is in eV/K.": BOLTZMANN * float(np.log(2))},
        ),
        "f": Number(
            "Of the metastable crystals of the table that were learned from, the share above 0.1 eV/atom",
            _share_above,
            (
                'table["above_hull"] is the distance, table["in_train"] says which were learned from.',
                "Metastable are those above 1e-6.",
            ),
            "Their sources take them as experimentally known; a rule that throws away what is above 0.1 loses these. "
            "Most come from MP-20, which left out what lay more than 0.08 above the hull of its day: how small the "
            "share is shows how the table was made, not what can be made.",
            unit="share",
            relative=0.01,
            slips=lambda: {"That is of all of them, those on the hull included.": _share_above(all_of_them=True)},
        ),
        "g": Choice(
            "What an energy on the hull proves",
            lambda: "none of these",
            ("What is not in the table cannot compete.",),
            "It says that nothing in one table, at 0 K and by one functional, is lower.",
            options={
                "that it can be made": "A hull knows no reaction, no temperature and no barrier.",
                "that nothing is more stable": "Only nothing that is in the table.",
                "that it has been made": "The table holds crystals that only a computer has seen.",
                "none of these": "",
            },
        ),
    }


@cache
def _vacancies(oxide: str) -> list[Defect]:
    return defects(material.crystal(oxide), "vacancy")


def _oxygen(oxide: str) -> Defect:
    return next(defect for defect in _vacancies(oxide) if defect.name == "v_O")


def _formation(defect: Defect) -> float:
    after, before = _energies(defect)
    atoms = len(defect.structure)
    return atoms * after - (atoms + 1) * before


def _per_atom(defect: Defect) -> float:
    after, before = _energies(defect)
    return after - before


def _energies(defect: Defect) -> tuple[float, float]:
    """Predicted formation energies, eV/atom, of the cell with the defect and of the perfect one."""
    assert defect.predicted is not None and defect.before is not None, defect.problem
    return defect.predicted[ENERGY], defect.before[ENERGY]


def _share_above(all_of_them: bool = False) -> float:
    table = material.atlas().table
    distance = table.loc[table["in_train"] & table["above_hull"].notna(), "above_hull"].to_numpy()
    return float((distance[distance > (-1.0 if all_of_them else 1e-6)] > 0.1).mean())
