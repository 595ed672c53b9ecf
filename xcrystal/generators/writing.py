"""Drawing crystals from an autoregressive network, piece by piece, with what else might have come at each piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xcrystal.crystal.elements import symbol
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.generators.autoregressive import AutoregressiveNetwork
from xcrystal.generators.frames import Alternative, Frame
from xcrystal.model.tensors import cells_from_numbers
from xcrystal.model.vae import N_ELEMENTS
from xcrystal.model.wyckoff_tables import MAX_LETTERS

_SHOWN = 5  # alternatives of a piece
_NARROWER = 0.5  # temperature of coordinates and cell beside that of symbols


@dataclass(frozen=True)
class Drawing:
    """How pieces are drawn.

    Attributes
    ----------
    temperature
        Below 1 probable pieces are preferred, above 1 rare ones.
    nucleus
        Only of the most probable pieces that together have this probability.
    group
        A space group number that all crystals shall have.
    elements
        Atomic numbers that the crystals may hold.
    """

    temperature: float = 1.0
    nucleus: float = 1.0
    group: int | None = None
    elements: Sequence[int] | None = None


class _Drawn:
    """Draws from logits, and remembers of the first crystal what it might have been."""

    def __init__(self, how: Drawing, seed: int) -> None:
        self.how = how
        self.generator = torch.Generator().manual_seed(seed)

    def probabilities(self, logits: Tensor, temperature: float = 1.0) -> Tensor:
        """(B, V) probabilities that choices are drawn with, of logits (B, V)."""
        p = (logits.float() / max(temperature * self.how.temperature, 1e-3)).softmax(dim=-1)
        if self.how.nucleus < 1:
            ordered, index = p.sort(dim=-1, descending=True)
            ordered = ordered.masked_fill(ordered.cumsum(dim=-1) - ordered >= self.how.nucleus, 0.0)
            p = torch.zeros_like(p).scatter(-1, index, ordered)
            p = p / p.sum(dim=-1, keepdim=True)
        return p

    def pick(self, logits: Tensor, temperature: float = 1.0) -> Tensor:
        """(B,) choices from logits (B, V)."""
        p = self.probabilities(logits, temperature)
        return torch.multinomial(p.cpu(), 1, generator=self.generator)[:, 0].to(logits.device)

    def normal(self, like: Tensor) -> Tensor:
        """Normal random numbers of a shape (...), times the temperature."""
        drawn = torch.randn(like.shape, generator=self.generator).to(like)
        return drawn * self.how.temperature * _NARROWER


@torch.no_grad()
def write_crystals(
    network: AutoregressiveNetwork, n: int, seed: int = 0, how: Drawing | None = None, frames: list[Frame] | None = None
) -> list[WyckoffCrystal]:
    """Draw ``n`` crystals like those of the first collection.

    Parameters
    ----------
    how
        Temperature, nucleus, and what is wanted.
    frames
        Gets the pieces of the first crystal one by one, the crystal so far in its final cell.
    """
    drawing = how or Drawing()
    drawn, embed, device = _Drawn(drawing, seed), network.embed, network.source.weight.device
    source = torch.zeros(n, dtype=torch.long, device=device)
    group_logits = network.groups(source)
    group = drawn.pick(group_logits) if drawing.group is None else torch.full((n,), drawing.group, device=device)
    pieces = _Pieces(int(group[0]), frames is not None)
    chances = drawn.probabilities(group_logits)[0] if drawing.group is None else None
    pieces.add("space group", chances, int(group[0]), _group_name)
    only = _only(drawing.elements, device)
    x, past = network.start(group, source), [None] * network.config.layers
    last, atoms = group.new_full((n, 1), -1), group.new_zeros(n, 1)
    letters, elements, points = [], [], []
    ended, final = group.new_zeros(n, dtype=torch.bool), x.new_zeros(n, network.config.width)
    for step in range(network.config.max_orbits + 1):
        for i, block in enumerate(network.blocks):
            x, past[i] = block(x, None, past[i])
        h = network.norm(x)
        logits = network.letter_logits(h, group, last, atoms)[:, 0]
        logits[ended, :MAX_LETTERS], logits[ended, MAX_LETTERS] = float("-inf"), 0.0
        letter = drawn.pick(logits)
        if step == network.config.max_orbits:
            letter = torch.full_like(letter, MAX_LETTERS)
        stops = (letter == MAX_LETTERS) & ~ended
        if not ended[0]:
            chances = drawn.probabilities(logits)[0] if step < network.config.max_orbits else None
            pieces.add(f"letter of orbit {step + 1}", chances, int(letter[0]), pieces.letter_name)
        final[stops] = h[stops, 0]
        ended = ended | stops
        if bool(ended.all()):
            break
        rows = embed.rows(group, torch.where(ended, 0, letter)[:, None])
        at_position = h + embed.all_positions()[rows]
        of_element = network.element_logits(at_position)[:, 0] + only
        element = drawn.pick(of_element)
        state, placed = network.before_axes(at_position, element[:, None]), []
        free = embed.free[rows]
        for axis in range(3):
            index = drawn.pick(network.axes[axis](state)[:, 0], _NARROWER)[:, None, None]
            offset = network.residual[axis](state).gather(-1, index)[..., 0].clamp(-1, 1)
            value = (index[..., 0] + offset / 2) / network.config.bins % 1.0 * free[..., axis]
            placed.append(value)
            if axis < 2:
                state = network.with_axis(state, axis, value, free[..., axis])
        coordinates = torch.stack(placed, dim=-1)
        atoms = atoms + torch.where(ended[:, None], 0, embed.multiplicity[rows])
        last = torch.where(ended[:, None], last, letter[:, None])
        letters.append(torch.where(ended, -1, letter))
        elements.append(element)
        points.append(coordinates[:, 0])
        if not ended[0]:
            chances = drawn.probabilities(of_element)[0]
            pieces.orbit(step, chances, int(letter[0]), int(element[0]), coordinates[0, 0].cpu().numpy())
        x = network.orbit_tokens(rows, element[:, None], coordinates, atoms, first=step)
    numbers = network.cell.completed(_lattice(network, final, drawn), group)
    groups = group.cpu().numpy()
    cells = cells_from_numbers(groups, numbers.double().cpu().numpy(), atoms[:, 0].cpu().numpy())
    arrays = (torch.stack(letters, 1), torch.stack(elements, 1), torch.stack(points, 1))
    letter_table, element_table, point_table = (a.cpu().numpy() for a in arrays)
    made = []
    for k in range(n):
        m = int((letter_table[k] >= 0).sum())
        orbits = (letter_table[k, :m], element_table[k, :m], point_table[k, :m].astype(float))
        made.append(WyckoffCrystal(int(groups[k]), cells[k], *orbits, np.arange(m)[None]))
    if frames is not None:
        frames += pieces.frames(made[0])
    return made


def _lattice(network: AutoregressiveNetwork, h: Tensor, drawn: _Drawn) -> Tensor:
    """(B, 7) standardized lattice numbers, drawn from the mixtures of states (B, W)."""
    weight, mean, width = network.lattice_density(h)
    which = drawn.pick(weight)[:, None, None].expand(-1, 1, mean.shape[-1])
    mean, width = mean.gather(1, which)[:, 0], width.gather(1, which)[:, 0]
    return mean + width.exp() * drawn.normal(mean)


def _only(elements: Sequence[int] | None, device: torch.device) -> Tensor:
    """(95,) 0 for elements that may be drawn, -inf for others."""
    if elements is None:
        return torch.zeros(N_ELEMENTS, device=device)
    barred = torch.full((N_ELEMENTS,), float("-inf"), device=device)
    barred[list(elements)] = 0.0
    return barred


def _group_name(number: int) -> str:
    return f"{space_group(number).symbol} ({number})"


class _Pieces:
    """The pieces of one crystal and their alternatives, kept while it is written."""

    def __init__(self, group: int, wanted: bool) -> None:
        self.group, self.wanted = group, wanted
        self._kept: list[tuple[str, tuple[Alternative, ...], str, int]] = []
        self._orbits = 0

    def letter_name(self, letter: int) -> str:
        """ "4a", or the end."""
        if letter == MAX_LETTERS:
            return "no more orbits"
        position = space_group(self.group).positions[letter]
        return f"{position.multiplicity}{position.letter}"

    def add(self, what: str, p: Tensor | None, taken: int, name: Callable[[int], str]) -> None:
        """Keep what was taken, and the most probable alternatives by p (V,); None if nothing was drawn."""
        if not self.wanted:
            return
        best = [] if p is None else [k for k in p.topk(min(_SHOWN, len(p))).indices.tolist() if p[k] > 0]
        shown = best if p is None or taken in best else [*best[:-1], taken]
        alternatives = () if p is None else tuple(Alternative(name(k), float(p[k])) for k in shown)
        self._kept.append((what, alternatives, name(taken), self._orbits))

    def orbit(self, step: int, p: Tensor, letter: int, element: int, point: np.ndarray) -> None:
        self._orbits = step + 1
        self.add(f"element of orbit {step + 1}", p, element, symbol)
        free = space_group(self.group).positions[letter].free
        if self.wanted and free.any():
            words = ", ".join(f"{axis} = {v:.3f}" for axis, v, f in zip("xyz", point, free, strict=True) if f)
            self._kept.append((f"coordinates of orbit {step + 1}", (), words, self._orbits))

    def frames(self, crystal: WyckoffCrystal) -> list[Frame]:
        """A frame for each piece, and one for the cell."""
        made = [
            Frame(what, taken, k / len(self._kept), _first_orbits(crystal, orbits), alternatives)
            for k, (what, alternatives, taken, orbits) in enumerate(self._kept)
        ]
        a, b, c, alpha, beta, gamma = crystal.lattice
        words = f"a, b, c = {a:.2f}, {b:.2f}, {c:.2f} Å; angles {alpha:.1f}, {beta:.1f}, {gamma:.1f}°"
        return [*made, Frame("cell", words, 1.0, crystal)]


def _first_orbits(crystal: WyckoffCrystal, count: int) -> WyckoffCrystal | None:
    if not count:
        return None
    orbits = (crystal.positions[:count], crystal.elements[:count], crystal.coordinates[:count])
    return WyckoffCrystal(crystal.space_group, crystal.lattice, *orbits, np.arange(count)[None])
