"""How well decode(encode(x)) gives x back: the figures of ``xcrystal evaluate reconstruction``.

Protocol: the posterior mean is decoded. A crystal is matched if pymatgen's StructureMatcher (stol 0.5, ltol 0.3,
angle_tol 10) finds decoded and original alike; the matcher rescales volumes, so the match rate without rescaling and
the volume error stand beside it. Crystals that cannot be encoded are named, and count as not matched.

Of a model's own validation crystals, those of the half that did not choose it are measured
(``xcrystal.evaluation.shared.halves``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.symmetry.canonical import space_group_number
from xcrystal.evaluation.generative.own_distances import OwnDistances, own_distances
from xcrystal.evaluation.shared.encoding import encodable_of, sources_of
from xcrystal.evaluation.shared.halves import half_of
from xcrystal.evaluation.shared.parallel import workers_of
from xcrystal.evaluation.shared.statistics import wilson_interval
from xcrystal.reporting import Report, aligned, columns, not_encoded_rows, share_text

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel

ORBIT_RANGES = ((1, 2), (3, 4), (5, 6), (7, 9), (10, 14), (15, 20), (21, 24), (25, 10**6))


@dataclass(frozen=True)
class Comparison:
    """One crystal beside its reconstruction.

    Attributes
    ----------
    material_id
        Its name in the source.
    rms, rms_unscaled
        RMS displacement in units of (V / N)^(1/3), with and without rescaling of volumes; None if not matched.
    volume_error
        Relative error of the volume per atom, signed.
    same_composition, same_space_group
        Whether the reduced formula, and the space group that spglib finds at symprec 0.1 Å, are the same.
    """

    material_id: str
    rms: float | None
    rms_unscaled: float | None
    volume_error: float
    same_composition: bool
    same_space_group: bool


@dataclass(frozen=True)
class PropertyError:
    """Mean absolute error of a property predicted from z, beside those of two constants, in the property's unit."""

    crystals: int
    mae: float
    mae_of_mean: float
    mae_of_zero: float


@dataclass(frozen=True)
class OrbitRange:
    """The crystals with ``fewest`` to ``most`` orbits; rates and the mean RMS as in ``ReconstructionReport``."""

    fewest: int
    most: int
    crystals: int
    match_rate: float
    mean_rms: float
    composition_rate: float


@dataclass(frozen=True)
class ReconstructionReport(Report):
    """The figures over all crystals of a source.

    Attributes
    ----------
    crystals
        How many there are; ``not_encoded`` tells why, for each that could not be encoded.
    match_rate, match_interval
        Share of all crystals that are matched, and its 95 % Wilson interval.
    mean_rms
        Over the matched crystals, in units of (V / N)^(1/3).
    match_rate_unscaled
        The share with volumes as they are.
    volume_error_median, volume_error_95
        Median and 95th percentile of the absolute relative error of the volume per atom, over the encoded crystals.
    composition_rate, space_group_rate
        Share of all crystals whose reduced formula, and space group, come back exactly.
    half
        Which crystals of the source were taken: "report", "selection" or "all".
    orbits
        The encoded crystals by how many orbits they have.
    properties
        Errors by property, for the columns that the table has; none for a folder or a list.
    own_distances
        How far the own latent vectors of right and wrong reconstructions lie off.
    comparisons
        The crystals one by one.
    """

    crystals: int
    match_rate: float
    match_interval: tuple[float, float]
    mean_rms: float
    match_rate_unscaled: float
    volume_error_median: float
    volume_error_95: float
    composition_rate: float
    space_group_rate: float
    half: str
    orbits: tuple[OrbitRange, ...]
    properties: dict[str, PropertyError]
    not_encoded: dict[str, str]
    own_distances: OwnDistances
    comparisons: tuple[Comparison, ...]

    NOT_IN_JSON = ("comparisons",)

    def table(self) -> str:
        """The figures as lines of text."""
        taken = {"report": " (the half that did not choose the model)", "selection": " (the half that chose the model)"}
        rows = [
            ("crystals", f"{self.crystals}{taken.get(self.half, '')}"),
            ("could not be encoded", f"{len(self.not_encoded)}"),
            ("match rate", share_text(self.match_rate, self.match_interval, name="95 % interval ")),
            ("mean RMS of matches", f"{self.mean_rms:.4f} (V/N)^(1/3)"),
            ("match rate without rescaling", f"{self.match_rate_unscaled:.1%}"),
            (
                "volume error per atom",
                f"median {self.volume_error_median:.1%}, 95th percentile {self.volume_error_95:.1%}",
            ),
            ("composition exact", f"{self.composition_rate:.1%}"),
            ("space group exact", f"{self.space_group_rate:.1%}"),
        ]
        rows += [
            (f"MAE {name}", f"{e.mae:.3f} (mean predictor {e.mae_of_mean:.3f}, zero {e.mae_of_zero:.3f}; {e.crystals})")
            for name, e in self.properties.items()
        ]
        rows += self.own_distances.rows()
        rows += not_encoded_rows(self.not_encoded)
        by_orbits = [("orbits", "crystals", "share", "match", "RMS", "composition")]
        by_orbits += [
            (
                f"{o.fewest}" if o.fewest == o.most else f"{o.fewest} to {o.most}",
                f"{o.crystals}",
                f"{o.crystals / self.crystals:.1%}",
                f"{o.match_rate:.1%}",
                f"{o.mean_rms:.4f}",
                f"{o.composition_rate:.1%}",
            )
            for o in self.orbits
        ]
        return aligned(rows) + ("\n\n" + columns(by_orbits) if self.orbits else "")


def evaluate_reconstruction(
    model: CrystalModel,
    source: Any,
    limit: int | None = None,
    workers: int = 1,
    seed: int = 0,
    effort: str = "normal",
    half: str | None = None,
) -> ReconstructionReport:
    """Reconstruct every crystal of a source and measure what comes back.

    Parameters
    ----------
    model
        The model, as ``xcrystal.load`` gives it.
    source
        The path of a table (a parquet file, see ``xcrystal.crystal.collections.tables``, or a CSV file with CIF text in
        a column ``cif``) or of a folder of CIF files, or a list of Structures.
    limit
        Take only so many crystals, drawn at random with ``seed``.
    workers
        Processes that read and match; with 1 everything stays in this one.
    effort
        As for ``CrystalModel.decode``.
    half
        "report", "selection" or "all", as for ``xcrystal.evaluation.shared.halves.half_of``.

    Raises
    ------
    DatasetError
        If the source cannot be read, or there is no such half.
    """
    sources, half = half_of(model, sources_of(source), half)
    sources = sources.at_random(limit, seed)
    with workers_of(workers) as pool:
        found = encodable_of(sources, pool, model.limits)
        z = found.codes(model)
        names = [sources.names[i] for i in found.places]
        decoded = model.decode(z, effort)
        pairs = list(zip(names, found.structures, decoded, strict=True))
        comparisons = pool.map(compare, pairs, "matching")
        distances = own_distances(model, z, decoded, pool)
    known = None if sources.table is None else sources.table.iloc[found.places]
    properties = {} if known is None or known.empty else property_errors(model, z, known)
    counts = np.array([len(crystal.positions) for crystal in found.crystals], dtype=int)
    own = OwnDistances.of(distances, np.array([c.rms is not None for c in comparisons], dtype=bool))
    by_orbits = _by_orbits(counts, comparisons)
    return _report(len(sources), comparisons, properties, found.not_encoded, half, by_orbits, own)


def _by_orbits(counts: np.ndarray, comparisons: Sequence[Comparison]) -> tuple[OrbitRange, ...]:
    found = []
    for fewest, most in ORBIT_RANGES:
        some = [c for c, n in zip(comparisons, counts, strict=True) if fewest <= n <= most]
        if some:
            matched = [c.rms for c in some if c.rms is not None]
            rms = float(np.mean(matched)) if matched else math.nan
            exact = sum(c.same_composition for c in some) / len(some)
            most = min(most, int(counts.max()))
            found.append(OrbitRange(fewest, most, len(some), len(matched) / len(some), rms, exact))
    return tuple(found)


def compare(pair: tuple[str, Structure, Structure]) -> Comparison:
    """Compare (name, original, reconstruction)."""
    name, original, decoded = pair
    per_atom = [s.volume / len(s) for s in (decoded, original)]
    return Comparison(
        name,
        match_rms(original, decoded),
        match_rms(original, decoded, scale=False),
        per_atom[0] / per_atom[1] - 1,
        original.composition.reduced_formula == decoded.composition.reduced_formula,
        space_group_number(original) == space_group_number(decoded),
    )


def property_errors(model: CrystalModel, z: np.ndarray, frame: pd.DataFrame) -> dict[str, PropertyError]:
    """Errors of the properties predicted from codes (n, latent_dim), for the columns that the table has."""
    errors = {}
    for name, predicted in model.predict(z).items():
        if name not in frame:
            continue
        truth = frame[name].to_numpy(dtype=float)
        known = np.isfinite(truth)
        if known.any():
            truth, predicted = truth[known], np.asarray(predicted, dtype=float)[known]
            constants = (truth.mean(), 0.0)
            maes = [float(np.abs(guess - truth).mean()) for guess in (predicted, *constants)]
            errors[name] = PropertyError(int(known.sum()), *maes)
    return errors


def _report(
    crystals: int,
    comparisons: list[Comparison],
    properties: dict[str, PropertyError],
    not_encoded: dict[str, str],
    half: str,
    orbits: tuple[OrbitRange, ...],
    own: OwnDistances,
) -> ReconstructionReport:
    matched = [c.rms for c in comparisons if c.rms is not None]
    volume = np.abs([c.volume_error for c in comparisons]) if comparisons else np.array([np.nan])
    return ReconstructionReport(
        crystals=crystals,
        match_rate=len(matched) / crystals,
        match_interval=wilson_interval(len(matched), crystals),
        mean_rms=float(np.mean(matched)) if matched else math.nan,
        match_rate_unscaled=sum(c.rms_unscaled is not None for c in comparisons) / crystals,
        volume_error_median=float(np.median(volume)),
        volume_error_95=float(np.quantile(volume, 0.95)),
        composition_rate=sum(c.same_composition for c in comparisons) / crystals,
        space_group_rate=sum(c.same_space_group for c in comparisons) / crystals,
        half=half,
        orbits=orbits,
        properties=properties,
        not_encoded=not_encoded,
        own_distances=own,
        comparisons=tuple(comparisons),
    )
