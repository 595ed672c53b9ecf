"""Exercise 9: design. What fits, what chance gives, what a prediction is worth, and what a candidate still lacks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.geometry.pair_distances import usual_distances
from xcrystal.energetics.hull import energy_above_hull
from xcrystal.inverse_design.design_targets import Targets, read_targets
from xcrystal.inverse_design.likelihood import probabilities
from xcrystal.teaching import material
from xcrystal.teaching.questions import Choice, Count, Number, Question

if TYPE_CHECKING:
    from pymatgen.core import Composition

TITLE = "Design a lead-free absorber"
GAP = (1.1, 1.6)  # eV
TOXIC = ("Pb", "Cd", "Hg", "Tl")
_DRAWS = 200


def questions() -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Count(
            "Known crystals that fit",
            lambda: float(_targets().count(material.atlas())),
            (
                "The table of the atlas has a column band_gap; both ends belong to the range.",
                'elements={"exclude": [...]} in xc.design(..., n=1, draws=1) counts them as .known.',
            ),
            "About 4 in 100 of the known crystals. Each is a better beginning than a crystal that nobody has made.",
            slips=lambda: {
                "These hold lead, cadmium, mercury or thallium, too.": float(
                    read_targets(band_gap=GAP).count(material.atlas())
                )
            },
        ),
        "b": Number(
            "Share of plain draws whose predicted gap is in the range",
            _base_rate,
            ("model.sample_latent(200, seed=0) draws; model.predict(z) tells gaps.", "Take the mean of a condition."),
            "This is what chance gives: a method has to be compared with it, and not with nothing.",
            relative=0.0,
            absolute=0.006,
            slips=lambda: {"That is a number of draws; a share is asked for.": _base_rate() * _DRAWS},
        ),
        "c": Choice(
            "What is certain of every candidate",
            lambda: "no lead",
            ("What is thrown away, and what is only predicted?",),
            "Elements and symmetry are counted in the crystal itself; gap and energy are predictions.",
            options={
                "gap": "The gap is predicted, and a prediction may be wrong.",
                "no lead": "",
                "stable": "Nobody has computed it.",
                "new": "It matches no known crystal of the atlas; other collections hold more.",
            },
        ),
        "d": Number(
            "How many of the crystals with a predicted gap in the range keep it, by the model's own word",
            lambda: float(_own_word().sum()),
            ("Probabilities of single events add up to the number that is expected.",),
            "Far from all of them: the range is as narrow as the error of a prediction.",
            relative=0.02,
            slips=lambda: {"That takes every prediction for a fact.": float(len(_own_word()))},
        ),
        "e": Number(
            "The distance of two oxygen atoms below which 1 in 200 known oxides goes",
            lambda: float(usual_distances()[8, 8]),
            ("usual_distances() is a table by atomic numbers.",),
            "It is that of a peroxide. Two oxygen atoms at 1.2 Å are a molecule, and in an oxide an error.",
            unit="Å",
            relative=0.005,
        ),
        "f": Number(
            "How far a crystal with a formation energy of -1.9 eV/atom and the formula SrTiO3 lies above the hull",
            lambda: float(energy_above_hull(_composition("SrTiO3"), -1.9, material.atlas())),
            ('xc.hull("SrTiO3", energy=-1.9) compares it with what is known.',),
            "A negative energy says little: what counts is the energy of what else the same atoms could be.",
            unit="eV/atom",
            relative=0.01,
        ),
    }


def _composition(formula: str) -> Composition:
    from pymatgen.core import Composition

    return Composition(formula)


@cache
def _targets() -> Targets:
    return read_targets(band_gap=GAP, elements={"exclude": TOXIC})


def _base_rate() -> float:
    model = material.model()
    gap = model.predict(model.sample_latent(_DRAWS, 0))["band_gap"]
    return float(((gap >= GAP[0]) & (gap <= GAP[1])).mean())


@cache
def _own_word() -> np.ndarray:
    """Probabilities of those of the first 2,000 crystals of the atlas whose predicted gap is in the range."""
    model, z = material.model(), material.atlas().z[:2000]
    gap = model.predict(z)["band_gap"]
    return probabilities(model, z[(gap >= GAP[0]) & (gap <= GAP[1])], read_targets(band_gap=GAP))
