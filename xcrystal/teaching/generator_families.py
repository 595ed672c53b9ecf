"""Exercise 10: families of generators, how each comes from nothing to a crystal, and what each is good at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from xcrystal.generators.families import sample, sample_steps
from xcrystal.generators.frames import Frame
from xcrystal.teaching import material
from xcrystal.teaching.questions import Choice, Count, NotUnderstood, Number, Question, Task

TITLE = "Families of generators"
WRITTEN, DENOISED, DRAWN = 6, 20, 0  # seeds
SAMPLES = 40
WANTED, GROUP = ("Na", "Cl"), 225


def questions() -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Count(
            "How many times the transformer had a choice while it wrote one crystal",
            lambda: float(len(_choices())),
            (
                "A frame with alternatives is a choice: frame.alternatives is empty where there was none.",
                "sum(bool(frame.alternatives) for frame in written)",
            ),
            "The space group, then a letter and an element for each orbit, and in the end that there are no more.",
            slips=lambda: {"That counts all frames, also those without alternatives.": float(len(_written()))},
        ),
        "b": Number(
            "Log-likelihood of these choices together, in nats",
            _log_likelihood,
            (
                "The alternative that was taken is the one whose name is frame.taken.",
                "Probabilities of choices after one another are multiplied, so their logarithms add up.",
            ),
            "An autoregressive model tells how probable a crystal is, piece by piece. Coordinates and cell are not "
            "counted here; they have densities. A VAE tells a lower bound, a GAN nothing at all.",
            relative=0.01,
            slips=lambda: {"This is in bits; take the natural logarithm.": _log_likelihood() / math.log(2)},
        ),
        "c": Number(
            "Progress (0 to 1) of the frame from which on the elements stay as they are in the end",
            _settled,
            (
                "frame.crystal.elements is an array; compare each with that of the last frame.",
                "Look for the last frame whose elements differ; the answer is the progress of the next one.",
            ),
            "Before that the crystal had other elements: diffusion decides everything at once, and little by little.",
            absolute=0.001,
        ),
        "d": Number(
            f"Share of {SAMPLES} samples of the transformer in which no atoms overlap",
            _clear,
            (
                "validity(crystal).no_overlap tells it of one crystal.",
                f'xc.sample("autoregressive", n={SAMPLES}, seed={DRAWN}) gives the crystals.',
            ),
            "Nothing is mended here. The VAE's decoder looks for another crystal where atoms overlap, the others do "
            "not: read a table of families with this in mind.",
            unit="share",
            absolute=0.001,
            relative=0.0,
            slips=lambda: {"That is the share with an overlap.": 1 - _clear()},
        ),
        "e": Choice(
            "A crystal was measured, and you want ten like it. Which family takes it as it is?",
            lambda: "VAE",
            ("Which of them has an encoder?",),
            "It is encoded, and its latent vector moved a little. The others would have to be told what to keep.",
            options={
                "VAE": "",
                "autoregressive": "It writes from left to right, and reads no crystal to begin with.",
                "diffusion": "It begins from noise, and reads no crystal unless some of it is held fixed.",
                "GAN": "Its generator only goes from noise to crystals.",
            },
        ),
        "f": Task(
            "A crystal of sodium and chlorine in Fm-3m, from the transformer",
            lambda: None,
            (
                'xc.sample("autoregressive", n=..., space_group=..., elements=[...]) keeps both.',
                "Sample some, and take one that holds both elements, without an overlap.",
            ),
            "To have what is wanted, all else is forbidden at each choice: no training is needed.",
            judge=_wanted,
        ),
    }


@cache
def _written() -> list[Frame]:
    return sample_steps("autoregressive", seed=WRITTEN)


def _choices() -> list[Frame]:
    return [frame for frame in _written() if frame.alternatives]


def _log_likelihood() -> float:
    taken = (next(a.probability for a in frame.alternatives if a.name == frame.taken) for frame in _choices())
    return float(sum(math.log(p) for p in taken))


def _settled() -> float:
    frames = sample_steps("diffusion", seed=DENOISED)
    elements = [frame.crystal.elements for frame in frames if frame.crystal is not None]
    other = [k for k, found in enumerate(elements) if not np.array_equal(found, elements[-1])]
    return frames[other[-1] + 1 if other else 0].progress


@cache
def _clear() -> float:
    from xcrystal.assessment.validity import validity

    return float(np.mean([validity(c).no_overlap for c in sample("autoregressive", SAMPLES, DRAWN)]))


def _wanted(given: Any, _: object) -> str:
    from pymatgen.core import Structure

    from xcrystal.assessment.validity import validity
    from xcrystal.crystal.symmetry.canonical import space_group_number

    if not isinstance(given, Structure):
        raise NotUnderstood("Give a pymatgen Structure, one of those that xc.sample gives.")
    plain = material.plain_structure(given)
    if {str(element) for element in plain.composition} != set(WANTED):
        return "It does not hold sodium and chlorine, and nothing else."
    if space_group_number(plain) != GROUP:
        return "Its space group is not Fm-3m (225)."
    return "" if validity(plain).no_overlap else "Its atoms overlap: take another one."
