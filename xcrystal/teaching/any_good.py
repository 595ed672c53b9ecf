"""Exercise 6: is a generator any good? Possible, new and different crystals, with error bars."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.assessment.validity import Validity, validity
from xcrystal.evaluation.shared.statistics import wilson_interval
from xcrystal.teaching import material
from xcrystal.teaching.questions import Choice, Count, Number, Question

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.teaching.students import Student

TITLE = "Is it any good?"
SAMPLES = 16
REPEATED = 2


def given(student: Student) -> dict[str, Any]:
    """The seed of this student's samples."""
    return {"seed": student.seed % 1000}


def questions(seed: int = 0) -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Count(
            "Samples whose atoms do not overlap",
            lambda: float(sum(v.no_overlap for v in _judged(seed))),
            ("validity(crystal).no_overlap is True or False; sum counts the True ones.",),
            "No pair of atoms is nearer than 0.7 of the sum of their covalent radii. Nearly all known crystals pass.",
        ),
        "b": Number(
            "Share of the samples that are valid: apart, without an overlap, and charges balance",
            lambda: float(np.mean([v.valid for v in _judged(seed)])),
            ("validity(crystal).valid is all three at once.",),
            "Charges are judged by SMACT, which lets pass every alloy of metals.",
            unit="share",
            relative=0.0,
            absolute=0.01,
            slips=lambda: {"That is how many; a share was asked for.": float(sum(v.valid for v in _judged(seed)))},
        ),
        "c": Number(
            "Lower end of the 95 % interval of that share",
            lambda: wilson_interval(sum(v.valid for v in _judged(seed)), SAMPLES)[0],
            ("wilson_interval(count, total) gives both ends.",),
            "With so few samples the share could be almost anything: never report a share without its interval.",
            unit="share",
            relative=0.0,
            absolute=0.01,
            slips=lambda: {"That is the upper end.": wilson_interval(sum(v.valid for v in _judged(seed)), SAMPLES)[1]},
        ),
        "d": Count(
            "Samples with a formula that the atlas does not hold",
            lambda: float(sum(_new(seed))),
            ('set(atlas.table["formula"]) holds what is known; crystal.reduced_formula is the formula of a sample.',),
            "A new formula is easily had: most combinations of elements that one can think of have never been made.",
            slips=lambda: {"Those are the known ones.": float(SAMPLES - sum(_new(seed)))},
        ),
        "e": Number(
            "Share unique in a folder to which two samples were copied again",
            lambda: _unique(seed),
            (
                "evaluate_generation(folder) judges all CIF files of a folder.",
                'report.samples.shares["unique"].share is the number.',
            ),
            "A generator that always says the same is caught by this one. None of these figures is enough by itself.",
            unit="share",
            relative=0.0,
            absolute=0.005,
        ),
        "f": Choice(
            "Do charges balance in an alloy of sodium and potassium?",
            _alloy,
            ("Look at composition.smact and composition.smact_without_alloys of validity(alloy).",),
            "A rule that passes all alloys flatters a generator of alloys: read what a figure counts.",
            options={
                "by both rules": "Look at smact_without_alloys, too.",
                "by the default rule only": "Look at both once more.",
                "by neither rule": "Look at smact, too.",
            },
        ),
    }


@cache
def _samples(seed: int) -> tuple[Structure, ...]:
    return tuple(material.model().sample(SAMPLES, seed=seed))


@cache
def _judged(seed: int) -> tuple[Validity, ...]:
    return tuple(validity(crystal) for crystal in _samples(seed))


def _new(seed: int) -> list[bool]:
    known = set(material.atlas().table["formula"])
    return [crystal.reduced_formula not in known for crystal in _samples(seed)]


def _unique(seed: int) -> float:
    from xcrystal.evaluation.generative.generation import evaluate_generation

    crystals = [*_samples(seed), *_samples(seed)[:REPEATED]]
    return evaluate_generation(crystals, workers=1).samples.shares["unique"].share


def _alloy() -> str:
    from pymatgen.core import Lattice, Structure

    alloy = Structure(Lattice.cubic(4.5), ["Na", "K"], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    found = validity(alloy).composition
    if found.smact and found.smact_without_alloys:
        return "by both rules"
    return "by the default rule only" if found.smact else "by neither rule"
