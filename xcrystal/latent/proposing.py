"""Structure prediction: given a formula, crystals with that composition, best first.

Latent space is searched where such crystals are likely: known crystals with the same pattern of counts and chemically
near elements have theirs exchanged for the wanted ones, are encoded, and decoded again, which is where the model says
how the new crystal would be. Where these are too few, so are latent vectors around them, and latent vectors that were
moved uphill the decoder's composition.

Proposals are ranked by the energy above hull predicted at their own latent vectors, plus a penalty for how far the
elements lie from those that they replace. The energy alone ranks badly: polymorphs often differ by less than the
model's error, and the lowest of many predictions is mostly the one most in error (``xcrystal evaluate proposals``
measures it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from itertools import islice, permutations
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.elements import chemical_scale
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT
from xcrystal.crystal.geometry.radii import covalent_radii
from xcrystal.errors import TargetError
from xcrystal.latent.compositions import Formula, parse_formula, pattern
from xcrystal.latent.density import Density

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas
    from xcrystal.model.decoded import Decoded

HULL, ENERGY = "e_above_hull", "formation_energy_per_atom"
STRANGE = 0.025  # eV/atom for each place on the chemical scale between an element and the one that it replaces
_UNRELATED = 20  # such places, for what begins from no crystal of the same pattern
_BESIDE = 5  # and for what lies beside a find
_KNOWN = 12  # known crystals of the formula that proposals are compared with
PROTOTYPES = 96  # known crystals whose elements are exchanged
_MOVED = 48  # latent vectors that are moved towards the composition
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
        Property name to value, at the latent vector of the crystal itself.
    intervals, nonzero
        The same, 90 % interval and probability of not being zero; empty if the model knows none.
    score
        What they are ranked by, eV/atom; lower is better.
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
    intervals: dict[str, tuple[float, float]]
    nonzero: dict[str, float]
    score: float
    quantile: float
    origin: str
    material_id: str | None = None


@dataclass(frozen=True, eq=False)
class _Candidate:
    z: np.ndarray
    code: np.ndarray  # of the crystal that z decodes to
    score: float
    strangeness: float
    origin: int  # row of the atlas


def propose(
    model: CrystalModel,
    atlas: Atlas,
    formula: str,
    count: int = 5,
    seed: int = 0,
    progress: Callable[[str], bool] | None = None,
) -> list[Proposal]:
    """Crystals with a composition, the most likely first.

    Parameters
    ----------
    model, atlas
        What decodes, and the known crystals that the search begins from.
    formula
        Such as "SrTiO3"; any number of formula units up to ``model.max_atoms`` atoms may be proposed.
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
        Without overlapping atoms; empty if nothing was found. A model that predicts no energies ranks without them.

    Raises
    ------
    ReadError
        If it is no formula, or none that the model can make.
    TargetError
        If ``count`` is less than 1.
    """
    if count < 1:
        raise TargetError(f"There is no list of {count} proposals.")
    return _Search(model, atlas, parse_formula(formula, model.max_atoms), seed).run(
        count, progress or (lambda words: True)
    )


def substituted(
    model: CrystalModel, atlas: Atlas, formula: Formula, count: int = PROTOTYPES
) -> list[tuple[Decoded, int]]:
    """Decodes of known crystals with the elements of a formula in the place of theirs, and the rows that they are of.

    The cells are resized by the covalent radii, and nothing else is changed; see ``prototypes`` for which they are.
    """
    pairs = prototypes(atlas, formula, count)
    if not pairs:
        return []
    decoded = model.decode_arrays(atlas.z[[row for row, _ in pairs]], effort="fast")
    found = []
    for crystal, (row, change) in zip(decoded, pairs, strict=True):
        if len(crystal.element) and set(crystal.element.tolist()) <= change.keys():
            elements = np.array([change[z] for z in crystal.element.tolist()])
            found.append((resized(replace(crystal, element=elements), crystal.element), row))
    return found


STAGES = 4
Places = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Latent vectors (n, Z), the rows of the atlas that they began from, and how strange the exchange of elements is."""


class _Search:
    """The search for one composition."""

    def __init__(self, model: CrystalModel, atlas: Atlas, formula: Formula, seed: int) -> None:
        self.model, self.atlas, self.formula = model, atlas, formula
        self.rng = np.random.default_rng(seed)
        self.density = Density.of(atlas)
        self.formulas = atlas.row_formulas
        self.found: list[_Candidate] = []

    def run(self, count: int, progress: Callable[[str], bool]) -> list[Proposal]:
        known = np.array([k for k, formula in enumerate(self.formulas) if formula == self.formula], dtype=int)
        self._look(self.atlas.z[known], known, np.zeros(len(known)))
        on = progress("known crystals")
        if on:
            self._look(*self._exchanged())
            on = progress("elements exchanged in known crystals")
        if on and len(self.found) < 2 * count:
            self._look(*self._moved())
            on = progress("codes moved towards the composition")
        if on and 0 < len(self.found) < 2 * count:
            self._look(*self._around())
        return self._proposals(count, known)

    # -- where to look -------------------------------------------------------------------------------------------

    def _exchanged(self) -> Places:
        """Codes of known crystals with the wanted elements in the place of theirs."""
        pairs = prototypes(self.atlas, self.formula)
        if not pairs:
            return self._none()
        rows = np.array([row for row, _ in pairs])
        decoded = self.model.decode_arrays(self.atlas.z[rows], effort="fast")
        exchanged, origins, strange = [], [], []
        places = chemical_scale().astype(float)
        for crystal, (row, change) in zip(decoded, pairs, strict=True):
            if len(crystal.element) and set(crystal.element.tolist()) <= change.keys():
                elements = np.array([change[z] for z in crystal.element.tolist()])
                exchanged.append(resized(replace(crystal, element=elements), crystal.element))
                origins.append(row)
                strange.append(sum(abs(places[old] - places[new]) for old, new in change.items()))
        if not exchanged:
            return self._none()
        return self.model.encode_canonical([c.crystal for c in exchanged]), np.array(origins), np.array(strange)

    def _moved(self) -> Places:
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
        fractions = torch.zeros(95, device=self.model.device, dtype=torch.float32)
        for z, share in wanted.items():
            fractions[z] = share
        with one_thread(), torch.inference_mode(False), torch.enable_grad():
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
            moved, rows = np.concatenate([moved, self.model.snap(moved, 0.2)]), np.concatenate([rows, rows])
        return moved, rows, np.full(len(rows), float(_UNRELATED))

    def _around(self) -> Places:
        """Places around the best that were found."""
        best = sorted(self.found, key=lambda candidate: candidate.score)[:_AROUND]
        spread = self.atlas.z.std(axis=0)
        codes, origins, strange = [], [], []
        for candidate in best:
            noise = _NOISE * spread * self.rng.standard_normal((_DRAWS, len(spread)))
            codes += list(candidate.z + noise)
            origins += [candidate.origin] * _DRAWS
            strange += [candidate.strangeness + _BESIDE] * _DRAWS
        return np.array(codes, dtype=np.float32), np.array(origins), np.array(strange)

    def _none(self) -> Places:
        return np.zeros((0, self.model.latent_dim), dtype=np.float32), np.zeros(0, dtype=int), np.zeros(0)

    # -- what is found there -------------------------------------------------------------------------------------

    def _look(self, z: np.ndarray, origins: np.ndarray, strangeness: np.ndarray) -> None:
        """Decode latent vectors (n, Z), and keep the crystals that have the composition and do not overlap."""
        from xcrystal.model.choosing import contact_ratios

        if not len(z):
            return
        decoded = self.model.decode_arrays(z, effort="fast")
        rows = [k for k, crystal in enumerate(decoded) if composition_of(crystal) == self.formula]
        ratios = contact_ratios([decoded[k] for k in rows]) if rows else np.zeros(0)
        rows = [k for k, ratio in zip(rows, ratios, strict=True) if ratio >= SHORT_CONTACT]
        if not rows:
            return
        codes = self.model.encode_canonical([decoded[k].crystal for k in rows])
        scores = self._scores(self.model.predict(codes), strangeness[rows])
        for k, code, score in zip(rows, codes, scores, strict=True):
            self.found.append(_Candidate(z[k], code, float(score), float(strangeness[k]), int(origins[k])))

    def _scores(self, predicted: dict[str, np.ndarray], strangeness: np.ndarray) -> np.ndarray:
        return STRANGE * strangeness + predicted.get(HULL, predicted.get(ENERGY, np.zeros(len(strangeness))))

    def _proposals(self, count: int, known: np.ndarray) -> list[Proposal]:
        """The best ones that differ from each other."""
        from xcrystal.crystal.geometry.matching import match_rms

        self.found.sort(key=lambda candidate: candidate.score)
        kept: list[Proposal] = []
        seen: set[Hashable] = set()
        # a few at a time: most of the best are the same crystal
        for begin in range(0, len(self.found), _AT_ONCE):
            for proposal, kind in self._finished(self.found[begin : begin + _AT_ONCE]):
                if len(kept) == count:
                    break
                # of those with the same atoms on the same positions the best will do, and matching takes long
                if kind not in seen and all(match_rms(proposal.structure, k.structure) is None for k in kept):
                    kept.append(proposal)
                seen.add(kind)
            if len(kept) == count:
                break
        kept.sort(key=lambda proposal: proposal.score)
        ids = self.atlas.table["material_id"]
        decodes = self.model.decode(self.atlas.z[known[:_KNOWN]]) if kept and len(known) else []
        for k, proposal in enumerate(kept):
            for row, structure in zip(known, decodes, strict=False):
                if match_rms(proposal.structure, structure) is not None:
                    kept[k] = replace(proposal, material_id=str(ids.iat[row]))
                    break
        return kept

    def _finished(self, candidates: list[_Candidate]) -> list[tuple[Proposal, Hashable]]:
        """Candidates decoded with all care: at their own latent vector, or where that gives another crystal, where they
        were.

        Each with its space group, number of atoms, and positions with their elements, best first.
        """
        from xcrystal.generator import to_structure
        from xcrystal.model.choosing import contact_ratios

        both = np.concatenate([[c.code for c in candidates], [c.z for c in candidates]]).astype(np.float32)
        decoded = self.model.decode_arrays(both)
        sound = [composition_of(d) == self.formula for d in decoded]
        ratios = iter(contact_ratios([d for d, good in zip(decoded, sound, strict=True) if good]))
        sound = [good and next(ratios) >= SHORT_CONTACT for good in sound]
        places = [k if sound[k] else k + len(candidates) for k in range(len(candidates))]
        chosen = [c for c, place in zip(candidates, places, strict=True) if sound[place]]
        places = [place for place in places if sound[place]]
        if not places:
            return []
        codes = self.model.encode_canonical([decoded[place].crystal for place in places])
        predicted = self.model.predict(codes)
        intervals, nonzero = self.model.known_intervals(codes), self.model.known_nonzero(codes)
        scores = self._scores(predicted, np.array([c.strangeness for c in chosen]))
        quantiles = self.density.quantiles(codes)
        found = [
            Proposal(
                z=both[place],
                structure=to_structure(decoded[place]),
                predicted={name: float(values[k]) for name, values in predicted.items()},
                intervals={name: (float(v[k, 0]), float(v[k, 1])) for name, v in intervals.items()},
                nonzero={name: float(values[k]) for name, values in nonzero.items()},
                score=float(scores[k]),
                quantile=float(quantiles[k]),
                origin=self._name(chosen[k].origin),
            )
            for k, place in enumerate(places)
        ]
        kinds = [_kind(decoded[place]) for place in places]
        return [(found[k], kinds[k]) for k in np.argsort(scores, kind="stable")]

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
    for row, other in enumerate(atlas.row_formulas):
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
    from xcrystal.crystal.collections.tables import reduced_composition

    if not len(crystal.element):
        return ()
    return reduced_composition(np.repeat(crystal.element, crystal.crystal.multiplicities).tolist())


def _kind(crystal: Decoded) -> Hashable:
    """What two crystals share that differ at most in their lattice and free coordinates."""
    sites = sorted(zip(crystal.letter.tolist(), crystal.element.tolist(), strict=True))
    return crystal.group, crystal.atoms, tuple(sites)


def _strangeness(given: list[tuple[int, int]], order: tuple[int, ...], places: np.ndarray) -> float:
    """How far apart elements that replace each other are on the chemical scale."""
    return float(sum(abs(places[old[0]] - places[new]) for old, new in zip(given, order, strict=True)))


def resized(crystal: Decoded, before: np.ndarray) -> Decoded:
    """With the cell's lengths scaled as the mean radius of its atoms; ``before`` (n,) were its elements."""
    weights = crystal.crystal.multiplicities
    now, then = (np.average(covalent_radii(elements), weights=weights) for elements in (crystal.element, before))
    return replace(crystal, cell=crystal.cell * np.array([now / then] * 3 + [1.0] * 3))
