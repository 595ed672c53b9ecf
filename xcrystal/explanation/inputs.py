"""What each level of explanation moves: the players of a crystal, and the way from their positions to its latent
vector.

A player is what gets one score: an orbit, an element, a degree of freedom of the lattice, or a latent dimension. It is
moved in a straight line from its baseline to what it is in the crystal; all else is held.

======== ===================================== ================================== ===============================
level    players                               what moves                         what is held
======== ===================================== ================================== ===============================
atoms    orbits, each atom an equal share      element vectors of the orbits      symmetry, geometry
orbits   orbits                                element vectors of the orbits      symmetry, geometry
elements the crystal's elements                element vectors of all their       symmetry, geometry
                                               orbits together
pairs    pairs of orbits                       element vectors of the orbits      symmetry, geometry
lattice  volume per atom, and the ratios and   the conventional cell              elements, symmetry, fractional
         cosines that symmetry leaves free                                        coordinates
latent   latent dimensions                     the code                           nothing: the target follows it
======== ===================================== ================================== ===============================

Shapes: B crystals, P players of the crystal that has most, F features of a player, T orbits, W width, Z latent
dimension, n rows that are computed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.elements import MAX_Z, symbol
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.explanation.fitted_baseline import fitted_element
from xcrystal.explanation.substitutions import neighbour_elements, same_charge_elements
from xcrystal.explanation.targets import atlas_for
from xcrystal.generator import CrystalModel
from xcrystal.model.wyckoff_tables import position_tables

if TYPE_CHECKING:
    from torch import Tensor

    from xcrystal.latent.atlas import Atlas

OF_ELEMENTS = ("atoms", "orbits", "elements", "pairs")
LEVELS = (*OF_ELEMENTS[:3], "lattice", "latent", "pairs")
BASELINES = {
    "mean_element": "the training data's mean element vector on every site",
    "fitted_element": "a vector on every site that was fitted to stand for all elements, as often as they occur",
    "average_of_crystal": "the crystal's own elements, averaged over its atoms, on every site",
    "real_elements": "other elements of the same charges, one for each of the crystal's: a mean over 8 such crystals",
    "neighbours": "the elements of the 8 nearest known crystals of the same formula type: a mean over them",
    "vacancy": "no element on any site",
    "mean_cell": "the mean volume per atom, with equal lengths and right angles where these are free",
    "prior_mean": "the prior's mean, 0",
}
DRAWN = ("real_elements", "neighbours")  # baselines that are several crystals
DRAWS = 8  # of them
_RENAMED = {"mean_crystal": "mean_element", "element_averaged": "average_of_crystal", "vacuum": "vacancy"}
_OF_LEVEL = {"lattice": "mean_cell", "latent": "prior_mean"}
_DEGREES = ("volume per atom", "b / a", "c / a", "cos alpha", "cos beta", "cos gamma")


@dataclass(frozen=True, eq=False)
class Inputs:
    """The players of B crystals.

    Attributes
    ----------
    names
        Of each crystal's players.
    moved
        (B, P, F) what each is, minus its baseline; 0 where a crystal has no such player.
    present
        (B, P) which players a crystal has.
    encode
        Moves (n, P, F) of the crystals with the numbers (n,), to their latent vectors (n, Z),
        differentiable. Moves of 0 give the baseline's latent vector, ``moved`` the crystal's own.
    without
        Players that are taken out of the crystals (n, P), and the crystals' numbers (n,), to the latent vectors (n, Z)
        of what is left; None where players cannot be taken out.
    noise
        A small move, a standard deviation for one feature.
    draws
        How many of the B come one after another of one crystal, each from a baseline of its own; scores are their mean.
    """

    names: list[list[str]]
    moved: Tensor
    present: Tensor
    encode: Callable[[Tensor, Tensor], Tensor]
    without: Callable[[Tensor, Tensor], Tensor] | None
    noise: float
    draws: int = 1


def renamed_baseline(baseline: str, level: str) -> str:
    """What a baseline is called now that had another name in an earlier version; others as they are."""
    if baseline == "mean_crystal":
        return _OF_LEVEL.get(level, "mean_element")
    return _RENAMED.get(baseline, baseline)


def inputs_of(
    model: CrystalModel,
    crystals: Sequence[WyckoffCrystal],
    level: str,
    baseline: str,
    seed: int = 0,
    atlas: Atlas | None = None,
) -> Inputs:
    """The players of crystals at a level, seen from a baseline; ``seed`` draws real elements, ``atlas`` has neighbours.

    Raises
    ------
    TargetError
        If there is no atlas for the baseline "neighbours", or it knows too few of a crystal's.
    """
    if level == "lattice":
        return _lattice(model, crystals)
    if level == "latent":
        return _latent(model, crystals)
    if baseline in DRAWN:
        if baseline == "neighbours":
            known = atlas_for("The baseline 'neighbours'", model, atlas)
            own = zip(crystals, model.encode_canonical(list(crystals)), strict=True)
            each = [neighbour_elements(c.elements, c.multiplicities, z, known, DRAWS) for c, z in own]
        else:
            seen = model.facts.get("elements_seen", {})
            each = [same_charge_elements(c.elements, c.multiplicities, seen, DRAWS, seed) for c in crystals]
        drawn = [one for draws in each for one in draws]
        repeated = [crystal for crystal in crystals for _ in range(DRAWS)]
        return replace(_elements(model, repeated, baseline, level == "elements", drawn), draws=DRAWS)
    return _elements(model, crystals, baseline, together=level == "elements")


def mean_element_vector(model: CrystalModel) -> Tensor:
    """(W,) mean of the element vectors, weighted by how often each element's orbits occur in the training data."""
    import torch

    weights = torch.zeros(MAX_Z + 1, device=model.device, dtype=torch.float32)
    for z, count in model.facts.get("elements_seen", {}).items():
        weights[int(z)] = count
    if weights.sum() == 0:
        weights[1:] = 1
    every = model.network.embed.elements(torch.arange(MAX_Z + 1, device=model.device))
    return (weights / weights.sum()) @ every


def orbit_names(crystal: WyckoffCrystal) -> list[str]:
    """What each orbit is called: its element, multiplicity in the primitive cell and Wyckoff letter, "Ti 1b"."""
    rows = zip(crystal.elements, crystal.multiplicities, crystal.letters, strict=True)
    return [f"{symbol(int(element))} {count}{letter}" for element, count, letter in rows]


def _elements(
    model: CrystalModel,
    crystals: Sequence[WyckoffCrystal],
    baseline: str,
    together: bool,
    others: Sequence[np.ndarray] = (),
) -> Inputs:
    """``others`` are the atomic numbers (n,) of each crystal's orbits in a baseline that is drawn."""
    import torch

    network, batch = model.network, model.batch(crystals)
    player = torch.zeros_like(batch.element)
    names = []
    for row, crystal in enumerate(crystals):
        kinds = list(dict.fromkeys(crystal.elements.tolist())) if together else list(range(len(crystal.elements)))
        owner = [kinds.index(e) for e in crystal.elements] if together else kinds
        player[row, : len(owner)] = torch.tensor(owner, device=model.device)
        names.append([symbol(z) for z in kinds] if together else orbit_names(crystal))
    with torch.no_grad():
        vectors = network.embed.elements(batch.element)
        count = network.embed.multiplicity[network.embed.rows(batch.group, batch.letter)] * batch.mask
        if baseline in DRAWN:
            instead = torch.zeros_like(batch.element)
            for row, numbers in enumerate(others):
                instead[row, : len(numbers)] = torch.from_numpy(numbers)
            base = network.embed.elements(instead)
        elif baseline == "vacancy":
            base = torch.zeros_like(vectors)
        elif baseline == "average_of_crystal":
            base = ((vectors * count[..., None]).sum(dim=1) / count.sum(dim=1, keepdim=True))[:, None]
        else:
            one = fitted_element(model) if baseline == "fitted_element" else mean_element_vector(model)
            base = one.expand(len(vectors), 1, -1)
        base = base.expand_as(vectors)
        size = max(map(len, names))
        present = torch.arange(size, device=model.device) < torch.tensor([[len(n)] for n in names], device=model.device)
        # one more player takes what pads the orbits, and is dropped
        owners = player.masked_fill(~batch.mask, size)[..., None].expand_as(vectors)
        moved = vectors.new_zeros(len(names), size + 1, vectors.shape[2])
        moved = moved.scatter(1, owners, vectors - base)[:, :size]

    def encode(moves: Tensor, rows: Tensor) -> Tensor:
        own = moves.gather(1, player[rows][..., None].expand(-1, -1, moves.shape[2]))
        return network.posterior(batch[rows], elements=base[rows] + own)[0]

    def without(out: Tensor, rows: Tensor) -> Tensor:
        some = batch[rows]
        return network.posterior(replace(some, letter=some.letter.masked_fill(out.gather(1, player[rows]), -1)))[0]

    every = network.embed.elements(torch.arange(1, MAX_Z + 1, device=model.device))
    return Inputs(names, moved, present, encode, without, 0.15 * float(every.std(dim=0).mean()))


def _lattice(model: CrystalModel, crystals: Sequence[WyckoffCrystal]) -> Inputs:
    import torch

    network, batch, tables = model.network, model.batch(crystals), position_tables()
    groups = batch.group.cpu().numpy()
    tied, angles = tables.tie[groups][:, 0, 1:] > 0, tables.free_angles[groups]
    present = torch.from_numpy(np.column_stack([np.ones(len(groups), dtype=bool), ~tied, angles])).to(model.device)
    logs = batch.lattice[:, 1:4]
    own = torch.cat([batch.lattice[:, :1], logs[:, 1:] - logs[:, :1], batch.lattice[:, 4:]], dim=1)
    mean = torch.zeros_like(own)
    mean[:, 0] = network.lattice_mean[0]
    base = torch.where(present, mean, own)

    def encode(moves: Tensor, rows: Tensor) -> Tensor:
        numbers = base[rows] + moves[..., 0]
        ratios = torch.nn.functional.pad(numbers[:, 1:3], (1, 0))
        lattice = torch.cat([numbers[:, :1], ratios - ratios.mean(dim=1, keepdim=True), numbers[:, 3:]], dim=1)
        return network.posterior(replace(batch[rows], lattice=lattice))[0]

    names = [[n for n, free in zip(_DEGREES, row, strict=True) if free] for row in present.tolist()]
    return Inputs(names, (own - base)[..., None], present, encode, None, 0.03)


def _latent(model: CrystalModel, crystals: Sequence[WyckoffCrystal]) -> Inputs:
    import torch

    z = torch.from_numpy(model.encode_canonical(list(crystals))).to(model.device)
    names = [[f"latent {k}" for k in range(z.shape[1])]] * len(z)
    present = torch.ones_like(z, dtype=torch.bool)
    return Inputs(names, z[..., None], present, lambda moves, _: moves[..., 0], None, 0.1)
