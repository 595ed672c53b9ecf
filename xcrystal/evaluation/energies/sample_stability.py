"""How many crystals of a set are stable once they are relaxed: the figures of ``xcrystal evaluate stability``.

Protocol: each crystal is relaxed by CHGNet, positions and cell (``xcrystal.energetics.relaxing``). Its energy above the
hull is that of its formation energy over the hull of the atlas's entries. Stable is what lies at most on the hull,
metastable what lies less than 0.1 eV/atom above it. Unique and novel are told of the relaxed crystals, by
StructureMatcher (stol 0.5, ltol 0.3, angle_tol 10). S.U.N. is stable, unique and novel at once. Every share is of all
crystals: one that cannot be read or relaxed, or whose energy is not known, is neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.crystal_sets import Cell, CrystalSet, cell_of, crystal_set
from xcrystal.energetics.relaxing import FMAX, STEPS, Relaxation, relax
from xcrystal.evaluation.energies.ranking_before import Ranking, ranking_rows, rankings, scores_before
from xcrystal.evaluation.shared.novelty_kinds import KINDS, novelty_kinds
from xcrystal.evaluation.shared.parallel import Workers, workers_of
from xcrystal.evaluation.shared.set_matching import matches_any, matches_earlier
from xcrystal.evaluation.shared.statistics import Quartiles, Share, quartiles
from xcrystal.reporting import Report, aligned, columns, share_text

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

METASTABLE = 0.1  # eV/atom
_ON_HULL = 1e-6
_NAMED = 10
SHARES = {
    "relaxed": "relaxed to the end",
    "same_structure": "relaxed to what was generated",
    "known_energy": "energy above the hull known",
    "stable": "stable (at most 0 eV/atom above the hull)",
    "metastable": f"metastable (below {METASTABLE} eV/atom)",
    "unique_relaxed": "unique",
    "novel_relaxed": "novel",
    "sun": "S.U.N. (stable, unique, novel)",
    "metastable_sun": "metastable S.U.N.",
} | {f"novel_{kind}": f"novel {words}" for kind, words in KINDS.items()}
"""Names of the shares, and what they are called in a table."""


@dataclass(frozen=True)
class StabilityReport(Report):
    """The figures of a set of crystals that were relaxed.

    Attributes
    ----------
    crystals
        How many there are; ``not_relaxed`` tells why, for each that could not be read or relaxed.
    shares
        Of all crystals, by the names in ``SHARES``; those of novelty only with a training set.
    e_above_hull
        Quartiles over the crystals whose energy is known, eV/atom.
    rms
        Quartiles of how far atoms moved, in units of (V / N)^(1/3), over the crystals that still match their start.
    rankings
        What ranking the crystals before relaxing them gives; none if no model was given.
    steps, fmax
        At most how many steps a relaxation took, and the force at which it ended, eV/Å.
    relaxations, outcomes
        The crystals one by one: what became of the readable ones, and of which (n,) of them each share is made.
    """

    crystals: int
    not_relaxed: dict[str, str]
    shares: dict[str, Share]
    e_above_hull: Quartiles | None
    rms: Quartiles | None
    rankings: tuple[Ranking, ...]
    steps: int
    fmax: float
    relaxations: tuple[Relaxation, ...]
    outcomes: dict[str, np.ndarray]

    NOT_IN_JSON = ("relaxations", "outcomes")

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain JSON types; a number that is not finite is None."""
        return Report.to_dict(replace(self, relaxations=(), outcomes={}))  # whose structures are not copied for nothing

    def table(self) -> str:
        """The figures as lines of text."""
        rows = [("crystals", f"{self.crystals}"), ("could not be relaxed", f"{len(self.not_relaxed)}")]
        shares = [(words, self.shares[name]) for name, words in SHARES.items() if name in self.shares]
        rows += [(words, share_text(found.share, found.interval, name="95 % interval ")) for words, found in shares]
        if self.e_above_hull is not None:
            low, middle, high = (f"{value:.3f}" for value in self.e_above_hull)
            rows.append(("energy above the hull", f"median {middle} eV/atom, quartiles {low} and {high}"))
        if self.rms is not None:
            rows.append(("RMS displacement by relaxing", f"median {self.rms[1]:.3f} (V/N)^(1/3)"))
        text = aligned(rows)
        if self.rankings:
            text += "\n\n" + columns(ranking_rows(self.rankings))
        if "novel_relaxed" not in self.shares:
            text += "\n\nwithout a training set: no novelty, no S.U.N."
        named = list(self.not_relaxed.items())
        text += "".join(f"\nnot relaxed: {name}: {reason}" for name, reason in named[:_NAMED])
        return text + (f"\nnot relaxed: {len(named) - _NAMED} more" if len(named) > _NAMED else "")


def evaluate_stability(
    structures: Any,
    train: Any = None,
    *,
    folder: str | Path | None = None,
    workers: int = 1,
    device: str = "cpu",
    steps: int = STEPS,
    fmax: float = FMAX,
) -> StabilityReport:
    """Relax a set of crystals, and count those that are stable, unique and novel.

    Parameters
    ----------
    structures
        pymatgen Structures, or the path of a folder or table (see ``xcrystal.crystal.collections.crystal_sets``).
    train
        The same, of the crystals that the generator learned from; without it there is no novelty.
    folder
        Where relaxed crystals are kept as they are done; the same call goes on where it was stopped.
    workers
        Processes that share the work.
    device
        Where the potential runs.
    steps, fmax
        As for ``xcrystal.energetics.relaxing.relax``.

    Raises
    ------
    DatasetError
        If a folder or table cannot be read, or there is nothing in it.
    RelaxationError
        If the potential is not installed.
    """
    samples = crystal_set(structures)
    known = None if train is None else crystal_set(train)
    found = relax(
        [cell.structure() for cell in samples.cells],
        folder=folder,
        workers=workers,
        device=device,
        steps=steps,
        fmax=fmax,
    )
    with workers_of(workers) as pool:
        of_each = outcomes(found, known, pool)
    errors = {cell.name: result.error for cell, result in zip(samples.cells, found, strict=True) if result.error}
    energies = np.array([result.e_above_hull for result in found])
    moved = np.array([result.rms for result in found if result.rms is not None and result.structure is not None])
    return StabilityReport(
        crystals=len(samples),
        not_relaxed=samples.unreadable | errors,
        shares={name: Share.of(int(which.sum()), len(samples)) for name, which in of_each.items()},
        e_above_hull=quartiles(energies[np.isfinite(energies)]),
        rms=quartiles(moved),
        rankings=(),
        steps=steps,
        fmax=fmax,
        relaxations=tuple(found),
        outcomes=of_each,
    )


def evaluate_model_stability(
    model: CrystalModel,
    atlas: Atlas,
    train: Any = None,
    *,
    n: int = 1000,
    limit: int | None = None,
    seed: int = 0,
    effort: str = "normal",
    **options: Any,
) -> StabilityReport:
    """Relax samples of a model and count as ``evaluate_stability`` does; then rank them by what was known before.

    Parameters
    ----------
    model, atlas
        The model and its known crystals.
    train
        What it learned from.
    n, seed, effort
        As for ``CrystalModel.sample``.
    limit
        Take only the first so many of the samples.
    options
        Those of ``evaluate_stability``.
    """
    z = model.sample_latent(n, seed)[:limit]
    samples = model.decode(z, effort)
    found = evaluate_stability(samples, train, **options)
    scores = scores_before(model, atlas, z, samples, found.relaxations)
    told: dict[str, np.ndarray] = {
        name: found.outcomes[name] for name in ("metastable", "metastable_sun") if name in found.outcomes
    }
    return replace(found, rankings=rankings(scores, told))


def outcomes(found: Sequence[Relaxation], known: CrystalSet | None, pool: Workers) -> dict[str, np.ndarray]:
    """(n,) booleans for each name in ``SHARES``: of which relaxed crystals it is true."""
    places = [place for place, result in enumerate(found) if result.structure is not None]
    cells = [_cell(found[place], place) for place in places]
    energies = np.array([result.e_above_hull for result in found])

    def spread(of_relaxed: np.ndarray) -> np.ndarray:
        which = np.zeros(len(found), dtype=bool)
        which[places] = of_relaxed
        return which

    unique = spread(~matches_earlier(cells, pool))
    with np.errstate(invalid="ignore"):
        stable, metastable = energies <= _ON_HULL, energies < METASTABLE
    of_each = {
        "relaxed": np.array([result.converged for result in found], dtype=bool),
        "same_structure": np.array([result.matches_start for result in found], dtype=bool),
        "known_energy": np.isfinite(energies),
        "stable": stable,
        "metastable": metastable,
        "unique_relaxed": unique,
    }
    if known is None:
        return of_each
    fresh = ~matches_any(cells, known.cells, pool)
    kinds = novelty_kinds(cells, [found[place].space_group for place in places], known, fresh)
    novel = spread(fresh)
    of_each |= {"novel_relaxed": novel, "sun": stable & unique & novel, "metastable_sun": metastable & unique & novel}
    return of_each | {f"novel_{kind}": spread(kinds == kind) for kind in KINDS}


def _cell(result: Relaxation, place: int) -> Cell:
    assert result.structure is not None
    return cell_of(result.structure, str(place))
