"""What training minimises: the negative evidence lower bound, and properties predicted from the latent vector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xcrystal.model.tensors import Batch
from xcrystal.model.vae import N_ELEMENTS, CrystalVAE
from xcrystal.model.wyckoff_tables import MAX_LETTERS


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts; ``kl`` is reached after the warm-up."""

    kl: float = 0.03
    lattice: float = 4.0
    residual: float = 2.0
    composition: float = 1.0
    properties: float = 2.0
    token_dropout: float = 0.15


def loss_parts(
    model: CrystalVAE,
    batch: Batch,
    properties: Tensor,
    weights: LossWeights,
    generator: torch.Generator | None = None,
    frequencies: Tensor | None = None,
) -> dict[str, Tensor]:
    """Parts of the loss, each a mean over the batch.

    Parameters
    ----------
    batch
        B crystals; an orbit of element 0 is an averaged site: the encoder reads the mean element there, and which
        element it is, is not learned. ``properties`` (B, 3) holds NaN where a property is unknown or not to be learned.
    generator
        Source of the posterior samples and dropped tokens.
    frequencies
        (95,) shares of the elements in the mean element; needed where sites are averaged.
    """
    averaged = (batch.element == 0) & batch.mask
    mu, log_variance = model.posterior(batch, _element_vectors(model, batch, averaged, frequencies))
    z = _sample(mu, log_variance, generator)
    orbits = _Orbits.of(model, batch, averaged)
    # in the order in which random numbers are drawn and gradients add up
    parts = {"kl": _kl(mu, log_variance), "group": F.cross_entropy(model.decoder.group(z), batch.group)}
    composition = model.decoder.composition(z)
    parts["composition"] = _composition_loss(composition, batch, orbits)
    states = _states(model, z, batch, orbits, weights.token_dropout, generator)
    parts["letter"] = _letter_loss(model, states, batch, orbits)
    at_positions = states[:, :-1] + model.embed.all_positions()[orbits.rows]
    parts["element"] = _element_loss(model, at_positions, composition, batch, orbits)
    parts |= _coordinate_parts(model, at_positions, batch, orbits)
    parts["lattice"] = _lattice_loss(model, states, z, batch, orbits)
    parts["properties"] = property_loss(model, z, properties)
    return parts


@dataclass(frozen=True)
class _Orbits:
    """What the orbits of B crystals, T each with padding, are in the tables.

    Attributes
    ----------
    rows, multiplicity, atoms
        (B, T) row of the Wyckoff position, atoms on the orbit, 0 for padding, and atoms up to and with it.
    averaged
        (B, T) whether the element is a mean one, which is not learned.
    count
        (B,) orbits of each crystal.
    """

    rows: Tensor
    multiplicity: Tensor
    atoms: Tensor
    averaged: Tensor
    count: Tensor

    @classmethod
    def of(cls, model: CrystalVAE, batch: Batch, averaged: Tensor) -> _Orbits:
        rows = model.embed.rows(batch.group, batch.letter)
        multiplicity = torch.where(batch.mask, model.embed.multiplicity[rows], 0)
        return cls(rows, multiplicity, multiplicity.cumsum(dim=1), averaged, batch.mask.sum(dim=1))


def _element_vectors(model: CrystalVAE, batch: Batch, averaged: Tensor, frequencies: Tensor | None) -> Tensor:
    """(B, T, W) vectors of the elements, or of the mean element (``frequencies`` (95,)) where they are averaged."""
    vectors = model.embed.elements(batch.element)
    if frequencies is None:
        return vectors
    every = model.embed.elements(torch.arange(N_ELEMENTS, device=vectors.device))
    mean = frequencies.to(vectors.dtype) @ every
    return torch.where(averaged[..., None], mean, vectors)


def _sample(mu: Tensor, log_variance: Tensor, generator: torch.Generator | None) -> Tensor:
    """(B, Z) a draw of the posterior."""
    noise = torch.randn(mu.shape, generator=generator, device=mu.device)
    return mu + (0.5 * log_variance).exp() * noise


def _kl(mu: Tensor, log_variance: Tensor) -> Tensor:
    """Divergence of the posterior (B, Z) from the standard normal distribution, nats."""
    return 0.5 * (mu**2 + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()


def _composition_loss(composition: Tensor, batch: Batch, orbits: _Orbits) -> Tensor:
    """Cross-entropy of the atomic fractions with logits (B, 95); crystals with averaged sites have none to learn."""
    fractions = torch.zeros(len(batch), N_ELEMENTS, device=composition.device)
    fractions = fractions.scatter_add_(1, batch.element, orbits.multiplicity.to(fractions.dtype))
    whole = ~orbits.averaged.any(dim=1, keepdim=True)
    fractions = fractions / fractions.sum(dim=1, keepdim=True) * whole
    return -(fractions * composition.log_softmax(dim=1)).sum(dim=1).mean()


def _states(
    model: CrystalVAE,
    z: Tensor,
    batch: Batch,
    orbits: _Orbits,
    dropout: float,
    generator: torch.Generator | None,
) -> Tensor:
    """(B, T + 1, W) states of the decoder that is shown the true orbits, some dropped; state i predicts orbit i."""
    decoder, (B, T) = model.decoder, batch.letter.shape
    tokens = decoder.orbit_tokens(z, orbits.rows, batch.element, batch.coordinates, orbits.atoms)
    keep = torch.rand(B, T, 1, generator=generator, device=z.device) >= dropout
    bare = decoder.each_step(z)[:, None] + decoder.step.weight[1 : T + 1] + decoder.atoms_so_far(orbits.atoms)
    start = decoder.start(z, batch.group)
    P = start.shape[1]
    x = torch.cat([start, torch.where(keep, tokens, bare)], dim=1)
    causal = torch.ones(P + T, P + T, dtype=torch.bool, device=z.device).tril()
    causal[:P, :P] = True
    for block in decoder.blocks:
        x, _ = block(x, causal)
    states: Tensor = decoder.norm(x[:, P - 1 :])
    return states


def _letter_loss(model: CrystalVAE, states: Tensor, batch: Batch, orbits: _Orbits) -> Tensor:
    """Cross-entropy of the Wyckoff letters, and of the end, with states (B, T + 1, W)."""
    T = batch.letter.shape[1]
    last = F.pad(batch.letter, (1, 0), value=-1)
    allowed = model.decoder.allowed(batch.group, last, F.pad(orbits.atoms, (1, 0)))
    target = torch.where(batch.mask, batch.letter, MAX_LETTERS)
    target = F.pad(target, (0, 1), value=MAX_LETTERS)
    live = torch.arange(T + 1, device=states.device) <= orbits.count[:, None]
    logits = model.decoder.letter_logits(states, batch.group, allowed | ~live[..., None])
    return _mean(F.cross_entropy(logits.transpose(1, 2), target, reduction="none"), live, len(batch))


def _element_loss(
    model: CrystalVAE, at_positions: Tensor, composition: Tensor, batch: Batch, orbits: _Orbits
) -> Tensor:
    """Cross-entropy of the elements with states (B, T, W) that know the positions, and composition logits (B, 95)."""
    logits = model.decoder.element_logits(at_positions, composition)
    known = batch.mask & ~orbits.averaged
    return _mean(F.cross_entropy(logits.transpose(1, 2), batch.element, reduction="none"), known, len(batch))


def _coordinate_parts(model: CrystalVAE, at_positions: Tensor, batch: Batch, orbits: _Orbits) -> dict[str, Tensor]:
    """Losses of the free coordinates with states (B, T, W) that know the positions."""
    state = at_positions + model.embed.elements(batch.element)
    free = model.embed.free[orbits.rows] & batch.mask[..., None]
    decoder = model.decoder
    coordinate, residual = coordinate_losses(decoder, state, batch.coordinates, free, decoder.with_axis)
    return {"coordinate": coordinate, "residual": residual}


def _lattice_loss(model: CrystalVAE, states: Tensor, z: Tensor, batch: Batch, orbits: _Orbits) -> Tensor:
    """Errors of the standardized lattice numbers with the states (B, T + 1, W) that predict the end."""
    stops = states[torch.arange(len(batch), device=z.device), orbits.count]
    lattice = model.decoder.lattice_numbers(stops, z)
    errors = F.smooth_l1_loss(lattice, model.standardized(batch.lattice), beta=0.02, reduction="none")
    return errors.sum(dim=1).mean()


class _Axes(Protocol):
    """What chooses coordinates: for each axis a network for its bins and one for what is left within a bin."""

    axes: nn.ModuleList
    residual: nn.ModuleList


def coordinate_losses(
    heads: _Axes,
    state: Tensor,
    coordinates: Tensor,
    free: Tensor,
    with_axis: Callable[[Tensor, int, Tensor, Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the bins of coordinates, axis by axis, and absolute errors within a bin.

    Parameters
    ----------
    state
        (B, T, W) from which the first axis is chosen.
    coordinates, free
        (B, T, 3) true fractional coordinates, and which of them are chosen at all.
    with_axis
        Adds to states what is known of an axis, its coordinates (B, T) and where it is free (B, T).

    Returns
    -------
    tuple of Tensor
        Two means over the batch; the second in half bins.
    """
    B = len(state)
    bin_loss, residual_loss = state.new_zeros(()), state.new_zeros(())
    for axis in range(3):
        log_p = heads.axes[axis](state).log_softmax(dim=-1)
        bins = log_p.shape[-1]
        position = coordinates[..., axis] % 1.0 * bins
        nearest = position.round()
        index = nearest.long() % bins
        own = log_p.gather(-1, index[..., None])[..., 0]
        beside = sum(log_p.gather(-1, (index + s)[..., None] % bins)[..., 0] for s in (-1, 1))
        bin_loss = bin_loss - _mean(0.9 * own + 0.05 * beside, free[..., axis], B)
        offset = heads.residual[axis](state).gather(-1, index[..., None])[..., 0]
        residual_loss = residual_loss + _mean((offset - 2 * (position - nearest)).abs(), free[..., axis], B)
        if axis < 2:
            state = with_axis(state, axis, coordinates[..., axis], free[..., axis])
    return bin_loss, residual_loss


def property_loss(model: CrystalVAE, z: Tensor, properties: Tensor) -> Tensor:
    """Absolute errors, and cross-entropy for whether gap and hull distance are zero.

    Parameters
    ----------
    z
        (B, Z) latent vectors.
    properties
        (B, 3) formation energy (eV/atom), gap (eV) and hull distance (eV/atom); NaN where unknown, which is left out.

    Returns
    -------
    Tensor
        () the loss.
    """
    head = model.joint_head()
    raw = head.raw(z)
    predicted = head.properties(raw)
    known = ~properties.isnan()
    truth = torch.nan_to_num(properties)
    scale = torch.tensor([model.config.property_std, 1.0, 0.1], device=z.device)
    error = ((predicted - truth).abs() / scale * known).sum(dim=0) / known.sum(dim=0).clamp(min=1)
    zero = z.new_zeros(())
    for column, logit in ((1, raw[:, 1]), (2, raw[:, 3])):
        positive = (truth[:, column] > 1e-3).to(z.dtype)
        entropy = F.binary_cross_entropy_with_logits(logit, positive, reduction="none")
        zero = zero + (entropy * known[:, column]).sum() / known[:, column].sum().clamp(min=1)
    return 3 * error[0] + error[1] + 0.3 * error[2] + 0.3 * zero


def total(parts: dict[str, Tensor], weights: LossWeights, warm_up: float) -> Tensor:
    """() weighted sum of parts (); ``warm_up`` (0 to 1) scales the KL weight."""
    factors = {
        "kl": weights.kl * warm_up,
        "composition": weights.composition,
        "residual": weights.residual,
        "lattice": weights.lattice,
        "properties": weights.properties,
    }
    return torch.stack([factors.get(name, 1.0) * value for name, value in parts.items()]).sum()


def _mean(values: Tensor, mask: Tensor, batch: int) -> Tensor:
    return (values * mask).sum() / batch
