"""What the decoder thinks of a crystal that it is led through, step by step, instead of making its own choices."""

from __future__ import annotations

import torch
from torch import Tensor

from xcrystal.model.tensors import Batch
from xcrystal.model.vae import CrystalVAE


def log_odds(logits: Tensor, choice: Tensor) -> Tensor:
    """(B,) log-odds of the choices (B,) against all others, from logits (B, n): log p - log(1 - p).

    Unlike a probability or its logarithm they do not saturate where the decoder is sure.
    """
    own = logits.gather(1, choice[:, None])[:, 0]
    others = logits.scatter(1, choice[:, None], float("-inf"))
    return own - others.logsumexp(dim=-1)


def group_log_odds(model: CrystalVAE, z: Tensor, group: int) -> Tensor:
    """(B,) log-odds (nats) of a space group at latent vectors (B, Z)."""
    # number 0 is no space group
    return log_odds(model.decoder.group(z)[:, 1:], torch.full((len(z),), group - 1, device=z.device))


def element_log_odds(model: CrystalVAE, z: Tensor, crystal: Batch, orbit: int) -> Tensor:
    """(B,) log-odds (nats) of an orbit's element at latent vectors (B, Z).

    The decoder is given space group, Wyckoff positions and the orbits before of the one crystal in ``crystal``, so what
    changes with ``z`` is the choice of this element alone.
    """
    decoder, embed = model.decoder, model.embed
    one = crystal[torch.zeros(len(z), dtype=torch.long, device=z.device)]
    rows = embed.rows(one.group, one.letter)
    atoms = embed.multiplicity[rows].cumsum(dim=1)
    x = decoder.start(z, one.group)
    prefix = x.shape[1]
    if orbit:
        places, element, coordinates, count = (t[:, :orbit] for t in (rows, one.element, one.coordinates, atoms))
        x = torch.cat([x, decoder.orbit_tokens(z, places, element, coordinates, count)], dim=1)
    causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=z.device).tril()
    causal[:prefix, :prefix] = True
    for block in decoder.blocks:
        x, _ = block(x, causal)
    state = decoder.norm(x[:, -1:]) + embed.all_positions()[rows[:, orbit : orbit + 1]]
    logits = decoder.element_logits(state, decoder.composition(z))[:, 0]
    return log_odds(logits, one.element[:, orbit])
