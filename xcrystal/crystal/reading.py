"""From whatever a user has (a path, a Structure) to a crystal, or one clear sentence why not."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.canonical import Canonical, canonicalize
from xcrystal.crystal.elements import MAX_Z
from xcrystal.errors import InvalidCrystalError, ReadError, UnsupportedCrystalError

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_ATOMS = 20
MIN_DISTANCE = 0.5  # Å: closer than any two nuclei in a crystal
MIN_VOLUME = 0.1  # Å3, of the cell
MAX_SITES = 20_000  # what is looked at at all
MAX_BYTES = 20_000_000


def read_structure(source: Any) -> Structure:
    """Read one valid crystal.

    Parameters
    ----------
    source
        A pymatgen Structure, or the path of a file that pymatgen reads (CIF, POSCAR, XSF, extended XYZ, JSON, ...).

    Returns
    -------
    Structure
        Ordered, without oxidation states, checked by ``check_structure``.

    Raises
    ------
    ReadError
        If there is nothing to read.
    InvalidCrystalError
        If what was read is not an ordered, possible crystal.
    """
    from pymatgen.core import IStructure

    if isinstance(source, IStructure):
        structure = source
    elif isinstance(source, (str, os.PathLike)):
        structure = _read_file(Path(source))
    else:
        kind = "nothing (None)" if source is None else f"a {type(source).__name__}"
        raise ReadError(f"Expected a pymatgen Structure or the path of a crystal file, not {kind}.")
    return check_structure(structure)


def _read_file(path: Path) -> Structure:
    try:
        if path.is_dir():
            raise ReadError(f"{path} is a folder; give the path of one crystal file.")
        if not path.exists():
            raise ReadError(f"There is no file {path}.")
        size = path.stat().st_size
        if size == 0:
            raise ReadError(f"{path} is empty.")
        if size > MAX_BYTES:
            raise ReadError(f"{path} has {size / 1e6:.0f} MB; files above {MAX_BYTES / 1e6:.0f} MB are not read.")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ReadError):
            raise
        raise ReadError(f"{str(path)[:200]} cannot be read: {error}") from error
    return parse_structure(content, path.name)


def parse_structure(content: bytes, name: str) -> Structure:
    """Parse the content of a crystal file; its format follows from ``name``, otherwise CIF is tried.

    Not checked yet: see ``check_structure``.

    Raises
    ------
    ReadError
        If it cannot be parsed.
    """
    try:
        text = content.decode("utf-8", errors="strict" if b"\x00" in content[:1000] else "replace")
    except UnicodeDecodeError as error:
        raise ReadError(f"{name} is not a text file.") from error
    if not text.strip():
        raise ReadError(f"{name} is empty.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters of them is checked and said by check_structure
            return _parse(text, name)
    except ReadError:
        raise
    except (Exception, RecursionError) as error:  # parsers raise whatever they meet
        reason = str(error).strip().splitlines()
        why = reason[0] if reason else type(error).__name__
        raise ReadError(f"{name} cannot be read as a crystal: {why}") from error


def _parse(text: str, name: str) -> Structure:
    from pymatgen.core import Structure
    from pymatgen.io.cif import CifParser

    lower = name.lower()
    if lower.endswith((".xyz", ".extxyz")):
        return _parse_extended_xyz(text, name)
    if lower.endswith(".json"):
        return Structure.from_str(text, fmt="json")
    if lower.endswith(".xsf"):
        return Structure.from_str(text, fmt="xsf")
    if lower.endswith((".vasp", ".poscar")) or "poscar" in lower or "contcar" in lower:
        return Structure.from_str(text, fmt="poscar")
    structures = CifParser.from_str(text, occupancy_tolerance=1.05).parse_structures(primitive=False)
    if not structures:
        raise ReadError(f"{name} contains no crystal.")
    return structures[0]


def _parse_extended_xyz(text: str, name: str) -> Structure:
    import io

    from ase import Atoms
    from ase.io import read
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = read(io.StringIO(text), format="extxyz", index=0)
    assert isinstance(atoms, Atoms)
    if not atoms.pbc.all():
        raise ReadError(f"{name} has no periodic cell: xcrystal shows crystals, not molecules.")
    return AseAtomsAdaptor.get_structure(atoms)


def check_structure(structure: Structure) -> Structure:
    """A copy with plain elements, or a clear error.

    Raises
    ------
    InvalidCrystalError
        For no atoms, a NaN, zero or flat cell, partial occupancies, unknown species, or atoms that overlap.
    """
    from pymatgen.core import Element, Structure

    if len(structure) == 0:
        raise InvalidCrystalError("This structure has no atoms.")
    if len(structure) > MAX_SITES:
        raise InvalidCrystalError(f"This structure has {len(structure)} atoms; at most {MAX_SITES} are looked at.")
    matrix = np.asarray(structure.lattice.matrix, dtype=float)
    if not np.isfinite(matrix).all():
        raise InvalidCrystalError("The cell of this structure contains a number that is not finite (NaN or infinite).")
    lengths = np.linalg.norm(matrix, axis=1)
    volume = abs(np.linalg.det(matrix))
    if volume < MIN_VOLUME or volume < 1e-3 * lengths.prod():
        raise InvalidCrystalError(f"The cell of this structure is flat: its volume is {volume:.3g} Å3.")
    points = np.asarray(structure.frac_coords, dtype=float)
    if not np.isfinite(points).all():
        raise InvalidCrystalError("A position in this structure is not finite (NaN or infinite).")
    elements = []
    for site in structure:
        if not site.is_ordered:
            raise InvalidCrystalError(
                f"This structure is disordered (a site holds {site.species_string}); make it ordered first, for "
                "instance with pymatgen's OrderDisorderedStructureTransformation."
            )
        number = getattr(site.specie, "Z", None)
        symbol = getattr(getattr(site.specie, "element", site.specie), "symbol", "")
        if not number or symbol not in Element.__members__:
            raise InvalidCrystalError(f"{site.species_string} is not a chemical element.")
        elements.append(Element.from_Z(int(number)))
    plain = Structure(matrix, elements, points)
    if _has_close_pair(plain):
        raise InvalidCrystalError(f"Two atoms of this structure are closer than {MIN_DISTANCE} Å.")
    return plain


def _has_close_pair(structure: Structure) -> bool:
    lengths = np.linalg.norm(np.linalg.inv(structure.lattice.matrix), axis=0)
    if (1 / lengths).min() < MIN_DISTANCE:  # a cell thinner than that puts an atom next to its own image
        return True
    return len(structure.get_neighbor_list(MIN_DISTANCE, exclude_self=True)[0]) > 0


def encodable(structure: Structure) -> Canonical:
    """The canonical form of a checked structure that the generator can encode.

    Raises
    ------
    UnsupportedCrystalError
        For more than 20 atoms in the primitive cell, or elements beyond Z = 94.
    InvalidCrystalError
        If no symmetry can be found.
    """
    heavy = sorted({site.specie.symbol for site in structure if site.specie.Z > MAX_Z})
    if heavy:
        raise UnsupportedCrystalError(f"{', '.join(heavy)} cannot be encoded: the model knows elements up to Pu (94).")
    found = canonicalize(structure)
    atoms = int(found.crystal.multiplicities.sum())
    if atoms > MAX_ATOMS:
        raise UnsupportedCrystalError(
            f"This crystal has {atoms} atoms in its primitive cell; the model encodes at most {MAX_ATOMS}. It can "
            "still be drawn."
        )
    return found
