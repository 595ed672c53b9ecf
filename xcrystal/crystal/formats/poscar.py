"""POSCAR and CONTCAR files of VASP; velocities and whatever else follows the positions are passed over."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.limits import check_count
from xcrystal.errors import InvalidCrystalError, ReadError

if TYPE_CHECKING:
    from pymatgen.core import Structure

_COUNT = re.compile(r"\+?\d{1,12}")
_NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)([eEdD][+-]?\d+)?")


def parse_poscar(text: str, name: str) -> Structure:
    """The structure of a POSCAR.

    Raises
    ------
    ReadError
        If it ends too early, does not name its elements, or something that should be a number is none.
    InvalidCrystalError
        If it has no atoms, or its cell is flat.
    """
    from pymatgen.core import Structure

    lines = _Lines(text, name)
    given = np.array([lines.vector(k) for k in (2, 3, 4)])
    factors = _factors(lines, given)
    symbols, counts, at = _symbols_and_counts(lines)
    count = sum(counts)
    if count > len(lines):
        raise InvalidCrystalError(f"{name} ends before its {count} atoms do.")
    check_count(count, name)
    selective = lines.begins(at, "s")
    at += selective
    cartesian = lines.begins(at, "ck")  # as in VASP, what is not Cartesian is direct
    rows = range(at + 1, at + 1 + count)
    points = np.array([lines.vector(row) for row in rows])
    if symbols:
        every = np.repeat(symbols, counts).tolist()
    else:
        every = _symbols_elsewhere(lines, counts, rows, 6 if selective else 3)
    lattice = given * factors
    if abs(np.linalg.det(lattice)) < 1e-9:
        raise InvalidCrystalError(f"The cell in {name} is flat or impossible.")
    return Structure(lattice, every, points * factors if cartesian else points, coords_are_cartesian=cartesian)


class _Lines:
    """The lines of a file, counted from 0, without comments."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self._lines = re.split(r"\r\n|\r|\n", text)

    def __len__(self) -> int:
        return len(self._lines)

    def words(self, at: int) -> list[str]:
        if at >= len(self._lines):
            raise ReadError(f"{self.name} ends too early, at line {len(self._lines)}.")
        return re.split("[!#]", self._lines[at], maxsplit=1)[0].split()

    def begins(self, at: int, letters: str) -> bool:
        return "".join(self.words(at))[:1].lower() in [*letters]

    def vector(self, at: int) -> list[float]:
        words = self.words(at)
        if len(words) < 3:  # of numbers that run into each other, as Fortran writes them
            words = re.sub(r"(?<=[\d.])-", " -", " ".join(words)).split()
        numbers = [_number(word) for word in words[:3]]
        found = [number for number in numbers if number is not None]
        if len(found) < 3:
            raise ReadError(f"Line {at + 1} of {self.name} should hold three numbers.")
        return found


def _number(word: str) -> float | None:
    if len(word) > 60 or not _NUMBER.fullmatch(word):
        return None
    number = float(re.sub("[dD]", "e", word))
    return number if math.isfinite(number) else None


def _factors(lines: _Lines, given: np.ndarray) -> np.ndarray:
    """What x, y and z are multiplied by (3,): one factor for all, or one for each; a negative one gives the volume."""
    numbers = [_number(word) for word in lines.words(1)]
    end = numbers.index(None) if None in numbers else len(numbers)
    scale = np.array(numbers[:3] if end >= 3 else numbers[:1] if end else [], dtype=float)
    if len(scale) == 0:
        raise ReadError(f"Line 2 of {lines.name} should hold the scaling factor.")
    if (scale == 0).any() or (len(scale) == 3 and (scale < 0).any()):
        raise InvalidCrystalError(f"The scaling factor in line 2 of {lines.name} gives no cell.")
    if scale[0] < 0:
        volume = abs(np.linalg.det(given))
        if volume < 1e-9:
            raise InvalidCrystalError(f"The cell in {lines.name} is flat or impossible.")
        scale = np.cbrt(-scale / volume)
    return np.broadcast_to(scale, 3)


def _symbols_and_counts(lines: _Lines) -> tuple[list[str], list[int], int]:
    """Elements, empty if no line names them, how many atoms of each, and the line after that."""
    names: list[str] = []
    counts: list[int] = []
    at = 5
    while not _COUNT.fullmatch("".join(lines.words(at)[:1])):  # VASP breaks long lists into several lines
        words = lines.words(at)
        if not words:
            raise ReadError(f"Line {at + 1} of {lines.name} should hold the numbers of atoms.")
        names += words
        at += 1
    if not _counts(lines.words(at)):
        wrong = next(word for word in lines.words(at) if not _COUNT.fullmatch(word))
        raise ReadError(f"Line {at + 1} of {lines.name} should hold numbers of atoms, but {wrong[:60]!r} is none.")
    while not counts or (len(counts) < len(names) and _counts(lines.words(at))):
        counts += _counts(lines.words(at))
        at += 1
    if names and len(names) != len(counts):
        raise ReadError(f"{lines.name} has {len(names)} elements, but {len(counts)} numbers of atoms.")
    return [_symbol(word) for word in names], counts, at


def _counts(words: list[str]) -> list[int]:
    """The numbers of atoms in a line; none if a word of it is something else."""
    return [int(word) for word in words] if all(map(_COUNT.fullmatch, words)) else []


def _symbol(word: str) -> str:
    """The element of a name such as "Na", "NA", "Na_pv" or "Fe_pv/2e7c10b4"."""
    letters = re.match("[A-Za-z]*", word)
    symbol = letters.group().capitalize() if letters else ""
    if not _is_element(symbol):
        raise InvalidCrystalError(f"{word!r} is not a chemical element.")
    return symbol


def _is_element(symbol: str) -> bool:
    from pymatgen.core import Element

    return symbol in Element.__members__


def _symbols_elsewhere(lines: _Lines, counts: list[int], rows: range, column: int) -> list[str]:
    """Elements of all atoms in a file of VASP 4: behind the positions, or in the first line."""
    behind = [words[column] if len(words := lines.words(row)) > column else "" for row in rows]
    if all(map(_is_element, behind)):
        return behind
    first = lines.words(0)
    if len(first) == len(counts) and all(map(_is_element, first)):
        return np.repeat(first, counts).tolist()
    raise ReadError(f"{lines.name} does not name its elements.")
