"""Which atoms made the model say so: captum's attributions, on the elements of a crystal's atoms.

What is attributed are the element vectors of the atoms of the primitive cell; symmetry and geometry are held. Atoms of
one orbit share their vector (its mean enters the encoder), so they get equal scores. The scores of the primitive cell's
atoms sum to the target's value for the crystal minus its value for the baseline, up to ``completeness_error``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.canonical import Canonical
from xcrystal.crystal.reading import read_structure
from xcrystal.crystal.tables import PROPERTIES, UNITS
from xcrystal.errors import TargetError
from xcrystal.generator import CrystalModel

if TYPE_CHECKING:
    import torch
    from pymatgen.core import Structure

METHODS = ("integrated_gradients",)
LEVELS = ("atoms",)
BASELINES = ("mean_element",)
STEPS = 48


@dataclass(frozen=True)
class Attribution:
    """Scores of the atoms of one structure.

    Attributes
    ----------
    structure
        The structure that was given.
    scores
        (n_atoms,) float64 in ``unit``, in the order of the structure's atoms. The atoms of a supercell carry the
        score of their primitive atom.
    target, unit
        What is explained, and its unit.
    target_value, baseline_value
        The target for the crystal and for the baseline.
    completeness_error
        Absolute difference between the sum of the primitive cell's scores and target minus baseline.
    method, level, baseline, seed
        How it was computed; integrated gradients draw nothing at random.
    """

    structure: Structure
    scores: np.ndarray
    target: str
    unit: str
    target_value: float
    baseline_value: float
    completeness_error: float
    method: str = "integrated_gradients"
    level: str = "atoms"
    baseline: str = "mean_element"
    seed: int = 0

    def to_structure(self) -> Structure:
        """A copy of the structure with ``site_properties["attribution"]``."""
        copy = self.structure.copy()
        copy.add_site_property("attribution", [float(s) for s in self.scores])
        return copy


def attribute(
    model: CrystalModel,
    structure: Any,
    target: str = "formation_energy_per_atom",
    method: str = "integrated_gradients",
    level: str = "atoms",
    baseline: str = "mean_element",
    seed: int = 0,
) -> Attribution:
    """Explain a prediction by the elements of the crystal's atoms.

    The scores of the atoms of the *primitive* cell sum to the target minus its value for the baseline. In a larger cell
    each atom carries the score of its primitive atom, so there the sum is as many times larger as the cell.

    Parameters
    ----------
    model
        The model to explain.
    structure
        A Structure or the path of a crystal file.
    target
        One of the properties that the model predicts.
    method
        "integrated_gradients" (Sundararajan, Taly, Yan, ICML 2017), along a straight line from the baseline.
    level
        "atoms".
    baseline
        "mean_element": every atom's element vector is the mean over the orbits of the training data.
    seed
        Kept with the result; integrated gradients need none.

    Raises
    ------
    TargetError
        For a target, method, level or baseline that does not exist.
    ReadError, InvalidCrystalError, UnsupportedCrystalError
        If the structure cannot be encoded.
    """
    for kind, chosen, known in (
        ("target", target, model.properties),
        ("method", method, METHODS),
        ("level", level, LEVELS),
        ("baseline", baseline, BASELINES),
    ):
        if kind == "target" and not known:
            raise TargetError(f"The model {model.name!r} has learned no properties: its training data had none.")
        if chosen not in known:
            raise TargetError(f"There is no {kind} {chosen!r}; there are: {', '.join(known)}.")
    from xcrystal.model.device import one_thread

    given = structure if hasattr(structure, "lattice") else read_structure(structure)
    canonical = model.canonical(given)
    with one_thread():
        per_orbit, value, base = _integrated_gradients(model, canonical, PROPERTIES.index(target))
    counts = canonical.crystal.multiplicities
    error = abs(float((per_orbit * counts).sum()) - (value - base))
    scores = per_orbit[canonical.orbit_of_atom]
    return Attribution(given, scores, target, UNITS[target], value, base, error, method, level, baseline, seed)


def _integrated_gradients(model: CrystalModel, canonical: Canonical, column: int) -> tuple[np.ndarray, float, float]:
    """Score of an atom of each orbit (n_orbits,), and the target for crystal and baseline."""
    import torch
    from captum.attr import IntegratedGradients

    crystal = canonical.crystal
    batch = model.batch([crystal])
    orbit_of = np.repeat(np.arange(len(crystal.elements)), crystal.multiplicities)
    share = np.zeros((len(crystal.elements), len(orbit_of)), dtype=np.float32)
    share[orbit_of, np.arange(len(orbit_of))] = 1 / crystal.multiplicities[orbit_of]
    averaging = torch.from_numpy(share).to(model.device)
    network = model.network

    def forward(atoms: torch.Tensor) -> torch.Tensor:
        """Target (B,) for the element vectors (B, n_atoms, W) of the primitive cell's atoms."""
        repeated = batch[torch.zeros(len(atoms), dtype=torch.long, device=model.device)]
        z, _ = network.posterior(repeated, elements=averaging @ atoms)
        return network.properties(z)[:, column]

    with torch.no_grad():
        vectors = network.embed.elements(batch.element[:, orbit_of])
        base = mean_element_vector(model).expand_as(vectors).contiguous()
        value, base_value = float(forward(vectors)), float(forward(base))
    scores = IntegratedGradients(forward).attribute(
        vectors, baselines=base, n_steps=STEPS, method="gausslegendre", internal_batch_size=STEPS
    )
    atoms = scores[0].sum(dim=-1).detach().float().cpu().numpy().astype(np.float64)
    per_orbit = np.bincount(orbit_of, weights=atoms) / crystal.multiplicities
    return per_orbit, value, base_value


def mean_element_vector(model: CrystalModel) -> torch.Tensor:
    """(W,) mean of the element vectors, weighted by how often each element's orbits occur in the training data."""
    import torch

    from xcrystal.model.vae import N_ELEMENTS

    weights = torch.zeros(N_ELEMENTS, device=model.device)
    for z, count in model.facts.get("elements_seen", {}).items():
        weights[int(z)] = count
    if weights.sum() == 0:
        weights[1:] = 1
    every = model.network.embed.elements(torch.arange(N_ELEMENTS, device=model.device))
    return (weights / weights.sum()) @ every
