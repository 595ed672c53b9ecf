"""Choosing among candidates: what the decoder says, held against two things that it cannot see itself.

The most probable crystal is kept unless there is reason to doubt it:

* two of its atoms overlap (a contact below 0.7 of the sum of covalent radii): then up to 28 crystals are drawn from the
  decoder (fewer of long ones), and of those without an overlap the one whose own latent vector lies nearest is
  taken; where all overlap, one that overlaps clearly less;
* a group, letter or element was uncertain (probability below 0.8): then the crystal is encoded again. A reconstruction
  has the latent vector that it was decoded from. Where it lies off, but not so far that no crystal is encoded near the
  latent vector, the six most probable exchanges of elements on its orbits are tried, twice, and one that brings it
  nearer by a twentieth is taken.

Where the model has a corrector, a search (``xcrystal.model.search``) takes the place of these exchanges and comes
first: it moves atoms as well, and asks a trained network what to change.

How much of this is done is the *effort*: "fast" is the most probable crystal alone, "normal" looks for better ones as
said above, and "thorough" goes on from there: it doubts every crystal, also those of latent vectors that are nobody's,
begins with many drawn crystals besides, searches longer, polishes what it finds, and compares it in canonical form.

Latent vectors are never changed: where no candidate is better, the most probable crystal is kept, overlap or not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contacts
from xcrystal.crystal.reading import check_structure
from xcrystal.crystal.symmetry.canonical import canonicalize
from xcrystal.crystal.symmetry.wyckoff import expand
from xcrystal.errors import XCrystalError
from xcrystal.model.correction import Corrector
from xcrystal.model.decoded import Decoded
from xcrystal.model.decoding import MAX_DRAWS, as_batch, draw_crystals, greedy_decode
from xcrystal.model.search import Found, SearchSettings, search
from xcrystal.model.tensors import cells_from_numbers
from xcrystal.model.vae import CrystalVAE

MOST_PROBABLE, NO_OVERLAP, NEARER = "most probable", "avoids an overlap", "nearer to the latent vector"
LESS_OVERLAP = "overlaps less"
CERTAIN = 0.8
DRAWS = (4, 8, 16)  # how many crystals are drawn where atoms of the most probable overlap, and where these overlap too
_MOST_ORBITS = 128  # drawn at once for one latent vector: long crystals take long, and many draws seldom help them
_ROUNDS, _SUBSTITUTIONS = 2, 6
# distances of latent vectors, in units of the root of their dimension: a reconstruction lies nearer than the first;
# what lies farther than the second was decoded from no crystal's latent vector, so that there is nothing to find
_FOUND, _LOST = 0.03, 0.45
_BETTER = 0.95
_CLEARLY = 0.1  # by which a contact must be longer, in sums of radii, to be preferred to the most probable one
_CHUNK = 256
_SEARCHED = 64  # latent vectors that are searched for at once, those of like length together


@dataclass(frozen=True)
class Effort:
    """How a search begins, with so many ``draws``, how long it takes, and whether it must ``verify`` what it finds."""

    draws: int
    verify: bool
    passes: int
    search: SearchSettings


NORMAL = Effort(0, False, 1, SearchSettings(rounds=6, beam=2, samples=2))
THOROUGH = Effort(
    24, True, 2, SearchSettings(rounds=8, patience=2, beam=6, samples=4, polish=4, exchanges=4, improved=2, passes=2)
)


def contact_ratios(crystals: list[Decoded]) -> np.ndarray:
    """(n,) shortest contacts, as shares of the sum of covalent radii; see ``crystal.contacts``."""
    atoms = expand([c.crystal for c in crystals])
    numbers = [c.element[a.orbit] for c, a in zip(crystals, atoms, strict=True)]
    found = shortest_contacts([a.cell for a in atoms], [a.points for a in atoms], numbers)
    return np.array([contact.ratio for contact in found])


@torch.no_grad()
def decode_best(
    model: CrystalVAE,
    z: Tensor,
    group: int | None = None,
    effort: str = "normal",
    corrector: Corrector | None = None,
    on_step: Callable[[], None] | None = None,
) -> list[Decoded]:
    """The best candidate for each latent vector (B, Z); ``chosen`` tells where it is not the most probable one.

    Parameters
    ----------
    group
        Space group number that all candidates shall have.
    effort
        Of ``xcrystal.model.decoded.EFFORTS``.
    corrector
        Of this model.
    on_step
        Called before each step of a search; what it raises ends it.
    """
    crystals = greedy_decode(model, z, group)
    if effort == "fast":
        return crystals
    ratios = contact_ratios(crystals)
    doubtful = (ratios < SHORT_CONTACT) | np.array([c.certainty < CERTAIN for c in crystals], dtype=bool)
    distances = np.zeros(len(crystals))
    rows = np.flatnonzero(doubtful)
    distances[rows] = _distances(model, [crystals[i] for i in rows], z[rows])
    scale = z.shape[1] ** 0.5
    if corrector is not None:
        rows = np.flatnonzero(doubtful & (distances > _FOUND * scale) & (distances < _LOST * scale))
        _search(model, corrector, z, crystals, distances, ratios, rows, NORMAL, group, on_step)
    first, orbits = 0, np.array([len(c.letter) for c in crystals])
    for count in DRAWS:
        overlapping = (ratios < SHORT_CONTACT) & (distances > _FOUND * scale)
        rows = np.flatnonzero(overlapping & (orbits * count <= _MOST_ORBITS))
        _draw(model, z, crystals, distances, ratios, rows, range(first, first + count), group)
        first += count
    if corrector is not None:
        if effort == "thorough":  # begins with what is found by now, so that it is never worse than that
            rows = np.flatnonzero(~doubtful)
            distances[rows] = _distances(model, [crystals[i] for i in rows], z[rows])
            rows = np.flatnonzero(distances > _FOUND * scale)
            _verify(model, crystals, distances, rows, z, group)
            _search(model, corrector, z, crystals, distances, ratios, rows, THOROUGH, group, on_step)
        return crystals
    rows = np.flatnonzero(doubtful & (distances > _FOUND * scale) & (distances < _LOST * scale))
    for _ in range(_ROUNDS):
        rows = _substitute(model, z, crystals, distances, ratios, rows)
    return crystals


def _search(
    model: CrystalVAE,
    corrector: Corrector,
    z: Tensor,
    crystals: list[Decoded],
    distances: np.ndarray,
    ratios: np.ndarray,
    rows: np.ndarray,
    how: Effort,
    group: int | None,
    on_step: Callable[[], None] | None,
) -> None:
    """Search for crystals nearer to the latent vectors of ``rows``, and take those that are."""
    near = _FOUND * z.shape[1] ** 0.5
    lengths = np.array([len(crystals[k].letter) for k in rows], dtype=int)
    rows = rows[np.argsort(lengths, kind="stable")]
    for i in range(0, len(rows), _SEARCHED):
        part = rows[i : i + _SEARCHED]
        starts, owner = [crystals[k] for k in part], np.arange(len(part))
        for turn in range(how.passes):
            live = np.flatnonzero(distances[part] > near)
            if not len(live):
                break
            if how.draws:
                draws = range(turn * how.draws, min((turn + 1) * how.draws, MAX_DRAWS))
                drawn = draw_crystals(model, z[part[live]], draws, other_groups=True, group=group)
                starts, owner = starts + drawn, np.concatenate([owner, np.repeat(live, len(draws))])
            kept = [k for k, start in enumerate(starts) if len(start.letter)]
            starts, owner = [starts[k] for k in kept], owner[kept]
            if not starts:
                break
            batch = as_batch(starts).to(z.device, z.dtype)
            owners = torch.from_numpy(owner).to(z.device)
            found = search(
                model, corrector, z[part], batch, owners, near, how.search, turn * how.search.rounds, on_step
            )
            candidates, owner, distance = _decoded(found, starts), found.owner, found.distance
            if how.verify:
                candidates, owner, distance = _verified(model, candidates, owner, z[part], group)
            shortest = contact_ratios(candidates)
            for k, candidate in enumerate(candidates):
                row = part[owner[k]]
                new = (distance[k] > near, shortest[k] < SHORT_CONTACT, distance[k])
                old = (distances[row] > near, ratios[row] < SHORT_CONTACT, _BETTER * distances[row])
                if new < old and not same_crystal(candidate, crystals[row]):
                    clear = shortest[k] >= SHORT_CONTACT > ratios[row]
                    crystals[row] = replace(candidate, chosen=NO_OVERLAP if clear else NEARER)
                    distances[row], ratios[row] = distance[k], shortest[k]
            # what was found needs no more, and the others go on from what came nearest
            goes_on = np.flatnonzero(distances[part[owner]] > near)
            starts, owner = [candidates[k] for k in goes_on], owner[goes_on]


def _verify(
    model: CrystalVAE, crystals: list[Decoded], distances: np.ndarray, rows: np.ndarray, z: Tensor, group: int | None
) -> None:
    """Put the crystals of ``rows`` into canonical form, and set their distances; infinite if they are no crystals."""
    found, owner, distance = _verified(model, [crystals[k] for k in rows], rows, z, group)
    distances[rows] = np.inf
    for crystal, row in zip(found, owner, strict=True):
        crystals[row] = crystal
    distances[owner] = distance


def _verified(
    model: CrystalVAE, candidates: list[Decoded], owner: np.ndarray, z: Tensor, group: int | None
) -> tuple[list[Decoded], np.ndarray, np.ndarray]:
    """Those that are crystals (of a space group), in canonical form, with their owners and distances from these.

    A search can end at a writing of a crystal that is not its canonical one, of a lower symmetry than the crystal has
    for instance. The encoder has never seen such, and their latent vectors mean nothing.
    """
    canonical, kept = [], []
    for k, candidate in enumerate(candidates):
        found = canonical_form(candidate)
        if found is not None and len(found.letter) <= model.config.max_orbits and group in (None, found.group):
            canonical.append(found)
            kept.append(k)
    rows = owner[kept]
    return canonical, rows, _distances(model, canonical, z[rows])


def canonical_form(crystal: Decoded) -> Decoded | None:
    """The same crystal as it would be read from a file; None if it could not be."""
    structure = crystal.crystal.to_structure()
    try:
        found = canonicalize(check_structure(structure))
    except XCrystalError:
        return None
    form = found.crystal
    _, atom = np.unique(found.orbit_of_atom, return_index=True)
    origin = np.asarray(structure.site_properties["orbit"])[atom]  # the orbit that each orbit comes from
    groups = dict(zip(crystal.likely_groups.tolist(), crystal.likely_groups_probability.tolist(), strict=True))
    same_group = form.space_group == crystal.group
    return replace(
        crystal,
        group=form.space_group,
        cell=form.lattice,
        atoms=int(form.multiplicities.sum()),
        letter=form.positions,
        element=form.elements,
        coordinates=form.coordinates,
        group_probability=crystal.group_probability if same_group else groups.get(form.space_group, 0.0),
        element_probability=crystal.element_probability[origin],
        likely=crystal.likely[origin],
        likely_probability=crystal.likely_probability[origin],
    )


def same_crystal(one: Decoded, other: Decoded) -> bool:
    """Whether two are the same crystal, numbers and all."""
    alike = one.group == other.group and np.array_equal(one.letter, other.letter)
    return bool(
        alike
        and np.array_equal(one.element, other.element)
        and np.allclose(one.coordinates, other.coordinates, atol=1e-4)
        and np.allclose(one.cell, other.cell, rtol=1e-4)
    )


def _decoded(found: Found, starts: list[Decoded]) -> list[Decoded]:
    """Candidates of a search with what the decoder said of the crystals that they came from."""
    batch = found.batch.to("cpu")
    elements, points = batch.element.numpy(), batch.coordinates.numpy().astype(float)
    atoms = np.array([starts[k].atoms for k in found.origin])
    cells = cells_from_numbers(batch.group.numpy(), batch.lattice.numpy().astype(float), atoms)
    candidates = []
    for k, origin in enumerate(found.origin):
        start = starts[origin]
        n = len(start.letter)
        likely = [
            dict(zip(e.tolist(), p, strict=True)) for e, p in zip(start.likely, start.likely_probability, strict=True)
        ]
        p = [likely[j].get(int(e), 0.0) for j, e in enumerate(elements[k, :n])]
        candidates.append(
            replace(
                start,
                cell=cells[k],
                element=elements[k, :n].copy(),
                coordinates=points[k, :n] % 1.0,
                element_probability=np.where(elements[k, :n] == start.element, start.element_probability, p),
            )
        )
    return candidates


def _draw(
    model: CrystalVAE,
    z: Tensor,
    crystals: list[Decoded],
    distances: np.ndarray,
    ratios: np.ndarray,
    rows: np.ndarray,
    draws: range,
    group: int | None,
) -> None:
    """Where the atoms of ``rows`` overlap, take the nearest drawn crystal whose atoms do not, if any."""
    if not len(rows):
        return
    drawn = draw_crystals(model, z[rows], draws, other_groups=draws.start > 0, group=group)
    drawn_ratios = contact_ratios(drawn).reshape(len(rows), len(draws))
    for place, row in enumerate(rows):
        if drawn_ratios[place].max() < SHORT_CONTACT:
            best = int(drawn_ratios[place].argmax())
            if drawn_ratios[place, best] > ratios[row] + _CLEARLY:
                crystals[row] = replace(drawn[place * len(draws) + best], chosen=LESS_OVERLAP)
                ratios[row], distances[row] = drawn_ratios[place, best], np.inf
    possible = np.flatnonzero(drawn_ratios.ravel() >= SHORT_CONTACT)
    owners = rows[possible // len(draws)]
    found = _distances(model, [drawn[k] for k in possible], z[owners])
    for k, owner, distance in zip(possible, owners, found, strict=True):
        if ratios[owner] < SHORT_CONTACT or distance < distances[owner]:
            crystals[owner] = replace(drawn[k], chosen=NO_OVERLAP)
            distances[owner], ratios[owner] = distance, drawn_ratios.ravel()[k]


def _substitute(
    model: CrystalVAE,
    z: Tensor,
    crystals: list[Decoded],
    distances: np.ndarray,
    ratios: np.ndarray,
    rows: np.ndarray,
) -> np.ndarray:
    """Try other elements on the crystals of ``rows``; those that came nearer to their latent vector are returned."""
    candidates, owners = [], []
    for row in rows:
        for candidate in substitutions(crystals[row], _SUBSTITUTIONS):
            candidates.append(candidate)
            owners.append(row)
    if not owners:
        return rows[:0]
    improved = []
    found = _distances(model, candidates, z[np.array(owners)])
    for k in np.argsort(found, kind="stable"):
        row = owners[k]
        if row in improved or found[k] > _BETTER * distances[row]:
            continue
        ratio = contact_ratios([candidates[k]])[0]
        if ratio < min(SHORT_CONTACT, ratios[row]):
            continue
        why = crystals[row].chosen if crystals[row].chosen != MOST_PROBABLE else NEARER
        crystals[row], distances[row], ratios[row] = replace(candidates[k], chosen=why), found[k], ratio
        improved.append(row)
    return np.array(sorted(improved), dtype=int)


def substitutions(crystal: Decoded, count: int) -> list[Decoded]:
    """The ``count`` most probable crystals with other elements on the same orbits, most probable first.

    One orbit gets another of its likely elements, two orbits exchange theirs, or one element is replaced everywhere.
    """
    likely = [
        dict(zip(elements.tolist(), np.log(np.maximum(p, 1e-9)), strict=True))
        for elements, p in zip(crystal.likely, crystal.likely_probability, strict=True)
    ]
    unlikely = np.log(3e-4)
    own = np.log(np.maximum(crystal.element_probability, 1e-9))
    orbits = range(len(crystal.element))
    changes: dict[tuple[int, ...], float] = {}

    def propose(change: dict[int, int]) -> None:
        elements = crystal.element.copy()
        for orbit, element in change.items():
            elements[orbit] = element
        cost = sum(own[k] - likely[k].get(element, unlikely) for k, element in change.items())
        key = tuple(elements.tolist())
        changes[key] = min(cost, changes.get(key, np.inf))

    for k in orbits:
        for element in likely[k]:
            if element > 0 and element != crystal.element[k]:
                propose({k: element})
    for i, k in combinations(orbits, 2):
        one, other = int(crystal.element[i]), int(crystal.element[k])
        if one != other:
            propose({i: other, k: one})
    for old in np.unique(crystal.element):
        places: list[int] = np.flatnonzero(crystal.element == old).tolist()
        if len(places) > 1:
            for element in {e for k in places for e in likely[k] if e > 0 and e != old}:
                propose({k: int(element) for k in places})
    best = sorted(changes, key=lambda key: changes[key])[:count]
    return [_with_elements(crystal, np.array(elements), likely) for elements in best]


def _with_elements(crystal: Decoded, elements: np.ndarray, likely: list[dict[int, float]]) -> Decoded:
    p = [np.exp(likely[k].get(int(element), -np.inf)) for k, element in enumerate(elements)]
    same = elements == crystal.element
    return replace(crystal, element=elements, element_probability=np.where(same, crystal.element_probability, p))


def _distances(model: CrystalVAE, crystals: list[Decoded], z: Tensor) -> np.ndarray:
    """(n,) distances between the crystals' latent vectors and latent vectors (n, Z)."""
    found = np.zeros(len(crystals))
    # crystals of like length together, so that little is padded
    order = np.argsort([len(c.letter) for c in crystals], kind="stable")
    order = order[[len(crystals[k].letter) > 0 for k in order]]
    for i in range(0, len(order), _CHUNK):
        rows = order[i : i + _CHUNK]
        mean, _ = model.posterior(as_batch([crystals[k] for k in rows]).to(z.device, z.dtype))
        found[rows] = (mean - z[rows]).norm(dim=1).float().cpu().numpy()
    return found
