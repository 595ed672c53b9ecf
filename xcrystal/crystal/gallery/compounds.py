"""More compounds that have structure types of the gallery, built in the same way: semiconductors, insulators, metals.

They are what predicted properties are held against in ``xcrystal evaluate classics``. Lattice parameters are rounded
textbook values (as in Landolt-Börnstein, or O. Madelung, Semiconductors: Data Handbook, Springer, 2004).
"""

from __future__ import annotations

from xcrystal.crystal.gallery.entries import Entry, entry

_SOURCE = "positions of the type; lattice parameters and coordinates are rounded textbook values, not one refinement"

# type, its space group, its orbits with the places of the elements, and (elements, lengths, free coordinates) of each
_TYPES: tuple[tuple[str, int, str, tuple[tuple[str, tuple[str, ...], tuple[float, ...], tuple[float, ...]], ...]], ...]
_TYPES = (
    ("diamond", 227, "{0} a", (
        ("Si", ("Si",), (5.431,), ()),
        ("Ge", ("Ge",), (5.658,), ()),
    )),
    ("zinc blende", 216, "{0} a, {1} c", (
        ("GaAs", ("Ga", "As"), (5.653,), ()),
        ("GaP", ("Ga", "P"), (5.451,), ()),
        ("InP", ("In", "P"), (5.869,), ()),
        ("AlAs", ("Al", "As"), (5.661,), ()),
        ("AlP", ("Al", "P"), (5.464,), ()),
        ("AlSb", ("Al", "Sb"), (6.136,), ()),
        ("BN", ("B", "N"), (3.616,), ()),
        ("SiC", ("Si", "C"), (4.36,), ()),
        ("ZnSe", ("Zn", "Se"), (5.668,), ()),
        ("ZnTe", ("Zn", "Te"), (6.103,), ()),
        ("CdTe", ("Cd", "Te"), (6.482,), ()),
    )),
    ("wurtzite", 186, "{0} b 0, {1} b {2}", (
        ("ZnO", ("Zn", "O"), (3.25, 5.207), (0.382,)),
        ("GaN", ("Ga", "N"), (3.189, 5.185), (0.377,)),
        ("AlN", ("Al", "N"), (3.112, 4.982), (0.382,)),
        ("CdS", ("Cd", "S"), (4.137, 6.714), (0.377,)),
        ("BeO", ("Be", "O"), (2.698, 4.377), (0.378,)),
    )),
    ("rock salt", 225, "{0} a, {1} b", (
        ("MgO", ("Mg", "O"), (4.212,), ()),
        ("CaO", ("Ca", "O"), (4.811,), ()),
        ("LiF", ("Li", "F"), (4.027,), ()),
        ("KCl", ("K", "Cl"), (6.293,), ()),
        ("KBr", ("K", "Br"), (6.6,), ()),
        ("AgCl", ("Ag", "Cl"), (5.549,), ()),
        ("PbS", ("Pb", "S"), (5.936,), ()),
        ("PbTe", ("Pb", "Te"), (6.462,), ()),
        ("TiN", ("Ti", "N"), (4.242,), ()),
    )),
    ("caesium chloride", 221, "{0} a, {1} b", (
        ("CsI", ("Cs", "I"), (4.567,), ()),
        ("NiAl", ("Ni", "Al"), (2.887,), ()),
    )),
    ("fluorite", 225, "{0} a, {1} c", (
        ("BaF2", ("Ba", "F"), (6.2,), ()),
        ("CeO2", ("Ce", "O"), (5.411,), ()),
    )),
    ("rutile", 136, "{0} a, {1} f {2}", (
        ("SnO2", ("Sn", "O"), (4.737, 3.186), (0.307,)),
        ("MgF2", ("Mg", "F"), (4.621, 3.052), (0.303,)),
        ("RuO2", ("Ru", "O"), (4.492, 3.107), (0.306,)),
    )),
    ("molybdenite", 194, "{0} c, {1} f {2}", (
        ("WS2", ("W", "S"), (3.153, 12.323), (0.6225,)),
        ("MoSe2", ("Mo", "Se"), (3.289, 12.927), (0.621,)),
    )),
    ("cubic perovskite", 221, "{0} a, {1} b, {2} c", (
        ("BaTiO3", ("Ba", "Ti", "O"), (4.0,), ()),
        ("KTaO3", ("K", "Ta", "O"), (3.989,), ()),
        ("KMgF3", ("K", "Mg", "F"), (3.989,), ()),
    )),
    ("chalcopyrite", 122, "{1} a, {0} b, {2} d {3}", (
        ("CuGaS2", ("Cu", "Ga", "S"), (5.35, 10.48), (0.254,)),
        ("CuInSe2", ("Cu", "In", "Se"), (5.782, 11.62), (0.224,)),
    )),
    ("face-centred cubic", 225, "{0} a", (
        ("Al", ("Al",), (4.05,), ()),
        ("Ag", ("Ag",), (4.086,), ()),
    )),
)  # fmt: skip


def compounds() -> list[Entry]:
    """All of them, built anew."""
    return [
        entry(kind, formula, "", formula, group, lengths, orbits.format(*elements, *free), _SOURCE)
        for kind, group, orbits, each in _TYPES
        for formula, elements, lengths, free in each
    ]
