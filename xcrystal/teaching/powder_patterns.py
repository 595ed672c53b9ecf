"""Exercise 8: diffraction and disorder. Planes and peaks, a crystal found by its pattern, and order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.diffraction.identification import identify
from xcrystal.diffraction.powder import Pattern, xrd
from xcrystal.disorder.approximants import Approximants, approximants
from xcrystal.teaching import material
from xcrystal.teaching.questions import Choice, Count, Number, Question

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.diffraction.measured import MeasuredPattern

TITLE = "Diffraction and disorder"
ENERGY = "formation_energy_per_atom"
_SALTS = {"LiCl": 5.13, "NaCl": 5.64, "KCl": 6.29, "NaBr": 5.97}  # Å
_LIMIT = 80.0  # degrees


def questions() -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Number(
            "Spacing of the planes of the first peak of caesium chloride",
            lambda: float(_chloride().d[0]),
            ("xc.xrd(chloride).peaks is a table; its column d holds spacings.",),
            "It is 100, the edge of the cell: caesium chloride is primitive, so no reflection is extinguished.",
            unit="Å",
            relative=0.001,
            slips=lambda: {"That is the angle; the spacing is asked for.": float(_chloride().two_theta[0])},
        ),
        "b": Number(
            "Its angle 2θ with molybdenum",
            lambda: float(_chloride("MoKa").two_theta[0]),
            ('xc.xrd(chloride, source="MoKa") has another wavelength, and the same spacings.',),
            "The shorter the wavelength, the smaller the angles: these depend on the experiment, spacings do not.",
            unit="degrees",
            relative=0.001,
            slips=lambda: {
                "That is the angle with copper.": float(_chloride().two_theta[0]),
                "That is θ; patterns are drawn over 2θ.": float(_chloride("MoKa").two_theta[0]) / 2,
            },
        ),
        "c": Number(
            "By how much 200 of rock salt moves if the cell grows by 1 %",
            lambda: float(_salt(0.01).two_theta[1] - _salt(0.0).two_theta[1]),
            ("Copy the crystal before you strain it.", "The second peak is number 1 of .two_theta."),
            "To lower angles, and nearly by -2 tan θ times the relative change of the spacing.",
            unit="degrees",
            relative=0.005,
            slips=lambda: {"That is the first peak.": float(_salt(0.01).two_theta[0] - _salt(0.0).two_theta[0])},
        ),
        "d": Choice(
            "The salt with the weakest 111",
            lambda: min(_SALTS, key=_odd),
            ("How many electrons have the two atoms? 111 is what the difference of their waves leaves.",),
            "K and Cl are only two electrons apart, so that their waves all but cancel where h, k, l are odd.",
            options={
                "LiCl": "Lithium has 3 electrons and chlorine 17: little is cancelled.",
                "NaCl": "Sodium has 11 electrons and chlorine 17. Is there a pair that is nearer?",
                "KCl": "",
                "NaBr": "Sodium has 11 electrons and bromine 35: little is cancelled.",
            },
        ),
        "e": Count(
            "Space group of the crystal that is most alike",
            lambda: float(identify(measured_pattern(), elements="Ti O", n=1)[0].space_group),
            ('elements="Ti O" leaves crystals of these only; the first of the list is the most alike.',),
            "Number 141, I4₁/amd, is that of anatase. It is the most alike: a refinement would have to confirm it.",
        ),
        "f": Count(
            "Peaks that ordering adds",
            lambda: float(len(_planes(_ordered()) - _planes(_alloy()))),
            ("limits=(0, 80) leaves the peaks below 80 degrees.", "Compare the columns hkl of both tables as sets."),
            "Superlattice reflections: their indices are mixed, even and odd, as no face-centred crystal has them.",
            slips=lambda: {"Those are all peaks of the ordered crystal.": float(len(_planes(_ordered())))},
        ),
        "g": Number(
            "Mean formation energy by arrangements",
            lambda: _cells().spread(weighted=True)[ENERGY][0],
            ("spread() counts each cell once.", "spread(weighted=True) counts each by its arrangements."),
            "All arrangements in cells of this size count equally, as far as the eight cells cover them: see coverage. "
            "How good the predictions are is another question.",
            unit="eV/atom",
            relative=0.0,
            absolute=0.001,
            slips=lambda: {
                "Here each cell counts once; what symmetry repeats should count more.": _cells().spread()[ENERGY][0],
                "That is the standard deviation.": _cells().spread(weighted=True)[ENERGY][1],
            },
        ),
    }


@cache
def measured_pattern() -> MeasuredPattern:
    """A pattern as a laboratory measures it, of a crystal that is not told."""
    from xcrystal.evaluation.diffraction.pattern_search import degraded

    return degraded(material.crystal("anatase"), np.random.default_rng(8))


def _chloride(source: str = "CuKa") -> Pattern:
    return xrd(material.crystal("caesium chloride"), source=source)


def _salt(strain: float) -> Pattern:
    crystal = material.crystal("rock salt")
    crystal.apply_strain(strain)
    return xrd(crystal)


def _odd(formula: str) -> float:
    """Intensity of 111, per cent of the strongest peak."""
    from pymatgen.core import Composition, Lattice, Structure

    atoms = [element.symbol for element in Composition(formula).elements]
    places = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]
    peaks = xrd(Structure.from_spacegroup("Fm-3m", Lattice.cubic(_SALTS[formula]), atoms, places)).peaks
    return float(peaks.loc[peaks["hkl"] == "111", "intensity"].sum())


def _alloy() -> Structure:
    from pymatgen.core import Composition, Lattice, Structure

    mixed = Composition({"Cu": 0.75, "Au": 0.25})
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.75), [mixed], [[0.0, 0.0, 0.0]])


def _ordered() -> Structure:
    from pymatgen.core import Lattice, Structure

    places = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5]]
    return Structure.from_spacegroup("Pm-3m", Lattice.cubic(3.75), ["Au", "Cu"], places)


def _planes(crystal: Structure) -> set[str]:
    return set(xrd(crystal, limits=(0.0, _LIMIT)).peaks["hkl"])


@cache
def _cells() -> Approximants:
    return approximants(_alloy(), n=8, max_atoms=8)
