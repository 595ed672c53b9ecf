"""From whatever a user has (a path, a Structure) to a crystal, or one clear sentence why not."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.elements import MAX_Z
from xcrystal.crystal.files import check_bytes, read_whole
from xcrystal.crystal.formats.cif import parse_cif
from xcrystal.crystal.formats.extended_xyz import atoms_of, check_periodic, check_repeats, frames_of
from xcrystal.crystal.formats.poscar import parse_poscar
from xcrystal.crystal.formats.xsf import parse_xsf
from xcrystal.crystal.limits import MAX_COORDINATE, MAX_SEARCHED, check_count
from xcrystal.crystal.mixed_sites import amounts
from xcrystal.crystal.symmetry.canonical import Canonical, canonicalize
from xcrystal.errors import (
    InvalidCrystalError,
    ReadError,
    ReadingWarning,
    UnsupportedCrystalError,
    XCrystalError,
)

if TYPE_CHECKING:
    from pymatgen.core import Element, IStructure, PeriodicSite, Structure

MAX_ATOMS = 64  # in the primitive cell of a crystal that is encoded
MAX_ORBITS = 24
MIN_DISTANCE = 0.5  # Å: closer than any two nuclei in a crystal
MIN_VOLUME = 0.1  # Å3, of the cell
MAX_LENGTH = 1_000.0  # Å, of the cell
_FULL = 1e-3  # a site is full if its occupancies sum to one within this


def read_structure(source: Any) -> Structure:
    """Read one valid crystal.

    Parameters
    ----------
    source
        As of ``read_drawable``.

    Returns
    -------
    Structure
        Ordered, without oxidation states, checked by ``check_structure``.

    Warns
    -----
    ReadingWarning
        Of what a CIF file leaves open or contradicts itself in.

    Raises
    ------
    ReadError
        If there is nothing to read.
    InvalidCrystalError
        If what was read is not an ordered, possible crystal.
    """
    return check_structure(read_drawable(source))


def read_drawable(source: Any) -> Structure:
    """Read one crystal that can be drawn, also if it cannot be encoded.

    Parameters
    ----------
    source
        A pymatgen Structure, or the path of a file: CIF, POSCAR or CONTCAR, XSF, extended XYZ (its first frame), or a
        structure in pymatgen's JSON.

    Returns
    -------
    Structure
        Without oxidation states, checked by ``check_drawable``; sites may be shared or partly empty.

    Warns
    -----
    ReadingWarning
        Of what a CIF file leaves open or contradicts itself in.

    Raises
    ------
    ReadError
        If there is nothing to read.
    InvalidCrystalError
        If what was read cannot be drawn.
    """
    from pymatgen.core import IStructure

    if isinstance(source, IStructure):
        structure: IStructure = source
    elif isinstance(source, (str, os.PathLike)):
        if "\n" in str(source) and not os.path.exists(source):
            raise ReadError("This is the content of a file, not its path: save it, and give the name of the file.")
        if not str(source):
            raise ReadError("There is no file to be read: its path is empty.")
        structure = parse_structure(read_whole(Path(source)), Path(source).name)
    else:
        kind = "nothing (None)" if source is None else f"a {type(source).__name__}"
        raise ReadError(f"Expected a pymatgen Structure or the path of a crystal file, not {kind}.")
    return check_drawable(structure)


def as_list(structures: Iterable[Any] | Any) -> list[Any]:
    """A list, also of a single structure or path."""
    from pymatgen.core import IStructure

    if isinstance(structures, (IStructure, str, os.PathLike)) or not isinstance(structures, Iterable):
        return [structures]
    return list(structures)


def parse_structure(content: bytes, name: str) -> Structure:
    """Parse the content of a crystal file; its format follows from ``name``, otherwise CIF is tried.

    Not checked yet: see ``check_structure``.

    Warns
    -----
    ReadingWarning
        Of what a CIF file leaves open or contradicts itself in.

    Raises
    ------
    ReadError
        If it cannot be parsed.
    """
    check_bytes(len(content), name)
    try:
        text = content.decode("utf-8-sig", errors="strict" if b"\x00" in content[:1000] else "replace")
    except UnicodeDecodeError as error:
        raise ReadError(f"{name} is not a text file.") from error
    if not text.strip():
        raise ReadError(f"{name} is empty.")
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            structure = _parse(text, name)
    except XCrystalError:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ReadError(f"{name} cannot be read as a crystal: {lines[0]}") from error
    for warning in said:  # what matters of the libraries' is checked and said by check_structure
        if issubclass(warning.category, ReadingWarning):
            warnings.warn(str(warning.message), ReadingWarning, stacklevel=2)
    return structure


def _parse(text: str, name: str) -> Structure:
    lower = name.lower()
    if lower.endswith((".cif", ".mcif")):
        return parse_cif(text, name)
    if lower.endswith((".xyz", ".extxyz")):
        return _parse_extended_xyz(text, name)
    if lower.endswith(".json"):
        return _parse_json(text, name)
    if lower.endswith(".xsf"):
        return parse_xsf(text, name)
    if lower.endswith((".vasp", ".poscar")) or "poscar" in lower or "contcar" in lower:
        return parse_poscar(text, name)
    return parse_cif(text, name)


def _parse_json(text: str, name: str) -> Structure:
    import json

    from pymatgen.core import Structure

    try:
        content = json.loads(text)
    except ValueError as error:
        raise ReadError(f"{name} is not valid JSON: {error}") from error
    if not isinstance(content, dict) or not {"lattice", "sites"} <= content.keys():
        raise ReadError(f"{name} is JSON, but not a structure as pymatgen writes it.")
    check_count(len(content["sites"]), "This structure")
    lattice = content["lattice"]
    along = lattice.get("pbc")
    check_periodic(along if isinstance(along, list) and len(along) == 3 else [True] * 3, name)
    if "matrix" not in lattice or not all("abc" in site for site in content["sites"]):
        raise ReadError(f"{name} gives no matrix of its lattice, or no fractional coordinates (abc) of its sites.")
    # not Structure.from_dict, which imports whatever module a property names
    species = [{kind["element"]: float(kind.get("occu", 1)) for kind in site["species"]} for site in content["sites"]]
    return Structure(lattice["matrix"], species, [site["abc"] for site in content["sites"]])


def _parse_extended_xyz(text: str, name: str) -> Structure:
    frame = next(frames_of(text, name), None)
    if frame is None:
        raise ReadError(f"{name} holds no crystal.")
    return _structure_of_frame(frame, name)


def parse_frames(content: bytes, name: str) -> Iterator[Structure | XCrystalError]:
    """The crystals of an extended XYZ file one after the other, not checked yet, or why a frame is none.

    After a frame whose number of atoms or end is missing there is nothing more.

    Raises
    ------
    ReadError
        If the file is empty or too large.
    """
    check_bytes(len(content), name)
    try:
        for frame in frames_of(content.decode("utf-8-sig", errors="replace"), name):
            try:
                yield _structure_of_frame(frame, name)
            except XCrystalError as error:
                yield error
    except ReadError as error:
        yield error


def _structure_of_frame(frame: str, name: str) -> Structure:
    from pymatgen.core import Structure

    atoms = atoms_of(frame, name)
    check_repeats(atoms, name)
    return Structure(np.array(atoms.cell), atoms.symbols, atoms.positions, coords_are_cartesian=True)


def check_structure(structure: IStructure) -> Structure:
    """A copy with plain elements, or a clear error.

    Raises
    ------
    ReadError
        If it does not repeat along three axes.
    InvalidCrystalError
        For no atoms, a NaN, zero or flat cell, partial occupancies, unknown species, or atoms that overlap.
    """
    plain = check_drawable(structure)
    for site in plain:
        _check_full(site)
    if _has_close_pair(plain):
        raise InvalidCrystalError(f"Two atoms of this structure are closer than {MIN_DISTANCE} Å.")
    return plain


def check_drawable(structure: IStructure) -> Structure:
    """A copy with plain elements, sites shared or partly empty as they are, or a clear error.

    Raises
    ------
    ReadError
        If it does not repeat along three axes.
    InvalidCrystalError
        For no atoms, a NaN, zero or flat cell, or unknown species.
    """
    from pymatgen.core import Structure

    check_count(len(structure), "This structure")
    check_periodic(structure.lattice.pbc, "This structure")
    matrix = np.asarray(structure.lattice.matrix, dtype=float)
    if not np.isfinite(matrix).all():
        raise InvalidCrystalError("The cell of this structure contains a number that is not finite (NaN or infinite).")
    lengths = np.sqrt((np.clip(matrix, -1e100, 1e100) ** 2).sum(axis=1))
    if lengths.max() > MAX_LENGTH:
        raise InvalidCrystalError(f"The cell of this structure is {lengths.max():.3g} Å long, as in no crystal.")
    volume = abs(np.linalg.det(matrix))
    if volume < MIN_VOLUME or volume < 1e-3 * lengths.prod():
        raise InvalidCrystalError(f"The cell of this structure is flat: its volume is {volume:.3g} Å3.")
    points = np.asarray(structure.frac_coords, dtype=float)
    if not np.isfinite(points).all():
        raise InvalidCrystalError("A position in this structure is not finite (NaN or infinite).")
    if np.abs(points).max() > MAX_COORDINATE:
        raise InvalidCrystalError(f"A position in this structure is {np.abs(points).max():.1g} cells away.")
    return Structure(matrix, [_elements(site) for site in structure], points)


def _elements(site: PeriodicSite) -> Element | dict[Element, float]:
    """The element that fills a site, or the amounts on one that none does; isotopes and charges are left out."""
    from pymatgen.core import DummySpecies, Element

    found: dict[Element, float] = {}
    for species, amount in site.species.items():
        if isinstance(species, DummySpecies):
            raise InvalidCrystalError(f"{species} is not a chemical element.")
        element = Element.from_Z(int(species.Z))
        found[element] = found.get(element, 0.0) + amount
    return next(iter(found)) if len(found) == 1 and abs(sum(found.values()) - 1) <= _FULL else found


def _check_full(site: PeriodicSite) -> None:
    """Raise InvalidCrystalError unless one element fills a site."""
    if not site.is_ordered:
        raise InvalidCrystalError(
            f"This structure is disordered: a site {_shares(site)}. Only crystals in which one element fills each site "
            "can be encoded."
        )


def _shares(site: PeriodicSite) -> str:
    """What is on a site that no single element fills: "holds 70 % Na and 20 % K and is 10 % empty"."""
    found = amounts(site)
    held = " and ".join(f"{100 * amount:.3g} % {symbol}" for symbol, amount in found.items()) or "nothing"
    empty = 100 * (1 - sum(found.values()))
    return f"holds {held}" + (f" and is {empty:.3g} % empty" if empty > 100 * _FULL else "")


def _has_close_pair(structure: Structure) -> bool:
    from scipy.spatial import cKDTree

    lattice = structure.lattice.get_lll_reduced_lattice()
    heights = 1 / np.linalg.norm(lattice.inv_matrix, axis=0)
    if heights.min() < MIN_DISTANCE:  # a cell thinner than that puts an atom next to its own image
        return True
    # the atoms of one cell, and images of those near its faces
    points = lattice.get_fractional_coords(structure.cart_coords) % 1.0
    for axis, margin in enumerate(MIN_DISTANCE / heights):
        step = np.eye(3)[axis]
        points = np.concatenate(
            [points, points[points[:, axis] < margin] + step, points[points[:, axis] > 1 - margin] - step]
        )
    return len(cKDTree(points @ lattice.matrix).query_pairs(MIN_DISTANCE)) > 0


def encodable(structure: Structure, most: int = MAX_ATOMS, most_orbits: int = MAX_ORBITS) -> Canonical:
    """The canonical form of a checked structure that a model can encode.

    Parameters
    ----------
    structure
        What ``check_structure`` gave.
    most, most_orbits
        The largest numbers of atoms in the primitive cell and of orbits.

    Raises
    ------
    UnsupportedCrystalError
        For more atoms in the primitive cell, more orbits, or elements beyond Z = 94.
    InvalidCrystalError
        If no symmetry can be found.
    """
    heavy = sorted({site.specie.symbol for site in structure if site.specie.Z > MAX_Z})
    if heavy:
        raise UnsupportedCrystalError(f"{', '.join(heavy)} cannot be encoded: the model knows elements up to Pu (94).")
    # a supercell holds every element a multiple of its size times: this settles large structures without spglib
    counts = np.unique([site.specie.Z for site in structure], return_counts=True)[1]
    atoms = len(structure) // int(np.gcd.reduce(counts))
    found = None
    if atoms <= most:
        if len(structure) > MAX_SEARCHED:
            raise UnsupportedCrystalError(
                f"This cell of {len(structure)} atoms is too large to look for a smaller one in it; give the primitive "
                "cell to encode it. It can still be drawn."
            )
        found = canonicalize(structure)
        atoms = int(found.crystal.multiplicities.sum())
    check_size(atoms, 0 if found is None else len(found.crystal.positions), most, most_orbits)
    assert found is not None
    return found


def check_size(atoms: int, orbits: int, most: int = MAX_ATOMS, most_orbits: int = MAX_ORBITS) -> None:
    """Whether a crystal with so many atoms in its primitive cell, on so many orbits, is small enough for a model.

    Raises
    ------
    UnsupportedCrystalError
        If it is not.
    """
    if atoms > most:
        raise UnsupportedCrystalError(
            f"This crystal has {atoms} atoms in its primitive cell; the model encodes at most {most}. It can "
            "still be drawn."
        )
    if orbits > most_orbits:
        raise UnsupportedCrystalError(
            f"This crystal has {orbits} symmetry-distinct sites; the model encodes at most {most_orbits}. It can still "
            "be drawn."
        )
