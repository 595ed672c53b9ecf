"""Derive ``space_groups.npz`` from spglib's symmetry operations: ``python tools/build_space_groups.py``.

Only the operations of the 230 groups are taken as given. Wyckoff positions are found as the sets of points that share
a site-symmetry group; their letters are read back from spglib on a test crystal; the normalizer (the changes of axes
and origin that map a space group onto itself) is found by trial over the changes of axes of the crystal system and all
origins on a grid of 1/24. Every translation in the tables is an integer number of 24ths.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spglib
from tqdm.auto import tqdm

import xcrystal

GRID = 24
SEED = 0


def first_hall_numbers() -> list[int]:
    """The first (spglib's standard) setting of each of the 230 groups."""
    first: dict[int, int] = {}
    for hall in range(1, 531):
        found = spglib.get_spacegroup_type(hall)
        assert found is not None
        first.setdefault(found.number, hall)
    return [first[number] for number in range(1, 231)]


def operations(hall: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (n, 3, 3) and translations in 24ths (n, 3) of a setting, centring translations included."""
    database = spglib.get_symmetry_from_database(hall)
    assert database is not None
    translations = np.rint(database["translations"] * GRID).astype(int) % GRID
    return database["rotations"].astype(int), translations


def integer_kernel(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kernel of an integer matrix as (A, free): A (3, 3) has one non-zero column per free axis.

    Moving along free axis ``k`` by one changes coordinate ``k`` by one and no other free coordinate, and the entries
    of A are integers, so that every point is reached by coordinates in [0, 1).
    """
    rank = np.linalg.matrix_rank(matrix)
    dimension = 3 - rank
    for free in itertools.combinations(range(3), dimension):
        bound = [i for i in range(3) if i not in free]
        block = matrix[:, bound]
        if np.linalg.matrix_rank(block) < rank:
            continue
        A = np.zeros((3, 3))
        for k in free:
            A[k, k] = 1
            if bound:
                A[bound, k] = np.linalg.lstsq(block, -matrix[:, k], rcond=None)[0]
        if np.allclose(A, np.rint(A)) and np.allclose(matrix @ A, 0):
            return np.rint(A).astype(int), np.isin(range(3), free)
    raise AssertionError(f"no integer kernel for {matrix}")


@dataclass
class Position:
    """A Wyckoff position: points ``A @ x + b / 24``, its multiplicity in the conventional cell and its letter."""

    A: np.ndarray
    b: np.ndarray
    free: np.ndarray
    multiplicity: int
    generic: np.ndarray
    letter: str = ""


def _images(point: np.ndarray, rotations: np.ndarray, translations: np.ndarray) -> np.ndarray:
    return (rotations @ point + translations / GRID) % 1.0


def _distinct(points: np.ndarray) -> np.ndarray:
    """The points (n, 3) that differ modulo the lattice."""
    difference = points[:, None] - points[None]
    same = np.all(np.abs(difference - np.rint(difference)) < 1e-6, axis=2)
    return points[np.argmax(same, axis=1) == np.arange(len(points))]


def _stabilizer(point: np.ndarray, rotations: np.ndarray, translations: np.ndarray) -> np.ndarray:
    difference = rotations @ point + translations / GRID - point
    return np.flatnonzero(np.all(np.abs(difference - np.rint(difference)) < 1e-6, axis=1))


def _candidate_subspaces(rotations: np.ndarray, translations: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """(integer point in 24ths, rows spanning the normal space) of every fixed set through the 1/24 grid."""
    step = np.arange(0, GRID, 1)
    grid = np.stack(np.meshgrid(step, step, step, indexing="ij"), -1).reshape(-1, 3)
    grid = grid[np.any(grid % 3 == 0, axis=1) | np.any(grid % 4 == 0, axis=1) | np.any(grid % 2 == 0, axis=1)]
    # fixed[p, g]: operation g maps grid point p onto itself modulo the lattice
    moved = np.einsum("gij,pj->pgi", rotations, grid) + translations[None]
    fixed = np.all((moved - grid[:, None]) % GRID == 0, axis=2)
    seen: set[tuple[int, ...]] = set()
    for point, mask in zip(grid, fixed, strict=True):
        members = np.flatnonzero(mask)
        if len(members) == 1:
            continue
        subsets = [members.tolist(), *([int(g)] for g in members)]
        for subset in subsets:
            normals = np.concatenate([rotations[g] - np.eye(3, dtype=int) for g in subset])
            if not normals.any():
                continue
            A, _ = integer_kernel(normals)
            offset = (point - A @ point) % GRID  # free coordinates of the offset become zero
            key = (*A.ravel().tolist(), *offset.tolist())
            if key not in seen:
                seen.add(key)
                yield A, offset
    yield np.eye(3, dtype=int), np.zeros(3, dtype=int)


def wyckoff_positions(rotations: np.ndarray, translations: np.ndarray) -> list[Position]:
    """All Wyckoff positions of a group, one representative each, not yet lettered."""
    generic = np.array([0.13713, 0.31147, 0.44891])
    strata: list[Position] = []
    for A, b in _candidate_subspaces(rotations, translations):
        point = (A @ generic + b / GRID) % 1.0
        stabilizer = _stabilizer(point, rotations, translations)
        normals = np.concatenate([rotations[g] - np.eye(3, dtype=int) for g in stabilizer])
        true_A, free = integer_kernel(normals)
        if not np.array_equal(true_A, A):
            continue  # a smaller set than its stabilizer fixes: reached through another candidate
        strata.append(Position(A, b, free, len(rotations) // len(stabilizer), point))
    # group the subspaces into orbits under the group, and keep the simplest writing of each
    strata.sort(key=lambda s: (np.abs(s.A).sum(), (s.A < 0).sum(), s.b.tolist(), (-s.A).ravel().tolist()))
    representatives: list[Position] = []
    for stratum in strata:
        if not any(same_position(stratum, known, rotations, translations) for known in representatives):
            representatives.append(stratum)
    return representatives


def on_position(points: np.ndarray, A: np.ndarray, b: np.ndarray, tolerance: float = 1e-6) -> np.ndarray:
    """Whether points (n, 3) lie on ``A x + b / 24`` modulo the lattice."""
    residual = points - points @ A.T - b / GRID
    return np.all(np.abs(residual - np.rint(residual)) < tolerance, axis=1)


def same_position(one: Position, other: Position, rotations: np.ndarray, translations: np.ndarray) -> bool:
    if one.multiplicity != other.multiplicity or one.free.sum() != other.free.sum():
        return False
    return bool(on_position(_images(one.generic, rotations, translations), other.A, other.b).any())


def test_lattice(number: int) -> np.ndarray:
    """A generic conventional lattice (rows) of the crystal system of a space group."""
    a, b, c, alpha, beta, gamma = 7.1, 8.3, 9.7, 82.0, 101.0, 94.0
    if number >= 195:
        b = c = a
    elif number >= 75:
        b = a
    if number >= 16:
        alpha = beta = gamma = 90.0
    if 143 <= number < 195:
        gamma = 120.0
    if 3 <= number < 16:
        alpha = gamma = 90.0
    ca, cb, cg = np.cos(np.radians([alpha, beta, gamma]))
    sg = np.sin(np.radians(gamma))
    cx, cy = cb, (ca - cb * cg) / sg
    rows = [[a, 0, 0], [b * cg, b * sg, 0], [c * cx, c * cy, c * np.sqrt(1 - cx**2 - cy**2)]]
    return np.array(rows)


def assign_letters(number: int, hall: int, positions: list[Position]) -> None:
    """Letters as spglib gives them for a crystal with an atom on each position, in the table's own setting."""
    rotations, translations = operations(hall)
    rng = np.random.default_rng(SEED)
    lattice = test_lattice(number)
    for _ in range(400):
        missing = [p for p in positions if not p.letter]
        if not missing:
            return
        points, kinds = [], []
        for kind in range(3):  # three general orbits of different kinds leave no more symmetry than the group's
            points.append(_images(rng.random(3), rotations, translations))
            kinds += [kind + 1] * len(points[-1])
        target = missing[0]
        special = (target.A @ rng.random(3) + target.b / GRID) % 1.0
        images = _distinct(_images(special, rotations, translations))
        points.append(images)
        kinds += [9] * len(images)
        cell: Any = (lattice, np.concatenate(points), kinds)
        dataset = spglib.get_symmetry_dataset(cell, symprec=1e-5)
        if dataset is None or dataset.number != number or dataset.hall_number != hall:
            continue
        index = len(kinds) - len(images)
        standard = images @ dataset.transformation_matrix.T + dataset.origin_shift
        for position in positions:
            alike = position.multiplicity == len(images) and position.free.sum() == target.free.sum()
            if alike and on_position(standard, position.A, position.b, 1e-4).any():
                position.letter = dataset.wyckoffs[index]
    raise AssertionError(f"no letter found for every position of group {number}")


def axis_changes(number: int, mirrors: bool) -> np.ndarray:
    """Changes of axes (n, 3, 3), new coordinates = Q old, that keep the metric's form; left-handed ones on request."""
    signed = [
        np.array([[sign[i] if j == order[i] else 0 for j in range(3)] for i in range(3)])
        for order in itertools.permutations(range(3))
        for sign in itertools.product((1, -1), repeat=3)
    ]
    if number <= 2 or 16 <= number < 75 or number >= 195:
        candidates = signed
    elif number < 16:
        candidates = [
            np.array([[p, 0, q], [0, s, 0], [r, 0, t]])
            for p, q, r, t in itertools.product(range(-2, 3), repeat=4)
            for s in (1, -1)
        ]
    elif number < 143:
        candidates = [Q for Q in signed if abs(Q[2, 2]) == 1]
    else:
        turn = np.array([[1, -1, 0], [1, 0, 0], [0, 0, 1]])
        flip = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
        candidates = [
            sign * np.linalg.matrix_power(turn, k) @ np.linalg.matrix_power(flip, m)
            for k in range(6)
            for m in range(2)
            for sign in (1, -1)
        ]
    allowed = (1, -1) if mirrors else (1,)
    return np.array([Q for Q in candidates if round(np.linalg.det(Q)) in allowed])


def polar_axes(rotations: np.ndarray) -> np.ndarray:
    """Mask (3,) of the axes along which the origin is free."""
    mean = rotations.mean(axis=0)
    return np.abs(np.diag(mean) - 1) < 1e-9


def normalizer(number: int, rotations: np.ndarray, translations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Changes of axes and origin (Q, s / 24) that map the group onto itself, one per coset of the group.

    Mirror images count as one crystal (as for a structure matcher, and since common standardizations turn one into the
    other): groups without improper operations get the left-handed changes that keep the group as well.
    """
    chiral = all(round(np.linalg.det(R)) == 1 for R in rotations)
    table = {
        R.tobytes(): {tuple(t) for t in translations[[np.array_equal(R, S) for S in rotations]].tolist()}
        for R in rotations
    }
    centring = np.array(sorted(table[np.eye(3, dtype=int).tobytes()]))
    steps = [np.array([0]) if free else np.arange(GRID) for free in polar_axes(rotations)]
    shifts = np.stack(np.meshgrid(*steps, indexing="ij"), -1).reshape(-1, 3)
    shifts = shifts[np.all((shifts % 3 == 0) | (shifts % 4 == 0), axis=1)]
    # one operation per rotation part: the centring translations are tested apart
    first = {R.tobytes(): i for i, R in reversed(list(enumerate(rotations)))}
    found: list[tuple[np.ndarray, np.ndarray]] = []
    lattice_points = {tuple(t) for t in centring.tolist()}
    for Q in axis_changes(number, mirrors=chiral):
        inverse = np.rint(np.linalg.inv(Q)).astype(int)
        if any(tuple((Q @ t) % GRID) not in lattice_points for t in centring):
            continue
        good = np.ones(len(shifts), dtype=bool)
        for i in first.values():
            image = Q @ rotations[i] @ inverse
            allowed = table.get(image.tobytes())
            if allowed is None:
                good[:] = False
                break
            moved = (Q @ translations[i] + shifts - shifts @ image.T) % GRID
            codes = moved @ np.array([GRID * GRID, GRID, 1])
            good &= np.isin(codes, [t[0] * GRID * GRID + t[1] * GRID + t[2] for t in allowed])
            if not good.any():
                break
        found += [(Q, s) for s in shifts[good]]
    proper = [i for i, R in enumerate(rotations) if round(np.linalg.det(R)) == 1]
    polar = polar_axes(rotations)
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    seen: set[tuple[int, ...]] = set()
    found.sort(key=lambda f: (not np.array_equal(f[0], np.eye(3)), f[1].sum()))
    for Q, s in found:
        if (*Q.ravel().tolist(), *s.tolist()) in seen:
            continue
        kept.append((Q, s))
        for i in proper:  # g (Q, s): the same change followed by an operation of the group
            shift = (rotations[i] @ s + translations[i]) % GRID
            shift[polar] = 0
            seen.add((*(rotations[i] @ Q).ravel().tolist(), *shift.tolist()))
    return np.array([k[0] for k in kept]), np.array([k[1] for k in kept])


def build() -> dict[str, np.ndarray]:
    """All tables, flat, with one offset per group."""
    columns: dict[str, list[np.ndarray]] = {
        name: [] for name in ("rotations", "translations", "A", "b", "free", "multiplicity", "axes", "origins")
    }
    letters, counts = [], []
    for number, hall in enumerate(tqdm(first_hall_numbers(), unit="group"), start=1):
        rotations, translations = operations(hall)
        positions = wyckoff_positions(rotations, translations)
        assign_letters(number, hall, positions)
        positions.sort(key=lambda p: (p.letter == "A", p.letter))
        axes, origins = normalizer(number, rotations, translations)
        counts.append([hall, len(rotations), len(positions), len(axes)])
        letters += [p.letter for p in positions]
        columns["rotations"].append(rotations)
        columns["translations"].append(translations)
        columns["A"].append(np.array([p.A for p in positions]))
        columns["b"].append(np.array([p.b for p in positions]))
        columns["free"].append(np.array([p.free for p in positions]))
        columns["multiplicity"].append(np.array([p.multiplicity for p in positions]))
        columns["axes"].append(axes)
        columns["origins"].append(origins)
    dtypes = {"multiplicity": np.int16, "free": bool}
    tables = {name: np.concatenate(parts).astype(dtypes.get(name, np.int8)) for name, parts in columns.items()}
    return tables | {"letters": np.array(letters, dtype="U1"), "counts": np.array(counts, dtype=np.int16)}


if __name__ == "__main__":
    tables: dict[str, Any] = build()
    np.savez_compressed(Path(xcrystal.__file__).parent / "crystal" / "symmetry" / "space_groups.npz", **tables)
