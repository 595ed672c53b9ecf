"""Exercise 4: walking through latent space, along paths and directions, and what to believe on the way."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from xcrystal.latent.axes import Axes, Axis
from xcrystal.latent.paths import interpolate
from xcrystal.teaching import material
from xcrystal.teaching.questions import Array, Count, NotUnderstood, Number, Question, Task

TITLE = "Walking"
FRAMES = 9
FROM, TO = "rock salt", "cubic perovskite"
START = "zinc blende"
STEPS = 2.0  # standard deviations along the direction
GAIN = 0.5  # eV


def questions() -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Array(
            "Nine latent vectors on the straight line from rock salt to the perovskite",
            lambda: _path("linear"),
            (
                "A point of the line is (1 - t) * start + t * end; t goes from 0 to 1 in nine steps.",
                "np.linspace(0, 1, 9)[:, None] is a column of t, which numpy multiplies with a row.",
            ),
            "The first and the last frame are the two crystals' own latent vectors.",
            absolute=1e-3,
        ),
        "b": Count(
            "Different formulas among the decoded frames",
            lambda: float(len({crystal.reduced_formula for crystal in material.model().decode(_path("linear"))})),
            (
                "Decode all nine latent vectors at once; each crystal has a reduced_formula.",
                "A set holds each text only once.",
            ),
            "The latent vector changes smoothly, the crystal in jumps: there is nothing between sodium and strontium.",
        ),
        "c": Number(
            "Length of the middle of the straight line, as a share of that of the arc",
            _shorter,
            (
                'interpolate(start, end, 9, kind="spherical") is the arc.',
                "The middle is frame 4; its length is np.linalg.norm(frame).",
            ),
            "The arc keeps the length of its ends; the line is shorter in its middle. That does not make it the worse "
            "way: for most pairs of known crystals, its middle is nearer to a known latent vector than the arc's.",
            unit="share",
            relative=0.01,
            slips=lambda: {"The other way round: the arc is the longer one.": 1 / _shorter()},
        ),
        "d": Number(
            "Predicted gap two standard deviations along the direction of larger gaps, in eV",
            lambda: _gap(_moved()),
            (
                "direction.coordinates(z)[0] tells where z is; direction.move(z, value) goes to a value.",
                'model.predict(z)["band_gap"] is an array with one number.',
            ),
            "The prediction has risen a lot. But what does the decoder make of this place?",
            unit="eV",
            relative=0.005,
            slips=lambda: {
                "That is the prediction at the start.": _gap(material.code(START)),
                "This moved to the value 2; go on from where the crystal is by 2.": _gap(
                    direction().move(material.code(START), STEPS)
                ),
                "This goes to smaller gaps.": _gap(direction().move(material.code(START), _coordinate() - STEPS)),
            },
        ),
        "e": Number(
            "Predicted gap of the crystal that is decoded there, at its own latent vector",
            lambda: _gap(_own_code()),
            ("Decode the latent vector, encode the crystal again, and predict at that latent vector.",),
            "The crystal is the same as before, and so is its gap. A prediction is of a place, and only that of a "
            "crystal's own latent vector is of the crystal: this is what the explorer shows.",
            unit="eV",
            relative=0.005,
            slips=lambda: {
                "That is the prediction there, not at the latent vector of the crystal that is decoded there.": _gap(
                    _moved()
                ),
            },
        ),
        "f": Task(
            "A crystal like zinc blende whose predicted gap is larger by half an eV",
            lambda: _gap(material.code(START)),
            (
                "Which chemical relatives of zinc and sulphur hold their electrons tighter? Go up the columns.",
                "copy = structure.copy(); copy.replace_species({...}) exchanges elements. Scale the cell a little.",
            ),
            "Possible, of the right structure, and predicted to have a larger gap: a candidate, no discovery. "
            "Only a calculation could tell.",
            judge=_is_better,
        ),
    }


@cache
def direction() -> Axis:
    """The direction of larger gaps."""
    axes = Axes(material.atlas(), material.model()).property
    return next(axis for axis in axes if axis.target == "band_gap")


def _path(kind: str) -> np.ndarray:
    return interpolate(material.code(FROM), material.code(TO), FRAMES, kind)


def _shorter() -> float:
    line, arc = (np.linalg.norm(_path(kind)[FRAMES // 2]) for kind in ("linear", "spherical"))
    return float(line / arc)


def _coordinate() -> float:
    return float(direction().coordinates(material.code(START))[0])


def _moved() -> np.ndarray:
    return direction().move(material.code(START), _coordinate() + STEPS)


def _own_code() -> np.ndarray:
    model = material.model()
    return model.encode(model.decode(_moved()))


def _gap(z: np.ndarray) -> float:
    return float(material.model().predict(z)["band_gap"][0])


def _is_better(given: Any, start: float) -> str:
    from pymatgen.core import Structure

    from xcrystal.assessment.validity import validity
    from xcrystal.crystal.symmetry.canonical import space_group_number

    if not isinstance(given, Structure):
        raise NotUnderstood("Give a pymatgen Structure.")
    given = material.plain_structure(given)
    group = material.entry(START).space_group
    if space_group_number(given) != group or len(given.composition) != 2:
        return "It has not the structure of zinc blende: two elements in the space group F-43m."
    if len(set(given.composition.values())) != 1:
        return "Zinc blende has as many atoms of the one element as of the other."
    judged = validity(given)
    if not judged.no_overlap:
        return "Its atoms overlap: give it a larger cell."
    if not judged.composition.smact:
        return "Charges do not balance with these two elements, so no chemist would expect it."
    gained = _gap(material.model().encode(given)) - start
    if gained < 0:
        return "Its predicted gap is smaller than that of zinc blende."
    return "" if gained >= GAIN else "The predicted gap is larger, but not by half an eV."
