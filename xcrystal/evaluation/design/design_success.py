"""How often designs keep what was asked for, beside simpler ways to the same end.

Success is a property in the range that was asked for as CGCNN predicts it (``graph_networks``), in a crystal that holds
the constraints as spglib and a count of its atoms see them: nothing that took part in designing judges. CGCNN errs,
too. What the decodes of crystals that are known to lie in a range achieve bounds the decoder and the judge together.

Methods, each with the same number of candidates:

design
    ``xc.design``, which ranks draws of the conditional prior and exchanges together.
conditional
    Draws of the conditional prior alone.
unconditional
    As many draws of the learned prior, decoded, filtered, ranked and finished in the same way.
exchange
    One element of known crystals that fit, exchanged for a chemically near one; filtered, ranked and finished so, too.
steering
    ``steer`` from known crystals that hold the constraints and miss a range, until the model says that they fit.
known
    Decodes of known crystals that fit by their table, drawn at random; some decode to another crystal.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.symmetry.canonical import canonicalize
from xcrystal.crystal.symmetry.groups import crystal_system
from xcrystal.energetics.hull import hull
from xcrystal.energetics.potentials import potential_of
from xcrystal.errors import (
    CapabilityError,
    InvalidCrystalError,
    RelaxationError,
    TargetError,
    XCrystalError,
    check_whole_number,
)
from xcrystal.evaluation.design.graph_networks import independent_errors, missing, predict_independently
from xcrystal.evaluation.shared.statistics import wilson_interval
from xcrystal.inverse_design.candidates import Candidate
from xcrystal.inverse_design.design_targets import Targets, read_targets
from xcrystal.inverse_design.designing import DRAWS, GUIDANCE, SOURCES, Search
from xcrystal.latent.steering import steer
from xcrystal.reporting import Report, columns, share_text

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

_POISONOUS = ["Pb", "Cd", "Hg", "Tl"]
REGIONS: dict[str, dict[str, Any]] = {
    "gap 1.8 to 2.2": {"band_gap": (1.8, 2.2)},
    "oxide, energy below -1": {"formation_energy_per_atom": (None, -1.0), "elements": {"require": ["O"]}},
    "gap above 4, energy below -2": {"band_gap": (4.0, None), "formation_energy_per_atom": (None, -2.0)},
    "gap 1.1 to 1.6, no Pb, Cd, Hg, Tl": {"band_gap": (1.1, 1.6), "elements": {"exclude": _POISONOUS}},
    "Fm-3m, gap above 1": {"band_gap": (1.0, None), "space_group": 225},
    "trigonal, gap 2 to 3.5": {"band_gap": (2.0, 3.5), "crystal_system": "trigonal"},
}
METHODS = ("design", "conditional", "unconditional", "exchange", "steering", "known")
_BASE = 1000  # draws of the prior that tell the base rates
_STEPS = 4  # of steering
NEAR_HULL = 0.3  # eV/atom, of crystals that are not relaxed


@dataclass(frozen=True)
class DesignScore:
    """One method in one region.

    Attributes
    ----------
    candidates
        How many it gave.
    success, interval
        Share of them that keep all that was asked for, by CGCNN; 95 % Wilson interval.
    itself
        The same share by the model's own predictions: how much more that is, is its optimism.
    constraints
        Share that holds the constraints on elements and symmetry.
    valid, unique, novel
        Shares: charges and distances, unlike the ones before, matching nothing that the atlas holds.
    systems
        Distinct sets of elements, by candidates.
    near_hull, above_hull
        Share that a potential puts, unrelaxed, at most 0.3 eV/atom above the hull, and the median height (eV/atom);
        None if none judges.
    """

    region: str
    method: str
    candidates: int
    success: float
    interval: tuple[float, float]
    itself: float
    constraints: float
    valid: float
    unique: float
    novel: float
    systems: float
    near_hull: float | None = None
    above_hull: float | None = None


@dataclass(frozen=True)
class DesignReport(Report):
    """Scores of all regions and methods.

    Attributes
    ----------
    known
        By region, how many known crystals fit.
    base
        By region, the share of plain draws of the prior that succeed, and its 95 % Wilson interval.
    judge
        By property, of how many known crystals CGCNN's error is known, and its mean and median; empty without data.
    """

    n: int
    seeds: int
    draws: int
    guidance: float
    base_draws: int
    known: dict[str, int]
    base: dict[str, tuple[float, tuple[float, float]]]
    scores: list[DesignScore]
    judge: dict[str, tuple[int, float, float]]

    def table(self) -> str:
        """A table for reading."""
        judged = any(s.near_hull is not None for s in self.scores)
        head = ("region", "method", "candidates", "success", "by itself", "constraints", "valid", "unique", "novel",
                "systems", *(["near hull", "median (eV/atom)"] if judged else []))  # fmt: skip
        rows = [
            (
                s.region if s.method == METHODS[0] else "",
                s.method,
                str(s.candidates),
                share_text(s.success, s.interval, 0),
                *(f"{x:.0%}" for x in (s.itself, s.constraints, s.valid, s.unique, s.novel, s.systems)),
                *([] if not judged else ["" if s.near_hull is None else f"{s.near_hull:.0%}"]),
                *([] if not judged else ["" if s.above_hull is None else f"{s.above_hull:+.2f}"]),
            )
            for s in self.scores
        ]
        base = [("region", "known crystals that fit", "base rate")]
        base += [(name, str(self.known[name]), share_text(*self.base[name])) for name in self.known]
        judge = [("CGCNN", "crystals", "mean error", "median error")]
        judge += [(name, str(n), f"{mean:.3f}", f"{median:.3f}") for name, (n, mean, median) in self.judge.items()]
        errors = f"\n\n{columns(judge)}" if self.judge else ""
        return (
            f"{self.n} candidates, {self.seeds} seed(s), at most {self.draws} draws, guidance {self.guidance:g}. "
            f"Base rates of {self.base_draws} draws of the prior.\n{columns(base)}\n\n{columns([head, *rows])}{errors}"
        )


def evaluate_design(
    model: CrystalModel,
    atlas: Atlas,
    n: int = 20,
    seeds: int = 1,
    draws: int = DRAWS,
    guidance: float = GUIDANCE,
    methods: Sequence[str] = METHODS,
    regions: Sequence[str] = tuple(REGIONS),
    seed: int = 0,
    data: Path | None = None,
    potential: str = "",
    judging: str = "",
    progress: Callable[[str], object] | None = None,
) -> DesignReport:
    """Design in every region, by every method, and let CGCNN judge.

    Parameters
    ----------
    model, atlas
        What designs, and the known crystals.
    n
        Candidates of each method in each region, for each seed.
    seeds
        How many times.
    draws
        The most draws for a design.
    guidance
        Of the conditional prior.
    methods, regions
        Some of ``METHODS`` and ``REGIONS``.
    seed
        The first seed.
    data
        A table of known crystals, of which CGCNN's errors are measured.
    potential
        An interatomic potential that the methods may ask, as ``xc.design`` may; then it is no judge.
    judging
        An interatomic potential that tells how far candidates, unrelaxed, lie above the hull.
    progress
        Called with a few words before each.

    Raises
    ------
    CapabilityError
        If CGCNN is not installed, or the model has no conditional or no learned prior.
    RelaxationError
        If a potential is not installed.
    TargetError
        If a number is less than 1, or a potential is to judge what it had a part in choosing.
    """
    if why := missing():
        raise CapabilityError(why)
    if judging and judging == potential:
        raise TargetError(f"{judging} cannot judge what it had a part in choosing; name another potential, or none.")
    if judging and (why := potential_of(judging).missing):
        raise RelaxationError(why)
    check_whole_number(n, "The number of candidates")
    check_whole_number(seeds, "The number of seeds")
    asked = {name: read_targets(**REGIONS[name]) for name in regions}
    base = _base_rates(model, asked, seed, progress or (lambda words: None))
    scores = []
    for name, targets in asked.items():
        for method in methods:
            found: list[Candidate] = []
            for k in range(seeds):
                (progress or (lambda words: None))(f"{name}: {method}, seed {seed + k}")
                sources = SOURCES if method == "design" else ("prior",)
                search = Search(model, atlas, targets, seed + k, guidance, None, sources, potential)
                found += _by_method(method, search, n, draws)
            scores.append(_score(name, method, targets, found, atlas, judging))
    return DesignReport(
        n=n,
        seeds=seeds,
        draws=draws,
        guidance=guidance,
        base_draws=_BASE,
        known={name: targets.count(atlas) for name, targets in asked.items()},
        base=base,
        scores=scores,
        judge={} if data is None else independent_errors(data),
    )


def _by_method(method: str, search: Search, n: int, draws: int) -> Sequence[Candidate]:
    match method:
        case "design" | "conditional":
            return search.run(n, draws, lambda share, words: True, []).candidates
        case "unconditional":
            search.look(search.model.sample_latent(draws, search.seed))
            return search.finished(n)
        case "exchange":
            search.exchange()
            return search.finished(n)
        case "steering":
            return _steered(search, n)
        case "known":
            return _known(search, search.fit, n)
    raise ValueError(f"There is no method {method!r}.")


def _steered(search: Search, n: int) -> Sequence[Candidate]:
    """Known crystals that hold the constraints and miss a range, steered until the model says that they fit."""
    targets = search.targets
    free = (
        replace(targets, properties={}).known(search.atlas) if targets.arguments.keys() - targets.properties else None
    )
    rows = np.flatnonzero(~targets.known(search.atlas) if free is None else free & ~targets.known(search.atlas))
    ends = []
    for row in search.rng.permutation(rows)[:n]:
        z = search.atlas.z[row]
        for _ in range(_STEPS):
            predicted = search.model.predict(z)
            wrong = [(k, v) for k, v in targets.properties.items() if not v[0] <= predicted[k][0] <= v[1]]
            if not wrong:
                break
            name, (low, _) = wrong[0]
            towards = "higher" if predicted[name][0] < low else "lower"
            try:
                step = next(steer(search.model, search.atlas, z, name, towards, 1, seed=search.seed), None)
            except InvalidCrystalError:
                break
            if step is None:
                break
            z = search.model.encode_canonical([search.model.decode_arrays(step.z)[0].crystal])[0]
        ends.append(z)
    return _all(search, np.array(ends))


def _known(search: Search, rows: np.ndarray, n: int) -> Sequence[Candidate]:
    return _all(search, search.atlas.z[search.rng.permutation(rows)[:n]])


def _all(search: Search, z: np.ndarray) -> Sequence[Candidate]:
    """Crystals of latent vectors (n, Z), none thrown away but those that hold no constraint or overlap."""
    if not len(z):
        return []
    search.take(z, search.model.decode_arrays(z))
    return search.candidates(search.found)


def _score(
    region: str, method: str, targets: Targets, found: Sequence[Candidate], atlas: Atlas, judging: str
) -> DesignScore:
    structures = [one.structure for one in found]
    count = max(len(found), 1)
    success = _succeed(targets, structures)
    itself = [all(low <= one.predicted[k] <= high for k, (low, high) in targets.properties.items()) for one in found]
    above = np.array([_above_hull(structure, atlas, judging) for structure in structures]) if judging else np.zeros(0)
    unique: list[Structure] = []
    for structure in structures:
        if not any(_match(structure, other) for other in unique):
            unique.append(structure)
    return DesignScore(
        region=region,
        method=method,
        candidates=len(found),
        success=float(success.sum()) / count,
        interval=wilson_interval(int(success.sum()), len(found)),
        itself=sum(itself) / count,
        constraints=sum(holds(targets, structure) for structure in structures) / count,
        valid=sum(one.valid for one in found) / count,
        unique=len(unique) / count,
        novel=sum(one.novel for one in found) / count,
        systems=len({structure.composition.chemical_system for structure in structures}) / count,
        near_hull=float((above <= NEAR_HULL).sum()) / count if judging else None,
        above_hull=float(np.median(above[np.isfinite(above)])) if np.isfinite(above).any() else None,
    )


def _above_hull(structure: Structure, atlas: Atlas, potential: str) -> float:
    """eV/atom above the hull of known crystals, unrelaxed; infinite where the potential cannot tell."""
    try:
        return hull(structure, atlas=atlas, potential=potential).e_above_hull
    except RelaxationError:
        return math.inf


def _match(one: Structure, other: Structure) -> bool:
    same = one.composition.reduced_formula == other.composition.reduced_formula
    return same and match_rms(one, other) is not None


def holds(targets: Targets, structure: Structure) -> bool:
    """Whether a crystal holds the constraints, as its atoms and spglib tell, whatever the model says of it."""
    elements = {site.specie.number for site in structure}
    if not targets.require <= elements or elements & targets.unwanted:
        return False
    if not (targets.group or targets.system):
        return True
    try:
        group = canonicalize(structure).crystal.space_group
    except XCrystalError:
        return False
    return targets.group in (0, group) and targets.system in ("", crystal_system(group))


def _succeed(targets: Targets, structures: Sequence[Structure]) -> np.ndarray:
    """(n,) which crystals keep all that was asked for, by CGCNN and spglib."""
    if not structures:
        return np.zeros(0, dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of elements of which pymatgen knows no electronegativity
        fits = targets.fits(predict_independently(structures))
    return fits & np.array([holds(targets, structure) for structure in structures])


def _base_rates(
    model: CrystalModel, asked: dict[str, Targets], seed: int, progress: Callable[[str], object]
) -> dict[str, tuple[float, tuple[float, float]]]:
    """What share of plain draws of the prior succeeds."""
    progress(f"base rates of {_BASE} draws")
    structures = model.decode(model.sample_latent(_BASE, seed), effort="fast")
    kept = [structure for structure in structures if len(structure)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = predict_independently(kept)
    found = {}
    for name, targets in asked.items():
        fits = targets.fits(values)
        hits = sum(holds(targets, kept[k]) for k in np.flatnonzero(fits))
        found[name] = (hits / _BASE, wilson_interval(hits, _BASE))
    return found
