"""Decoding a batch of latent vectors: one network step per orbit, keys of earlier steps kept.

Every step takes the most probable choice, or draws one: then noise from the Gumbel distribution is added to the
log-probabilities (E. J. Gumbel, 1954), the same for every crystal with the same number of draw, so that what a latent
vector gives does not depend on what else is decoded with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from xcrystal.model.decoded import Decoded
from xcrystal.model.tensors import Batch, batch_of, cells_from_numbers
from xcrystal.model.vae import N_ELEMENTS, Config, CrystalVAE
from xcrystal.model.wyckoff_tables import MAX_LETTERS

RUNNERS_UP = 4
MAX_DRAWS = 32
_DRAW_SEED = 20
_COORDINATE_TEMPERATURE = 0.5
LETTER, ELEMENT = "letter", "element"
Forced = Mapping[tuple[str, int], int]
"""What is taken instead of the most probable: ("letter", 0) or ("element", 0), of an orbit, to a number."""
_NOTHING: Forced = {}


def as_batch(crystals: list[Decoded]) -> Batch:
    """Decoded crystals as the encoder reads them."""
    return batch_of([c.crystal for c in crystals])


@torch.no_grad()
def greedy_decode(
    model: CrystalVAE, z: Tensor, group: int | None = None, forced: Forced | None = None
) -> list[Decoded]:
    """The most probable crystal for each latent vector (B, Z), step by step; of a space group, if one is given.

    Choices that are ``forced`` are taken instead of the most probable ones; they must be possible there.
    """
    return _decode(model, z, _space_groups(model, z, None, group), None, forced=forced or _NOTHING)


@torch.no_grad()
def draw_crystals(
    model: CrystalVAE, z: Tensor, draws: range, other_groups: bool = False, group: int | None = None
) -> list[Decoded]:
    """Crystals drawn from the decoder, for each latent vector (B, Z) those with the numbers ``draws`` (K below 32).

    They have the most probable space group, or the one that is given, or with ``other_groups`` one that is drawn too;
    B * K in all.
    """
    numbers = torch.tensor(draws, device=z.device)
    if other_groups and group is None:
        z, numbers = z.repeat_interleave(len(draws), dim=0), numbers.repeat(len(z))
        return _decode(model, z, _space_groups(model, z, numbers), numbers)
    return _decode(model, z, _space_groups(model, z, None, group), numbers.repeat(len(z)), len(draws))


class _Groups(NamedTuple):
    """Space groups (B,) that are taken and their probabilities (B,); the most probable ones, and theirs (B, 4)."""

    number: Tensor
    probability: Tensor
    likely: Tensor
    likely_probability: Tensor


def _space_groups(model: CrystalVAE, z: Tensor, draws: Tensor | None, forced: int | None = None) -> _Groups:
    logits = model.decoder.group(z)
    logits[:, 0] = float("-inf")
    noise = _NONE if draws is None else _noise(model.config.bins, model.config.max_orbits).to(z.device)
    group = _pick(logits, noise.group, draws, forced)
    p = logits.softmax(dim=-1)
    best = p.topk(RUNNERS_UP, dim=-1)
    return _Groups(group, p.gather(1, group[:, None])[:, 0], best.indices, best.values)


def _decode(
    model: CrystalVAE, z: Tensor, groups: _Groups, draws: Tensor | None, copies: int = 1, forced: Forced = _NOTHING
) -> list[Decoded]:
    """Decode ``copies`` of latent vectors (B, Z) in space groups; ``draws`` (B * copies,) are the numbers of noise."""
    decoder, most = model.decoder, model.config.max_orbits
    noise = _NONE if draws is None else _noise(decoder.config.bins, decoder.config.max_orbits).to(z.device)
    x, past = _before_orbits(model, z, groups.number)
    if copies > 1:  # what stands before the first orbit is the same for all of them
        x, z = (_repeat(t, copies) for t in (x, z))
        groups = _Groups(*(_repeat(t, copies) for t in groups))
        past = [(_repeat(keys, copies), _repeat(values, copies)) for keys, values in past]
    kept = _Kept(len(z), decoder.config, z)
    live = _Unfinished.begin(model, z, groups.number, draws, past)
    for step in range(most + 1):
        here = noise.at(step)
        h = decoder.norm(x[:, -1:])
        letter = _next_letter(model, live, h, here.letter, kept, forced.get((LETTER, step)))
        stops = (letter[:, 0] == MAX_LETTERS) | (step == most)
        if bool(stops.any()):
            kept.final[live.rows[stops]] = h[stops, 0]
            on = ~stops
            if not bool(on.any()):
                break
            live, h, letter = live.where(on), h[on], letter[on]
        x = _next_orbit(model, live, step, h, letter, here, kept, forced.get((ELEMENT, step)))
    numbers = decoder.lattice_numbers(kept.final, z) * model.lattice_std + model.lattice_mean
    return kept.decoded(groups, numbers)


_Past = list[tuple[Tensor, Tensor]]  # keys and values of each block (C, heads, tokens, width / heads)


def _repeat(tensor: Tensor, copies: int) -> Tensor:
    return tensor.repeat_interleave(copies, dim=0)


def _before_orbits(model: CrystalVAE, z: Tensor, group: Tensor) -> tuple[Tensor, _Past]:
    """Let the blocks read what stands before the first orbit: their output (B, P + 1, W), and its keys and values."""
    past: _Past = []
    x = model.decoder.start(z, group)
    for block in model.decoder.blocks:
        x, keys = block(x)
        past.append(keys)
    return x, past


@dataclass
class _Unfinished:
    """The C crystals of a batch that may still get orbits.

    Attributes
    ----------
    rows, z, group, composition
        (C,) their rows in the batch, (C, Z) latent vectors, (C,) space groups and (C, 95) composition logits.
    draws
        (C,) numbers of their noise; None where the most probable choices are taken.
    last, atoms
        (C, 1) the last letter, -1 at the start, and how many atoms there are.
    past
        What was read so far.
    """

    rows: Tensor
    z: Tensor
    group: Tensor
    composition: Tensor
    draws: Tensor | None
    last: Tensor
    atoms: Tensor
    past: _Past

    @classmethod
    def begin(cls, model: CrystalVAE, z: Tensor, group: Tensor, draws: Tensor | None, past: _Past) -> _Unfinished:
        """All crystals of a batch, without any orbits."""
        last = torch.full((len(z), 1), -1, dtype=torch.long, device=z.device)
        rows = torch.arange(len(z), device=z.device)
        composition = model.decoder.composition(z)
        return cls(rows, z, group, composition, draws, last, torch.zeros_like(last), past)

    def where(self, on: Tensor) -> _Unfinished:
        """Those for which ``on`` (C,) is true."""
        return _Unfinished(
            rows=self.rows[on],
            z=self.z[on],
            group=self.group[on],
            composition=self.composition[on],
            draws=None if self.draws is None else self.draws[on],
            last=self.last[on],
            atoms=self.atoms[on],
            past=[(keys[on], values[on]) for keys, values in self.past],
        )


def _next_letter(
    model: CrystalVAE, live: _Unfinished, h: Tensor, noise: Tensor | None, kept: _Kept, forced: int | None
) -> Tensor:
    """(C, 1) the next Wyckoff letters, or the end, from states (C, 1, W); their probabilities are kept."""
    decoder = model.decoder
    logits = decoder.letter_logits(h, live.group, decoder.allowed(live.group, live.last, live.atoms))[:, 0]
    letter = _pick(logits, noise, live.draws, forced)[:, None]
    probability = logits.softmax(dim=-1).gather(1, letter)[:, 0]
    kept.letter_probability[live.rows] = torch.minimum(kept.letter_probability[live.rows], probability)
    return letter


def _next_orbit(
    model: CrystalVAE,
    live: _Unfinished,
    step: int,
    h: Tensor,
    letter: Tensor,
    noise: _Noise,
    kept: _Kept,
    forced: int | None,
) -> Tensor:
    """Put elements and coordinates on the letters (C, 1), keep the orbits, and read them: states (C, 1, W)."""
    decoder, embed = model.decoder, model.embed
    rows = embed.rows(live.group, letter)
    state = h + embed.all_positions()[rows]
    logits = decoder.element_logits(state, live.composition)[:, 0]
    element = _pick(logits, noise.element, live.draws, forced)[:, None]
    placed = _place(model, state + embed.elements(element), rows, noise.axes, live.draws)
    live.atoms = live.atoms + embed.multiplicity[rows]
    live.last = torch.maximum(live.last, letter)
    kept.orbit(live.rows, step, letter, element, placed, logits.softmax(dim=-1), live.atoms)
    x = decoder.orbit_tokens(live.z, rows, element, placed, live.atoms, first=step)
    for i, block in enumerate(decoder.blocks):
        x, live.past[i] = block(x, None, live.past[i])
    return x


@dataclass(frozen=True)
class _Noise:
    """Gumbel noise of draws at S steps: (32, 231), (32, S, 28), (32, S, 95) and (32, S, 3, bins); or none."""

    group: Tensor | None
    letter: Tensor | None
    element: Tensor | None
    axes: Tensor | None

    def _each(self, change: Callable[[Tensor], Tensor]) -> _Noise:
        parts = (self.group, self.letter, self.element, self.axes)
        return _Noise(*(None if part is None else change(part) for part in parts))

    def to(self, device: torch.device) -> _Noise:
        return self._each(lambda part: part.to(device))

    def at(self, step: int) -> _Noise:
        """The noise of one step, without that axis."""
        return self._each(lambda part: part[:, step] if part.ndim > 2 else part)


_NONE = _Noise(None, None, None, None)


@cache
def _noise(bins: int, orbits: int) -> _Noise:
    rng, steps = np.random.default_rng(_DRAW_SEED), orbits + 1
    sizes = ((231,), (steps, MAX_LETTERS + 1), (steps, N_ELEMENTS), (steps, 3, bins))
    parts = [torch.from_numpy(rng.gumbel(size=(MAX_DRAWS, *size)).astype(np.float32)) for size in sizes]
    return _Noise(parts[0], parts[1], parts[2], parts[3] * _COORDINATE_TEMPERATURE)


def _pick(logits: Tensor, noise: Tensor | None, draws: Tensor | None, forced: int | None = None) -> Tensor:
    """(B,) choices from logits (B, V); noise (32, V); all are the one that is ``forced``, if one is."""
    if forced is not None:
        return torch.full((len(logits),), forced, device=logits.device)
    return (logits if noise is None else logits + noise[draws]).argmax(dim=-1)


def _place(model: CrystalVAE, state: Tensor, rows: Tensor, noise: Tensor | None, draws: Tensor | None) -> Tensor:
    """Free coordinates (B, 1, 3) in [0, 1): a bin of each axis in turn, and its residual."""
    decoder, free = model.decoder, model.embed.free[rows]
    bins = decoder.config.bins
    chosen = []
    for axis in range(3):
        if not bool(free[..., axis].any()):
            chosen.append(torch.zeros_like(state[..., 0]))
            continue
        logits = decoder.axes[axis](state)[:, 0]
        index = _pick(logits, None if noise is None else noise[:, axis], draws)[:, None, None]
        offset = decoder.residual[axis](state).gather(-1, index)[..., 0].clamp(-1, 1)
        value = (index[..., 0] + offset / 2) / bins % 1.0
        value = torch.where(free[..., axis], value, torch.zeros_like(value))
        chosen.append(value)
        if axis < 2:
            state = decoder.with_axis(state, axis, value, free[..., axis])
    return torch.stack(chosen, dim=-1)


class _Kept:
    """What is kept of each step, by crystal."""

    def __init__(self, B: int, config: Config, like: Tensor) -> None:
        orbits = config.max_orbits
        self.final = like.new_zeros(B, config.width)
        self.letter_probability = like.new_ones(B)
        whole = torch.zeros((), dtype=torch.long, device=like.device)
        self.letter = whole.new_full((B, orbits), -1)
        self.element = whole.new_zeros(B, orbits)
        self.atoms = whole.new_zeros(B)
        self.likely = whole.new_zeros(B, orbits, RUNNERS_UP)
        self.coordinates = like.new_zeros(B, orbits, 3)
        self.probability = like.new_ones(B, orbits)
        self.likely_probability = like.new_zeros(B, orbits, RUNNERS_UP)

    def orbit(
        self, rows: Tensor, step: int, letter: Tensor, element: Tensor, placed: Tensor, p: Tensor, atoms: Tensor
    ) -> None:
        self.letter[rows, step] = letter[:, 0]
        self.element[rows, step] = element[:, 0]
        self.coordinates[rows, step] = placed[:, 0]
        self.probability[rows, step] = p.gather(1, element)[:, 0]
        self.likely_probability[rows, step], self.likely[rows, step] = p.topk(RUNNERS_UP, dim=-1)
        self.atoms[rows] = atoms[:, 0]

    def decoded(self, taken: _Groups, numbers: Tensor) -> list[Decoded]:
        whole = (taken.number, taken.likely, self.atoms, self.letter, self.element, self.likely)
        groups, likely_groups, atoms, letter, element, likely = (t.cpu().numpy() for t in whole)
        floats = (self.coordinates, self.probability, self.likely_probability, self.letter_probability)
        points, p, likely_p, letter_p, first_p, groups_p = (
            t.float().cpu().numpy().astype(np.float64) for t in (*floats, taken.probability, taken.likely_probability)
        )
        cells = cells_from_numbers(groups, numbers.float().cpu().numpy().astype(np.float64), atoms)
        counts = (letter >= 0).sum(axis=1)
        return [
            Decoded(
                group=int(groups[i]),
                cell=cells[i],
                atoms=int(atoms[i]),
                letter=letter[i, :n],
                element=element[i, :n],
                coordinates=points[i, :n],
                group_probability=float(first_p[i]),
                element_probability=p[i, :n],
                letter_probability=float(letter_p[i]),
                likely=likely[i, :n],
                likely_probability=likely_p[i, :n],
                likely_groups=likely_groups[i],
                likely_groups_probability=groups_p[i],
            )
            for i, n in enumerate(counts)
        ]
