"""Files that hold one crystal each: CIF, POSCAR, XSF, and JSON as pymatgen writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xcrystal.crystal.collections.sources.parts import Found, failed, found_crystal
from xcrystal.errors import XCrystalError

SUFFIXES = (".cif", ".mcif", ".vasp", ".poscar", ".xsf")


def is_one(path: Path) -> bool:
    """Whether it is such a file, by its name."""
    return path.suffix.lower() in SUFFIXES or path.name.upper().startswith(("POSCAR", "CONTCAR"))


def read(path: Path, name: str) -> Iterator[Found]:
    """The crystal of a file."""
    from xcrystal.crystal.reading import read_structure

    try:
        yield found_crystal(name, read_structure(path))
    except XCrystalError as error:
        yield failed(name, error)
