"""How good a set of generated crystals is: the figures of ``xcrystal evaluate generation``.

No crystal is left out: every share is of all crystals that were given, and one that cannot be read is neither valid nor
unique nor novel. But where a model's most probable crystal has a contact below 0.7 of the covalent radii,
``CrystalModel.decode`` looks for a candidate without one, by the very rule that is measured here as "no overlap". How
often it took another than the most probable crystal is told for samples that say so; ``effort="fast"`` there forbids
it. What a figure can reach at best is printed beside it: the values of the reference set, and for
distances between distributions those of the training set.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xcrystal.assessment.validity import Validity, validity
from xcrystal.crystal.collections.crystal_sets import CrystalSet, crystal_set
from xcrystal.crystal.reading import as_list
from xcrystal.errors import DatasetError
from xcrystal.evaluation.energies.sample_stability import evaluate_stability
from xcrystal.evaluation.generative.distributions import Descriptors, Distances, describe, distances, distances_of_draws
from xcrystal.evaluation.shared.novelty_kinds import KINDS, novelty_kinds
from xcrystal.evaluation.shared.parallel import Workers, workers_of
from xcrystal.evaluation.shared.set_matching import Coverage, coverage, matches_any, matches_earlier
from xcrystal.evaluation.shared.statistics import Share
from xcrystal.reporting import Report, columns, share_text

SHARES = {
    "apart": "no pair closer than 0.5 Å, volume > 0.1 Å3",
    "no_overlap": "no pair closer than 0.7 of covalent radii",
    "smact": "SMACT valid",
    "smact_without_alloys": "SMACT valid without alloys",
    "metals_only": "metals only",
    "too_many_elements": "more than 9 elements, SMACT not tried",
    "valid": "valid (apart, no overlap, SMACT)",
    "unique": "unique",
    "novel": "novel",
    "unique_novel_valid": "unique, novel and valid",
    **{f"novel_{kind}": f"novel {words}" for kind, words in KINDS.items()},
    "p1": "space group P1",
    "not_most_probable": "not the most probable crystal",
    "stable": "stable once relaxed",
    "metastable": "metastable once relaxed",
    "sun": "stable, unique and novel once relaxed",
    "metastable_sun": "metastable, unique and novel once relaxed",
}
_DISTANCES = {
    "density": "density, Wasserstein (g/cm3)",
    "elements": "number of elements, Wasserstein",
    "space_group": "space groups, total variation",
    "crystal_system": "crystal systems, total variation",
    "p1": "share of P1, difference",
}
RELAXED = ("stable", "metastable", "sun", "metastable_sun")
_NAMED = 10  # unreadable crystals in the printed table; the report holds all


@dataclass(frozen=True)
class Judgement:
    """What was found of one crystal; ``novel`` is None if there was no training set."""

    name: str
    formula: str
    validity: Validity
    space_group: int
    unique: bool
    novel: bool | None


@dataclass(frozen=True)
class SetFigures:
    """The figures of one set of crystals.

    Attributes
    ----------
    crystals
        How many there are; ``unreadable`` tells why, for each that could not be read.
    shares
        Of all crystals, by name: ``apart`` (no pair closer than 0.5 Å, volume above 0.1 Å3), ``no_overlap`` (no pair
        closer than 0.7 of the sum of covalent radii), ``smact``, ``smact_without_alloys``, ``metals_only``,
        ``too_many_elements`` (more than 9, so that SMACT was not asked), ``valid`` (apart, no overlap and smact),
        ``unique`` (matches no earlier crystal of the set), with a training set ``novel`` (matches none of it) and
        ``unique_novel_valid``, and of the novel ones what is new first (``novel_composition``, ``novel_space_group``,
        ``novel_structure``); ``p1``; if they were relaxed ``stable``, ``metastable``, ``sun`` and ``metastable_sun`` as
        in ``xcrystal.evaluation.energies.sample_stability``; of Structures that a model decoded also
        ``not_most_probable`` (the decoder took another candidate).
    """

    crystals: int
    unreadable: dict[str, str]
    shares: dict[str, Share]


@dataclass(frozen=True)
class GenerationReport(Report):
    """The figures of a set of generated crystals, beside those of real ones.

    Attributes
    ----------
    samples, reference, training
        The figures of each set, None if it was not given. Of the training set only its size and, beside a reference,
        the share of P1 are known.
    distances
        From the samples to the reference, or None.
    floor, floor_of_draws
        The same from the training set to the reference: all of it, and the mean over 20 draws of as many crystals as
        there are samples, which is what a perfect generator of the training set would reach.
    recall, precision
        How much of the reference the samples cover (METRe and cRMSE), and the other way round; None without reference.
    judgements
        The readable samples one by one.
    """

    samples: SetFigures
    reference: SetFigures | None
    training: SetFigures | None
    distances: Distances | None
    floor: Distances | None
    floor_of_draws: Distances | None
    recall: Coverage | None
    precision: Coverage | None
    judgements: tuple[Judgement, ...]

    NOT_IN_JSON = ("judgements",)

    def table(self) -> str:
        """The figures as lines of text."""
        parts = [self.share_rows(), self.distance_rows(), self.coverage_rows()]
        text = "\n\n".join(columns(part) for part in parts if part)
        if self.reference is None:
            text += "\n\nwithout a reference set: no distances between distributions, no coverage"
        if self.training is None:
            text += "\n\nwithout a training set: no novelty" + ("" if self.distances is None else ", no floor")
        for of, figures in self._sets().items():
            named = list(figures.unreadable.items())
            text += "".join(f"\nnot read ({of}): {name}: {reason}" for name, reason in named[:_NAMED])
            text += f"\nnot read ({of}): {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        return text

    def _sets(self) -> dict[str, SetFigures]:
        sets = {"samples": self.samples, "reference": self.reference, "training set": self.training}
        return {name: figures for name, figures in sets.items() if figures is not None}

    def share_rows(self) -> list[list[str]]:
        """Names, shares of the samples with their intervals, and of the other sets; the head first."""
        sets = self._sets()
        rows = [["", "samples (95 % interval)", *list(sets)[1:]]]
        rows.append(["crystals", *(f"{figures.crystals}" for figures in sets.values())])
        rows.append(["could not be read", *(f"{len(figures.unreadable)}" for figures in sets.values())])
        for name, words in SHARES.items():
            if name in self.samples.shares:
                low, high = self.samples.shares[name].interval
                known = [figures.shares.get(name) for figures in sets.values()]
                cells = ["" if share is None else f"{share.share:.1%}" for share in known]
                rows.append([words, f"{cells[0]} ({low:.1%} to {high:.1%})", *cells[1:]])
        return rows

    def distance_rows(self) -> list[list[str]]:
        """Distances to the reference, the head first; empty without a reference."""
        if self.distances is None:
            return []
        drawn = 0 if self.training is None else min(self.samples.crystals, self.training.crystals)
        columns = {
            "samples": self.distances,
            "training set": self.floor,
            f"{drawn} drawn of it": self.floor_of_draws,
        }
        given = {name: values for name, values in columns.items() if values is not None}
        rows = [["distance to the reference of", *given]]
        return rows + [[w, *(f"{getattr(d, name):.3f}" for d in given.values())] for name, w in _DISTANCES.items()]

    def coverage_rows(self) -> list[list[str]]:
        """How much of each set the other one covers, the head first; empty without a reference."""
        if self.recall is None or self.precision is None:
            return []
        rows = [["coverage", "share (95 % interval)", "of shared formula", "cRMSE"]]
        for words, c in (
            ("reference by samples (METRe)", self.recall),
            ("samples by reference", self.precision),
        ):
            share = share_text(c.share, c.interval)
            rows.append([words, share, f"{c.matched} of {c.of_shared_formula}", f"{c.rms:.4f}"])
        return rows


def evaluate_generation(
    structures: Any,
    reference: Any = None,
    train: Any = None,
    workers: int = 1,
    seed: int = 0,
    *,
    relax: bool = False,
    folder: str | Path | None = None,
) -> GenerationReport:
    """Measure a set of generated crystals.

    Parameters
    ----------
    structures
        pymatgen Structures, the path of a folder with CIF files, or the path of a table in xcrystal's format.
    reference
        The same, of real crystals; without it there are no distances between distributions and no coverage.
    train
        The same, of the crystals that the generator learned from; without it there is no novelty and no floor.
    workers
        Processes that share the work; with 1 everything stays in this one.
    seed
        Of the draws from the training set.
    relax
        Whether the samples are relaxed, too, which takes seconds for each and CHGNet.
    folder
        Where relaxed crystals are kept as they are done.

    Returns
    -------
    GenerationReport

    Raises
    ------
    DatasetError
        If a folder or table cannot be read, or nothing in it.
    """
    given = structures if isinstance(structures, (str, os.PathLike, CrystalSet)) else as_list(structures)
    samples = crystal_set(given)
    real = None if reference is None else _readable(crystal_set(reference), "reference set")
    known = None if train is None else _readable(crystal_set(train), "training set")
    with workers_of(workers) as pool:
        found, descriptors, judgements = _figures(samples, known, pool)
        found = replace(found, shares=found.shares | _choices(given))
        if relax:
            relaxed = evaluate_stability(samples, known, folder=folder, workers=workers).shares
            found = replace(found, shares=found.shares | {name: relaxed[name] for name in RELAXED if name in relaxed})
        training = None if known is None else SetFigures(len(known), known.unreadable, {})
        if real is None:
            return GenerationReport(found, None, training, None, None, None, None, None, judgements)
        beside, target, _ = _figures(real, known, pool)
        recall, precision = coverage(samples, real, pool)
        floor = floor_of_draws = None
        if known is not None:
            population = describe(known.cells, pool, "symmetry of the training set")
            p1 = Share.of(int((population.space_group == 1).sum()), len(known))
            training = SetFigures(len(known), known.unreadable, {"p1": p1})
            floor = distances(population, target)
            floor_of_draws = distances_of_draws(population, target, len(samples), seed)
    return GenerationReport(
        samples=found,
        reference=beside,
        training=training,
        distances=distances(descriptors, target) if len(descriptors) else None,
        floor=floor,
        floor_of_draws=floor_of_draws,
        recall=recall,
        precision=precision,
        judgements=judgements,
    )


def _readable(crystals: CrystalSet, what: str) -> CrystalSet:
    if not crystals.cells:
        name, reason = next(iter(crystals.unreadable.items()))
        raise DatasetError(f"No crystal of the {what} can be read; the first, {name}: {reason}")
    return crystals


def _choices(structures: Any) -> dict[str, Share]:
    """How often a decoder took another than the most probable crystal, if these are Structures that tell it."""
    told = [getattr(s, "properties", {}).get("chosen") for s in structures] if isinstance(structures, list) else [None]
    if None in told:
        return {}
    return {"not_most_probable": Share.of(sum(chosen != "most probable" for chosen in told), len(told))}


def _figures(
    crystals: CrystalSet, known: CrystalSet | None, pool: Workers
) -> tuple[SetFigures, Descriptors, tuple[Judgement, ...]]:
    """The figures of a set, novelty being against the ``known`` crystals, and what was found of each crystal."""
    cells = crystals.cells
    verdicts = pool.map(validity, cells, "validity")
    descriptors = describe(cells, pool)
    unique = ~matches_earlier(cells, pool)
    of_each: dict[str, list[bool] | np.ndarray] = {
        "apart": [v.apart for v in verdicts],
        "no_overlap": [v.no_overlap for v in verdicts],
        "smact": [v.composition.smact for v in verdicts],
        "smact_without_alloys": [v.composition.smact_without_alloys for v in verdicts],
        "metals_only": [v.composition.metals_only for v in verdicts],
        "too_many_elements": [v.composition.too_many_elements for v in verdicts],
        "valid": [v.valid for v in verdicts],
        "unique": unique,
        "p1": descriptors.space_group == 1,
    }
    novel = None if known is None else ~matches_any(cells, known.cells, pool)
    if novel is not None and known is not None:
        of_each["novel"] = novel
        kinds = novelty_kinds(cells, descriptors.space_group.tolist(), known, novel)
        of_each |= {f"novel_{kind}": kinds == kind for kind in KINDS}
        of_each["unique_novel_valid"] = unique & novel & np.array(of_each["valid"], dtype=bool)
    shares = {name: Share.of(int(np.sum(which)), len(crystals)) for name, which in of_each.items()}
    judgements = tuple(
        Judgement(
            cell.name,
            cell.structure().composition.reduced_formula,
            verdict,
            int(group),
            bool(unique[i]),
            None if novel is None else bool(novel[i]),
        )
        for i, (cell, verdict, group) in enumerate(zip(cells, verdicts, descriptors.space_group, strict=True))
    )
    return SetFigures(len(crystals), crystals.unreadable, shares), descriptors, judgements
