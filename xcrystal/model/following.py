"""What the decoder thinks of a crystal that it is led through, step by step, instead of making its own choices."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from xcrystal.model.tensors import Batch
from xcrystal.model.vae import CrystalVAE


class FollowedDecode:
    """The logits of each choice of a decoder that is given all choices before it, at latent vectors (B, Z).

    Differentiable in ``z``: what changes with it is the choice that is looked at, never those before.

    Parameters
    ----------
    model
        Whose decoder it is.
    z
        (B, Z) latent vectors.
    crystal
        One crystal of T orbits, in an order in which the decoder may make them.
    orbits
        How many of the first orbits the decoder reads; all T if None. What is asked for must not lie behind them.
    """

    def __init__(self, model: CrystalVAE, z: Tensor, crystal: Batch, orbits: int | None = None) -> None:
        self._model, self._z = model, z
        self._crystal = one = crystal[torch.zeros(len(z), dtype=torch.long, device=z.device)]
        self._rows = model.embed.rows(one.group, one.letter)
        self._atoms = model.embed.multiplicity[self._rows].cumsum(dim=1)
        self._states = self._read(one.letter.shape[1] if orbits is None else orbits)

    def _read(self, orbits: int) -> Tensor:
        """(B, orbits + 1, W) states; number k predicts orbit k."""
        decoder, one = self._model.decoder, self._crystal
        x = decoder.start(self._z, one.group)
        prefix = x.shape[1]
        if orbits:
            read = (self._rows, one.element, one.coordinates, self._atoms)
            rows, element, coordinates, atoms = (part[:, :orbits] for part in read)
            x = torch.cat([x, decoder.orbit_tokens(self._z, rows, element, coordinates, atoms)], dim=1)
        causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        causal[:prefix, :prefix] = True
        for block in decoder.blocks:
            x, _ = block(x, causal)
        states: Tensor = decoder.norm(x[:, prefix - 1 :])
        return states

    def group(self) -> Tensor:
        """(B, 231) logits of the space groups; number 0 is none, and impossible."""
        none = torch.arange(231, device=self._z.device) == 0
        logits: Tensor = self._model.decoder.group(self._z)
        return logits.masked_fill(none, float("-inf"))

    def letter(self, orbit: int) -> Tensor:
        """(B, 28) logits of the Wyckoff letters of an orbit, counted from 0, and of the end; -inf if impossible."""
        decoder, group = self._model.decoder, self._crystal.group
        last = F.pad(self._crystal.letter, (1, 0), value=-1)[:, orbit : orbit + 1]
        atoms = F.pad(self._atoms, (1, 0))[:, orbit : orbit + 1]
        allowed = decoder.allowed(group, last, atoms)
        return decoder.letter_logits(self._states[:, orbit : orbit + 1], group, allowed)[:, 0]

    def element(self, orbit: int) -> Tensor:
        """(B, 95) logits of the elements of an orbit."""
        decoder = self._model.decoder
        return decoder.element_logits(self._placed(orbit), decoder.composition(self._z))[:, 0]

    def axis(self, orbit: int, axis: int) -> Tensor:
        """(B, bins) logits of the coordinate of an orbit along a free axis, given those along the axes before."""
        decoder, one = self._model.decoder, self._crystal
        here = slice(orbit, orbit + 1)
        state = self._placed(orbit) + self._model.embed.elements(one.element[:, here])
        free = self._model.embed.free[self._rows[:, here]]
        for before in range(axis):
            state = decoder.with_axis(state, before, one.coordinates[:, here, before], free[..., before])
        logits: Tensor = decoder.axes[axis](state)
        return logits[:, 0]

    def _placed(self, orbit: int) -> Tensor:
        """(B, 1, W) the state that knows the Wyckoff position of an orbit."""
        here = slice(orbit, orbit + 1)
        return self._states[:, here] + self._model.embed.all_positions()[self._rows[:, here]]


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
    logits = FollowedDecode(model, z, crystal, orbit).element(orbit)
    return log_odds(logits, crystal.element[:, orbit].expand(len(z)))
