"""Exercise 5: attributions: what they add up to, what a baseline does to them, and when they mislead."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from xcrystal.explanation.attribution import Attribution, attribute
from xcrystal.teaching import material
from xcrystal.teaching.questions import Count, Names, Number, Question

TITLE = "Why does it say so?"
NAME = "cubic perovskite"
BASELINES = ("mean_element", "average_of_crystal", "vacancy")
METHODS = ("shapley", "integrated_gradients", "saliency", "input_x_gradient")
COMPLETE = 0.01  # eV/atom


def questions() -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Number(
            "What the scores of the five atoms of the perovskite add up to, in eV/atom",
            lambda: float(_scores(NAME).scores.sum()),
            ("attribution.scores is an array with one number for each atom.",),
            "It is the prediction minus that for the baseline: the scores split this difference, and nothing else.",
            unit="eV/atom",
            relative=0.005,
            slips=lambda: {
                "That is the prediction itself; the scores explain how far it is from the baseline's.": _scores(
                    NAME
                ).target_value,
                "That is the prediction for the baseline.": _scores(NAME).baseline_value,
                "That is their mean; add them up.": float(_scores(NAME).scores.mean()),
            },
        ),
        "b": Count(
            "Different scores among the atoms of spinel's conventional cell",
            lambda: float(len(np.unique(_scores("spinel").scores.round(4)))),
            ("np.unique(array.round(4)) leaves each number once.",),
            "As many as orbits: atoms that symmetry makes equal have equal scores.",
            slips=lambda: {"That is how many atoms there are.": float(len(material.crystal("spinel")))},
        ),
        "c": Count(
            "How many times the difference to the baseline the scores of that cell add up to",
            lambda: float(round(_scores("spinel").scores.sum() / _difference(_scores("spinel")))),
            ("The difference is attribution.target_value - attribution.baseline_value.",),
            "The same crystal in a larger cell is explained by the same sum: each of its atoms gets a smaller share.",
            slips=lambda: {"That is the number of its atoms.": float(len(material.crystal("spinel")))},
        ),
        "d": Names(
            "Baselines for which an atom of titanium lowers the energy more than one of oxygen",
            lambda: {b for b in BASELINES if _titanium_first(b)},
            ("xc.explain(model, perovskite, baseline=...) for each; compare the scores of Ti and O.",),
            "Same model, same crystal, another answer: a score says 'compared with what?'. Always name the baseline.",
        ),
        "e": Number(
            "The true share of one oxygen atom in a sum whose answer is known",
            _known,
            (
                "The mean is a sum over the atoms, each divided by their number.",
                "Replace the atom's electronegativity by the mean: by how much does f change?",
            ),
            "For a plain sum the answer is known by hand. On tasks like this one every method here has been tested.",
            absolute=0.001,
            slips=lambda: {
                "Divide by the number of atoms: f is a mean.": 5 * _known(),
                "That leaves out the baseline: compared with the mean, not with nothing.": 3.44 / 5,
            },
        ),
        "f": Names(
            "Methods whose scores do not add up to the difference (by more than 0.01 eV/atom)",
            lambda: {m for m in METHODS if _incomplete(m)},
            ("Compare the sum of the scores with target_value - baseline_value, for each method.",),
            "Sums are no proof of truth, but without them 'a share of the energy' is only a way of speaking.",
        ),
    }


@cache
def _scores(name: str, baseline: str | None = None, method: str = "shapley") -> Attribution:
    return attribute(material.model(), material.crystal(name), method=method, baseline=baseline)


def _difference(found: Attribution) -> float:
    return found.target_value - found.baseline_value


def _titanium_first(baseline: str) -> bool:
    found = _scores(NAME, baseline)
    return bool(found.scores[found.names.index("Ti")] < found.scores[found.names.index("O")])


def _known() -> float:
    """(X of oxygen - mean X) / number of atoms, by Pauling's scale."""
    values = [site.specie.X for site in material.crystal(NAME)]
    oxygen = next(site.specie.X for site in material.crystal(NAME) if site.specie.symbol == "O")
    return float((oxygen - np.mean(values)) / len(values))


def _incomplete(method: str) -> bool:
    found = _scores(NAME, None, method)
    return abs(float(found.scores.sum()) - _difference(found)) > COMPLETE
