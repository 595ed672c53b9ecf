"""Structure prediction: given a formula, crystals with that composition, best first.

Latent space is searched where such crystals are likely: known crystals with the same pattern of counts and chemically
near elements have theirs exchanged for the wanted ones, are encoded, and decoded again, which is where the model says
how the new crystal would be; then around those whose decode has the composition. Each is ranked by its formation energy
at its own code. Where no known crystal has the pattern, codes are moved uphill the decoder's composition first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice, permutations
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.contacts import CLASH, COVALENT_RADII
from xcrystal.crystal.elements import chemical_scale
from xcrystal.errors import CheckpointError, TargetError
from xcrystal.latent.compositions import Formula, atlas_formulas, parse_formula, pattern
from xcrystal.latent.density import Density

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.chart import Atlas
    from xcrystal.model.decoding import Decoded

ENERGY = "formation_energy_per_atom"
PROTOTYPES = 96  # known crystals whose elements are exchanged
_MOVED = 48  # codes that are moved towards the composition
_AROUND, _DRAWS = 8, 5  # the best ones, around which is searched, and places each
_NOISE = 0.25
_AT_ONCE = 16
_ORDERS = 120  # ways to give the elements to the places of a pattern


@dataclass(frozen=True, eq=False)
class Proposal:
    """A crystal proposed for a formula.

    Attributes
    ----------
    z
        (Z,) float32 latent vector that decodes to it.
    structure
        The decode.
    predicted
        Property name to value, at the code of the crystal itself.
    deviations
        The same, standard deviations; empty if the model knows none.
    quantile
        Share of known crystals that lie nearer to the data.
    origin
        The known crystal that the search began from: its formula and id; empty if it began from none.
    material_id
        Of a known crystal that it matches, if the atlas holds the formula and one does, otherwise None.
    """

    z: np.ndarray
    structure: Structure
    predicted: dict[str, float]
    deviations: dict[str, float]
    quantile: float
    origin: str
    material_id: str | None = None


@dataclass(frozen=True, eq=False)
class _Candidate:
    z: np.ndarray
    code: np.ndarray  # of the crystal that z decodes to
    energy: float  # predicted there
    origin: int  # row of the atlas


def propose(
    model: CrystalModel,
    atlas: Atlas,
    formula: str,
    count: int = 5,
    seed: int = 0,
    progress: Callable[[str], bool] | None = None,
) -> list[Proposal]:
    """Crystals with a composition, of lowest predicted formation energy first.

    Parameters
    ----------
    model, atlas
        What decodes, and the known crystals that the search begins from.
    formula
        Such as "SrTiO3"; any number of formula units up to 20 atoms may come back.
    count
        The most that are returned; no two match each other.
    seed
        Of the random part of the search.
    progress
        Called with a few words after each stage, of which there are at most ``STAGES``; where it returns False the
        search ends with what it has.

    Returns
    -------
    list of Proposal
        Without clashes; empty if nothing was found. A model without formation energies ranks by nearness to the data.

    Raises
    ------
    ReadError
        If it is no formula, or none that the model can make.
    TargetError
        If ``count`` is less than 1.
    """
    if count < 1:
        raise TargetError(f"There is no list of {count} proposals.")
    return _Search(model, atlas, parse_formula(formula), seed).run(count, progress or (lambda words: True))


STAGES = 4


class _Search:
    """The search for one composition."""

    def __init__(self, model: CrystalModel, atlas: Atlas, formula: Formula, seed: int) -> None:
        self.model, self.atlas, self.formula = model, atlas, formula
        self.rng = np.random.default_rng(seed)
        self.density = Density.of(atlas)
        self.formulas = atlas_formulas(atlas)
        self.found: list[_Candidate] = []

    def run(self, count: int, progress: Callable[[str], bool]) -> list[Proposal]:
        known = np.array([k for k, formula in enumerate(self.formulas) if formula == self.formula], dtype=int)
        self._look(self.atlas.z[known], known)
        on = progress("known crystals")
        if on:
            self._look(*self._exchanged())
            on = progress("elements exchanged in known crystals")
        if on and len(self.found) < 2 * count:
            self._look(*self._moved())
            on = progress("codes moved towards the composition")
        if on and self.found:
            self._look(*self._around())
        return self._proposals(count, known)

    # -- where to look -------------------------------------------------------------------------------------------

    def _exchanged(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes of known crystals with the wanted elements in the place of theirs, and the rows of those crystals."""
        pairs = prototypes(self.atlas, self.formula)
        if not pairs:
            return self._none()
        rows = np.array([row for row, _ in pairs])
        decoded = self.model.decode_arrays(self.atlas.z[rows], choose=False)
        exchanged, origins = [], []
        for crystal, (row, change) in zip(decoded, pairs, strict=True):
            if len(crystal.element) and set(crystal.element.tolist()) <= change.keys():
                elements = np.array([change[z] for z in crystal.element.tolist()])
                exchanged.append(_resized(replace(crystal, element=elements), crystal.element))
                origins.append(row)
        if not exchanged:
            return self._none()
        return self.model.encode_canonical([c.crystal for c in exchanged]), np.array(origins)

    def _moved(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes of crystals with many of the wanted elements, moved until the decoder's composition is the wanted."""
        import torch

        from xcrystal.model.device import one_thread

        total = sum(n for _, n in self.formula)
        wanted = {z: n / total for z, n in self.formula}
        nearness = np.array(
            [
                sum(min(wanted.get(z, 0.0), n / sum(m for _, m in formula)) for z, n in formula) if formula else 0.0
                for formula in self.formulas
            ]
        )
        rows = np.argsort(-nearness, kind="stable")[:_MOVED]
        network = self.model.network
        fractions = torch.zeros(95, device=self.model.device)
        for z, share in wanted.items():
            fractions[z] = share
        with one_thread(), torch.enable_grad():
            start = torch.from_numpy(self.atlas.z[rows]).to(self.model.device)
            z_now = start.clone().requires_grad_()
            optimizer = torch.optim.Adam([z_now], lr=0.05)
            for _ in range(80):
                optimizer.zero_grad(set_to_none=True)
                odds = network.decoder.composition(z_now).log_softmax(dim=-1)
                loss = -(fractions * odds).sum() + 0.005 * (z_now - start).square().sum()
                torch.autograd.backward([loss], inputs=[z_now])
                optimizer.step()
        moved = z_now.detach().float().cpu().numpy()
        if self.model.prior is not None:
            return np.concatenate([moved, self.model.snap(moved, 0.2)]), np.concatenate([rows, rows])
        return moved, rows

    def _around(self) -> tuple[np.ndarray, np.ndarray]:
        """Places around the best that were found, and between them."""
        best = sorted(self.found, key=lambda candidate: candidate.energy)[:_AROUND]
        spread = self.atlas.z.std(axis=0)
        codes, origins = [], []
        for candidate in best:
            noise = _NOISE * spread * self.rng.standard_normal((_DRAWS, len(spread)))
            codes += list(candidate.z + noise)
            origins += [candidate.origin] * _DRAWS
        return np.array(codes, dtype=np.float32), np.array(origins)

    def _none(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((0, self.model.latent_dim), dtype=np.float32), np.zeros(0, dtype=int)

    # -- what is found there -------------------------------------------------------------------------------------

    def _look(self, z: np.ndarray, origins: np.ndarray) -> None:
        """Decode latent vectors (n, Z), and keep the crystals that have the composition and do not clash."""
        from xcrystal.model.choosing import contact_ratios

        if not len(z):
            return
        decoded = self.model.decode_arrays(z, choose=False)
        rows = [k for k, crystal in enumerate(decoded) if composition_of(crystal) == self.formula]
        ratios = contact_ratios([decoded[k] for k in rows]) if rows else np.zeros(0)
        rows = [k for k, ratio in zip(rows, ratios, strict=True) if ratio >= CLASH]
        if not rows:
            return
        codes = self.model.encode_canonical([decoded[k].crystal for k in rows])
        for k, code, energy in zip(rows, codes, self._energies(codes), strict=True):
            self.found.append(_Candidate(z[k], code, float(energy), int(origins[k])))

    def _energies(self, codes: np.ndarray) -> np.ndarray:
        if ENERGY in self.model.properties:
            return self.model.predict(codes)[ENERGY]
        return self.density.distances(codes)

    def _proposals(self, count: int, known: np.ndarray) -> list[Proposal]:
        """The best ones that differ from each other."""
        from xcrystal.crystal.matching import match_rms

        self.found.sort(key=lambda candidate: candidate.energy)
        kept: list[Proposal] = []
        # a few at a time: most of the best are the same crystal, and matching takes long
        for begin in range(0, len(self.found), _AT_ONCE):
            for proposal in self._finished(self.found[begin : begin + _AT_ONCE]):
                if all(match_rms(proposal.structure, other.structure) is None for other in kept):
                    kept.append(proposal)
            if len(kept) >= count:
                break
        kept = sorted(kept, key=lambda proposal: proposal.predicted.get(ENERGY, proposal.quantile))[:count]
        if not kept or not len(known):
            return kept
        ids = self.atlas.table["material_id"]
        decodes = self.model.decode(self.atlas.z[known])
        for k, proposal in enumerate(kept):
            rms = {row: match_rms(proposal.structure, s) for row, s in zip(known.tolist(), decodes, strict=True)}
            alike = {row: value for row, value in rms.items() if value is not None}
            if alike:
                kept[k] = replace(proposal, material_id=str(ids.iat[min(alike, key=lambda row: alike[row])]))
        return kept

    def _finished(self, candidates: list[_Candidate]) -> list[Proposal]:
        """Candidates decoded with all care: at their own code, or where that gives another crystal, where they were."""
        from xcrystal.generator import to_structure
        from xcrystal.model.choosing import contact_ratios

        both = np.concatenate([[c.code for c in candidates], [c.z for c in candidates]]).astype(np.float32)
        decoded = self.model.decode_arrays(both)
        sound = [composition_of(d) == self.formula for d in decoded]
        ratios = iter(contact_ratios([d for d, good in zip(decoded, sound, strict=True) if good]))
        sound = [good and next(ratios) >= CLASH for good in sound]
        places = [k if sound[k] else k + len(candidates) for k in range(len(candidates))]
        origins = [c.origin for c, place in zip(candidates, places, strict=True) if sound[place]]
        places = [place for place in places if sound[place]]
        if not places:
            return []
        codes = self.model.encode_canonical([decoded[place].crystal for place in places])
        predicted, deviations = known_properties(self.model, codes)
        quantiles = self.density.quantiles(codes)
        return [
            Proposal(
                z=both[place],
                structure=to_structure(decoded[place]),
                predicted={name: float(values[k]) for name, values in predicted.items()},
                deviations={name: float(values[k]) for name, values in deviations.items()},
                quantile=float(quantiles[k]),
                origin=self._name(origins[k]),
            )
            for k, place in enumerate(places)
        ]

    def _name(self, row: int) -> str:
        table = self.atlas.table
        return f"{table['formula'].iat[row]}, {table['material_id'].iat[row]}"


def prototypes(atlas: Atlas, formula: Formula, count: int = PROTOTYPES) -> list[tuple[int, dict[int, int]]]:
    """Known crystals of other formulas with the same pattern of counts, chemically nearest first.

    Returns
    -------
    list of tuple
        Row of the atlas, and what takes the place of each of its elements; not more than half of one space group.
    """
    places, shape = chemical_scale().astype(float), pattern(formula)
    orders, ranked = _orders(formula), []
    for row, other in enumerate(atlas_formulas(atlas)):
        if other is None or other == formula or pattern(other) != shape:
            continue
        given = sorted(other, key=lambda item: item[1])
        best = min(orders, key=lambda order: _strangeness(given, order, places))
        ranked.append((_strangeness(given, best, places), row, best, given))
    ranked.sort(key=lambda item: item[:2])
    groups = atlas.table["space_group"].to_numpy()
    taken: Counter[int] = Counter()
    kept: list[tuple[int, dict[int, int]]] = []
    for _, row, order, given in ranked:
        if len(kept) < count and taken[int(groups[row])] < max(1, count // 2):
            taken[int(groups[row])] += 1
            kept.append((row, {old[0]: new for old, new in zip(given, order, strict=True)}))
    return kept


def _orders(formula: Formula) -> list[tuple[int, ...]]:
    """The elements, sorted by count, in the orders that keep the counts; of very many the first."""
    wanted = sorted(formula, key=lambda item: item[1])
    counts = [n for _, n in wanted]
    kept = (tuple(z for z, _ in order) for order in permutations(wanted) if [n for _, n in order] == counts)
    return list(islice(kept, _ORDERS))


def composition_of(crystal: Decoded) -> Formula:
    """The reduced composition of a decoded crystal; () without atoms."""
    from xcrystal.crystal.tables import reduced_composition

    if not len(crystal.element):
        return ()
    return reduced_composition(np.repeat(crystal.element, crystal.crystal.multiplicities).tolist())


def known_properties(model: CrystalModel, z: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Predictions and their standard deviations; the latter are {} if the model knows none."""
    try:
        return model.predict(z, return_std=True)
    except CheckpointError:
        return model.predict(z), {}


def _strangeness(given: list[tuple[int, int]], order: tuple[int, ...], places: np.ndarray) -> float:
    """How far apart elements that replace each other are on the chemical scale."""
    return float(sum(abs(places[old[0]] - places[new]) for old, new in zip(given, order, strict=True)))


def _resized(crystal: Decoded, before: np.ndarray) -> Decoded:
    """With the cell's lengths scaled as the mean radius of its atoms, whose elements were ``before``."""
    weights = crystal.crystal.multiplicities
    now, then = (np.average(COVALENT_RADII[elements], weights=weights) for elements in (crystal.element, before))
    return replace(crystal, cell=crystal.cell * np.array([now / then] * 3 + [1.0] * 3))
