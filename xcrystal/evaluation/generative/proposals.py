"""How well structures are predicted from a formula alone: proposals for compositions that the atlas does not hold.

A proposal is right if it matches the true structure (see ``crystal.matching``; the volume is free). The baseline makes
no use of a model: the chemically nearest known crystals with the same pattern of counts, their elements exchanged.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import (
    STRUCTURE_COLUMNS,
    identifiers,
    read_table,
    reduced_composition,
    structure_of,
)
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import DatasetError, XCrystalError
from xcrystal.evaluation.shared.encoding import prepare, sources_of
from xcrystal.evaluation.shared.statistics import wilson_interval
from xcrystal.latent.compositions import Formula, formula_text
from xcrystal.latent.proposing import propose, prototypes
from xcrystal.reporting import Report, aligned, share_text

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas


@dataclass(frozen=True)
class Hits:
    """Shares of compositions for which one of the proposals, or the first, matches the truth, with 95 % intervals."""

    any: float
    any_interval: tuple[float, float]
    first: float
    first_interval: tuple[float, float]
    answered: float


@dataclass(frozen=True)
class ProposalReport(Report):
    """What became of each composition.

    Attributes
    ----------
    compositions
        How many were asked for.
    count
        How many proposals each.
    proposed, substituted
        Of the search in latent space; of exchanging elements without a model, in the decodes of the atlas or, if they
        were given, in the crystals that it was made of (``real``).
    seconds
        Median time of a search.
    missed
        Formulas for which no proposal matches.
    """

    compositions: int
    count: int
    proposed: Hits
    substituted: Hits
    real: bool
    seconds: float
    missed: list[str]

    def table(self) -> str:
        """Lines for reading."""

        known = "known crystals" if self.real else "decodes of known crystals"
        rows = [("compositions that the atlas does not hold", str(self.compositions))]
        for name, hits in (("search", self.proposed), (f"elements exchanged in {known}", self.substituted)):
            rows += [
                (f"{name}: one of {self.count} is right", share_text(hits.any, hits.any_interval, 0)),
                (f"{name}: the first is right", share_text(hits.first, hits.first_interval, 0)),
                (f"{name}: there is a proposal", f"{hits.answered:.0%}"),
            ]
        return aligned([*rows, ("a search takes, median", f"{self.seconds:.1f} s")])


def evaluate_proposals(
    model: CrystalModel,
    atlas: Atlas,
    source: Any,
    train: Path | None = None,
    limit: int = 100,
    count: int = 5,
    seed: int = 0,
) -> ProposalReport:
    """Propose structures for compositions of known crystals that the atlas does not hold, and look for the true ones.

    Parameters
    ----------
    model, atlas
        What proposes.
    source
        The path of a table or of a folder of CIF files, or a list of Structures.
    train
        The table that the atlas was made of, for the baseline; without it the baseline uses decodes of the atlas.
    limit
        At most so many compositions, drawn at random.
    count
        Proposals for each.
    seed
        Of the compositions, and of each search.

    Raises
    ------
    DatasetError
        If a source cannot be read, or holds no other composition than the atlas.
    """
    from tqdm.auto import tqdm

    real = None if train is None else _Real(atlas, train)
    wanted = _unseen(atlas, source, limit, seed, model.limits)
    proposed, substituted, times, missed = [], [], [], []
    for formula, truths in tqdm(wanted, desc="proposing", leave=False, disable=None):
        started = time.perf_counter()
        found = [p.structure for p in propose(model, atlas, formula_text(formula), count, seed)]
        times.append(time.perf_counter() - started)
        proposed.append(_right(found, truths))
        substituted.append(_right(_baseline(model, atlas, formula, count, real), truths))
        if not any(proposed[-1]):
            missed.append(formula_text(formula))
    return ProposalReport(
        compositions=len(wanted),
        count=count,
        proposed=_hits(proposed),
        substituted=_hits(substituted),
        real=real is not None,
        seconds=float(np.median(times)),
        missed=missed,
    )


def _unseen(
    atlas: Atlas, source: Any, limit: int, seed: int, limits: tuple[int, int]
) -> list[tuple[Formula, list[Structure]]]:
    """Compositions that are not in the atlas, each with all true structures of the source."""
    known, found = set(atlas.row_formulas), dict[Formula, list["Structure"]]()
    for crystal in sources_of(source).crystals:
        prepared = prepare(crystal, limits)
        if isinstance(prepared, str):
            continue
        formula = reduced_composition(site.specie.Z for site in prepared[0])
        if formula not in known:
            found.setdefault(formula, []).append(prepared[0])
    if not found:
        raise DatasetError("There is no composition here that the atlas does not hold.")
    formulas = sorted(found)
    drawn = np.random.default_rng(seed).permutation(len(formulas))[:limit]
    return [(formulas[k], found[formulas[k]]) for k in sorted(drawn.tolist())]


class _Real:
    """The crystals that an atlas was made of, by its rows."""

    def __init__(self, atlas: Atlas, train: Path) -> None:
        self._ids = atlas.table["material_id"].astype(str).tolist()
        table = read_table(train)
        records = table[list(STRUCTURE_COLUMNS)].to_dict("records")
        self._records = dict(zip(identifiers(table), records, strict=True))
        if not self._records.keys() & set(self._ids):
            raise DatasetError(f"{train} holds none of the crystals of the atlas {atlas.name}.")

    def __call__(self, row: int) -> Structure | None:
        record = self._records.get(self._ids[row])
        try:
            return None if record is None else structure_of(record)
        except XCrystalError:
            return None


def _baseline(model: CrystalModel, atlas: Atlas, formula: Formula, count: int, real: _Real | None) -> list[Structure]:
    """The nearest known crystals with their elements exchanged, no two alike."""
    near = prototypes(atlas, formula)
    if real is None:
        structures: Sequence[Structure | None] = model.decode(atlas.z[[row for row, _ in near]]) if near else []
    else:
        structures = [real(row) for row, _ in near]
    kept: list[Structure] = []
    for structure, (_, change) in zip(structures, near, strict=True):
        if structure is None or not {site.specie.Z for site in structure} <= change.keys():
            continue
        exchanged = _exchanged(structure, change)
        if reduced_composition(site.specie.Z for site in exchanged) != formula:
            continue  # a decode need not have the composition that the atlas says
        if all(match_rms(exchanged, other) is None for other in kept):
            kept.append(exchanged)
        if len(kept) == count:
            break
    return kept


def _exchanged(structure: Structure, change: dict[int, int]) -> Structure:
    from pymatgen.core import Element, Structure

    species = [Element.from_Z(change[site.specie.Z]) for site in structure]
    return Structure(structure.lattice, species, structure.frac_coords)


def _right(found: list[Structure], truths: list[Structure]) -> list[bool]:
    return [any(match_rms(structure, truth) is not None for truth in truths) for structure in found]


def _hits(found: list[list[bool]]) -> Hits:
    some, first = sum(any(row) for row in found), sum(bool(row) and row[0] for row in found)
    return Hits(
        any=some / len(found),
        any_interval=wilson_interval(some, len(found)),
        first=first / len(found),
        first_interval=wilson_interval(first, len(found)),
        answered=sum(bool(row) for row in found) / len(found),
    )
