"""Inverse design: crystals with wanted properties, elements and symmetry.

Crystals come from two sources: latent vectors drawn from the conditional prior are decoded, and in known crystals that
fit one element is exchanged for a chemically near one. What does not hold the constraints, has overlapping atoms, or
has atoms nearer to each other than known crystals have them, is thrown away. The rest is judged at the latent vectors
of the decoded crystals themselves, as a drawn or moved vector can be predicted anything, and where there are graph
networks, by these as well. Later draws begin half from nothing and half around the best so far. The most promising ones
are decoded once more, from their own latent vectors and with all care, and judged again, so that what is returned is
what the latent vector that is returned decodes to. An interatomic potential, if one is named, has the last word.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.assessment.novelty import KnownCrystals
from xcrystal.assessment.validity import composition_validity, validity
from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.crystal.elements import chemical_scale
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT
from xcrystal.crystal.geometry.pair_distances import short_contacts
from xcrystal.crystal.symmetry.groups import CRYSTAL_SYSTEMS
from xcrystal.crystal.symmetry.wyckoff import expand
from xcrystal.energetics.hull import energy_above_hull, hull
from xcrystal.energetics.potentials import potential_of
from xcrystal.errors import (
    CapabilityError,
    RelaxationError,
    TargetError,
    TargetWarning,
    check_one_of,
    check_whole_number,
)
from xcrystal.generator import CrystalModel, model_folder, open_model, to_structure
from xcrystal.inverse_design.candidates import Candidate, Design
from xcrystal.inverse_design.conditions import known_conditions
from xcrystal.inverse_design.design_targets import Targets, beyond, read_targets
from xcrystal.inverse_design.likelihood import graph_probabilities, probabilities
from xcrystal.latent.atlas import Atlas, open_atlas
from xcrystal.latent.compositions import Formula
from xcrystal.latent.density import INSIDE, Density
from xcrystal.latent.proposing import composition_of, resized
from xcrystal.model.flow_conditions import ELEMENTS, Conditions

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.model.conditional_prior import ConditionalFlow
    from xcrystal.model.decoded import Decoded
    from xcrystal.model.graph_network import GraphEnsemble

SOURCES = ("prior", "exchange")
DRAWS = 1024
GUIDANCE = 2.0
_ROUND = 256
_FEW = 12  # known crystals that fit; of fewer, values to draw for come from each range by itself
_STABLE = 0.05  # eV/atom: draws are for crystals this near to the hull, unless something else is wanted
_BEST = 24  # that later draws begin around
_FREEDOM = (0.35, 0.75)  # of these draws
_FINISHED = 3  # candidates that are looked at with all care, for each one that is wanted
_ASKED = 4  # times as many, at most, are shown to a potential
_ENOUGH = 6  # candidates whose predictions fit, for each one that is wanted, after which no more is drawn
# what a crystal counts less by: its predictions miss a range, it lies outside of the trust region, its charges do not
# balance, and for each 0.1 eV/atom above the hull
_MISSED, _OUTSIDE, _UNBALANCED, _ABOVE_HULL = 0.25, 0.5, 0.3, 0.5
_EXCHANGED = 512  # known crystals with one element exchanged, at most ...
_EXCHANGED_EACH = 48  # ... and for each candidate that is wanted
_NEARBY = 3  # places on the chemical scale that an element is exchanged over
_UNLIKELY = 0.5  # eV/atom: what a potential puts so far above the hull goes

Progress = Callable[[float, str], bool]


@dataclass(frozen=True, eq=False)
class Found:
    """A decode that holds the constraints, where it came from, and how far a potential puts it above the hull
    (eV/atom; NaN if none was asked)."""

    z: np.ndarray
    code: np.ndarray
    decoded: Decoded
    fits: bool
    score: float
    source: str
    above_hull: float = math.nan


def design(
    model: str | CrystalModel = "mp20",
    *,
    band_gap: Any = None,
    formation_energy_per_atom: Any = None,
    e_above_hull: Any = None,
    elements: Mapping[str, Any] | None = None,
    space_group: int | str | None = None,
    crystal_system: str | None = None,
    prototype: str | None = None,
    n_atoms: Any = None,
    near: Any = None,
    n: int = 20,
    seed: int = 0,
    atlas: Atlas | None = None,
    draws: int = DRAWS,
    guidance: float = GUIDANCE,
    sources: Collection[str] = SOURCES,
    potential: str = "",
    progress: Progress | None = None,
) -> Design:
    """Design crystals with wanted properties, elements and symmetry.

    Parameters
    ----------
    model
        A model with a conditional prior, or its name.
    band_gap, formation_energy_per_atom, e_above_hull
        Ranges (lowest, highest) in eV, eV/atom and eV/atom, with None for an open end.
    elements
        Symbols under "require", "exclude" and "only".
    space_group
        Number or symbol.
    crystal_system
        Such as "cubic".
    prototype
        A structure type, mineral or motif: "spinel", "perovskite", "layered".
    n_atoms
        (fewest, most) atoms of the primitive cell, or one number.
    near
        A structure, the path of a crystal file, an id of the atlas, or a latent vector (Z,), near to which to look.
    n
        How many candidates; fewer are returned if no more are found.
    seed
        Of everything random.
    atlas
        The known crystals; by default those of the model.
    draws
        The most latent vectors that are drawn; fewer if enough good ones are found.
    guidance
        How strongly draws obey what is wanted: 1 as the data do, more with less variety.
    sources
        Where crystals come from: "prior" draws from the conditional prior, "exchange" exchanges an element in known
        crystals that fit.
    potential
        An interatomic potential that the best are shown to, such as "chgnet": what it puts more than 0.5 eV/atom above
        the hull goes, and what is nearer to the hull comes first. Seconds to a minute more.
    progress
        Called with the share that is done and a few words; where it returns False, what was found is returned.

    Returns
    -------
    Design
        Candidates that hold all constraints, the most promising first. Their properties are predictions.

    Raises
    ------
    TargetError
        If something wanted is unknown or contradicts itself, or nothing is wanted.
    CapabilityError
        If the model has no conditional prior.
    RelaxationError
        If the potential is not installed.

    Warns
    -----
    TargetWarning
        If a range lies beyond the data.
    """
    targets = read_targets(
        band_gap=band_gap,
        formation_energy_per_atom=formation_energy_per_atom,
        e_above_hull=e_above_hull,
        elements=elements,
        space_group=space_group,
        crystal_system=crystal_system,
        prototype=prototype,
        n_atoms=n_atoms,
    )
    opened = open_model(model) if isinstance(model, str) else model
    known = atlas if atlas is not None else open_atlas(opened.name)
    check_whole_number(n, "The number of candidates")
    check_whole_number(draws, "The number of draws")
    check_whole_number(seed, "The seed", least=0)
    notes = beyond(targets, known)
    for note in notes:
        warnings.warn(note, TargetWarning, stacklevel=2)
    near_to = latent_vector_of(opened, known, near)
    search = Search(opened, known, targets, seed, guidance, near_to, sources=sources, potential=potential)
    return search.run(n, draws, progress or (lambda share, words: True), notes)


def conditional_prior(model: CrystalModel) -> ConditionalFlow:
    """The conditional prior of a model, loaded once.

    Raises
    ------
    CapabilityError
        If it has none.
    """
    from xcrystal.model.conditional_prior import load_conditional_flow

    if "_conditional_prior" not in vars(model):
        flow = load_conditional_flow(model_folder(model.name))
        if flow is None:
            raise CapabilityError(
                f"The model {model.name!r} has no conditional prior; "
                f"fit one with: xcrystal fit-design-prior --model {model.name}"
            )
        vars(model)["_conditional_prior"] = flow.to(model.device)
    found: ConditionalFlow = vars(model)["_conditional_prior"]
    return found


def graph_networks(model: CrystalModel) -> GraphEnsemble | None:
    """The graph networks beside a model, loaded once; None if it has none."""
    from xcrystal.model.graph_network import load_graph_ensemble

    if "_graph_networks" not in vars(model):
        vars(model)["_graph_networks"] = load_graph_ensemble(model_folder(model.name))
    found: GraphEnsemble | None = vars(model)["_graph_networks"]
    return found


def latent_vector_of(model: CrystalModel, atlas: Atlas, near: Any) -> np.ndarray | None:
    """(Z,) latent vector of a structure, the path of a crystal file, an id of the atlas, or a latent vector."""
    if near is None:
        return None
    if isinstance(near, str) and (atlas.table["material_id"] == near).any():
        return np.asarray(atlas.z[atlas.row(near)])
    if isinstance(near, (np.ndarray, list, tuple)):
        return np.asarray(model.vectors(near)[0])
    return np.asarray(model.encode(near)[0])


class Search:
    """One request: what was found so far that holds the constraints.

    Parameters are those of ``design``, read; ``near`` is a latent vector (Z,).
    """

    def __init__(
        self,
        model: CrystalModel,
        atlas: Atlas,
        targets: Targets,
        seed: int,
        guidance: float = GUIDANCE,
        near: np.ndarray | None = None,
        sources: Collection[str] = SOURCES,
        potential: str = "",
    ) -> None:
        for source in sources:
            check_one_of(source, SOURCES, "source")
        if not sources:
            raise TargetError(f"Crystals come from at least one source: {' or '.join(SOURCES)}.")
        if potential and (missing := potential_of(potential).missing):
            raise RelaxationError(missing)
        for name in targets.properties:
            if name not in model.properties:
                raise TargetError(f"The model {model.name!r} does not predict {name}, so it cannot be asked for.")
        self.model, self.atlas, self.targets, self.seed, self.guidance = model, atlas, targets, seed, guidance
        self.near, self.flow = near, conditional_prior(model)
        self.sources, self.potential, self.graphs = tuple(sources), potential, graph_networks(model)
        self.rng = np.random.default_rng(seed)
        self.fit = np.flatnonzero(targets.known(atlas))
        self.found: list[Found] = []
        self.kept = self.exchanged = 0
        self.heights: dict[tuple[Any, ...], float | None] = {}  # by a potential; None where it knows no answer

    def run(self, n: int, draws: int, progress: Progress, notes: list[str]) -> Design:
        drawn, enough, on = 0, _ENOUGH * n, progress(0.0, "looking at known crystals that fit")
        if "prior" not in self.sources:
            draws = 0
        if "exchange" in self.sources and on:
            self.exchange(min(_EXCHANGED, _EXCHANGED_EACH * n))
            enough += sum(one.fits for one in self.found)  # of each source as many
            on = progress(0.1, f"{len(self.found)} crystals hold the constraints; drawing from the conditional prior")
        while True:
            while on and drawn < draws and sum(one.fits for one in self.found) < enough:
                count = min(_ROUND, draws - drawn)
                self.look(self._drawn(count, drawn))
                drawn += count
                on = progress(
                    0.1 + 0.7 * drawn / draws, f"{drawn} drawn, {len(self.found)} crystals hold the constraints"
                )
            if on:
                on = progress(0.85, "decoding the best with all care")
            chosen = self.finished(n, (lambda words: progress(0.85, words)) if on else lambda words: False)
            if len(chosen) >= n or not on or drawn >= draws:
                break
            enough *= 2  # most of what fits was the same few crystals
        if len(chosen) < n:
            found = {0: "No candidate was found that holds", 1: "Only 1 candidate was found that holds"}.get(
                len(chosen), f"Only {len(chosen)} candidates were found that hold"
            )
            notes = [*notes, f"{found} all constraints{self._why_few(drawn)}."]
        progress(1.0, "done")
        return Design(
            targets=self.targets,
            candidates=tuple(chosen),
            known=len(self.fit),
            draws=drawn,
            kept=self.kept,
            seed=self.seed,
            atlas=self.atlas,
            notes=tuple(notes),
        )

    def _why_few(self, drawn: int) -> str:
        """What was looked at, and what a potential threw away, as the end of a sentence."""
        looked = {"prior": f"{drawn} draws", "exchange": f"{self.exchanged} exchanges of an element"}
        said = f", in {' and '.join(looked[source] for source in SOURCES if source in self.sources)}"
        unknown = sum(height is None for height in self.heights.values())
        rejected = sum(height is not None and height > _UNLIKELY for height in self.heights.values())
        title = potential_of(self.potential).title if self.potential else ""
        if rejected:
            said += f"; {title} put {rejected} more than {_UNLIKELY:g} eV/atom above the hull"
        if unknown:
            said += f"; {title} could not judge {unknown}"
        return said

    # -- draws ---------------------------------------------------------------------------------------------------

    def _drawn(self, count: int, before: int) -> np.ndarray:
        """(count, Z) latent vectors; after the first round half of them around the best so far."""
        around, freedom = None, 1.0
        if self.near is not None:
            around, freedom = np.repeat(self.near[None], count, axis=0), 0.7
        best = sorted(self.found, key=lambda one: -one.score)[:_BEST] if before else []
        seed = self.seed * 1_000_003 + before
        if not best:
            return self.flow.sample(self.conditions(count), self.guidance, seed, around=around, freedom=freedom)
        half = count // 2
        nearby = np.array([best[k].code for k in self.rng.integers(len(best), size=half)])
        first = around[: count - half] if around is not None else None
        return np.concatenate(
            [
                self.flow.sample(self.conditions(count - half), self.guidance, seed, around=first, freedom=freedom),
                self.flow.sample(
                    self.conditions(half), self.guidance, seed + 1, around=nearby, freedom=self.rng.uniform(*_FREEDOM)
                ),
            ]
        )

    def conditions(self, count: int) -> Conditions:
        """What to draw for: values of known crystals that fit, where there are some; elements; symmetry."""
        every = known_conditions(self.atlas)
        known = every.properties
        properties = np.full((count, len(PROPERTIES)), np.nan, dtype=np.float32)
        wanted = [PROPERTIES.index(name) for name in self.targets.properties]
        rows = self.fit
        chosen = self.rng.choice(rows, count) if len(rows) >= _FEW else None
        if chosen is not None:
            properties[:, wanted] = known[chosen][:, wanted]
        else:
            for k in wanted:
                properties[:, k] = self._values(known[:, k], *self.targets.properties[PROPERTIES[k]], count)
        hull = PROPERTIES.index("e_above_hull")
        if hull not in wanted and np.isfinite(known[:, hull]).any():
            properties[:, hull] = self._values(known[:, hull], 0.0, _STABLE, count)
        elements = np.zeros((count, ELEMENTS), dtype=np.int8)
        elements[:, list(self.targets.require)] = 1
        elements[:, list(self.targets.unwanted)] = -1
        group = np.full(count, self.targets.group, dtype=np.int64)
        system = np.full(count, CRYSTAL_SYSTEMS.index(self.targets.system) if self.targets.system else -1)
        if self.targets.prototype and not self.targets.group and len(rows):  # no condition of its own
            of_type = self.rng.choice(rows, count) if chosen is None else chosen
            group, system = every.group[of_type], every.system[of_type]
        return Conditions(
            properties=properties,
            elements=elements,
            group=group,
            system=system.astype(np.int64),
            source=np.ones(count, dtype=np.int8),
        )

    def _values(self, known: np.ndarray, low: float, high: float, count: int) -> np.ndarray:
        """(count,) values in a range, as often as known crystals have them; where none does, the nearest that is in
        it."""
        known = known[np.isfinite(known)]
        inside = known[(known >= low) & (known <= high)]
        if len(inside):
            return np.asarray(self.rng.choice(inside, count))
        return np.full(count, low if not len(known) or known.max() < low else high)

    def exchange(self, count: int | None = None) -> None:
        """Take ``count`` known crystals that fit, with one element exchanged for a chemically near one."""
        if not len(self.fit):
            return
        scale = chemical_scale().astype(int)
        rows = self._near_rows(self.fit, _EXCHANGED if count is None else count)
        changed = []
        for crystal in self.model.decode_arrays(self.atlas.z[rows], effort="fast"):
            if not len(crystal.element):
                continue
            old = self.rng.choice(np.unique(crystal.element))
            near = [z for z in range(1, 95) if z not in crystal.element and abs(scale[z] - scale[old]) <= _NEARBY]
            if near:
                elements = np.where(crystal.element == old, self.rng.choice(near), crystal.element)
                changed.append(resized(replace(crystal, element=elements), crystal.element))
        self.exchanged += len(changed)
        if changed:
            self.take(self.model.encode_canonical([one.crystal for one in changed]), changed, "exchange")

    def _near_rows(self, rows: np.ndarray, count: int) -> np.ndarray:
        """(count,) known crystals, drawn from ``rows``; of those near to where to look if that is wanted."""
        if self.near is not None:
            rows = rows[np.argsort(np.linalg.norm(self.atlas.z[rows] - self.near, axis=1))[:count]]
        return np.asarray(self.rng.choice(rows, count))

    # -- judging -------------------------------------------------------------------------------------------------

    def look(self, z: np.ndarray) -> None:
        """Decode latent vectors (n, Z), and keep what holds the constraints and does not overlap."""
        self.take(z, self.model.decode_arrays(z, effort="fast"))

    def take(self, z: np.ndarray, decoded: list[Decoded], source: str = "prior") -> None:
        """Keep of crystals, that latent vectors (n, Z) were decoded to, what holds the constraints."""
        rows = self._sound(decoded)
        self.kept += len(rows)
        self.found += self._judged(z[rows], [decoded[k] for k in rows], [source] * len(rows))

    def _sound(self, decoded: list[Decoded]) -> list[int]:
        """Which crystals hold the constraints, have no short contacts, and are as symmetric as they say."""
        from xcrystal.model.choosing import canonical_form, contact_ratios

        rows = [k for k, crystal in enumerate(decoded) if self.targets.accepts(crystal)]
        if rows:
            ratios = contact_ratios([decoded[k] for k in rows])
            rows = [k for k, ratio in zip(rows, ratios, strict=True) if ratio >= SHORT_CONTACT]
            rows = [k for k in rows if not _short_contacts(decoded[k])]
        if not self.targets.of_cells:
            return rows
        forms = ((k, canonical_form(decoded[k])) for k in rows)
        return [k for k, form in forms if form is not None and self.targets.accepts(form)]

    def _judged(self, z: np.ndarray, decoded: list[Decoded], sources: list[str]) -> list[Found]:
        if not decoded:
            return []
        codes = self.model.encode_canonical([one.crystal for one in decoded])
        predicted = self.model.predict(codes)
        fits = self.targets.fits(predicted) if predicted else np.ones(len(codes), dtype=bool)
        scores = self.scores(codes, decoded)
        scores[~fits] *= _MISSED
        scores[Density.of(self.atlas).quantiles(codes) > INSIDE] *= _OUTSIDE
        # of what misses a range nobody has to know; balancing charges takes milliseconds
        scores[[hit and not _balanced(composition_of(one)) for hit, one in zip(fits, decoded, strict=True)]] *= (
            _UNBALANCED
        )
        if "e_above_hull" in predicted and "e_above_hull" not in self.targets.properties:
            scores *= _ABOVE_HULL ** (predicted["e_above_hull"] / 0.1)
        return [Found(*each) for each in zip(z, codes, decoded, fits.tolist(), scores.tolist(), sources, strict=True)]

    def scores(self, codes: np.ndarray, decoded: list[Decoded]) -> np.ndarray:
        """(n,) what crystals are ranked by: the geometric mean of the probabilities that they lie in all ranges, by the
        model at their latent vectors (n, Z) and by the graph networks; high only where both are."""
        found = probabilities(self.model, codes, self.targets)
        if self.graphs is None:
            return found
        other = graph_probabilities(self.graphs, [one.crystal for one in decoded], self.targets)
        return np.sqrt(found * other)

    def expected(self, codes: np.ndarray, decoded: list[Decoded]) -> np.ndarray:
        """(n,) probabilities that crystals lie in all ranges: the mean of the model's and that of the graph networks,
        which leave what they do not predict to the model."""
        from xcrystal.model.graph_network import PREDICTED

        found = probabilities(self.model, codes, self.targets)
        if self.graphs is None:
            return found
        other = graph_probabilities(self.graphs, [one.crystal for one in decoded], self.targets)
        left = {name: ends for name, ends in self.targets.properties.items() if name not in PREDICTED}
        rest = probabilities(self.model, codes, replace(self.targets, properties=left))
        return np.asarray(0.5 * (found + other * rest))

    def _hull_height(self, structure: Structure, predicted: dict[str, np.ndarray], k: int) -> float:
        """How far the predicted energy of candidate ``k`` lies above the hull of known crystals, eV/atom."""
        if "formation_energy_per_atom" not in predicted:
            return math.nan
        energy = float(predicted["formation_energy_per_atom"][k])
        try:
            return energy_above_hull(structure.composition, energy, self.atlas)
        except RelaxationError:
            return math.nan  # too many elements, or an atlas without energies

    def _shown_to_potential(self, found: list[Found], go_on: Callable[[str], bool]) -> list[Found]:
        """What a potential does not put far above the hull; the nearer, the more it counts. What it was not asked
        about, for the search was stopped, counts least."""
        kept, title = [], potential_of(self.potential).title
        for one in found:
            key = (composition_of(one.decoded), one.decoded.group, one.code.tobytes())
            if key not in self.heights:
                if not go_on(f"{title} was asked about {len(self.heights)} crystals"):
                    kept.append(replace(one, score=one.score * _ABOVE_HULL ** (_UNLIKELY / 0.1)))
                    continue
                self.heights[key] = self._height(one)
            above = self.heights[key]
            if above is not None and above <= _UNLIKELY:
                kept.append(replace(one, score=one.score * _ABOVE_HULL ** (max(above, 0.0) / 0.1), above_hull=above))
        return kept

    def _height(self, one: Found) -> float | None:
        """How far a potential puts a crystal above the hull, eV/atom; None where it does not know an element or a
        distance."""
        try:
            return hull(to_structure(one.decoded), atlas=self.atlas, potential=self.potential).e_above_hull
        except RelaxationError:
            return None

    def finished(self, n: int, go_on: Callable[[str], bool] = lambda words: True) -> list[Candidate]:
        """The best, decoded with all care from their own latent vectors, judged again, and unlike each other.

        ``go_on`` is told what is done; where it says False, nothing more is looked at, and no potential asked.
        """
        self.found.sort(key=lambda one: -one.score)
        best, seen = [], set()
        for one in self.found:
            kind = (composition_of(one.decoded), one.decoded.group)
            if kind not in seen:
                best.append(one)
                seen.add(kind)
        if self.potential:
            best = best[: _ASKED * _FINISHED * n]
        judged: list[Found] = []
        chosen: list[Found] = []
        for first in range(0, len(best), _FINISHED * n):
            own = np.array([one.code for one in best[first : first + _FINISHED * n]])
            sources = [one.source for one in best[first : first + _FINISHED * n]]
            decoded = self.model.decode_arrays(own)
            rows = self._sound(decoded)
            again = self._judged(own[rows], [decoded[k] for k in rows], [sources[k] for k in rows])
            judged += self._shown_to_potential(again, go_on) if self.potential else again
            judged.sort(key=lambda one: -one.score)
            chosen = _diverse(judged, n)
            if len(chosen) >= n or not go_on("decoding the best with all care"):
                break
        return self.candidates(chosen)

    def candidates(self, chosen: list[Found]) -> list[Candidate]:
        """All that is said of crystals."""
        if not chosen:
            return []
        codes = np.array([one.code for one in chosen])
        predicted, intervals = self.model.predict(codes), self.model.known_intervals(codes)
        nonzero, within = self.model.known_nonzero(codes), self.expected(codes, [one.decoded for one in chosen])
        quantiles = Density.of(self.atlas).quantiles(codes)
        nearest, distances = self.atlas.neighbours(codes, 1)
        table, known = self.atlas.table, KnownCrystals(self.model, self.atlas)
        found = []
        for k, one in enumerate(chosen):
            structure = to_structure(one.decoded)
            row = int(nearest[k, 0])
            found.append(
                Candidate(
                    z=one.z,
                    structure=structure,
                    predicted={name: float(values[k]) for name, values in predicted.items()},
                    intervals={name: (float(v[k, 0]), float(v[k, 1])) for name, v in intervals.items()},
                    nonzero={name: float(values[k]) for name, values in nonzero.items()},
                    probability=float(within[k]),
                    quantile=float(quantiles[k]),
                    nearest=str(table["material_id"].iat[row]),
                    nearest_formula=str(table["formula"].iat[row]),
                    distance=float(distances[k, 0]),
                    match=known.novelty(structure, one.code).match or "",
                    valid=validity(structure).valid,
                    source=one.source,
                    above_hull=one.above_hull,
                    hull_height=self._hull_height(structure, predicted, k),
                )
            )
        return found


def _short_contacts(decoded: Decoded) -> bool:
    """Whether atoms are nearer to each other than known crystals have them."""
    (atoms,) = expand([decoded.crystal])
    return bool(short_contacts(atoms.cell, atoms.points, decoded.element[atoms.orbit]))


@lru_cache(maxsize=4096)
def _balanced(formula: Formula) -> bool:
    """Whether some known oxidation states of its elements balance, or it is an alloy."""
    return composition_validity(formula).smact


def _diverse(found: list[Found], n: int) -> list[Found]:
    """The best ``n`` of different compositions or space groups; of one set of elements no more than needed."""
    kinds = {(composition_of(one.decoded), one.decoded.group): one for one in reversed(found)}
    left = sorted(kinds.values(), key=lambda one: -one.score)
    chosen: list[Found] = []
    systems: Counter[frozenset[int]] = Counter()
    for most in range(1, len(left) + 1):
        for one in left:
            elements = frozenset(one.decoded.element.tolist())
            if len(chosen) < n and systems[elements] < most and one not in chosen:
                systems[elements] += 1
                chosen.append(one)
        if len(chosen) == min(n, len(left)):
            break
    return sorted(chosen, key=lambda one: -one.score)
