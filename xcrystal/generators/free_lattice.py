"""The lattice numbers that a space group leaves free: what a generator draws, and how the rest follows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xcrystal.model.tensors import LATTICE_SIZE
from xcrystal.model.wyckoff_tables import position_tables


class FreeLattice(nn.Module):
    """Lattice numbers (B, 7) of ``xcrystal.model.tensors`` in units of their spread, and which of them are free.

    One number is the volume. Of the three centred logarithms of the lengths, which add up to 0, two are free, one
    (that of c) where a = b, or none; of the cosines those that symmetry does not fix.
    """

    free_numbers: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        tables = position_tables()
        tie = torch.from_numpy(tables.tie)
        free = torch.zeros(len(tie), LATTICE_SIZE, dtype=torch.bool)
        tied = tie[:, 0, 1] > 0
        cubic = tie[:, 0, 2] > 0
        free[:, 0] = True
        free[:, 1] = free[:, 2] = ~tied
        free[:, 3] = tied & ~cubic
        free[:, 4:] = torch.from_numpy(tables.free_angles)
        self.register_buffer("free_numbers", free, persistent=False)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32), persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32), persistent=False)

    def free(self, group: Tensor) -> Tensor:
        """(B, 7) which numbers of crystals of these groups (B,) are free."""
        return self.free_numbers[group]

    def standardized(self, lattice: Tensor, group: Tensor) -> Tensor:
        """(B, 7) lattice numbers in units of their spread; 0 where they are not free."""
        return (lattice - self.mean) / self.std * self.free(group)

    def completed(self, standardized: Tensor, group: Tensor) -> Tensor:
        """(B, 7) lattice numbers, those that are not free from those that are; inverse of ``standardized``."""
        free = self.free(group)
        numbers = torch.where(free, standardized * self.std + self.mean, 0.0)
        logs = numbers[:, 1:4]
        two, one = free[:, 1:2], free[:, 3:4]
        third = -(logs[:, :1] + logs[:, 1:2])
        general = torch.cat([logs[:, :2], third], dim=1)
        axial = torch.cat([-logs[:, 2:] / 2, -logs[:, 2:] / 2, logs[:, 2:]], dim=1)
        lengths = torch.where(two, general, torch.where(one, axial, torch.zeros_like(logs)))
        return torch.cat([numbers[:, :1], lengths, numbers[:, 4:]], dim=1)
