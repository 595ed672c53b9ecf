"""What it buys to rank crystals before they are relaxed: how many of the best of a ranking are stable afterwards.

Relaxing is what costs, so who wants stable crystals relaxes those first of which something that is known before says
that they may be: the density of the prior, the decoder's own probability, how far the crystal's own latent vector lies
from that it was decoded from and from those of known crystals, predicted properties, or a single call of the potential.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.assessment.synthesis_signals import prior_log_densities
from xcrystal.crystal.geometry.contacts import shortest_contact
from xcrystal.energetics.hull import MOST_ELEMENTS, energy_above_hull
from xcrystal.errors import XCrystalError
from xcrystal.evaluation.shared.ranking import auroc
from xcrystal.evaluation.shared.statistics import Share
from xcrystal.reporting import share_text

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.energetics.relaxing import Relaxation
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

TOP = 0.2
SCORES = {
    "density_drawn": "density of the prior where it was drawn",
    "density": "density of the prior at its own latent vector",
    "likelihood": "decoder's probability",
    "own_distance": "distance of its own latent vector",
    "data_distance": "distance to the nearest known crystal",
    "contact": "shortest contact, of covalent radii",
    "predicted_e_above_hull": "predicted energy above the hull",
    "hull_of_prediction": "hull of the predicted formation energy",
    "single_point": "energy above the hull before relaxing",
}
"""What crystals are ranked by, and how it is called."""


@dataclass(frozen=True)
class Ranking:
    """What one ranking gives.

    Attributes
    ----------
    score
        One of ``SCORES``.
    outcome
        What was counted: "metastable" or "metastable_sun".
    best
        The share of it among the best fifth of the ranking.
    all
        The share of it among all crystals.
    enrichment
        ``best`` over ``all``.
    auroc
        The probability that a crystal of which it is true ranks above one of which it is not.
    """

    score: str
    outcome: str
    best: Share
    all: Share
    enrichment: float
    auroc: float


def scores_before(
    model: CrystalModel, atlas: Atlas, z: np.ndarray, samples: Sequence[Structure], relaxed: Sequence[Relaxation]
) -> dict[str, np.ndarray]:
    """(n,) numbers for each of ``SCORES``, the higher the better, minus infinity where there is none.

    Parameters
    ----------
    model, atlas
        The model that made the crystals, and its known crystals.
    z
        (n, latent_dim) what they were decoded from.
    samples, relaxed
        n crystals, and what became of them.
    """
    own = np.full_like(z, np.nan)
    for place, crystal in enumerate(samples):
        try:
            own[place] = model.encode(crystal)[0]
        except XCrystalError:
            continue
    there = np.isfinite(own).all(axis=1)
    nearest = np.full(len(z), np.inf)
    nearest[there] = atlas.neighbours(own[there], 1)[1][:, 0]
    predicted = {name: np.full(len(z), np.inf) for name in ("e_above_hull", "formation_energy_per_atom")}
    for name, values in model.predict(own[there]).items():
        if name in predicted:
            predicted[name][there] = values
    found = {
        "density_drawn": _densities(model, z),
        "density": _densities(model, own),
        "likelihood": np.array([_likelihood(crystal) for crystal in samples]),
        "own_distance": -np.linalg.norm(own - z, axis=1),
        "data_distance": -nearest,
        "contact": np.array([_contact(crystal) for crystal in samples]),
        "predicted_e_above_hull": -predicted["e_above_hull"],
        "hull_of_prediction": -np.array(
            [_above(s, e) for s, e in zip(samples, predicted["formation_energy_per_atom"], strict=True)]
        ),
        "single_point": -np.array([_above(s, r.formation_energy_at(0)) for s, r in zip(samples, relaxed, strict=True)]),
    }
    return {name: np.where(np.isfinite(values), values, -1e9) for name, values in found.items()}


def _densities(model: CrystalModel, z: np.ndarray) -> np.ndarray:
    there = np.isfinite(z).all(axis=1)
    found = np.full(len(z), -np.inf)
    known = prior_log_densities(model, z[there])
    if known is not None:
        found[there] = known
    return found


def _contact(crystal: Structure) -> float:
    numbers = np.array(crystal.atomic_numbers)
    return shortest_contact(np.asarray(crystal.lattice.matrix), np.asarray(crystal.frac_coords), numbers).ratio


def _likelihood(crystal: Structure) -> float:
    """Logarithm of the decoder's probability of the space group and of the element of each orbit."""
    sites = crystal.site_properties
    probabilities = dict(zip(sites["orbit"], sites["element_probability"], strict=True))
    chances = [crystal.properties["space_group_probability"], *probabilities.values()]
    return sum(math.log(max(float(chance), 1e-12)) for chance in chances)


def _above(crystal: Structure, energy: float) -> float:
    if not math.isfinite(energy) or len(crystal.composition) > MOST_ELEMENTS:
        return math.inf
    return energy_above_hull(crystal.composition, energy)


def rankings(scores: Mapping[str, np.ndarray], outcomes: Mapping[str, np.ndarray]) -> tuple[Ranking, ...]:
    """What each ranking gives of each outcome.

    Parameters
    ----------
    scores
        (n,) numbers by name, the higher the better.
    outcomes
        (n,) booleans by name.
    """
    found = []
    for outcome, true in outcomes.items():
        overall = Share.of(int(true.sum()), len(true))
        for score, values in scores.items():
            best = np.argsort(-values, kind="stable")[: max(1, round(TOP * len(values)))]
            share = Share.of(int(true[best].sum()), len(best))
            times = share.share / overall.share if overall.count else math.nan
            found.append(Ranking(score, outcome, share, overall, times, auroc(values, true)))
    return tuple(found)


def ranking_rows(found: Sequence[Ranking]) -> Iterator[list[str]]:
    """Rows of a table."""
    for outcome in dict.fromkeys(ranking.outcome for ranking in found):
        rows = [ranking for ranking in found if ranking.outcome == outcome]
        name = {"metastable": "metastable", "metastable_sun": "metastable S.U.N."}.get(outcome, outcome)
        yield [f"{name}, of all {rows[0].all.share:.1%}", f"of the best {TOP:.0%} (95 % interval)", "times", "AUROC"]
        for ranking in sorted(rows, key=lambda ranking: -ranking.best.share):
            share = share_text(ranking.best.share, ranking.best.interval)
            yield [SCORES[ranking.score], share, f"{ranking.enrichment:.2f}", f"{ranking.auroc:.2f}"]
