"""Files of the kinds that programs and people write, each with the crystal that it is: for both of the parsers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import spglib

CAESIUM_CHLORIDE = "Cs1 Cs 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1"
ROCK_SALT = "Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1"
TYPED = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
LABELLED = ("label", "fract_x", "fract_y", "fract_z")
IDENTITY = "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n"
CUBE = (4, 4, 4, 90, 90, 90)


@dataclass(frozen=True)
class Kind:
    """A file, and what it holds: reduced formula, atoms in the primitive cell, space group at 0.1 Å."""

    content: str
    formula: str
    atoms: int
    space_group: int
    name: str = "a.cif"


def cif(
    sites: str, symmetry: str = IDENTITY, cell: Sequence[float] = CUBE, columns: Sequence[str] = TYPED, more: str = ""
) -> str:
    """A CIF file."""
    names = [f"_cell_length_{x}" for x in "abc"] + [f"_cell_angle_{x}" for x in ("alpha", "beta", "gamma")]
    lines = [f"{name} {value}" for name, value in zip(names, cell, strict=True)]
    header = "\n".join(f"_atom_site_{column}" for column in columns)
    return "\n".join(["data_x", *lines, more, symmetry, "loop_", header, sites, ""])


def named(symbol: str, number: int | None = None) -> str:
    """A space group by its symbol, and its number."""
    return f"_symmetry_space_group_name_H-M '{symbol}'\n" + (f"_space_group_IT_number {number}\n" if number else "")


def listed(*operations: str) -> str:
    """Operations, in quotes."""
    return "loop_\n_symmetry_equiv_pos_as_xyz\n" + "".join(f"'{operation}'\n" for operation in operations)


def xyz_of(hall_number: int) -> list[str]:
    """All operations of a setting in spglib's table as "x,y,z"."""
    database = spglib.get_symmetry_from_database(hall_number)
    assert database is not None
    found = []
    for rotation, translation in zip(database["rotations"], database["translations"], strict=True):
        rows = []
        for row, shift in zip(rotation, np.rint(translation * 24).astype(int), strict=True):
            turned = "".join(f"{factor:+d}{letter}" for factor, letter in zip(row, "xyz", strict=True) if factor)
            rows.append(turned.replace("1", "") + (f"+{shift}/24" if shift else ""))
        found.append(",".join(rows))
    return found


# what atoms are called: as their type symbol, or as a label without one; "" is no element
TYPES = {
    "Na": "Na", "O2-": "O", "Fe+3": "Fe", "Fe2.5+": "Fe", "Na1": "Na", "D": "H", "T": "H", "H-": "H", "OW": "O",
    "NO3": "N", "Cval": "C", "Fe(III)": "Fe", "Fe2+,spin=5": "Fe", "O2\u2212": "O", "CO": "Co", "O-H": "O", "NH4": "N",
    "ND4": "N", "H2O": "O", "Mo/Nb": "", "T1": "", "Va": "", "Vac": "", "Xx": "", "Na2O": "", "?1": "",
}  # fmt: skip
LABELS = {
    "Na1": "Na", "NA1": "Na", "CO1": "Co", "T1": "", "Va": "", "Va1": "", "Vac2": "", "V1": "V", "VA1": "", "Vb": "V",
    "H2O": "H", "OW1": "O", "HW2": "H", "NH4": "N", "O1A": "O", "D3": "H", "Xx1": "", "C12": "C", "1": "",
}  # fmt: skip

_HYDROXIDE = (
    "Mg1 0 0 0\n{0} 0.33333 0.66667 0.2203\n{1} 0.66667 0.33333 0.7797\n"
    "H1 0.33333 0.66667 0.413\nH2 0.66667 0.33333 0.587"
)
_TETRADYMITE = "Bi1 Bi .4 .4 .4 1\nTe1 Te 0 0 0 1\nTe2 Te .788 .788 .788 1"
_CHLORIDE = "La1 La .333 .667 .25 1\nCl1 Cl .3875 .3014 .25 1"
_PLANES = ("x,y,z", "-x,-y,z", "y,x,z", "-y,-x,z")
_EMPTY_LOOP = "loop_\n_atom_site_aniso_label\n_atom_site_aniso_U_11"
_QUESTIONS = "_symmetry_space_group_name_H-M ?\nloop_\n_symmetry_equiv_pos_as_xyz\n?\n"
_BRUCITE = (3.145, 3.145, 4.74, 90, 90, 120)
_SODIUM = (5.64, 5.64, 5.64, 90, 90, 90)
_TEXT_FIELD = "_refine_special_details\n;\ndata_earlier\n_cell_length_a 9.9\nloop_\n_atom_site_label\nPb1\n;"
_NAN = {
    "lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]},
    "sites": [
        {"species": [{"element": e, "occu": 1}], "abc": [x, x, x], "properties": {"magmom": float("nan"), "say": "NaN"}}
        for e, x in (("Cs", 0), ("Cl", 0.5))
    ],
}

KINDS: dict[str, Kind] = {
    "setting in the symbol": Kind(
        cif("Si1 Si .125 .125 .125 1", named("F d -3 m :2", 227), (5.43, 5.43, 5.43, 90, 90, 90)), "Si", 2, 227
    ),
    "rhombohedral axes": Kind(
        cif(_TETRADYMITE, named("R -3 m :R", 166), (10.473, 10.473, 10.473, 24.17, 24.17, 24.17)),
        "Bi2Te3", 5, 166,
    ),
    "number under another name": Kind(cif(ROCK_SALT, "_symmetry_Int_Tables_Number 225", _SODIUM), "NaCl", 2, 225),
    "Hall symbol": Kind(cif(ROCK_SALT, "_symmetry_space_group_name_Hall '-F 4 2 3'", _SODIUM), "NaCl", 2, 225),
    "full symbol": Kind(cif(ROCK_SALT, named("F 4/m -3 2/m"), _SODIUM), "NaCl", 2, 225),
    "symbol of before 1983": Kind(cif(ROCK_SALT, named("Fm3m"), _SODIUM), "NaCl", 2, 225),
    "upper case": Kind(cif(ROCK_SALT, named("Fm-3m"), _SODIUM).upper().replace("FM-3M", "Fm-3m"), "NaCl", 2, 225),
    "labels OH": Kind(cif(_HYDROXIDE.format("OH1", "OH2"), IDENTITY, _BRUCITE, LABELLED), "Mg(HO)2", 5, 164),
    "labels O-H": Kind(cif(_HYDROXIDE.format("O-H", "O-H"), IDENTITY, _BRUCITE, LABELLED), "Mg(HO)2", 5, 164),
    "label of two elements": Kind(
        cif("NA1 0 0 0\nNO1 .5 .5 .5", IDENTITY, CUBE, LABELLED, "_chemical_formula_sum 'Na1 N1'"), "NaN", 2, 221
    ),
    "typographic minus": Kind(
        cif("Cs1 Cs .1 .2 .3 1\nCl1 Cl .5 .5 .5 1", listed("x,y,z", "−x,−y,−z"), (6, 6.5, 7, 80, 85, 95)), "Cs2Cl", 3, 2
    ),
    "one-character fractions": Kind(
        cif(ROCK_SALT, listed("x,y,z", "x,½+y,½+z", "x+½,y,z+½", "x+½,y+½,z"), _SODIUM), "NaCl", 2, 225
    ),
    "three digits of thirds": Kind(
        cif(_CHLORIDE, listed(*xyz_of(470)), (7.483, 7.483, 4.375, 90, 90, 120)),
        "LaCl3", 8, 176,
    ),
    "three digits on a mirror": Kind(
        cif("Ca1 Ca .123 .124 0 1\nO1 O 0 0 .5 1", listed(*_PLANES), (6, 6, 4, 90, 90, 90)),
        "Ca2O", 3, 65,
    ),
    "data_ in a text field": Kind(cif(CAESIUM_CHLORIDE, more=_TEXT_FIELD), "CsCl", 2, 221),
    "a loop without rows": Kind(cif(CAESIUM_CHLORIDE, more=_EMPTY_LOOP), "CsCl", 2, 221),
    "a dummy": Kind(
        cif("Cs1 Cs 0 0 0 d\nCl1 Cl .5 .5 .5 .\nCg1 C .25 .25 .25 dum", columns=(*TYPED[:-1], "calc_flag")),
        "CsCl", 2, 221,
    ),
    "mixtures with occupancies": Kind(
        cif("Nb1 '0.8Nb + 0.2Nb' 0 0 0 1\nZr1 '0.5Zr + 0.5Zr' .5 .5 .5 1\nH1 '0.5Zr + 0.5H' .5 0 0 0"),
        "ZrNb", 2, 221,
    ),
    "dotted names": Kind(
        cif(CAESIUM_CHLORIDE, "loop_\n_space_group_symop.operation_xyz\nx,y,z\n")
        .replace("_atom_site_", "_atom_site.").replace("_cell_", "_cell."),
        "CsCl", 2, 221,
    ),
    "deuterium and hydrogen": Kind(cif("Li1 Li 0 0 0 1\nD1 D .5 .5 .5 .9\nH1 H .5 .5 .5 .1"), "LiH", 2, 221),
    "unknown operation": Kind(
        cif("Cs1 Cs 0 0 0 ?\nCl1 Cl .5 .5 .5 .", _QUESTIONS),
        "CsCl", 2, 221,
    ),
    "comments behind numbers": Kind(
        "x ! mine\n1.0 ! scale\n4 0 0 ! a\n0 4 0\n0 0 4\nCs Cl ! names\n1 1 # n\nDirect\n0 0 0 ! first\n.5 .5 .5\n",
        "CsCl", 2, 221, "POSCAR",
    ),
    "volume and Cartesian positions": Kind(
        "x\n-64\n1 0 0\n0 1 0\n0 0 1\nCs Cl\n1 1\nCartesian\n0 0 0\n.5 .5 .5\n", "CsCl", 2, 221, "POSCAR"
    ),
    "a scale for each axis": Kind(
        "x\n4 2 1\n1 0 0\n0 2 0\n0 0 4\nCs Cl\n1 1\nCartesian\n0 0 0\n.5 1 2\n", "CsCl", 2, 221, "POSCAR"
    ),
    "deuterium in extended XYZ": Kind(
        '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=id:I:1:species:S:1:pos:R:3 pbc="T T T"\n1 Li 0 0 0\n2 D 2 2 2\n',
        "LiH", 2, 221, "a.extxyz",
    ),
    "NaN in JSON": Kind(json.dumps(_NAN), "CsCl", 2, 221, "a.structure.json"),
}  # fmt: skip

# operations that are no space group of the cell, and what is said of them
NO_GROUPS = {
    "a centring is missing": (listed("x,y,z", "x,1/2+y,1/2+z", "1/2+x,y,1/2+z"), CUBE, "no space group"),
    "centred cell without one": (listed(*xyz_of(63)[:-1]), (5, 6, 7, 90, 100, 90), "no space group"),
    "no identity": (listed("-x,-y,-z"), CUBE, "no space group"),
    "halves of axes": (listed("x,y,z", "2x,y/2,z"), CUBE, "no space group"),
    "axes of other lengths": (listed("x,y,z", "y,x,z"), (5, 7, 8, 90, 90, 90), "does not fit its cell"),
}

# symbols as files write them, and the Hall numbers of the settings that they stand for
SYMBOLS: dict[str, int] = {
    "P 21/n": 82, "P21/a": 83, "P 1 1 21/a": 84, "C 2/c": 90, "I 1 2/a 1": 92, "I 2/m": 65, "A 1 2/n 1": 91,
    "P m m n :1": 278, "P b n m": 294, "P n a m": 297, "A b a 2": 203, "C m c a": 304, "A b m 2": 191, "C c m m": 299,
    "F d d d :1": 335, "F d d d": 336, "P 4/n m m S": 408, "P 4/n m m :2": 409, "I 41/a m d Z": 427, "I 41/a": 365,
    "P 42/n m c :1": 420, "R -3 :R": 437, "R -3 c :H": 460, "R 3 R": 434, "F d -3 :2": 499, "P n -3 :2": 496,
}  # fmt: skip


def by_symbol(symbol: str) -> tuple[str, str]:
    """A crystal of two general positions by the symbol of its setting alone, and the same by its operations."""
    hall_number = SYMBOLS[symbol]
    found = spglib.get_spacegroup_type(hall_number)
    assert found is not None
    cell: Sequence[float] = (6.1, 7.3, 8.9, 90, 90, 90)
    if found.number < 16:
        cell = (6.1, 7.3, 8.9, 90, 101, 90) if found.choice[0] == "b" else (6.1, 7.3, 8.9, 90, 90, 101)
    elif 75 <= found.number < 143:
        cell = (7.3, 7.3, 8.9, 90, 90, 90)
    elif found.choice == "H":
        cell = (8.3, 8.3, 14.9, 90, 90, 120)
    elif found.choice == "R":
        cell = (8.3, 8.3, 8.3, 71, 71, 71)
    elif found.number >= 195:
        cell = (11.1, 11.1, 11.1, 90, 90, 90)
    sites = "Pb1 Pb .11 .23 .37 1\nO1 O .31 .07 .19 1"
    return cif(sites, named(symbol), cell), cif(sites, listed(*xyz_of(hall_number)), cell)
