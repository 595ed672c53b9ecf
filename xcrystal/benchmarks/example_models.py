"""Models whose attributions are checked as an example: xcrystal's own, and one that is not.

An entry is a function that gives a predictor and an attribution, so that a model is opened only if it is asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.benchmarks.task_scores import Attributor, Predictor
from xcrystal.errors import RelaxationError, UnsupportedElementWarning

if TYPE_CHECKING:
    from pymatgen.core import Structure


def chgnet() -> tuple[Predictor, Attributor]:
    """CHGNet's energy per atom, and the energies of its sites, each divided by the number of atoms (eV/atom).

    Raises
    ------
    RelaxationError
        If CHGNet is not installed; the functions raise it for crystals that it does not know.
    """
    from xcrystal.energetics.potentials import calculator, failing_as_errors, quiet

    network = calculator("chgnet").model

    def ask(structure: Structure) -> tuple[float, np.ndarray]:
        with quiet(), failing_as_errors():
            found = network.predict_structure(structure, task="e", return_site_energies=True)
        energies = np.asarray(found["site_energies"], dtype=float)
        if not np.isfinite(energies).all():
            raise RelaxationError("The potential gives no finite energy for this crystal.")
        return float(found["e"]), energies / len(structure)

    return lambda structure: ask(structure)[0], lambda structure: ask(structure)[1]


def shipped(baseline: str) -> tuple[Predictor, Attributor]:
    """The shipped model's formation energy (eV/atom), and its Shapley values from a baseline."""
    from xcrystal.explanation.attribution import attribute
    from xcrystal.generator import open_model

    model, name = open_model("mp20"), "formation_energy_per_atom"

    def predict(structure: Structure) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedElementWarning)
            return float(model.predict(model.encode(structure))[name][0])

    def explain(structure: Structure) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedElementWarning)
            return attribute(model, structure, name, "shapley", baseline=baseline).scores

    return predict, explain


MODELS: dict[str, Callable[[], tuple[Predictor, Attributor]]] = {
    "chgnet": chgnet,
    "mp20": partial(shipped, "mean_element"),
    "mp20, real elements": partial(shipped, "real_elements"),
}
"""By name, what opens a model and its attribution."""
