"""The 230 space groups: operations, Wyckoff positions and normalizers, from tables derived by ``build_tables``.

Conventions: spglib's standard setting of each group (the first of its Hall numbers), fractional coordinates of the
conventional cell as column vectors, ``x' = R x + t``. A Wyckoff position is the set of points ``A p + b`` where the
columns of the integer matrix ``A`` belong to the free axes; the free coordinates ``p`` are the point's own coordinates
along those axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

_GRID = 24
_LETTERS = "abcdefghijklmnopqrstuvwxyzA"

# columns: primitive basis vectors in terms of the conventional ones (spglib's choice)
_PRIMITIVE = {
    "P": np.eye(3),
    "A": np.array([[1, 0, 0], [0, 0.5, -0.5], [0, 0.5, 0.5]]),
    "C": np.array([[0.5, 0.5, 0], [-0.5, 0.5, 0], [0, 0, 1]]),
    "R": np.array([[2, -1, -1], [1, 1, -2], [1, 1, 1]]) / 3,
    "I": np.array([[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]]),
    "F": np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]),
}

CRYSTAL_SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic")
_LAST_OF_SYSTEM = (2, 15, 74, 142, 167, 194, 230)


def crystal_system(number: int) -> str:
    """Crystal system of a space group number (1 to 230)."""
    return CRYSTAL_SYSTEMS[int(np.searchsorted(_LAST_OF_SYSTEM, number))]


@dataclass(frozen=True)
class WyckoffPosition:
    """A Wyckoff position of a space group.

    Attributes
    ----------
    letter
        Its letter in the International Tables.
    multiplicity
        Number of points in the conventional cell.
    A, b
        Points of the position are ``A @ p + b``; (3, 3) integers and (3,) fractions.
    free
        (3,) mask of the axes along which coordinates are free.
    """

    letter: str
    multiplicity: int
    A: np.ndarray
    b: np.ndarray
    free: np.ndarray

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Free coordinates (..., 3) of points and the distance (...,) of each to the position, in cell units."""
        p = np.where(self.free, points, 0.0)
        residual = points - p @ self.A.T - self.b
        residual -= np.rint(residual)
        return p, np.abs(residual).max(axis=-1)


@dataclass(frozen=True)
class SpaceGroup:
    """Operations, Wyckoff positions and normalizer of a space group in its standard setting.

    Attributes
    ----------
    rotations, translations
        (n, 3, 3) integers and (n, 3) fractions; centring translations included.
    positions
        Wyckoff positions in order of their letters; the last is the general one.
    axes, origins
        (m, 3, 3) and (m, 3): the changes of axes and origin, one per coset, that map the group onto itself
        (right-handed ones; shifts along polar axes left out).
    """

    number: int
    hall_number: int
    rotations: np.ndarray
    translations: np.ndarray
    positions: tuple[WyckoffPosition, ...]
    axes: np.ndarray
    origins: np.ndarray

    @cached_property
    def symbol(self) -> str:
        """Short international symbol, as spglib writes it."""
        import spglib

        found = spglib.get_spacegroup_type(self.hall_number)
        assert found is not None
        return str(found.international_short)

    @cached_property
    def chiral(self) -> bool:
        """Whether its crystals are: no operation exchanges left and right, as in the 65 Sohncke groups."""
        return bool((np.linalg.det(self.rotations) > 0).all())

    @cached_property
    def polar(self) -> np.ndarray:
        """(3,) mask of the axes along which the origin is free."""
        return np.abs(np.diag(self.rotations.mean(axis=0)) - 1) < 1e-9

    @cached_property
    def centring(self) -> np.ndarray:
        """(k, 3) centring translations, the null vector included."""
        pure = np.all(self.rotations == np.eye(3, dtype=int), axis=(1, 2))
        return self.translations[pure]

    @cached_property
    def primitive(self) -> np.ndarray:
        """(3, 3) primitive basis vectors as columns, in terms of the conventional ones."""
        shifts = {tuple(np.rint(t * 6).astype(int)) for t in self.centring}
        if len(shifts) == 4:
            return _PRIMITIVE["F"]
        if len(shifts) == 3:
            return _PRIMITIVE["R"]
        named = {(3, 3, 3): "I", (0, 3, 3): "A", (3, 3, 0): "C"}
        return _PRIMITIVE[next((named[t] for t in shifts if t in named), "P")]

    @cached_property
    def _to_primitive(self) -> np.ndarray:
        return np.linalg.inv(self.primitive)

    @cached_property
    def _coset_operations(self) -> tuple[np.ndarray, ...]:
        """Per Wyckoff position, the operations that give each of its points in the primitive cell once."""
        generic = np.array([0.13713, 0.31147, 0.44891])
        chosen = []
        for position in self.positions:
            images = self.rotations @ (position.A @ generic + position.b) + self.translations
            primitive = images @ self._to_primitive.T
            difference = primitive[:, None] - primitive[None]
            same = np.all(np.abs(difference - np.rint(difference)) < 1e-6, axis=2)
            chosen.append(np.flatnonzero(np.argmax(same, axis=1) == np.arange(len(images))))
        return tuple(chosen)

    def primitive_multiplicity(self, position: int) -> int:
        """Number of points of a Wyckoff position (an index) in the primitive cell."""
        return self.positions[position].multiplicity // len(self.centring)

    def images(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        """(n, 3, 3) maps and (n, 3) offsets from free coordinates to all points of an orbit in the primitive cell."""
        wyckoff, chosen = self.positions[position], self._coset_operations[position]
        rotations = self._to_primitive @ self.rotations[chosen]
        return rotations @ wyckoff.A, rotations @ wyckoff.b + self.translations[chosen] @ self._to_primitive.T

    def orbit(self, position: int, coordinates: np.ndarray) -> np.ndarray:
        """(n, 3) fractional coordinates, in the primitive cell, of all points of an orbit."""
        maps, offsets = self.images(position)
        return (maps @ coordinates + offsets) % 1.0

    @cached_property
    def position_map(self) -> np.ndarray:
        """(m, n_positions): where each normalizer element takes each Wyckoff position."""
        generic = np.array([0.13713, 0.31147, 0.44891])
        mapped = np.zeros((len(self.axes), len(self.positions)), dtype=int)
        for k, position in enumerate(self.positions):
            points = self.axes @ (position.A @ generic + position.b) + self.origins
            images = np.einsum("gij,mj->mgi", self.rotations, points) + self.translations
            for other, candidate in enumerate(self.positions):
                alike = candidate.multiplicity == position.multiplicity and candidate.free.sum() == position.free.sum()
                if alike:
                    mapped[(candidate.project(images)[1] < 1e-6).any(axis=1), k] = other
        return mapped


@cache
def _tables() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).with_name("space_groups.npz"), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@cache
def space_group(number: int) -> SpaceGroup:
    """The space group of a number.

    Parameters
    ----------
    number
        1 to 230.

    Raises
    ------
    ValueError
        If there is no such group.
    """
    if not 1 <= number <= 230:
        raise ValueError(f"space group numbers go from 1 to 230, not {number}")
    tables = _tables()
    counts = tables["counts"].astype(int)
    ends = np.cumsum(counts, axis=0)
    starts = ends - counts
    operations, positions, cosets = (slice(starts[number - 1, k], ends[number - 1, k]) for k in (1, 2, 3))
    wyckoff = tuple(
        WyckoffPosition(str(letter), int(multiplicity), A.astype(int), b / _GRID, free)
        for letter, multiplicity, A, b, free in zip(
            *(tables[name][positions] for name in ("letters", "multiplicity", "A", "b", "free")), strict=True
        )
    )
    return SpaceGroup(
        number,
        int(counts[number - 1, 0]),
        tables["rotations"][operations].astype(int),
        tables["translations"][operations] / _GRID,
        wyckoff,
        tables["axes"][cosets].astype(int),
        tables["origins"][cosets] / _GRID,
    )
