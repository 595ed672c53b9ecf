"""Crystals as padded tensors, and the lattice as the numbers that the network reads and writes.

A batch of crystals with at most T orbits each; 0 pads elements, -1 pads positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.model.wyckoff_tables import position_tables

LATTICE_SIZE = 7


@dataclass
class Batch:
    """A batch of B crystals of at most T orbits.

    Attributes
    ----------
    group
        (B,) int64 space group numbers.
    lattice
        (B, 7) float: log volume per atom (Å3), three centred log lengths, three cosines; see ``lattice_numbers``.
    letter
        (B, T) int64 letter index within the group, -1 where there is no orbit.
    element
        (B, T) int64 atomic numbers, 0 where there is no orbit.
    coordinates
        (B, T, 3) float free coordinates in [0, 1), 0 along bound axes.
    """

    group: Tensor
    lattice: Tensor
    letter: Tensor
    element: Tensor
    coordinates: Tensor

    @property
    def mask(self) -> Tensor:
        """(B, T) where there is an orbit."""
        return self.letter >= 0

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Batch:
        """Copy on another device, its floats in another precision."""
        moved = (getattr(self, f.name) for f in fields(self))
        return Batch(*(t.to(device, dtype if t.is_floating_point() else None) for t in moved))

    def __getitem__(self, rows: slice | Tensor) -> Batch:
        return Batch(*(getattr(self, f.name)[rows] for f in fields(self)))

    def __len__(self) -> int:
        return len(self.group)


def lattice_numbers(group: np.ndarray, cells: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """Conventional cells as the seven numbers that the network works with.

    Parameters
    ----------
    group
        (B,) space group numbers.
    cells
        (B, 6) a, b, c (Å), alpha, beta, gamma (degrees).
    atoms
        (B,) atoms in the primitive cell.

    Returns
    -------
    ndarray
        (B, 7) float32: log of the volume per atom, log lengths minus their mean, cosines of the angles.
    """
    cosines = np.cos(np.radians(cells[:, 3:]))
    volume = np.prod(cells[:, :3], axis=1) * _unit_volume(cosines) / position_tables().centring[group]
    logs = np.log(cells[:, :3])
    centred = logs - logs.mean(axis=1, keepdims=True)
    return np.column_stack([np.log(volume / atoms), centred, cosines]).astype(np.float32)


def cells_from_numbers(group: np.ndarray, numbers: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """Inverse of ``lattice_numbers``; what symmetry fixes is filled in, impossible angles are pulled back.

    Returns
    -------
    ndarray
        (B, 6) a, b, c (Å), alpha, beta, gamma (degrees).
    """
    tables = position_tables()
    numbers = np.nan_to_num(np.asarray(numbers, dtype=np.float64))
    logs = np.einsum("bij,bj->bi", tables.tie[group], np.clip(numbers[:, 1:4], -3, 3))
    cosines = np.where(tables.free_angles[group], np.clip(numbers[:, 4:], -0.9, 0.9), tables.fixed_cosines[group])
    for _ in range(8):  # three free angles may not fit together: halve them until they span a volume
        flat = _unit_volume(cosines) < 0.2
        if not flat.any():
            break
        cosines[flat] = np.where(tables.free_angles[group[flat]], cosines[flat] / 2, cosines[flat])
    lengths = np.exp(logs)
    unit = np.prod(lengths, axis=1) * _unit_volume(cosines) / tables.centring[group]
    scale = np.cbrt(np.exp(np.clip(numbers[:, 0], 0.5, 5.5)) * atoms / unit)
    return np.column_stack([lengths * scale[:, None], np.degrees(np.arccos(cosines))])


def _unit_volume(cosines: np.ndarray) -> np.ndarray:
    square = 1 - (cosines**2).sum(axis=1) + 2 * cosines.prod(axis=1)
    return np.sqrt(np.clip(square, 1e-6, None))


def collate(crystals: list[tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]) -> Batch:
    """Pad crystals, each (group, lattice numbers (7,), letters (n,), elements (n,), coordinates (n, 3)), to a batch."""
    longest = max(len(c[2]) for c in crystals)
    letter = np.full((len(crystals), longest), -1, dtype=np.int64)
    element = np.zeros((len(crystals), longest), dtype=np.int64)
    coordinates = np.zeros((len(crystals), longest, 3), dtype=np.float32)
    for row, (_, _, letters, elements, points) in enumerate(crystals):
        letter[row, : len(letters)] = letters
        element[row, : len(letters)] = elements
        coordinates[row, : len(letters)] = points
    return Batch(
        torch.tensor([c[0] for c in crystals], dtype=torch.int64),
        torch.from_numpy(np.stack([c[1] for c in crystals]).astype(np.float32)),
        torch.from_numpy(letter),
        torch.from_numpy(element),
        torch.from_numpy(coordinates),
    )


def batch_of(crystals: Sequence[WyckoffCrystal]) -> Batch:
    """n crystals as tensors."""
    groups = np.array([c.space_group for c in crystals])
    atoms = np.array([c.multiplicities.sum() for c in crystals], dtype=float)
    numbers = lattice_numbers(groups, np.array([c.lattice for c in crystals]), atoms)
    rows = zip(crystals, numbers, strict=True)
    return collate([(c.space_group, lattice, c.positions, c.elements, c.coordinates) for c, lattice in rows])
