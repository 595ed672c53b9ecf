"""An autoregressive generator: a transformer that writes a crystal piece by piece, each drawn given those before it.

First the space group, then of each orbit its Wyckoff letter, its element and its free coordinates, and last the cell.
This is how language models write, with Wyckoff orbits for words (after CrystalFormer, Z. Cao et al., Sci. Bull. 70,
3522, 2025, and the Wyckoff Transformer, N. Kazeev et al., ICML 2025); the space group limits what may come next.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xcrystal.generators.free_lattice import FreeLattice
from xcrystal.model.loss import coordinate_losses
from xcrystal.model.tensors import LATTICE_SIZE, Batch
from xcrystal.model.vae import FREQUENCIES, N_ELEMENTS, Block, Embeddings, fourier
from xcrystal.model.wyckoff_tables import MAX_LETTERS, N_GROUPS

_SMALLEST = -4.0  # logarithm of the narrowest width of a component of the cell's density


@dataclass(frozen=True)
class AutoregressiveConfig:
    """Sizes of the network, the largest crystal it writes, and the scale of its lattice numbers.

    ``sources`` counts the collections of crystals that it was trained on; it is told which one a crystal is from.
    """

    width: int = 128
    layers: int = 4
    heads: int = 4
    bins: int = 96
    mixtures: int = 8
    sources: int = 2
    max_orbits: int = 20
    max_atoms: int = 20
    lattice_mean: tuple[float, ...] = (0.0,) * LATTICE_SIZE
    lattice_std: tuple[float, ...] = (1.0,) * LATTICE_SIZE


class AutoregressiveNetwork(nn.Module):
    """Distributions over the next piece of a crystal, given the pieces so far."""

    def __init__(self, config: AutoregressiveConfig) -> None:
        super().__init__()
        W = config.width
        self.config = config
        self.embed = Embeddings(W)
        self.cell = FreeLattice(config.lattice_mean, config.lattice_std)
        self.groups = nn.Embedding(config.sources, N_GROUPS + 1)
        self.source = nn.Embedding(config.sources, W)
        self.step = nn.Embedding(config.max_orbits + 1, W)
        self.atoms_so_far = nn.Embedding(config.max_atoms + 1, W)
        self.blocks = nn.ModuleList(Block(W, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(W)
        self.query, self.stop = nn.Linear(W, W), nn.Linear(W, 1)
        self.element = nn.Linear(W, N_ELEMENTS)
        self.axes = nn.ModuleList(nn.Linear(W, config.bins) for _ in range(3))
        self.residual = nn.ModuleList(nn.Linear(W, config.bins) for _ in range(3))
        self.placed = nn.ModuleList(nn.Linear(2 * len(FREQUENCIES), W) for _ in range(2))
        self.mix = nn.Sequential(nn.LayerNorm(W), nn.Linear(W, W), nn.GELU(), nn.LayerNorm(W))
        self.lattice = nn.Sequential(nn.Linear(W, W), nn.GELU(), nn.Linear(W, config.mixtures * (1 + 2 * LATTICE_SIZE)))
        self.float()  # whatever the process-wide default is

    @torch.no_grad()
    def count_groups(self, group: Tensor, source: Tensor) -> None:
        """Begin with the space groups' frequencies among crystals of groups (N,) and sources (N,)."""
        for k, logits in enumerate(self.groups.weight):
            count = torch.bincount(group[source == k], minlength=N_GROUPS + 1).to(logits.dtype) + 0.01
            logits.copy_((count / count.sum()).log())
            logits[0] = -1e4  # there is no group 0

    def start(self, group: Tensor, source: Tensor) -> Tensor:
        """(B, 1, W): the token of the space group (B,) and of the source (B,), from which the first orbit follows."""
        first = self.embed.groups(group) + self.source(source) + self.step.weight[0] + self.atoms_so_far.weight[0]
        return first[:, None]

    def orbit_tokens(self, rows: Tensor, element: Tensor, coordinates: Tensor, atoms: Tensor, first: int = 0) -> Tensor:
        """(B, T, W) tokens of orbits on positions (B, T); ``atoms`` (B, T) counts those up to and with each."""
        T = rows.shape[1]
        x = self.embed.elements(element) + self.embed.all_positions()[rows] + self.embed.places(rows, coordinates)
        return (
            x + self.step.weight[first + 1 : first + 1 + T] + self.atoms_so_far(atoms.clamp(max=self.config.max_atoms))
        )

    def letter_logits(self, h: Tensor, group: Tensor, last: Tensor, atoms: Tensor) -> Tensor:
        """(B, S, 28) over the letters of the group and, last, the end; -inf where symmetry or size forbids it."""
        keys = self.embed.all_positions()[self.embed.index[group].clamp(min=0)]
        logits = torch.einsum("bsw,bkw->bsk", self.query(h), keys) / self.config.width**0.5
        logits = torch.cat([logits, self.stop(h)], dim=-1).float()
        return logits.masked_fill(~self.embed.allowed(group, last, atoms, self.config.max_atoms), float("-inf"))

    def element_logits(self, at_position: Tensor) -> Tensor:
        """(B, S, 95) from states that know the position; there is no element 0."""
        logits = self.element(self.mix(at_position))
        none = torch.zeros((), dtype=torch.long, device=logits.device)
        return logits - 1e9 * F.one_hot(none, N_ELEMENTS).to(logits.dtype)

    def before_axes(self, at_position: Tensor, element: Tensor) -> Tensor:
        """(B, S, W) states from which coordinates are drawn, once position and element are known."""
        return self.mix(at_position + self.embed.elements(element))

    def with_axis(self, state: Tensor, axis: int, value: Tensor, free: Tensor) -> Tensor:
        """(B, S, W): the states once the coordinates (B, S) along an axis that is ``free`` (B, S) are known."""
        return state + self.placed[axis](fourier(value)) * free[..., None]

    def lattice_density(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log weights (B, K), means and log widths (B, K, 7) of a mixture of normal distributions; h (B, W)."""
        raw = self.lattice(h).float().view(len(h), self.config.mixtures, -1)
        mean, width = raw[..., 1:].chunk(2, dim=-1)
        return raw[..., 0].log_softmax(dim=1), mean, width.clamp(_SMALLEST, 2.0)

    def loss_parts(self, batch: Batch, source: Tensor, dropout: float = 0.0) -> dict[str, Tensor]:
        """Negative log-likelihoods (nats a crystal) of space group, letters, elements, coordinates and cell.

        Parameters
        ----------
        batch
            B crystals.
        source
            (B,) which collection each is from.
        dropout
            Share of the orbits that the network is not shown.
        """
        embed, (B, T) = self.embed, batch.letter.shape
        rows = embed.rows(batch.group, batch.letter)
        multiplicity = torch.where(batch.mask, embed.multiplicity[rows], 0)
        atoms = multiplicity.cumsum(dim=1)
        tokens = self.orbit_tokens(rows, batch.element, batch.coordinates, atoms)
        if dropout:
            keep = torch.rand(B, T, 1, device=tokens.device) >= dropout
            tokens = torch.where(keep, tokens, self.step.weight[1 : T + 1] + self.atoms_so_far(atoms))
        x = torch.cat([self.start(batch.group, source), tokens], dim=1)
        causal = torch.ones(T + 1, T + 1, dtype=torch.bool, device=x.device).tril()
        for block in self.blocks:
            x, _ = block(x, causal)
        h = self.norm(x)
        count = batch.mask.sum(dim=1)
        live = torch.arange(T + 1, device=x.device) <= count[:, None]
        logits = self.letter_logits(h, batch.group, F.pad(batch.letter, (1, 0), value=-1), F.pad(atoms, (1, 0)))
        target = F.pad(torch.where(batch.mask, batch.letter, MAX_LETTERS), (0, 1), value=MAX_LETTERS)
        logits = logits.masked_fill(~live[..., None], 0.0)
        letter = F.cross_entropy(logits.transpose(1, 2), target, reduction="none")
        at_position = h[:, :-1] + embed.all_positions()[rows]
        element = F.cross_entropy(
            self.element_logits(at_position).float().transpose(1, 2), batch.element, reduction="none"
        )
        free = embed.free[rows] & batch.mask[..., None]
        state = self.before_axes(at_position, batch.element)
        coordinate, residual = coordinate_losses(self, state, batch.coordinates, free, self.with_axis)
        groups = self.groups(source).float()
        return {
            "group": F.cross_entropy(groups, batch.group),
            "letter": (letter * live).sum() / B,
            "element": (element * batch.mask).sum() / B,
            "coordinate": coordinate,
            "residual": residual,
            "lattice": self._lattice_loss(h[torch.arange(B, device=x.device), count], batch),
        }

    def _lattice_loss(self, h: Tensor, batch: Batch) -> Tensor:
        free = self.cell.free(batch.group)[:, None]
        weight, mean, width = self.lattice_density(h)
        off = (self.cell.standardized(batch.lattice, batch.group)[:, None] - mean) / width.exp()
        log_p = ((-0.5 * off.square() - width - 0.9189385) * free).sum(dim=-1)
        return -(weight + log_p).logsumexp(dim=1).mean()
