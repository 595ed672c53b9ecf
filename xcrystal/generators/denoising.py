"""Making crystals with a diffusion network: from noise at time 1 to crystals at time 0, step by step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from xcrystal.crystal.elements import symbol
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import InvalidCrystalError
from xcrystal.generators.diffusion import DiffusionNetwork, Noisy, Templates, signal, spread
from xcrystal.generators.frames import Frame
from xcrystal.model.tensors import LATTICE_SIZE, cells_from_numbers

STEPS = 100


@torch.no_grad()
def denoise_crystals(
    network: DiffusionNetwork,
    templates: Templates,
    n: int,
    seed: int = 0,
    steps: int = STEPS,
    noise: float = 1.0,
    group: int | None = None,
    elements: Sequence[int] | None = None,
    frames: list[Frame] | None = None,
) -> list[WyckoffCrystal]:
    """Turn noise into ``n`` crystals like those of the first collection.

    Parameters
    ----------
    templates
        Space groups and Wyckoff letters, drawn as often as they occur.
    steps
        Evaluations of the network.
    noise
        How much noise each step adds anew: 1 as in training, 0 none, so that the first noise decides everything (J.
        Song et al., ICLR 2021).
    group
        A space group number that all crystals shall have.
    elements
        Atomic numbers that the crystals may hold.
    frames
        Gets the first crystal as it is after each step.

    Raises
    ------
    InvalidCrystalError
        If no known crystal has this space group.
    """
    generator = torch.Generator().manual_seed(seed)
    device = network.source.weight.device
    groups, letters = _drawn(templates, n, generator, group)
    group_of, letter = torch.from_numpy(groups).to(device), torch.from_numpy(letters).to(device)
    source = torch.zeros(n, dtype=torch.long, device=device)
    rows = network.embed.rows(group_of, letter)
    free_points = network.embed.free[rows] & (letter >= 0)[..., None]
    free_cell = network.cell.free(group_of)
    barred = None
    if elements is not None:
        barred = torch.ones(network.element_points.shape[0], dtype=torch.bool, device=device)
        barred[list(elements)] = False

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(device)

    T = letter.shape[1]
    now = Noisy(
        normal(n, T, network.config.element_size),
        torch.rand(n, T, 3, generator=generator).to(device) * free_points,
        normal(n, LATTICE_SIZE) * free_cell,
    )
    atoms = (network.embed.multiplicity[rows] * (letter >= 0)).sum(dim=1)
    finish = _Finish(network, groups, letters, atoms)
    times = torch.linspace(1.0, 0.0, steps + 1, device=device)
    probability = None
    for k in range(steps):
        if frames is not None:
            frames.append(finish.frame(now, _nearest(network, now.element[:1])[0], float(times[k]), k / steps))
        time, later = times[k].expand(n), times[k + 1]
        guess = network(now, time, group_of, letter, source, probability)
        if barred is not None:
            guess.element = guess.element.masked_fill(barred, float("-inf"))
        probability = guess.element.softmax(dim=-1)
        (kept, sigma), (kept_later, sigma_later) = signal(times[k]), signal(later)
        fresh = noise * (sigma_later / sigma) * (1 - (kept / kept_later).square()).clamp(min=0).sqrt()
        still = (sigma_later.square() - fresh.square()).clamp(min=0).sqrt()
        clean = probability @ network.element_points
        of_element = kept_later * clean + still * (now.element - kept * clean) / sigma
        clean_cell = kept * now.lattice - sigma * guess.lattice
        of_cell = kept_later * clean_cell + still * (sigma * now.lattice + kept * guess.lattice)
        wide = spread(times[k])
        narrow = spread(later) if k + 1 < steps else torch.zeros((), device=device)
        if noise and k + 1 < steps:
            share = noise**2
            less = (1 + share) / 2 * (wide.square() - narrow.square())
            added = share**0.5 * narrow / wide * (wide.square() - narrow.square()).sqrt()
        else:  # along the flow of probability; the last step goes to the mean
            less, added = wide * (wide - narrow), torch.zeros((), device=device)
        moved = now.coordinates + (less / wide * guess.score + added * normal(n, T, 3)) * free_points
        now = Noisy(
            of_element + fresh * normal(n, T, network.config.element_size),
            moved % 1.0,
            (of_cell + fresh * normal(n, LATTICE_SIZE)) * free_cell,
        )
    assert probability is not None
    made = finish.crystals(now, probability.argmax(dim=-1).cpu().numpy())
    if frames is not None:
        frames.append(Frame("time 0.00", _formula(made[0].elements), 1.0, made[0]))
    return made


def _drawn(
    templates: Templates, n: int, generator: torch.Generator, group: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Space groups (n,) and letters (n, T), padded no further than the longest."""
    count = templates.count.astype(np.float64)
    if group is not None:
        count = np.where(templates.group == group, count, 0.0)
        if not count.any():
            raise InvalidCrystalError(f"No known crystal has space group {group}: choose another one.")
    rows = torch.multinomial(torch.from_numpy(count), n, replacement=True, generator=generator).numpy()
    letters = templates.letter[rows].astype(np.int64)
    return templates.group[rows].astype(np.int64), letters[:, : int((letters >= 0).sum(axis=1).max())]


def _nearest(network: DiffusionNetwork, points: Tensor) -> np.ndarray:
    """(B, T) the elements whose points are nearest to points (B, T, E)."""
    distance = torch.cdist(points, network.element_points[1:].expand(len(points), -1, -1))
    nearest: np.ndarray = distance.argmin(dim=-1).cpu().numpy() + 1
    return nearest


def _formula(elements: np.ndarray) -> str:
    return " ".join(symbol(int(z)) for z in elements)


class _Finish:
    """Makes crystals of numbers, in the space groups and on the letters that are given."""

    def __init__(self, network: DiffusionNetwork, groups: np.ndarray, letters: np.ndarray, atoms: Tensor) -> None:
        self.network, self.groups, self.letters = network, groups, letters
        self.atoms = atoms.cpu().numpy()

    def crystals(self, now: Noisy, elements: np.ndarray) -> list[WyckoffCrystal]:
        k = len(elements)
        group = torch.from_numpy(self.groups[:k]).to(now.lattice.device)
        numbers = self.network.cell.completed(now.lattice[:k], group).double().cpu().numpy()
        cells = cells_from_numbers(self.groups[:k], numbers, self.atoms[:k])
        points = now.coordinates.cpu().numpy().astype(float)
        made = []
        for i in range(k):
            m = int((self.letters[i] >= 0).sum())
            orbits = (self.letters[i, :m], elements[i, :m], points[i, :m])
            made.append(WyckoffCrystal(int(self.groups[i]), cells[i], *orbits, np.arange(m)[None]))
        return made

    def frame(self, now: Noisy, elements: np.ndarray, time: float, progress: float) -> Frame:
        crystal = self.crystals(now, elements[None])[0]
        return Frame(f"time {time:.2f}", _formula(crystal.elements), progress, crystal)
