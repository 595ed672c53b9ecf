"""Exercise 11: structure prediction. Proposals for a formula, and whether one of them is the known crystal."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.evaluation.shared.statistics import wilson_interval
from xcrystal.latent.proposing import Proposal, propose
from xcrystal.teaching import material
from xcrystal.teaching.questions import Choice, Count, Formula, Number, Question

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.teaching.students import Student

TITLE = "Structure prediction"
FORMULAS = ("NiTiO3", "CoAl2O4", "MnTiO3")
PROPOSED = 5
_HITS, _ASKED = 6, 10  # of a report that the last questions are about


def given(student: Student) -> dict[str, Any]:
    """The formula that this student predicts."""
    return {"formula": student.pick("formula", FORMULAS)}


def questions(formula: str = FORMULAS[0]) -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Count(
            "Known crystals of this formula in the atlas",
            lambda: float((material.atlas().table["formula"] == formula).sum()),
            ('The atlas writes formulas as pymatgen does; compare its column "formula" with reduced_formula.',),
            "None: so that this is a prediction, and no look-up.",
        ),
        "b": Formula(
            "Of which known crystal the first proposal was made",
            lambda: _proposals(formula)[0].origin.split(",")[0],
            ("A proposal has an origin: the formula and the id of a known crystal.",),
            "Most of what is right is a known structure type with other elements.",
        ),
        "c": Count(
            "Rank of the first proposal that matches",
            lambda: float(_rank(formula)),
            ("match_rms(proposal.structure, truth) is None where two crystals do not match.", "Ranks begin with 1."),
            "Success at k is whether this rank is at most k.",
            slips=lambda: {"Python counts from 0; a rank is counted from 1.": float(_rank(formula) - 1)},
        ),
        "d": Number(
            "RMS displacement of that match, in units of (V/N)^(1/3)",
            lambda: _match(formula)[1],
            ("match_rms gives the number itself.",),
            "A few hundredths: near. A match may have up to 0.5, which no picture would show as the same crystal.",
            relative=0.02,
            absolute=1e-4,
        ),
        "e": Number(
            "Its volume per atom, divided by that of the true crystal",
            lambda: _volume(_match(formula)[0].structure) / _volume(truth(formula)),
            ("structure.volume / len(structure), of both.",),
            "The matcher rescales both to one volume first, so a match says nothing of this.",
            unit="share",
            relative=0.005,
            slips=lambda: {
                "The other way round.": _volume(truth(formula)) / _volume(_match(formula)[0].structure),
            },
        ),
        "f": Number(
            "Lower end of the 95 % interval of 6 of 10",
            lambda: wilson_interval(_HITS, _ASKED)[0],
            ("wilson_interval(count, total) is in xcrystal.evaluation.shared.statistics.",),
            "With ten formulas, hardly any two methods can be told apart.",
            unit="share",
            relative=0.01,
            slips=lambda: {"That is the upper end.": wilson_interval(_HITS, _ASKED)[1]},
        ),
        "g": Choice(
            "What a match rate of 90 % leaves open",
            lambda: "all of these",
            ("Which of these did the lesson show in one of its proposals?",),
            "Report the rate with its tolerances, the RMS, volumes, space groups, and a method without any network.",
            options={
                "volumes": "True, and not the only one.",
                "whether elements have changed places": "True, and not the only one.",
                "whether exchanging elements does as well": "True, and not the only one.",
                "all of these": "",
            },
        ),
    }


@cache
def known_crystals() -> dict[str, Structure]:
    """Crystals that the atlas does not hold, by formula: built from space group, lattice and positions.

    Lattice parameters are rounded textbook values.
    """
    from pymatgen.core import Lattice, Structure

    def like(name: str, **exchanged: str) -> Structure:
        crystal = material.crystal(name)
        for old, new in exchanged.items():
            crystal.replace_species({old: new})
        return crystal

    built = (
        like("sodium thallide"),
        like("half-Heusler"),
        like("niobium monoxide"),
        Structure.from_spacegroup(
            "Pm-3m", Lattice.cubic(4.01), ["K", "Ni", "F"], [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0]]
        ),
        Structure.from_spacegroup(
            "I4/mmm", Lattice.tetragonal(3.93, 12.36), ["Sr", "Fe", "As"], [[0, 0, 0], [0, 0.5, 0.25], [0, 0, 0.36]]
        ),
        like("ilmenite", Fe="Ni"),
        like("ilmenite", Fe="Mn"),
        like("spinel", Mg="Co"),
    )
    return {crystal.composition.reduced_formula: crystal for crystal in built}


def truth(formula: str) -> Structure:
    """The known crystal of a formula."""
    from pymatgen.core import Composition

    return known_crystals()[Composition(formula).reduced_formula].copy()


@cache
def _proposals(formula: str) -> list[Proposal]:
    return propose(material.model(), material.atlas(), formula, PROPOSED)


def _match(formula: str) -> tuple[Proposal, float]:
    """The first proposal that matches, and its RMS displacement."""
    return _proposals(formula)[_rank(formula) - 1], _distances(formula)[_rank(formula) - 1] or 0.0


def _rank(formula: str) -> int:
    return next(k for k, rms in enumerate(_distances(formula), start=1) if rms is not None)


@cache
def _distances(formula: str) -> list[float | None]:
    return [match_rms(proposal.structure, truth(formula)) for proposal in _proposals(formula)]


def _volume(crystal: Structure) -> float:
    return float(crystal.volume / len(crystal))
