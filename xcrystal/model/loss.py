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
    decoder, embed = model.decoder, model.embed
    averaged = (batch.element == 0) & batch.mask
    vectors = embed.elements(batch.element)
    if frequencies is not None:
        mean = frequencies.to(vectors.dtype) @ embed.elements(torch.arange(N_ELEMENTS, device=vectors.device))
        vectors = torch.where(averaged[..., None], mean, vectors)
    mu, log_variance = model.posterior(batch, vectors)
    spread = (0.5 * log_variance).exp()
    noise = torch.randn(mu.shape, generator=generator, device=mu.device)
    z = mu + spread * noise
    kl = 0.5 * (mu**2 + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()

    mask, B, T = batch.mask, *batch.letter.shape
    rows = embed.rows(batch.group, batch.letter)
    count = torch.where(mask, embed.multiplicity[rows], 0)
    atoms = count.cumsum(dim=1)
    group_loss = F.cross_entropy(decoder.group(z), batch.group)
    composition = decoder.composition(z)
    fractions = torch.zeros(B, N_ELEMENTS, device=z.device).scatter_add_(1, batch.element, count.to(z.dtype))
    whole = ~averaged.any(dim=1, keepdim=True)
    fractions = fractions / fractions.sum(dim=1, keepdim=True) * whole
    composition_loss = -(fractions * composition.log_softmax(dim=1)).sum(dim=1).mean()

    tokens = decoder.orbit_tokens(z, rows, batch.element, batch.coordinates, atoms)
    keep = torch.rand(B, T, 1, generator=generator, device=z.device) >= weights.token_dropout
    bare = decoder.each_step(z)[:, None] + decoder.step.weight[1 : T + 1] + decoder.atoms_so_far(atoms)
    start = decoder.start(z, batch.group)
    P = start.shape[1]
    x = torch.cat([start, torch.where(keep, tokens, bare)], dim=1)
    causal = torch.ones(P + T, P + T, dtype=torch.bool, device=z.device).tril()
    causal[:P, :P] = True
    for block in decoder.blocks:
        x, _ = block(x, causal)
    h = decoder.norm(x[:, P - 1 :])  # (B, T + 1, W): state i predicts orbit i

    lengths = mask.sum(dim=1)
    last = F.pad(batch.letter, (1, 0), value=-1)
    allowed = decoder.allowed(batch.group, last, F.pad(atoms, (1, 0)))
    target = torch.where(mask, batch.letter, MAX_LETTERS)
    target = F.pad(target, (0, 1), value=MAX_LETTERS)
    live = torch.arange(T + 1, device=z.device) <= lengths[:, None]
    allowed = allowed | ~live[..., None]
    letter_logits = decoder.letter_logits(h, batch.group, allowed)
    letter_loss = _mean(F.cross_entropy(letter_logits.transpose(1, 2), target, reduction="none"), live, B)

    state = h[:, :T] + embed.all_positions()[rows]
    element_logits = decoder.element_logits(state, composition)
    known = mask & ~averaged
    element_loss = _mean(F.cross_entropy(element_logits.transpose(1, 2), batch.element, reduction="none"), known, B)

    state = state + embed.elements(batch.element)
    free = embed.free[rows] & mask[..., None]
    coordinate_loss, residual_loss = coordinate_losses(decoder, state, batch.coordinates, free, decoder.with_axis)

    stops = h[torch.arange(B, device=z.device), lengths]
    lattice = decoder.lattice_numbers(stops, z)
    lattice_errors = F.smooth_l1_loss(lattice, model.standardized(batch.lattice), beta=0.02, reduction="none")
    return {
        "kl": kl,
        "group": group_loss,
        "composition": composition_loss,
        "letter": letter_loss,
        "element": element_loss,
        "coordinate": coordinate_loss,
        "residual": residual_loss,
        "lattice": lattice_errors.sum(dim=1).mean(),
        "properties": property_loss(model, z, properties),
    }


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
    """Absolute errors, and cross-entropy for whether gap and hull distance are zero; unknown values are left out."""
    raw = model.properties.raw(z)
    predicted = model.properties.properties(raw)
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
    """The weighted sum; ``warm_up`` (0 to 1) scales the KL weight."""
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
