"""The symmetry-factorised crystal VAE: one latent vector in, a space group, orbits and a lattice out.

The encoder is a transformer over the set of orbits, without order. The decoder is a transformer over the sequence of
orbits: after the space group, each step gives Wyckoff position, element and free coordinates of one orbit, and the step
that says "no more" also gives the lattice. What symmetry forbids is masked: letters of other groups, letters before the
last one, special positions that are already taken, more atoms than the limit.

Shapes: B crystals, T orbits, W width, Z latent dimension.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xcrystal.crystal.elements import MAX_Z, element_features
from xcrystal.model.intervals import Calibration
from xcrystal.model.tensors import LATTICE_SIZE, Batch
from xcrystal.model.wyckoff_tables import MAX_LETTERS, position_tables

N_ELEMENTS = MAX_Z + 1
N_PROPERTY_OUTPUTS = 5
FREQUENCIES = (1, 2, 3, 4, 6, 8, 12, 16)
_MULTIPLICITY_UNIT = 20  # so that the multiplicities that the encoder reads are of order one


@dataclass(frozen=True)
class Config:
    """Sizes of the network, the largest crystal it decodes, and the scale of what it reads and writes.

    ``max_orbits`` and ``max_atoms`` count the orbits and the atoms of a primitive cell.
    """

    width: int = 192
    encoder_layers: int = 4
    decoder_layers: int = 4
    heads: int = 6
    latent_dim: int = 128
    prefix: int = 6
    bins: int = 96
    max_orbits: int = 20
    max_atoms: int = 20
    lattice_mean: tuple[float, ...] = (0.0,) * LATTICE_SIZE
    lattice_std: tuple[float, ...] = (1.0,) * LATTICE_SIZE
    property_mean: float = 0.0
    property_std: float = 1.0

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types."""
        return asdict(self)


class Block(nn.Module):
    """A pre-norm transformer layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(
        self, x: Tensor, mask: Tensor | None = None, past: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """One layer on x (B, S, W); ``mask`` is True where attention is allowed; ``past`` holds earlier keys."""
        B, S, W = x.shape
        q, k, v = self.qkv(self.norm_attention(x)).view(B, S, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        attended = attend(q, k, v, mask)
        x = x + self.out(attended.transpose(1, 2).reshape(B, S, W))
        return x + self.mlp(self.norm_mlp(x)), (k, v)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Attention of queries (B, H, S, D) to keys and values (B, H, K, D)."""
    if q.device.type == "cpu" and q.dtype == torch.bfloat16:
        # with some ten keys, torch's fused kernel takes three times as long here, forward and back
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        return scores.softmax(dim=-1).to(v.dtype) @ v
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Two layers."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))


def fourier(x: Tensor) -> Tensor:
    """Periodic features (..., 16) of fractional coordinates (...)."""
    angle = 2 * np.pi * x.unsqueeze(-1) * torch.tensor(FREQUENCIES, dtype=x.dtype, device=x.device)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


class Embeddings(nn.Module):
    """Vectors for elements, Wyckoff positions, space groups and orbits, shared by encoder and decoder."""

    free: Tensor
    A: Tensor
    b: Tensor
    index: Tensor
    multiplicity: Tensor
    position_features: Tensor
    group_features: Tensor
    element_features: Tensor
    _positions: Tensor | None
    _elements: Tensor | None
    _groups: Tensor | None

    def __init__(self, width: int) -> None:
        super().__init__()
        tables = position_tables()
        for name in ("free", "A", "b", "index", "multiplicity"):
            self.register_buffer(name, torch.from_numpy(getattr(tables, name)), persistent=False)
        self.register_buffer("position_features", torch.from_numpy(tables.features), persistent=False)
        self.register_buffer("group_features", torch.from_numpy(tables.group_features), persistent=False)
        self.register_buffer("element_features", torch.from_numpy(element_features()), persistent=False)
        self.element = nn.Embedding(N_ELEMENTS, width)
        self.position = nn.Embedding(len(tables.free), width)
        self.group = nn.Embedding(len(tables.group_features), width)
        for embedding in (self.element, self.position, self.group):
            nn.init.normal_(embedding.weight, std=0.3)
        self.element_shared = mlp(self.element_features.shape[1], 64, width)
        self.position_shared = mlp(self.position_features.shape[1], 64, width)
        self.group_shared = mlp(self.group_features.shape[1], 64, width)
        for name in ("_positions", "_elements", "_groups"):
            self.register_buffer(name, None, persistent=False)
        self.coordinates = mlp(6 * 2 * len(FREQUENCIES), width, width)

    def freeze(self) -> None:
        """Keep the vectors of all positions, elements and groups, instead of computing them at every use."""
        with torch.inference_mode(False), torch.no_grad():
            self._positions = self.all_positions()
            device = self.element.weight.device
            self._elements = self.elements(torch.arange(N_ELEMENTS, device=device))
            self._groups = self.groups(torch.arange(len(self.group_features), device=device))

    def all_positions(self) -> Tensor:
        """(P, W) vectors of all P = 1731 Wyckoff positions."""
        if self._positions is not None:
            return self._positions
        return self.position.weight + self.position_shared(self.position_features)

    def elements(self, z: Tensor) -> Tensor:
        """(..., W) vectors of atomic numbers (...,)."""
        if self._elements is not None:
            return self._elements[z]
        return self.element(z) + self.element_shared(self.element_features[z])

    def groups(self, number: Tensor) -> Tensor:
        """(..., W) vectors of space group numbers (...,)."""
        if self._groups is not None:
            return self._groups[number]
        return self.group(number) + self.group_shared(self.group_features[number])

    def rows(self, group: Tensor, letter: Tensor) -> Tensor:
        """Row in the tables of 1,731 positions for groups (B,) and letter indices (B, T); padding gives row 0."""
        return self.index[group[:, None], letter.clamp(min=0)].clamp(min=0)

    def allowed(self, group: Tensor, last: Tensor, atoms: Tensor, most: int) -> Tensor:
        """(B, S, 28) letters that may follow, and last whether the end may: see ``Decoder.allowed``.

        ``most`` is the largest number of atoms of a primitive cell.
        """
        rows = self.index[group]
        exists = (rows >= 0)[:, None]
        moves = self.free[rows.clamp(min=0)].any(dim=-1)[:, None]
        letters = torch.arange(MAX_LETTERS, device=group.device)
        later = letters > last[..., None]
        again = (letters == last[..., None]) & moves
        fits = atoms[..., None] + self.multiplicity[rows.clamp(min=0)][:, None] <= most
        more = exists & (later | again) & fits
        return torch.cat([more, (last >= 0)[..., None]], dim=-1)

    def places(self, rows: Tensor, coordinates: Tensor) -> Tensor:
        """(B, T, W): what the coordinates (B, T, 3) of orbits on positions (B, T) contribute."""
        # not a matrix product: autocast would round coordinates to 8 bits
        full = (self.A[rows] * coordinates.unsqueeze(-2)).sum(dim=-1) + self.b[rows]
        free = self.free[rows].to(coordinates.dtype).unsqueeze(-1)
        features = torch.cat([fourier(full), fourier(coordinates) * free], dim=-1)
        return self.coordinates(features.flatten(-2))


class Encoder(nn.Module):
    """A set of orbits, a space group and a lattice to the mean and log variance of the posterior."""

    def __init__(self, config: Config, embeddings: Embeddings) -> None:
        super().__init__()
        self.embed = embeddings
        self.lattice = mlp(LATTICE_SIZE, config.width, config.width)
        self.multiplicity = nn.Linear(2, config.width)
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.encoder_layers))
        self.norm = nn.LayerNorm(3 * config.width)
        self.posterior = nn.Linear(3 * config.width, 2 * config.latent_dim)

    def forward(self, batch: Batch, lattice: Tensor, elements: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance (B, Z) each.

        ``lattice`` (B, 7) is standardized; ``elements`` (B, T, W) are the element vectors of the orbits, given from
        outside so that gradients can be taken with respect to them.
        """
        rows = self.embed.rows(batch.group, batch.letter)
        orbits = elements + self.embed.all_positions()[rows] + self.embed.places(rows, batch.coordinates)
        count = self.embed.multiplicity[rows].to(elements.dtype)
        orbits = orbits + self.multiplicity(torch.stack([count.log(), count / _MULTIPLICITY_UNIT], dim=-1))
        whole = self.embed.groups(batch.group) + self.lattice(lattice)
        x = torch.cat([whole[:, None], orbits], dim=1)
        present = F.pad(batch.mask, (1, 0), value=True)
        mask = present[:, None, None, :]
        for block in self.blocks:
            x, _ = block(x, mask)
        weight = (count * batch.mask).unsqueeze(-1)
        mean = (x[:, 1:] * weight).sum(dim=1) / weight.sum(dim=1)
        plain = (x[:, 1:] * batch.mask.unsqueeze(-1)).sum(dim=1) / batch.mask.sum(dim=1, keepdim=True)
        posterior = self.posterior(self.norm(torch.cat([x[:, 0], mean, plain], dim=-1)))
        mu, log_variance = posterior.to(lattice.dtype).chunk(2, dim=-1)
        return mu, log_variance.clamp(-10, 4)


class Decoder(nn.Module):
    """A latent vector to distributions over space group, orbits and lattice."""

    def __init__(self, config: Config, embeddings: Embeddings) -> None:
        super().__init__()
        W, Z = config.width, config.latent_dim
        self.embed = embeddings
        self.config = config
        self.group = nn.Sequential(nn.Linear(Z, 2 * W), nn.GELU(), nn.Linear(2 * W, W), nn.GELU(), nn.Linear(W, 231))
        self.composition = nn.Sequential(nn.Linear(Z, 2 * W), nn.GELU(), nn.Linear(2 * W, N_ELEMENTS))
        self.prefix = mlp(Z, 2 * W, config.prefix * W)
        self.each_step = nn.Linear(Z, W)
        self.step = nn.Embedding(config.max_orbits + 1, W)
        self.atoms_so_far = nn.Embedding(config.max_atoms + 1, W)
        self.blocks = nn.ModuleList(Block(W, config.heads) for _ in range(config.decoder_layers))
        self.norm = nn.LayerNorm(W)
        self.query, self.stop = nn.Linear(W, W), nn.Linear(W, 1)
        self.element = mlp(W, W, N_ELEMENTS)
        self.composition_weight = nn.Parameter(torch.tensor(0.5))
        self.axes = nn.ModuleList(mlp(W, W, config.bins) for _ in range(3))
        self.residual = nn.ModuleList(mlp(W, W, config.bins) for _ in range(3))
        self.placed = nn.ModuleList(nn.Linear(2 * len(FREQUENCIES), W) for _ in range(2))
        self.lattice = mlp(W, 2 * W, LATTICE_SIZE)
        self.from_latent = nn.Linear(Z, W)

    def start(self, z: Tensor, group: Tensor) -> Tensor:
        """(B, P + 1, W): the tokens before the first orbit; the last of them predicts it."""
        B = len(z)
        prefix = self.prefix(z).view(B, -1, self.config.width)
        first = self.embed.groups(group) + self.each_step(z) + self.step.weight[0] + self.atoms_so_far.weight[0]
        return torch.cat([prefix, first[:, None]], dim=1)

    def orbit_tokens(
        self, z: Tensor, rows: Tensor, element: Tensor, coordinates: Tensor, atoms: Tensor, first: int = 0
    ) -> Tensor:
        """(B, T, W) tokens of orbits that are already there; ``atoms`` (B, T) counts those up to and with each."""
        T = rows.shape[1]
        x = self.embed.elements(element) + self.embed.all_positions()[rows] + self.embed.places(rows, coordinates)
        x = x + self.step.weight[first + 1 : first + 1 + T] + self.atoms_so_far(atoms.clamp(max=self.config.max_atoms))
        return x + self.each_step(z)[:, None]

    def letter_logits(self, h: Tensor, group: Tensor, allowed: Tensor) -> Tensor:
        """(B, S, 28) over the letters of the group and, last, "no more"; -inf where not ``allowed`` (B, S, 28)."""
        rows = self.embed.index[group]
        keys = self.embed.all_positions()[rows.clamp(min=0)]
        logits = torch.einsum("bsw,bkw->bsk", self.query(h), keys) / self.config.width**0.5
        logits = torch.cat([logits, self.stop(h)], dim=-1)
        return logits.masked_fill(~allowed, float("-inf"))

    def allowed(self, group: Tensor, last: Tensor, atoms: Tensor) -> Tensor:
        """(B, S, 28) letters that may follow, given the last letter (B, S; -1 at the start) and atoms so far (B, S)."""
        return self.embed.allowed(group, last, atoms, self.config.max_atoms)

    def element_logits(self, at_position: Tensor, composition: Tensor) -> Tensor:
        """(B, S, 95) from states with their position added, and composition logits (B, 95)."""
        logits = self.element(at_position) + self.composition_weight * composition.log_softmax(dim=-1)[:, None]
        none = torch.zeros((), dtype=torch.long, device=logits.device)
        return logits - 1e9 * F.one_hot(none, N_ELEMENTS).to(logits.dtype)

    def with_axis(self, state: Tensor, axis: int, value: Tensor, free: Tensor) -> Tensor:
        """(B, S, W): the states once the coordinates (B, S) along an axis that is ``free`` (B, S) are known."""
        return state + self.placed[axis](fourier(value)) * free[..., None]

    def lattice_numbers(self, h: Tensor, z: Tensor) -> Tensor:
        """(B, 7) standardized lattice numbers from the states (B, W) that say "no more"."""
        return self.lattice(h + self.from_latent(z))


class PropertyModel(nn.Module):
    """What predicts properties (B, 3) of latent vectors (B, Z).

    It is the head that is trained with the autoencoder, or the ensemble that is fitted afterwards and replaces it
    (``xcrystal.model.properties``).

    Attributes
    ----------
    calibrations
        Of each property whose intervals are known, by its column.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calibrations: dict[int, Calibration] = {}

    def forward(self, z: Tensor) -> Tensor:
        """(B, 3) properties: formation energy (eV/atom), band gap (eV), energy above hull (eV/atom)."""
        raise NotImplementedError


class PropertyHead(PropertyModel):
    """The head that is trained together with the autoencoder; it knows no intervals."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        W = 2 * config.width
        self.net = nn.Sequential(
            nn.Linear(config.latent_dim, W), nn.GELU(), nn.Linear(W, W), nn.GELU(), nn.Linear(W, N_PROPERTY_OUTPUTS)
        )
        self.mean, self.std = config.property_mean, config.property_std

    def raw(self, z: Tensor) -> Tensor:
        """(B, 5) numbers before they become properties."""
        return self.net(z)

    def properties(self, raw: Tensor) -> Tensor:
        """(B, 3): formation energy (eV/atom), band gap (eV), energy above hull (eV/atom); the last two never negative.

        Gap and hull distance are a probability of not being zero times a positive size.
        """
        energy = raw[:, 0] * self.std + self.mean
        gap = torch.sigmoid(raw[:, 1]) * F.softplus(raw[:, 2])
        hull = torch.sigmoid(raw[:, 3]) * F.softplus(raw[:, 4]) * 0.1
        return torch.stack([energy, gap, hull], dim=1)

    def forward(self, z: Tensor) -> Tensor:
        """(B, 3) properties."""
        return self.properties(self.raw(z))


class CrystalVAE(nn.Module):
    """Encoder, decoder and property head around one latent vector."""

    lattice_mean: Tensor
    lattice_std: Tensor
    properties: PropertyModel

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embed = Embeddings(config.width)
        self.encoder = Encoder(config, self.embed)
        self.decoder = Decoder(config, self.embed)
        self.properties = PropertyHead(config)
        self.register_buffer("lattice_mean", torch.tensor(config.lattice_mean, dtype=torch.float32), persistent=False)
        self.register_buffer("lattice_std", torch.tensor(config.lattice_std, dtype=torch.float32), persistent=False)
        self.float()  # whatever the process-wide default is

    def joint_head(self) -> PropertyHead:
        """The head that is trained with the autoencoder.

        Raises
        ------
        TypeError
            If an ensemble has replaced it, which is not trained together with anything.
        """
        if not isinstance(self.properties, PropertyHead):
            raise TypeError("The properties are those of an ensemble, which is not trained with the autoencoder.")
        return self.properties

    def standardized(self, lattice: Tensor) -> Tensor:
        """Lattice numbers (B, 7) in units of their spread over the training data."""
        return (lattice - self.lattice_mean) / self.lattice_std

    def posterior(self, batch: Batch, elements: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and log variance (B, Z); ``elements`` (B, T, W) replaces the orbits' own element vectors."""
        if elements is None:
            elements = self.embed.elements(batch.element)
        return self.encoder(batch, self.standardized(batch.lattice), elements)
