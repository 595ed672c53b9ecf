"""Extended XYZ files: their frames one by one, so that one that is damaged takes no other with it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.formats.cif_species import elements
from xcrystal.crystal.limits import check_count
from xcrystal.errors import InvalidCrystalError, ReadError, XCrystalError

if TYPE_CHECKING:
    from ase import Atoms

_SPECIES = re.compile(r"Properties=[\"']?((?:\w+:[A-Z]:\d{1,6}:)*?)species:S:1")
_LONGEST_COMMENT = 1_000_000  # characters


def frames_of(text: str, name: str) -> Iterator[str]:
    """The frames of a file as text, each from its number of atoms on.

    Raises
    ------
    ReadError
        Where no number of atoms stands, or too few lines follow it: the frames before have been given by then.
    """
    lines = re.split(r"\r\n|\r|\n", text)
    at = 0
    while True:
        begin = at
        while at < len(lines) and not lines[at].strip():
            at += 1
        if at == len(lines):
            return
        if not re.fullmatch(r"\+?[0-9]{1,12}", lines[at].strip()):
            if at > begin > 0:  # an empty line ends the frames of some programs, and notes follow
                return
            raise ReadError(f"Line {at + 1} of {name} should hold the number of atoms, not {lines[at].strip()[:60]!r}.")
        end = at + 2 + int(lines[at])
        if end > len(lines):
            raise ReadError(f"{name} ends before the {int(lines[at])} atoms that its line {at + 1} announces.")
        while end < len(lines) and lines[end].startswith("VEC"):
            end += 1
        yield "\n".join([*lines[at:end], ""])
        at = end


def atoms_of(frame: str, name: str) -> Atoms:
    """The atoms of one frame; deuterium and tritium are hydrogen, as ASE knows no isotopes.

    Raises
    ------
    ReadError
        If it cannot be parsed.
    InvalidCrystalError
        If it has no atoms, or what it names is no element.
    """
    from ase import Atoms
    from ase.io import read
    from ase.io.extxyz import key_val_str_to_dict

    count, comment, *rows = frame.split("\n")
    check_count(int(count), name)
    if len(comment) > _LONGEST_COMMENT:
        raise ReadError(f"{name} has a comment of {len(comment)} characters: too long to be read here.")
    species = _SPECIES.search(comment)
    if species is not None or "Properties=" not in comment:
        column = sum(int(width) for width in re.findall(r":(\d+):", species[1])) if species else 0
        rows[: int(count)] = [_in_elements(row, column) for row in rows[: int(count)]]

    def told(text: str) -> dict[str, Any]:
        """What the comment tells, its columns counted before ASE makes room for them."""
        found: dict[str, Any] = key_val_str_to_dict(text)
        widths = [int(width) for width in str(found.get("Properties", "")).split(":")[2::3]]
        if min(widths, default=0) < 0 or sum(widths) > min(len(row.split()) for row in rows[: int(count)]):
            raise ReadError(f"{name} has fewer columns than its Properties name.")
        return found

    try:
        atoms = read(io.StringIO("\n".join([count, comment, *rows])), index=0, format="extxyz", properties_parser=told)
    except XCrystalError:
        raise
    except Exception as error:  # ASE raises whatever it meets in a damaged file
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ReadError(f"{name} cannot be read as a crystal: {reason[:200]}") from error
    assert isinstance(atoms, Atoms)
    return atoms


def _in_elements(row: str, column: int) -> str:
    """A line with the element in a column as ASE knows it."""
    words = row.split()
    if len(words) <= column or words[column].isdecimal():
        return row
    element = elements().get(words[column].capitalize())
    if element is None:
        raise InvalidCrystalError(f"{words[column][:60]!r} is not a chemical element.")
    return " ".join([*words[:column], element, *words[column + 1 :]])


def check_repeats(atoms: Atoms, name: str) -> None:
    """Refuse atoms that do not repeat along three axes, and say what they are.

    Raises
    ------
    ReadError
        For a molecule, a wire or a slab, or without a cell.
    """
    cell = np.asarray(atoms.cell)
    if cell.any() and not any(atoms.pbc):
        raise ReadError(
            f"{name} has a cell, but does not repeat with it (pbc): it is a molecule, and xcrystal shows crystals."
        )
    check_periodic(atoms.pbc, name)
    if not cell.any():
        raise ReadError(f"{name} repeats along three axes (pbc), but gives no cell (Lattice).")
    if not abs(np.linalg.det(cell)) > 1e-9:
        raise InvalidCrystalError(f"The cell in {name} is flat or impossible.")


def check_periodic(along: Sequence[bool], name: str) -> None:
    """Refuse what does not repeat along three axes, and say what it is.

    Raises
    ------
    ReadError
        For a molecule, a wire or a slab.
    """
    said = (
        "has no periodic cell: it is a molecule",
        "repeats along one axis only: it is a wire or a chain",
        "repeats along two axes only: it is a slab or a layer",
    )
    if not all(along):
        raise ReadError(f"{name} {said[sum(map(bool, along))]}, and xcrystal shows crystals.")
