"""Greedy decoding of a batch of latent vectors: one network step per orbit, keys of earlier steps kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xcrystal.model.tables import MAX_LETTERS
from xcrystal.model.tensors import MAX_ORBITS, cells_from_numbers
from xcrystal.model.vae import CrystalVAE, fourier


@dataclass(frozen=True)
class Decoded:
    """One decoded crystal as plain arrays, and how sure the decoder was.

    Attributes
    ----------
    group
        Space group number; ``cell`` (6,) conventional cell in Å and degrees.
    letter, element, coordinates
        (n,), (n,) and (n, 3) of its orbits.
    group_probability
        Of the space group that was taken; ``element_probability`` (n,) of each orbit's element.
    """

    group: int
    cell: np.ndarray
    letter: np.ndarray
    element: np.ndarray
    coordinates: np.ndarray
    group_probability: float
    element_probability: np.ndarray


@torch.no_grad()
def greedy_decode(model: CrystalVAE, z: Tensor) -> list[Decoded]:
    """The most probable crystal for each latent vector (B, Z), step by step."""
    decoder, embed = model.decoder, model.embed
    B, device = len(z), z.device
    group_logits = decoder.group(z)
    group_logits[:, 0] = float("-inf")
    group_p, group = group_logits.softmax(dim=-1).max(dim=-1)
    composition = decoder.composition(z)

    past: list[tuple[Tensor, Tensor] | None] = [None] * len(decoder.blocks)
    x = decoder.start(z, group)
    last = torch.full((B, 1), -1, dtype=torch.long, device=device)
    atoms = torch.zeros((B, 1), dtype=torch.long, device=device)
    done = torch.zeros(B, dtype=torch.bool, device=device)
    final = torch.zeros(B, decoder.config.width, dtype=z.dtype, device=device)
    letters, elements, coordinates, confidences = [], [], [], []
    for step in range(MAX_ORBITS + 1):
        for i, block in enumerate(decoder.blocks):
            x, past[i] = block(x, None, past[i])
        h = decoder.norm(x[:, -1:])
        allowed = decoder.allowed(group, last, atoms)
        letter = decoder.letter_logits(h, group, allowed).argmax(dim=-1)
        stops = (letter[:, 0] == MAX_LETTERS) | (step == MAX_ORBITS)
        newly = stops & ~done
        final[newly] = h[newly, 0]
        done = done | stops
        if bool(done.all()):
            break
        letter = torch.where(done[:, None], -1, letter)
        rows = embed.rows(group, letter)
        state = h + embed.all_positions()[rows]
        element_p, element = decoder.element_logits(state, composition).softmax(dim=-1).max(dim=-1)
        placed = _place(model, state + embed.elements(element), rows)
        atoms = atoms + embed.multiplicity[rows]
        last = torch.maximum(last, letter)
        letters.append(letter)
        elements.append(element)
        coordinates.append(placed)
        confidences.append(element_p)
        if step < MAX_ORBITS:
            x = decoder.orbit_tokens(z, rows, element, placed, atoms, first=step)
    numbers = decoder.lattice_numbers(final, z) * model.lattice_std + model.lattice_mean
    return _to_arrays(model, group, group_p, numbers, letters, elements, coordinates, confidences)


def _place(model: CrystalVAE, state: Tensor, rows: Tensor) -> Tensor:
    """Free coordinates (B, 1, 3) in [0, 1): the most probable bin of each axis in turn, and its residual."""
    decoder, free = model.decoder, model.embed.free[rows]
    bins = decoder.config.bins
    chosen = []
    for axis in range(3):
        if not bool(free[..., axis].any()):
            chosen.append(torch.zeros_like(state[..., 0]))
            continue
        index = decoder.axes[axis](state).argmax(dim=-1, keepdim=True)
        offset = decoder.residual[axis](state).gather(-1, index)[..., 0].clamp(-1, 1)
        value = (index[..., 0] + offset / 2) / bins % 1.0
        value = torch.where(free[..., axis], value, torch.zeros_like(value))
        chosen.append(value)
        if axis < 2:
            state = state + decoder.placed[axis](fourier(value)) * free[..., axis, None]
    return torch.stack(chosen, dim=-1)


def _to_arrays(
    model: CrystalVAE,
    group: Tensor,
    group_p: Tensor,
    numbers: Tensor,
    letters: list[Tensor],
    elements: list[Tensor],
    coordinates: list[Tensor],
    confidences: list[Tensor],
) -> list[Decoded]:
    group_numbers = group.cpu().numpy()
    letter = torch.cat(letters, dim=1).cpu().numpy()
    element = torch.cat(elements, dim=1).cpu().numpy()
    points = torch.cat(coordinates, dim=1).float().cpu().numpy().astype(np.float64)
    confidence = torch.cat(confidences, dim=1).float().cpu().numpy()
    multiplicity = model.embed.multiplicity[model.embed.rows(group, torch.cat(letters, dim=1))].cpu().numpy()
    atoms = (multiplicity * (letter >= 0)).sum(axis=1)
    cells = cells_from_numbers(group_numbers, numbers.float().cpu().numpy().astype(np.float64), atoms)
    decoded = []
    for i in range(len(group_numbers)):
        n = int((letter[i] >= 0).sum())
        decoded.append(
            Decoded(
                int(group_numbers[i]),
                cells[i],
                letter[i, :n],
                element[i, :n],
                points[i, :n],
                float(group_p[i]),
                confidence[i, :n],
            )
        )
    return decoded
