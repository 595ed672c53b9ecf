"""Whether attributions depend on what the model has learned: cascading randomisation of its weights.

Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018: layers are put back to fresh random weights one after
another, from the output to the input. A method whose map stays as it was shows the crystal, not the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.evaluation.attribution.method_scores import orbit_scores
from xcrystal.evaluation.shared.ranking import spearman
from xcrystal.evaluation.shared.statistics import Interval, bootstrap_interval, interval_text
from xcrystal.reporting import Report, columns

if TYPE_CHECKING:
    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel
    from xcrystal.model.vae import CrystalVAE

_FEWEST = 3  # orbits that have an order worth the name


@dataclass(frozen=True)
class Step:
    """How like the original the map is once everything up to a layer is random.

    Attributes
    ----------
    randomised
        The last layer that was.
    signed, absolute
        Mean over crystals and seeds of Spearman's rank correlation of the scores per atom, and of their sizes, with
        the original; with 95 % intervals over crystals.
    """

    randomised: str
    signed: Interval
    absolute: Interval


@dataclass(frozen=True)
class SanityReport(Report):
    """The curve of cascading randomisation, for each method.

    Attributes
    ----------
    target, crystals, seeds
        What was explained, for how many crystals (3 or more orbits), with how many draws of random weights.
    curves
        By method, the steps from the output to the input.
    """

    target: str
    crystals: int
    seeds: int
    curves: dict[str, tuple[Step, ...]]

    def table(self) -> str:
        """The figures as lines of text."""
        rows = [("", "random up to and with", "signed", "absolute")]
        for method, steps in self.curves.items():
            rows += [
                (method, step.randomised, interval_text(step.signed, 2), interval_text(step.absolute, 2))
                for step in steps
            ]
        head = f"rank correlation with the map of the trained model, {self.crystals} crystals, {self.seeds} seeds"
        return f"{head}\n{columns(rows)}"


def evaluate_sanity(
    model: CrystalModel,
    crystals: Sequence[WyckoffCrystal],
    target: str = "formation_energy_per_atom",
    methods: Sequence[str] = ("shapley", "integrated_gradients"),
    n: int = 50,
    seeds: int = 3,
    seed: int = 0,
) -> SanityReport:
    """Randomise a model's weights step by step, and compare the scores of the first ``n`` crystals of 3 or more orbits.

    Parameters
    ----------
    target
        The name of a property that the model predicts: it is computed by the random weights, too.
    seeds, seed
        How many draws of the weights, and of what they are drawn.
    """
    from tqdm.auto import tqdm

    used = [c for c in crystals if len(c.elements) >= _FEWEST][:n]
    curves = {}
    for method in methods:
        original = _per_atom(model, used, target, method, seed)
        found: dict[str, list[np.ndarray]] = {}
        for k in range(seeds):
            steps = tqdm(list(cascade(model, seed + k)), desc=f"random weights, {method}", leave=False, disable=None)
            for name, other in steps:
                scores = _per_atom(other, used, target, method, seed)
                pairs = [
                    (spearman(a, b), spearman(np.abs(a), np.abs(b))) for a, b in zip(original, scores, strict=True)
                ]
                found.setdefault(name, []).append(np.array(pairs).reshape(-1, 2))
        curves[method] = tuple(_step(name, np.stack(draws)) for name, draws in found.items())
    return SanityReport(target, len(used), seeds, curves)


def cascade(model: CrystalModel, seed: int) -> Iterator[tuple[str, CrystalModel]]:
    """Copies of a model with ever more random layers, each with the name of the last one."""
    import torch

    from xcrystal.generator import CrystalModel

    network = model.network
    layers = len(network.encoder.blocks)
    stages = [
        ("property head", ("properties.",)),
        ("posterior", ("encoder.posterior.", "encoder.norm.")),
        *((f"encoder block {k + 1}", (f"encoder.blocks.{k}.",)) for k in reversed(range(layers))),
        # encoder and decoder share the embeddings, so these have three names
        ("embeddings", (*(f"{at}embed." for at in ("", "encoder.", "decoder.")), "encoder.lattice.", "encoder.mult")),
    ]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        drawn = {name: value.clone() for name, value in _untrained(network).state_dict().items()}
    trained = network.state_dict()
    random: tuple[str, ...] = ()
    for name, prefixes in stages:
        random = (*random, *prefixes)
        other = _untrained(network)
        mixed = {key: drawn[key] if key.startswith(random) else trained[key] for key in drawn}
        other.load_state_dict(mixed)
        # scale and shift of what is read and predicted are units, not weights
        other.lattice_mean, other.lattice_std = network.lattice_mean, network.lattice_std
        yield name, CrystalModel(other, model.name, model.facts, model.device)


def _untrained(network: CrystalVAE) -> CrystalVAE:
    """A network of the same sizes with random weights."""
    from xcrystal.model.properties import PropertyEnsemble
    from xcrystal.model.vae import CrystalVAE

    made = CrystalVAE(network.config)
    if isinstance(network.properties, PropertyEnsemble):
        made.properties = network.properties.untrained()
    return made


def _per_atom(
    model: CrystalModel, crystals: Sequence[WyckoffCrystal], target: str, method: str, seed: int
) -> list[np.ndarray]:
    scores = orbit_scores(model, crystals, target, method, seed)
    return [values / crystal.multiplicities for values, crystal in zip(scores, crystals, strict=True)]


def _step(name: str, draws: np.ndarray) -> Step:
    per_crystal = np.nanmean(draws, axis=0)
    return Step(name, bootstrap_interval(per_crystal[:, 0]), bootstrap_interval(per_crystal[:, 1]))
