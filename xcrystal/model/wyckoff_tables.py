"""Space-group tables as flat arrays over all 1,731 Wyckoff positions: what the network looks up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from xcrystal.crystal.symmetry.groups import CRYSTAL_SYSTEMS, crystal_system, space_group

N_GROUPS = 230
MAX_LETTERS = 27

# which lengths are one number, and which angles are free, per crystal system
_TIED = {
    "triclinic": (0, 1, 2),
    "monoclinic": (0, 1, 2),
    "orthorhombic": (0, 1, 2),
    "tetragonal": (0, 0, 2),
    "trigonal": (0, 0, 2),
    "hexagonal": (0, 0, 2),
    "cubic": (0, 0, 0),
}
_FREE_ANGLES = {"triclinic": (True, True, True), "monoclinic": (False, True, False)}


@dataclass(frozen=True)
class PositionTables:
    """Everything about positions and groups that the network needs.

    Attributes
    ----------
    index
        (231, 27) row of the flat tables for (group number, letter index); -1 where the group has no such letter.
    multiplicity, free, A, b
        (1731,) atoms in the primitive cell, (1731, 3) mask, (1731, 3, 3) and (1731, 3).
    features
        (1731, f) description of each position that is shared between groups.
    group_features
        (231, g) description of each group; row 0 is empty.
    tie
        (231, 3, 3) matrix that averages the lengths which are one number.
    fixed_cosines, free_angles
        (231, 3) cosines of the angles fixed by symmetry, and the mask of the free ones.
    centring
        (231,) lattice points in the conventional cell.
    """

    index: np.ndarray
    multiplicity: np.ndarray
    free: np.ndarray
    A: np.ndarray
    b: np.ndarray
    features: np.ndarray
    group_features: np.ndarray
    tie: np.ndarray
    fixed_cosines: np.ndarray
    free_angles: np.ndarray
    centring: np.ndarray


@cache
def position_tables() -> PositionTables:
    """Build the tables (0.2 s, once)."""
    index = np.full((N_GROUPS + 1, MAX_LETTERS), -1, dtype=np.int64)
    tie = np.zeros((N_GROUPS + 1, 3, 3), dtype=np.float32)
    tie[0] = np.eye(3)
    fixed_cosines = np.zeros((N_GROUPS + 1, 3), dtype=np.float32)
    free_angles = np.zeros((N_GROUPS + 1, 3), dtype=bool)
    centring = np.ones(N_GROUPS + 1, dtype=np.int64)
    multiplicity: list[int] = []
    free: list[np.ndarray] = []
    A: list[np.ndarray] = []
    b: list[np.ndarray] = []
    features: list[np.ndarray] = []
    group_features: list[np.ndarray] = []
    for number in range(1, N_GROUPS + 1):
        group = space_group(number)
        system = crystal_system(number)
        centring[number] = len(group.centring)
        labels = np.array(_TIED[system])
        same = labels[:, None] == labels[None]
        tie[number] = same / same.sum(axis=1, keepdims=True)
        free_angles[number] = _FREE_ANGLES.get(system, (False, False, False))
        if system in ("trigonal", "hexagonal"):
            fixed_cosines[number, 2] = -0.5
        one_hot = np.eye(len(CRYSTAL_SYSTEMS))[CRYSTAL_SYSTEMS.index(system)]
        order = len(group.rotations) // len(group.centring)
        traces = np.trace(group.rotations, axis1=1, axis2=2) * np.round(np.linalg.det(group.rotations))
        kinds = np.array([np.mean(traces == t) for t in (-1, 0, 1, 2, 3)])
        inversion = np.any(np.all(group.rotations == -np.eye(3, dtype=int), axis=(1, 2)))
        described = np.concatenate(
            [
                one_hot,
                np.eye(5)[min(len(group.centring), 4)],
                [np.log(order) / 4, float(inversion)],
                group.polar.astype(float),
                kinds,
                np.abs(group.translations).mean(axis=0),
            ]
        )
        group_features.append(described)
        for k, position in enumerate(group.positions):
            index[number, k] = len(multiplicity)
            count = group.primitive_multiplicity(k)
            multiplicity.append(count)
            free.append(position.free)
            A.append(position.A)
            b.append(position.b)
            features.append(
                np.concatenate(
                    [
                        [np.log(count) / 4, 1 / count, position.free.sum() / 3, k / len(group.positions)],
                        position.free.astype(float),
                        position.A.ravel(),
                        np.sin(2 * np.pi * position.b),
                        np.cos(2 * np.pi * position.b),
                        np.cos(4 * np.pi * position.b),
                        one_hot,
                    ]
                )
            )
    return PositionTables(
        index,
        np.array(multiplicity, dtype=np.int64),
        np.array(free),
        np.array(A, dtype=np.float32),
        np.array(b, dtype=np.float32),
        np.array(features, dtype=np.float32),
        np.concatenate([np.zeros((1, len(group_features[0]))), group_features]).astype(np.float32),
        tie,
        fixed_cosines,
        free_angles,
        centring,
    )
