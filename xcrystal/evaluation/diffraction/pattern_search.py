"""How often a powder pattern leads to its crystal: ``xcrystal evaluate diffraction``.

Patterns are simulated for the true crystals: *ideal* ones, and *degraded* ones, with what spoils a measurement:
counting noise, a background, a wrong zero, preferred orientation, broad peaks, and a cell a little larger or smaller. A
match is right if StructureMatcher finds it and the truth alike (see ``crystal.matching``). Where the atlas does not
hold the formula, and nobody says it, only the structure type can be right.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tables import reduced_composition
from xcrystal.crystal.geometry.matching import match_rms, matcher
from xcrystal.crystal.symmetry.wyckoff import lattice_matrix
from xcrystal.diffraction.identification import Match, PatternSearch
from xcrystal.diffraction.measured import MeasuredPattern, read_pattern
from xcrystal.diffraction.powder import Broadening, Pattern, xrd
from xcrystal.diffraction.reflections import cell_of_structure, equivalents
from xcrystal.errors import DatasetError
from xcrystal.evaluation.shared.encoding import prepare, sources_of
from xcrystal.evaluation.shared.statistics import wilson_interval
from xcrystal.reporting import Report, columns

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

QUALITIES = ("ideal", "degraded")
COUNT = 5  # matches that are asked for
_RANGE = (10.0, 80.0)  # degrees, of CuKa


@dataclass(frozen=True)
class Degradation:
    """What spoils a simulated pattern.

    Attributes
    ----------
    counts
        Of the highest peak above the background.
    hump, floor
        Background: at the lowest angle, falling off over 20 degrees, and everywhere, as shares of the highest peak.
    zero
        Standard deviation of the zero, degrees of 2θ.
    cell
        Standard deviation of the relative change of the cell's lengths.
    fwhm
        Of the peaks, degrees.
    march
        Smallest March-Dollase parameter (W. A. Dollase, J. Appl. Cryst. 19, 267, 1986); 1 is a powder without texture.
    """

    counts: float = 2000.0
    hump: float = 0.3
    floor: float = 0.05
    zero: float = 0.08
    cell: float = 0.003
    fwhm: float = 0.2
    march: float = 0.7


@dataclass(frozen=True)
class PatternHits:
    """How many patterns of one kind led to their crystal.

    Attributes
    ----------
    crystals
        "atlas" or "held out".
    known
        What was told beside the pattern: "nothing", "elements" or "formula".
    quality
        "ideal" or "degraded".
    count
        Of patterns.
    first, any
        Share for which the first match, or one of the first 5, is right; with 95 % intervals.
    structure_type
        Share for which one of the first 5 is right but for the elements.
    seconds
        Median time of a search.
    """

    crystals: str
    known: str
    quality: str
    count: int
    first: float
    first_interval: tuple[float, float]
    any: float
    any_interval: tuple[float, float]
    structure_type: float
    seconds: float


@dataclass(frozen=True)
class DiffractionReport(Report):
    """The searches, by kind."""

    hits: list[PatternHits]

    def table(self) -> str:
        """Lines for reading."""
        head = ["crystals", "told", "patterns", "n", "first is right", "one of 5 is", "type is right", "seconds"]
        return columns(
            [
                head,
                *(
                    [
                        h.crystals,
                        h.known,
                        h.quality,
                        h.count,
                        f"{h.first:.0%} ({h.first_interval[0]:.0%} to {h.first_interval[1]:.0%})",
                        f"{h.any:.0%} ({h.any_interval[0]:.0%} to {h.any_interval[1]:.0%})",
                        f"{h.structure_type:.0%}",
                        f"{h.seconds:.1f}",
                    ]
                    for h in self.hits
                ),
            ]
        )


def evaluate_diffraction(
    model: CrystalModel,
    atlas: Atlas,
    held_out: Path | None = None,
    known: Path | None = None,
    limit: int = 200,
    seed: int = 0,
) -> DiffractionReport:
    """Simulate patterns of crystals, and look for these.

    Parameters
    ----------
    model, atlas
        What is searched.
    held_out
        Crystals whose formulas the atlas does not hold: a table or a folder of CIF files.
    known
        The table that the atlas was made of: its true crystals, where the search has the decodes.
    limit
        At most so many crystals of each, drawn at random.
    seed
        Of the crystals, their patterns, and each search.

    Raises
    ------
    DatasetError
        If neither is given, a source cannot be read, or nothing in it can be searched.
    """
    if held_out is None and known is None:
        raise DatasetError("Give crystals that the atlas does not hold, or those that it was made of.")
    hits: list[PatternHits] = []
    for name, source, told in (
        ("atlas", known, ("nothing", "elements", "formula")),
        ("held out", held_out, ("nothing", "formula")),
    ):
        if source is not None:
            crystals = _drawn(model, atlas, source, name == "atlas", limit, seed)
            hits += _Trial(model, atlas, name, told, seed).run(crystals)
    return DiffractionReport(hits)


def _drawn(model: CrystalModel, atlas: Atlas, source: Path, inside: bool, limit: int, seed: int) -> list[Structure]:
    """At most ``limit`` crystals that are in the atlas by their ids, or whose formula is not in it."""
    sources = sources_of(source)
    formulas, ids = set(atlas.row_formulas), set(atlas.table["material_id"].astype(str))
    found: list[Structure] = []
    for k in np.random.default_rng(seed).permutation(len(sources.names)):
        if inside and sources.names[k] not in ids:
            continue
        prepared = prepare(sources.crystals[k], model.limits)
        if isinstance(prepared, str):
            continue
        structure = prepared[0]
        if inside or reduced_composition(site.specie.Z for site in structure) not in formulas:
            found.append(structure)
        if len(found) == limit:
            break
    if not found:
        raise DatasetError(f"{source} holds no crystal that the atlas {'holds' if inside else 'does not hold'}.")
    return found


class _Trial:
    """Searches for the crystals of one source."""

    def __init__(self, model: CrystalModel, atlas: Atlas, name: str, told: tuple[str, ...], seed: int) -> None:
        self.model, self.atlas, self.name, self.told, self.seed = model, atlas, name, told, seed
        self.found: dict[tuple[str, str], list[tuple[bool, bool, bool, float]]] = {}

    def run(self, crystals: list[Structure]) -> list[PatternHits]:
        from tqdm.auto import tqdm

        for number, truth in enumerate(tqdm(crystals, desc=self.name, leave=False, disable=None)):
            rng = np.random.default_rng([self.seed, number])
            patterns = {"ideal": simulated(truth), "degraded": degraded(truth, rng)}
            formula = reduced_composition(site.specie.Z for site in truth)
            for told in self.told:
                elements = {z for z, _ in formula} if told == "elements" else None
                search = PatternSearch(
                    self.model, self.atlas, formula if told == "formula" else None, elements, self.seed
                )
                for quality, pattern in patterns.items():
                    begun = time.perf_counter()
                    matches = search.matches(pattern, COUNT)
                    took = time.perf_counter() - begun
                    self.found.setdefault((told, quality), []).append((*_judged(matches, truth), took))
        return [self._hits(told, quality) for told in self.told for quality in QUALITIES]

    def _hits(self, told: str, quality: str) -> PatternHits:
        rows = self.found[told, quality]
        first, some = sum(row[0] for row in rows), sum(row[1] for row in rows)
        return PatternHits(
            crystals=self.name,
            known=told,
            quality=quality,
            count=len(rows),
            first=first / len(rows),
            first_interval=wilson_interval(first, len(rows)),
            any=some / len(rows),
            any_interval=wilson_interval(some, len(rows)),
            structure_type=sum(row[2] for row in rows) / len(rows),
            seconds=float(np.median([row[3] for row in rows])),
        )


def _judged(matches: list[Match], truth: Structure) -> tuple[bool, bool, bool]:
    """Whether the first is right, one of them is, and one of them is but for the elements."""
    right = [match_rms(match.structure, truth) is not None for match in matches]
    alike = any(right) or any(
        len(match.structure.composition) == len(truth.composition) and matcher().fit_anonymous(match.structure, truth)
        for match in matches
    )
    return bool(right) and right[0], any(right), bool(alike)


def simulated(structure: Structure) -> MeasuredPattern:
    """An ideal pattern of CuKa, from 10 to 80 degrees."""
    return read_pattern(xrd(structure, limits=_RANGE))


def degraded(structure: Structure, rng: np.random.Generator, by: Degradation | None = None) -> MeasuredPattern:
    """A pattern as a laboratory measures it."""
    by = by or Degradation()
    stretched = structure.copy()
    stretched.scale_lattice(structure.volume * float(np.exp(3 * by.cell * rng.standard_normal())))
    pattern = xrd(stretched, limits=_RANGE, broadening=Broadening(by.fwhm))
    textured = _textured(pattern, cell_of_structure(stretched).parameters, rng, by.march)
    x = np.arange(_RANGE[0], _RANGE[1], 0.02)
    _, peaks = textured.profile(x)
    smooth = by.hump * np.exp(-(x - x[0]) / 20) + by.floor
    counts = rng.poisson(by.counts * (peaks / max(peaks.max(), 1e-9) + smooth)).astype(float)
    return MeasuredPattern("degraded", x + by.zero * rng.standard_normal(), counts, pattern.wavelength)


def _textured(pattern: Pattern, parameters: np.ndarray, rng: np.random.Generator, smallest: float) -> Pattern:
    """With the intensities of flat crystallites that lie along a plane of low indices, by March and Dollase."""
    normal = np.eye(3)[rng.integers(3)]
    r = rng.uniform(smallest, 1.0)
    reciprocal = np.linalg.inv(lattice_matrix(parameters)).T
    axis = normal @ reciprocal
    weights = []
    for families in pattern.families:
        total, weight = 0, 0.0
        for family in families:
            members = equivalents(pattern.space_group, np.array(family.hkl)) @ reciprocal
            cos2 = (members @ axis) ** 2 / ((members**2).sum(axis=1) * (axis @ axis))
            weight += family.multiplicity * float(np.mean((r**2 * cos2 + (1 - cos2) / r) ** -1.5))
            total += family.multiplicity
        weights.append(weight / total)
    return replace(pattern, intensity=pattern.intensity * np.array(weights))
