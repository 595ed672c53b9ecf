"""Other elements on the orbits of a candidate, many at once.

To first order the latent vector of a crystal moves by the sum of what each exchange of an element on one orbit moves it
by. So every single exchange is encoded, combinations of two and more are ranked by that sum, and only the best of these
are encoded themselves. What is kept lies nearer to the latent vector that is wanted; then it begins anew.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from xcrystal.model.tensors import Batch
from xcrystal.model.vae import CrystalVAE

_PALETTE, _LEAST = 8, 1e-3  # elements that the decoder expects in the crystal, at most and at least so probable
_PAIRS, _CHAINS, _LONGEST = 24, 6, 6
_BETTER = 0.97
_AT_ONCE = 256


def exchange_elements(
    network: CrystalVAE, crystal: Batch, code: Tensor, z: Tensor, near: float, rounds: int
) -> tuple[Batch, Tensor, Tensor]:
    """Exchange elements of one crystal as long as that brings it nearer.

    Parameters
    ----------
    crystal
        A batch of one, without padding.
    code, z
        (Z,) its latent vector, and the one wanted.
    near
        Distance at which it counts as found.
    rounds
        At most.

    Returns
    -------
    tuple
        The crystal, its latent vector (Z,), and its distance.
    """
    distance = (code - z).norm()
    palette = _palette(network, crystal, z)
    for _ in range(rounds):
        own = crystal.element[0]
        orbits, kinds = torch.nonzero(own[:, None] != palette[None], as_tuple=True)
        if not len(orbits):
            break
        single = own.repeat(len(orbits), 1)
        single[torch.arange(len(orbits)), orbits] = palette[kinds]
        moves = _encoded(network, crystal, single) - code
        combined = _combinations(orbits, palette[kinds], moves, z - code, own)
        combined += [torch.where(own == old, new, own) for old in own.unique() for new in palette if new != old]
        elements, every = single, moves + code
        if combined:
            several = torch.stack(combined).unique(dim=0)
            elements = torch.cat([single, several])
            every = torch.cat([every, _encoded(network, crystal, several)])
        distances = (every - z).norm(dim=1)
        best = int(distances.argmin())
        if distances[best] >= _BETTER * distance:
            break
        crystal, code, distance = replace(crystal, element=elements[best][None]), every[best], distances[best]
        if distance <= near:
            break
    return crystal, code, distance


def _palette(network: CrystalVAE, crystal: Batch, z: Tensor) -> Tensor:
    """Elements that the crystal has, or that the decoder expects in it."""
    p = network.decoder.composition(z[None])[0].softmax(dim=-1)
    p[0] = 0
    likely = p.topk(_PALETTE)
    return torch.cat([crystal.element[0], likely.indices[likely.values > _LEAST]]).unique()


def _combinations(orbits: Tensor, elements: Tensor, moves: Tensor, wanted: Tensor, own: Tensor) -> list[Tensor]:
    """Elements (T,) of the best pairs of exchanges, and of longer chains that begin with the best of these."""
    if len(orbits) < 2:
        return []
    gram, along = moves @ moves.T, moves @ wanted
    size = gram.diagonal()
    left = wanted @ wanted - 2 * (along[:, None] + along[None]) + size[:, None] + size[None] + 2 * gram
    left[orbits[:, None] == orbits[None]] = float("inf")
    left = left.masked_fill(torch.ones_like(left, dtype=torch.bool).tril(), float("inf"))
    best = left.flatten().topk(min(_PAIRS, left.numel()), largest=False)
    found = []
    for rank, (value, index) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True)):
        if value == float("inf"):
            break
        chain = [index // len(orbits), index % len(orbits)]
        found.append(_with(own, orbits, elements, chain))
        if rank >= _CHAINS:
            continue
        rest = wanted - moves[chain].sum(dim=0)
        while len(chain) < _LONGEST:
            after = (rest - moves).square().sum(dim=1)
            after[torch.isin(orbits, orbits[chain])] = float("inf")
            k = int(after.argmin())
            if not after[k] < _BETTER * value:
                break
            value = float(after[k])
            chain.append(k)
            rest = rest - moves[k]
            found.append(_with(own, orbits, elements, chain))
    return found


def _with(own: Tensor, orbits: Tensor, elements: Tensor, chain: list[int]) -> Tensor:
    changed = own.clone()
    changed[orbits[chain]] = elements[chain]
    return changed


def _encoded(network: CrystalVAE, crystal: Batch, elements: Tensor) -> Tensor:
    """(n, Z) latent vectors of a crystal with other elements (n, T)."""
    codes = []
    for part in elements.split(_AT_ONCE):
        same = crystal[torch.zeros(len(part), dtype=torch.long, device=part.device)]
        codes.append(network.posterior(replace(same, element=part))[0])
    return torch.cat(codes)
