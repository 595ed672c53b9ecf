"""Molecules and molecular ions: groups of atoms that bonds do not join to their own images."""

from __future__ import annotations

import numpy as np

from xcrystal.crystal.geometry.neighbours import Pairs


def finite_groups(pairs: Pairs, n: int) -> tuple[list[list[int]], np.ndarray]:
    """Find the groups of several atoms that are joined by pairs of neighbours, and end.

    Parameters
    ----------
    pairs
        What joins atoms, each pair seen from both ends.
    n
        Number of atoms.

    Returns
    -------
    tuple
        The atoms of each group; and (n, 3) int, the cell of each atom in which its group is in one piece.
    """
    around: list[list[tuple[int, tuple[int, int, int]]]] = [[] for _ in range(n)]
    for one, other, (a, b, c) in zip(*(column.tolist() for column in pairs[:3]), strict=True):
        around[one].append((other, (a, b, c)))
    cells: list[tuple[int, int, int] | None] = [None] * n
    groups = []
    for start in range(n):
        if cells[start] is not None:
            continue
        cells[start] = (0, 0, 0)
        members, ends = [start], True
        for one in members:  # which grows meanwhile
            x, y, z = cells[one] or (0, 0, 0)
            for other, (a, b, c) in around[one]:
                there = (x + a, y + b, z + c)
                if cells[other] is None:
                    cells[other] = there
                    members.append(other)
                elif cells[other] != there:
                    ends = False
        if ends and len(members) > 1:
            groups.append(members)
    return groups, np.array([cell or (0, 0, 0) for cell in cells], dtype=int).reshape(-1, 3)
