"""Whether the decoder uses the latent vector, and how much of it: the figures of ``xcrystal evaluate latent``.

A strong autoregressive decoder may learn to ignore its latent vector (posterior collapse: Bowman et al., CoNLL 2016);
then posteriors equal the standard normal distribution, and a crystal comes back from any vector as well as from its
own. Divergences here are from the standard normal distribution, towards which posteriors are pulled in training, not
from a flow that was fitted to the codes later and that samples are drawn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import DatasetError
from xcrystal.evaluation.shared.encoding import encodable_of, sources_of
from xcrystal.evaluation.shared.parallel import workers_of
from xcrystal.evaluation.shared.statistics import wilson_interval
from xcrystal.reporting import Report, aligned, not_encoded_rows, share_text

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel

ACTIVE = 0.01


@dataclass(frozen=True)
class CollapseReport(Report):
    """How much of a crystal its latent vector holds.

    Attributes
    ----------
    crystals
        How many were encoded; ``not_encoded`` tells why, for each that could not be.
    latent_dim, active
        Dimensions, and how many of them are active: the variance of the posterior means over the crystals is above 0.01
        (Burda, Grosse, Salakhutdinov, Importance weighted autoencoders, ICLR 2016).
    kl, kl_by_dimension
        Mean Kullback-Leibler divergence of the posteriors from the standard normal distribution, nats: the sum, and
        (latent_dim,) of each dimension, the largest first.
    posterior_deviation, means_deviation
        Means over the dimensions of the posteriors' standard deviation, and of the standard deviation of their means
        over the crystals. A space without gaps has the first near the second; one that is used at all has the second
        well above 0.
    match_rate, match_interval
        Share of the crystals that match the decode of their own vector, and its 95 % Wilson interval.
    match_rate_shuffled, match_interval_shuffled
        Share that match the decode of another crystal's vector; near 0 if the decoder listens to it.
    """

    crystals: int
    latent_dim: int
    active: int
    kl: float
    kl_by_dimension: tuple[float, ...]
    posterior_deviation: float
    means_deviation: float
    match_rate: float
    match_interval: tuple[float, float]
    match_rate_shuffled: float
    match_interval_shuffled: tuple[float, float]
    not_encoded: dict[str, str]

    def table(self) -> str:
        """The figures as lines of text."""
        kl, by = self.kl_by_dimension, "95 % interval "
        places = sorted({0, len(kl) // 4, len(kl) // 2, 3 * len(kl) // 4, len(kl) - 1})
        rows = [
            ("crystals", f"{self.crystals}"),
            ("could not be encoded", f"{len(self.not_encoded)}"),
            ("active dimensions", f"{self.active} of {self.latent_dim}"),
            ("KL to the standard normal", f"{self.kl:.1f} nats"),
            *((f"  dimension {i + 1}, by size", f"{kl[i]:.3f} nats") for i in places),
            ("posterior standard deviation", f"{self.posterior_deviation:.3f}"),
            ("standard deviation of the means", f"{self.means_deviation:.3f}"),
            ("match rate, own vectors", share_text(self.match_rate, self.match_interval, name=by)),
            (
                "match rate, shuffled vectors",
                share_text(self.match_rate_shuffled, self.match_interval_shuffled, name=by),
            ),
        ]
        rows += not_encoded_rows(self.not_encoded)
        return aligned(rows)


def evaluate_collapse(
    model: CrystalModel,
    source: Any,
    limit: int | None = None,
    workers: int = 1,
    seed: int = 0,
    effort: str = "normal",
) -> CollapseReport:
    """Encode crystals, and decode each from its own latent vector and from that of another.

    Parameters
    ----------
    model
        The model, as ``xcrystal.load`` gives it.
    source
        The path of a table (a parquet file; see ``xcrystal.crystal.collections.tables``) or of a folder of CIF files,
        or a list of Structures.
    limit
        Take only so many crystals, drawn at random with ``seed``.
    workers
        Processes that read and match; with 1 everything stays in this one.
    seed
        Of the draw and of the shuffling, which leaves no crystal its own vector.
    effort
        As for ``CrystalModel.decode``.

    Raises
    ------
    DatasetError
        If the source cannot be read, or fewer than two of its crystals can be encoded.
    """
    sources = sources_of(source).at_random(limit, seed)
    with workers_of(workers) as pool:
        found = encodable_of(sources, pool, model.limits)
        count = len(found.crystals)
        if count < 2:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in found.not_encoded.items())
            raise DatasetError(f"Vectors of at least two crystals are needed to shuffle them. {reasons}")
        means, deviations = model.posterior_canonical(found.crystals)
        # each vector is decoded by itself, so the decodes of shuffled vectors are the shuffled decodes
        decoded = model.decode(means, effort)
        own = pool.map(matches, list(zip(found.structures, decoded, strict=True)), "matching")
        others = [decoded[i] for i in derangement(count, np.random.default_rng(seed))]
        shuffled = pool.map(matches, list(zip(found.structures, others, strict=True)), "matching shuffled")
    kl = np.sort(kl_by_dimension(means, deviations))[::-1]
    return CollapseReport(
        crystals=count,
        latent_dim=means.shape[1],
        active=int((means.var(axis=0, dtype=np.float64) > ACTIVE).sum()),
        kl=float(kl.sum()),
        kl_by_dimension=tuple(kl.tolist()),
        posterior_deviation=float(deviations.mean(dtype=np.float64)),
        means_deviation=float(means.std(axis=0, dtype=np.float64).mean()),
        match_rate=sum(own) / count,
        match_interval=wilson_interval(sum(own), count),
        match_rate_shuffled=sum(shuffled) / count,
        match_interval_shuffled=wilson_interval(sum(shuffled), count),
        not_encoded=found.not_encoded,
    )


def kl_by_dimension(means: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """(latent_dim,) mean KL divergence, nats, of normal posteriors (n, latent_dim) each from the standard normal."""
    means, deviations = np.asarray(means, dtype=np.float64), np.asarray(deviations, dtype=np.float64)
    return (0.5 * (means**2 + deviations**2 - 1) - np.log(deviations)).mean(axis=0)


def derangement(count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) a random cyclic order of at least two things: none stays in its place."""
    order = rng.permutation(count)
    found = np.empty(count, dtype=int)
    found[order] = np.roll(order, 1)
    return found


def matches(pair: tuple[Structure, Structure]) -> bool:
    """Whether two structures are the same crystal, volumes rescaled."""
    return match_rms(*pair) is not None
