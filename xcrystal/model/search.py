"""Search for the crystal whose latent vector is the one wanted.

Decoding is an inverse problem whose answer can be checked: the encoder tells what latent vector a candidate has. A
search keeps the few candidates of each latent vector that lie nearest to it. In each round a trained network proposes
what to change in them (``xcrystal.model.correction``): all of what it would change, the elements or the geometry alone,
only the orbits that it is most sure of, and some corrections drawn at random. All are encoded, and the nearest kept,
until one is as near as a reconstruction or nothing comes nearer. A longer search also polishes free coordinates and
lattice by damped Gauss-Newton steps (Levenberg, Q. Appl. Math. 2, 164, 1944) with numerical derivatives, and tries
other elements on several orbits at once (``xcrystal.model.exchange``).

Nothing that is drawn depends on what else is searched for in the same call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from xcrystal.model.correction import Corrector
from xcrystal.model.exchange import exchange_elements
from xcrystal.model.tensors import LATTICE_SIZE, Batch
from xcrystal.model.vae import N_ELEMENTS, CrystalVAE
from xcrystal.model.wyckoff_tables import position_tables

_NOISE_SEED = 21
_MOST_SAMPLES = 16
_BETTER = 0.97  # of the distance before is what counts as nearer
_CHUNK = 256
# steps of numerical derivatives: fractional coordinates, and lattice numbers
_COORDINATE_STEP, _LATTICE_STEP = 2e-3, 1e-2
_DAMPING = (1e-2, 0.3, 3.0)
_LONGEST_STEP = 0.15
_MOST_COSINE = 0.9  # of an angle, as in cells_from_numbers: what is encoded is what is returned
_POLISHED = 9  # what lies farther off than so many times the distance of what is found is not worth a polish


@dataclass(frozen=True)
class SearchSettings:
    """How long a search takes.

    Attributes
    ----------
    rounds
        At most; a search also ends after ``patience`` rounds in which nothing came nearer.
    beam
        Candidates of each latent vector that are kept.
    samples
        Corrections of each candidate that are drawn at random in each round.
    polish
        Gauss-Newton steps after the rounds.
    exchanges
        Rounds of exchanges of elements (``xcrystal.model.exchange``) after that.
    improved
        Candidates of each latent vector that are polished and have their elements exchanged.
    passes
        How often all this is gone through: a candidate that lies nearer tells the corrector more.
    """

    rounds: int = 6
    patience: int = 2
    beam: int = 2
    samples: int = 2
    polish: int = 0
    exchanges: int = 0
    improved: int = 1
    passes: int = 1


@dataclass(frozen=True, eq=False)
class Found:
    """Candidates of a search, those of one latent vector nearest first.

    Attributes
    ----------
    batch
        n crystals.
    owner
        (n,) the latent vector that each belongs to; ``origin`` (n,) the start that it came from.
    distance
        (n,) between its own latent vector and the one wanted.
    """

    batch: Batch
    owner: np.ndarray
    origin: np.ndarray
    distance: np.ndarray


class _Pool:
    """Candidates with their latent vectors."""

    def __init__(self, batch: Batch, owner: Tensor, origin: Tensor, code: Tensor, distance: Tensor) -> None:
        self.batch, self.owner, self.origin, self.code, self.distance = batch, owner, origin, code, distance

    def rows(self, which: Tensor) -> _Pool:
        return _Pool(self.batch[which], self.owner[which], self.origin[which], self.code[which], self.distance[which])

    def best(self, count: int, rows: int) -> _Pool:
        """The ``count`` nearest of each of ``rows`` latent vectors; equally near ones count once."""
        order = torch.argsort(self.distance, stable=True)
        order = order[torch.argsort(self.owner[order], stable=True)]
        owner, distance = self.owner[order], self.distance[order]
        again = torch.zeros_like(owner, dtype=torch.bool)
        again[1:] = (owner[1:] == owner[:-1]) & (distance[1:] - distance[:-1] < 1e-5)
        order, owner = order[~again], owner[~again]
        counts = torch.bincount(owner, minlength=rows)
        first = counts.cumsum(0) - counts
        place = torch.arange(len(owner), device=owner.device) - first[owner]
        return self.rows(order[place < count])

    def joined(self, other: _Pool) -> _Pool:
        return _Pool(
            _joined([self.batch, other.batch]),
            torch.cat([self.owner, other.owner]),
            torch.cat([self.origin, other.origin]),
            torch.cat([self.code, other.code]),
            torch.cat([self.distance, other.distance]),
        )


@torch.no_grad()
def search(
    network: CrystalVAE,
    corrector: Corrector,
    z: Tensor,
    starts: Batch,
    owner: Tensor,
    near: float,
    how: SearchSettings,
    first: int = 0,
    on_step: Callable[[], None] | None = None,
) -> Found:
    """Search from ``starts`` (n crystals of the latent vectors ``owner`` (n,) of ``z`` (R, Z)).

    Parameters
    ----------
    near
        Distance at which a crystal counts as found.
    how
        How long to search.
    first
        Number of the first round: each draws other corrections.
    on_step
        Called before each step, of some hundredths of a second; what it raises ends the search.

    Returns
    -------
    Found
        The nearest candidates of each latent vector, among them its start where nothing nearer was found.
    """
    R = len(z)
    code = encode(network, starts)
    pool = _Pool(starts, owner, torch.arange(len(owner), device=z.device), code, (code - z[owner]).norm(dim=1))
    pool = pool.best(how.beam, R)
    going = torch.ones(R, dtype=torch.bool, device=z.device)
    for number in range(how.passes):
        before = _nearest(pool, R)
        pool = _corrected(network, corrector, pool, z, near, how, first + number * how.rounds, going, on_step)
        if how.polish or how.exchanges:
            pool = _improved(network, pool, z, near, how, going, on_step)
        after = _nearest(pool, R)
        # each for itself: whether others go on must not matter
        going = (after > near) & (after < _BETTER * before)
        if not bool(going.any()):
            break
    numbers = (pool.owner.cpu().numpy(), pool.origin.cpu().numpy(), pool.distance.float().cpu().numpy())
    return Found(pool.batch, *numbers)


def _corrected(
    network: CrystalVAE,
    corrector: Corrector,
    pool: _Pool,
    z: Tensor,
    near: float,
    how: SearchSettings,
    first: int,
    going: Tensor,
    on_step: Callable[[], None] | None,
) -> _Pool:
    """The nearest candidates after rounds of corrections, whose draws begin with the ``first``, of those ``going``."""
    R = len(z)
    waited = torch.zeros(R, dtype=torch.long, device=z.device)
    for turn in range(first, first + how.rounds):
        nearest = _nearest(pool, R)
        active = going & (nearest > near) & (waited < how.patience) & torch.isfinite(nearest)
        some = pool.rows(active[pool.owner])
        if not len(some.owner):
            break
        if on_step is not None:
            on_step()
        proposals = propose(network, corrector, some.batch, some.code, z[some.owner], how.samples, turn)
        copies = len(proposals) // len(some.owner)
        owners = some.owner.repeat(copies)
        codes = encode(network, proposals)
        new = _Pool(proposals, owners, some.origin.repeat(copies), codes, (codes - z[owners]).norm(dim=1))
        pool = pool.joined(new).best(how.beam, R)
        came = _nearest(pool, R) < _BETTER * nearest
        waited = torch.where(came, 0, waited + 1)
    return pool


def encode(network: CrystalVAE, batch: Batch) -> Tensor:
    """(n, Z) latent vectors, crystals of like length together so that little is padded."""
    lengths = batch.mask.sum(dim=1)
    order = torch.argsort(lengths, stable=True)
    code = torch.empty(len(batch), network.config.latent_dim, device=lengths.device, dtype=batch.lattice.dtype)
    for rows in order.split(_CHUNK) if len(order) else ():
        longest = int(lengths[rows[-1]])
        code[rows] = network.posterior(_cut(batch[rows], longest))[0]
    return code


@torch.no_grad()
def propose(
    network: CrystalVAE, corrector: Corrector, batch: Batch, code: Tensor, z: Tensor, samples: int, turn: int = 0
) -> Batch:
    """Propose corrected crystals, 4 + ``samples`` of each of n candidates: the first n have the first kind, and so on.

    Parameters
    ----------
    batch, code, z
        The candidates, their latent vectors (n, Z), and those that they are to come near (n, Z).
    """
    found = corrector(network, batch, code, z)
    noise = _noise(network.config.max_orbits, corrector.bins)
    T = batch.letter.shape[1]
    free = network.embed.free[network.embed.rows(batch.group, batch.letter)] & batch.mask[..., None]
    lattice = _possible(batch.group, found.lattice * network.lattice_std + network.lattice_mean)
    logits = found.element
    logits[..., 0] = float("-inf")
    sure = torch.where(batch.mask, logits.log_softmax(dim=-1).max(dim=-1).values, float("inf"))
    elements = torch.where(batch.mask, logits.argmax(dim=-1), 0)
    points, certainty = _points(network, corrector, found.state, elements, free, batch.coordinates, None)
    sure = sure + certainty
    every = replace(batch, lattice=lattice, element=elements, coordinates=points)
    named = replace(batch, element=elements)
    placed, _ = _points(network, corrector, found.state, batch.element, free, batch.coordinates, None)
    moved = replace(batch, lattice=lattice, coordinates=placed)
    changes = (elements != batch.element) | ((points - batch.coordinates + 0.5) % 1 - 0.5).abs().amax(dim=-1).gt(0.02)
    doubt = torch.where(changes & batch.mask, sure, float("-inf"))
    # of the orbits that change, the half that it is most sure of
    order = doubt.argsort(dim=1, descending=True).argsort(dim=1)
    half = (order < (changes.sum(dim=1, keepdim=True) + 1) // 2) & changes & batch.mask
    partly = replace(
        batch,
        lattice=lattice,
        element=torch.where(half, elements, batch.element),
        coordinates=torch.where(half[..., None], points, batch.coordinates),
    )
    proposals = [every, named, moved, partly]
    for k in range(samples):
        draw = (turn * samples + k) % _MOST_SAMPLES
        gumbel, axes = noise[0][draw, :T].to(logits.device), noise[1][draw, :T].to(logits.device)
        drawn = torch.where(batch.mask, (logits + gumbel).argmax(dim=-1), 0)
        places, _ = _points(network, corrector, found.state, drawn, free, batch.coordinates, axes)
        proposals.append(replace(batch, lattice=lattice, element=drawn, coordinates=places))
    return _joined(proposals)


def _points(
    network: CrystalVAE,
    corrector: Corrector,
    state: Tensor,
    elements: Tensor,
    free: Tensor,
    given: Tensor,
    noise: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Free coordinates (n, T, 3), and the log-probability (n, T) of their bins; noise (T, 3, bins)."""
    state = corrector.with_elements(state, network.embed.elements(elements))
    chosen, certainty = [], torch.zeros_like(state[..., 0])
    for axis in range(3):
        if not bool(free[..., axis].any()):
            chosen.append(given[..., axis])
            continue
        logits = corrector.axes[axis](state)
        index = (logits if noise is None else logits + noise[:, axis]).argmax(dim=-1, keepdim=True)
        offset = corrector.residual[axis](state).gather(-1, index)[..., 0].clamp(-1, 1)
        value = (index[..., 0] + offset / 2) / corrector.bins % 1.0
        value = torch.where(free[..., axis], value, given[..., axis])
        own = logits.log_softmax(dim=-1).gather(-1, index)[..., 0]
        certainty = certainty + torch.where(free[..., axis], own, 0.0)
        chosen.append(value)
        if axis < 2:
            state = corrector.with_axis(state, axis, value, free[..., axis])
    return torch.stack(chosen, dim=-1), certainty


@cache
def _noise(orbits: int, bins: int) -> tuple[Tensor, Tensor]:
    """Gumbel noise of drawn corrections: (16, T, 95) and (16, T, 3, bins)."""
    rng = np.random.default_rng(_NOISE_SEED)
    sizes = ((_MOST_SAMPLES, orbits, N_ELEMENTS), (_MOST_SAMPLES, orbits, 3, bins))
    one, other = (torch.from_numpy(rng.gumbel(size=size).astype(np.float32)) for size in sizes)
    return one, other


def _possible(group: Tensor, lattice: Tensor) -> Tensor:
    """Lattice numbers (n, 7) with what symmetry fixes."""
    tables = position_tables()
    index = group.cpu().numpy()
    tie, angles = torch.from_numpy(tables.tie[index]), torch.from_numpy(tables.free_angles[index])
    fixed = torch.from_numpy(tables.fixed_cosines[index]).to(lattice)
    logs = torch.einsum("bij,bj->bi", tie.to(lattice), lattice[:, 1:4])
    logs = logs - logs.mean(dim=1, keepdim=True)
    cosines = torch.where(angles.to(lattice.device), lattice[:, 4:].clamp(-_MOST_COSINE, _MOST_COSINE), fixed)
    return torch.cat([lattice[:, :1], logs, cosines], dim=1)


def _nearest(pool: _Pool, rows: int) -> Tensor:
    """(rows,) distance of the nearest candidate of each latent vector; infinite where there is none."""
    start = torch.full((rows,), float("inf"), device=pool.distance.device, dtype=pool.distance.dtype)
    return start.scatter_reduce(0, pool.owner, pool.distance, reduce="amin")


def _cut(batch: Batch, orbits: int) -> Batch:
    """The first orbits of each crystal, of which there are no more."""
    return replace(
        batch,
        letter=batch.letter[:, :orbits],
        element=batch.element[:, :orbits],
        coordinates=batch.coordinates[:, :orbits],
    )


def _joined(batches: list[Batch]) -> Batch:
    longest = max(b.letter.shape[1] for b in batches)
    padded = []
    for b in batches:
        missing = longest - b.letter.shape[1]
        if missing:
            b = replace(
                b,
                letter=F.pad(b.letter, (0, missing), value=-1),
                element=F.pad(b.element, (0, missing)),
                coordinates=F.pad(b.coordinates, (0, 0, 0, missing)),
            )
        padded.append(b)
    return Batch(*(torch.cat([getattr(b, f.name) for b in padded]) for f in fields(Batch)))


def _improved(
    network: CrystalVAE,
    pool: _Pool,
    z: Tensor,
    near: float,
    how: SearchSettings,
    going: Tensor,
    on_step: Callable[[], None] | None,
) -> _Pool:
    """The nearest candidates of those ``going`` polished, their elements exchanged, and polished again."""
    some = pool.best(how.improved, len(z))
    every = pool
    for row in torch.nonzero(going[some.owner] & (some.distance > 0.1 * near))[:, 0].tolist():
        if on_step is not None:
            on_step()
        here = some.rows(torch.tensor([row], device=z.device))
        here.batch = _cut(here.batch, int(here.batch.mask.sum()))
        wanted = z[here.owner[0]]
        if here.distance[0] < _POLISHED * near:
            here = _polished(network, here, wanted, how.polish)
        if how.exchanges and here.distance[0] > near:
            before = here.distance[0]
            crystal, code, distance = exchange_elements(network, here.batch, here.code[0], wanted, near, how.exchanges)
            here = _Pool(crystal, here.owner, here.origin, code[None], distance[None])
            if distance < before and distance < _POLISHED * near:
                here = _polished(network, here, wanted, how.polish)
        every = every.joined(here)
    return every.best(how.beam, len(z))


def _polished(network: CrystalVAE, here: _Pool, z: Tensor, steps: int) -> _Pool:
    """One candidate, without padding, after Gauss-Newton steps towards ``z`` (Z,) that bring it nearer."""
    batch = here.batch
    moves = _moves(network, batch)
    code, distance = here.code[0], here.distance[0]
    for _ in range(steps):
        jacobian = (
            network.posterior(_moved(batch, moves, torch.eye(len(moves[0]), device=z.device, dtype=z.dtype)))[0] - code
        )
        gram, slope = jacobian @ jacobian.T, jacobian @ (z - code)
        tried = []
        for damping in _DAMPING:
            matrix = gram + damping * torch.diag(gram.diagonal() + 1e-6)
            step = torch.linalg.solve(matrix, slope)
            step = step * (_LONGEST_STEP / (step.abs() * moves[2]).max().clamp(min=_LONGEST_STEP))
            tried += [step, step / 2]
        candidates = _moved(batch, moves, torch.stack(tried))
        codes = network.posterior(candidates)[0]
        distances = (codes - z).norm(dim=1)
        best = int(distances.argmin())
        if distances[best] >= distance:
            break
        nearly = distances[best] > 0.98 * distance
        batch, code, distance = candidates[torch.tensor([best])], codes[best], distances[best]
        if nearly:
            break
    return _Pool(batch, here.owner, here.origin, code[None], distance[None])


def _moves(network: CrystalVAE, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Directions in which a crystal is free: of its coordinates (p, T, 3), lattice numbers (p, 7), and their sizes."""
    free = (network.embed.free[network.embed.rows(batch.group, batch.letter)] & batch.mask[..., None])[0]
    T = free.shape[0]
    places = torch.nonzero(free)
    coordinates = torch.zeros(len(places), T, 3, dtype=torch.float32)
    for k, (orbit, axis) in enumerate(places.tolist()):
        coordinates[k, orbit, axis] = _COORDINATE_STEP
    tables, group = position_tables(), int(batch.group[0])
    lattices = [np.eye(LATTICE_SIZE)[0]]
    shapes = tables.tie[group] @ np.array([[1.0, 0, -1], [1, -2, 1]]).T
    shapes = shapes - shapes.mean(axis=0)
    u, size, _ = np.linalg.svd(shapes, full_matrices=False)
    lattices += [np.concatenate([[0], u[:, k], [0, 0, 0]]) for k in range(len(size)) if size[k] > 1e-6]
    lattices += [np.eye(LATTICE_SIZE)[4 + k] for k in range(3) if tables.free_angles[group][k]]
    lattice = torch.from_numpy(np.array(lattices, dtype=np.float32)) * _LATTICE_STEP
    none = torch.zeros(len(lattice), T, 3, dtype=torch.float32)
    return (
        torch.cat([coordinates, none]).to(batch.lattice),
        torch.cat([torch.zeros(len(places), LATTICE_SIZE, dtype=torch.float32), lattice]).to(batch.lattice),
        torch.cat([torch.full((len(places),), _COORDINATE_STEP), torch.full((len(lattice),), _LATTICE_STEP)]).to(
            batch.lattice
        ),
    )


def _moved(batch: Batch, moves: tuple[Tensor, Tensor, Tensor], steps: Tensor) -> Batch:
    """A crystal moved by ``steps`` (k, p) along its p directions."""
    k = len(steps)
    one = batch[torch.zeros(k, dtype=torch.long, device=steps.device)]
    coordinates = (one.coordinates + torch.einsum("kp,ptc->ktc", steps, moves[0])) % 1.0
    lattice = one.lattice + steps @ moves[1]
    lattice[:, 4:] = lattice[:, 4:].clamp(-_MOST_COSINE, _MOST_COSINE)
    return replace(one, coordinates=coordinates, lattice=lattice)
