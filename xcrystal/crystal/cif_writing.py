"""CIF files with symmetry: the space group, its operations, and one atom of each orbit with its Wyckoff position."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xcrystal.crystal.formats.cif import cif_text, comment
from xcrystal.crystal.limits import MAX_SEARCHED
from xcrystal.crystal.symmetry.space_group_settings import Setting, settings_of_number

if TYPE_CHECKING:
    from pymatgen.core import Composition, Lattice, Structure

_SAME = 0.01  # Å; atoms that are so far from being equivalent are not
_DIGITS = 8  # of coordinates: what is special, such as 1/3, stays so


class _Site(NamedTuple):
    """One atom of an orbit of ``multiplicity`` in the conventional cell, on the Wyckoff position ``letter``."""

    species: Composition
    letter: str
    multiplicity: int
    point: np.ndarray


def symmetric_cif_text(structure: Structure, origin: str) -> str:
    """CIF of a structure in the usual setting of its space group, its first line a comment that says where it is from.

    The cell is the conventional one: unique axis b, hexagonal axes, the origin at a centre of inversion. Atoms that
    symmetry relates within 0.01 Å are written as exactly related. Large cells are written in P1, as they are.

    Parameters
    ----------
    structure
        Any cell; sites may be shared by several elements.
    origin
        One line.
    """
    found = _standardized(structure) if len(structure) <= MAX_SEARCHED else None
    if found is None:
        return cif_text(structure, origin)
    setting, lattice, sites = found
    formula, units = structure.composition.get_reduced_composition_and_factor()
    units *= sum(site.multiplicity * site.species.num_atoms for site in sites) / structure.composition.num_atoms
    lines = [
        comment(origin),
        f"data_{formula.reduced_formula}",
        f"_chemical_formula_sum '{formula.formula}'",
        f"_cell_formula_units_Z {units:g}",
        *(f"_cell_length_{name} {size:.8f}" for name, size in zip("abc", lattice.lengths, strict=True)),
        *(
            f"_cell_angle_{name} {size:.8f}"
            for name, size in zip(("alpha", "beta", "gamma"), lattice.angles, strict=True)
        ),
        f"_cell_volume {lattice.volume:.6f}",
        f"_space_group_IT_number {setting.number}",
        f"_space_group_name_H-M_alt '{_symbol(setting)}'",
        f'_space_group_name_Hall "{setting.hall}"',
        "loop_",
        "_space_group_symop_id",
        "_space_group_symop_operation_xyz",
        *(f"{k} '{text}'" for k, text in enumerate(_operations(setting), start=1)),
        "loop_",
        "_atom_site_label",
        "_atom_site_type_symbol",
        "_atom_site_site_symmetry_multiplicity",
        "_atom_site_Wyckoff_symbol",
        "_atom_site_fract_x",
        "_atom_site_fract_y",
        "_atom_site_fract_z",
        "_atom_site_occupancy",
    ]
    numbers: dict[str, int] = {}
    for site in sites:
        x, y, z = (f"{value:.{_DIGITS}f}" for value in site.point)
        for symbol, share in sorted(site.species.get_el_amt_dict().items()):
            numbers[symbol] = numbers.get(symbol, 0) + 1
            label = f"{symbol}{numbers[symbol]}"
            lines.append(f"{label} {symbol} {site.multiplicity} {site.letter} {x} {y} {z} {share:.6g}")
    return "\n".join(lines) + "\n"


def _standardized(structure: Structure) -> tuple[Setting, Lattice, list[_Site]] | None:
    """The usual setting of the space group, and the cell and one atom of each orbit in it; None if none is found."""
    import spglib
    from pymatgen.core import Lattice

    kinds: list[Composition] = []
    for site in structure:
        if site.species not in kinds:
            kinds.append(site.species)
    cell = (
        structure.lattice.matrix.tolist(),
        structure.frac_coords.tolist(),
        [kinds.index(site.species) for site in structure],
    )
    first = spglib.get_symmetry_dataset(cell, symprec=_SAME)
    if first is None:
        return None
    setting = settings_of_number(first.number)[0]
    found = spglib.get_symmetry_dataset(cell, symprec=_SAME, hall_number=setting.hall_number)
    if found is None:
        return None
    # the atoms of both cells are images of those of one primitive cell
    orbits = dict(zip(found.mapping_to_primitive, found.crystallographic_orbits, strict=True))
    letters = dict(zip(found.mapping_to_primitive, found.wyckoffs, strict=True))
    places = np.array([orbits[atom] for atom in found.std_mapping_to_primitive])
    sites = [
        _Site(
            kinds[found.std_types[atom]],
            letters[found.std_mapping_to_primitive[atom]],
            int((places == orbit).sum()),
            np.round(found.std_positions[atom] % 1.0, _DIGITS) % 1.0,
        )
        for orbit, atom in zip(*np.unique(places, return_index=True), strict=True)
    ]
    return setting, Lattice(found.std_lattice), sites


def _symbol(setting: Setting) -> str:
    """Its short Hermann-Mauguin symbol, with the choice of origin or axes that other programs need to be told."""
    import spglib

    found = spglib.get_spacegroup_type(setting.hall_number)
    assert found is not None
    short = found.international.split(" = ")[0].replace("_", "")
    return f"{short}:{setting.choice}" if setting.choice in ("1", "2", "H", "R") else short


def _operations(setting: Setting) -> list[str]:
    from pymatgen.core import SymmOp

    return [
        SymmOp.from_rotation_and_translation(rotation, translation % 1.0).as_xyz_str()
        for rotation, translation in zip(*setting.operations(), strict=True)
    ]
