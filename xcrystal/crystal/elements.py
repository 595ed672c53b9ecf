"""Order and place of the elements in the periodic table, without pymatgen, so that training runs on a bare machine."""

from __future__ import annotations

from functools import cache

import numpy as np

MAX_Z = 94

# Pettifor's chemical scale (D. G. Pettifor, Solid State Commun. 51, 31, 1984) in the order that pymatgen gives:
# elements side by side replace each other in crystals more often than not
_CHEMICAL_ORDER = (
    "He Ne Ar Kr Xe Rn Fr Cs Rb K Na Li Ra Ba Sr Ca Yb Eu Sc Lu Tm Er Ho Dy Y Tb Gd Sm Pm Nd Pr Ce La Lr "
    "No Md Fm Es Cf Bk Cm Am Pu Np U Pa Th Ac Zr Hf Ti Ta Nb V W Mo Cr Re Tc Mn Fe Ru Os Co Rh Ir Ni Pt "
    "Pd Au Ag Cu Mg Hg Cd Zn Be Tl In Al Ga Pb Sn Ge Si B Bi Sb As P Po Te Se S C At I Br Cl N O F H "
).split()
_SYMBOLS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb "
    "Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu "
    "Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr "
).split()
_HEAVIEST = "Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og".split()  # of which there are no crystals
_NOBLE = (0, 2, 10, 18, 36, 54, 86, 118)


@cache
def atomic_numbers() -> dict[str, int]:
    """Atomic number of each element by its symbol."""
    return {name: number for number, name in enumerate([*_SYMBOLS, *_HEAVIEST], start=1)}


def symbol(number: int) -> str:
    """ "H" for 1."""
    return _SYMBOLS[number - 1]


def number_of(name: str) -> int:
    """1 for "H"."""
    return _SYMBOLS.index(name) + 1


def is_element(name: object) -> bool:
    """Whether this is the symbol of an element."""
    return name in _SYMBOLS


def chemical_scale() -> np.ndarray:
    """(104,) integers: place of each atomic number on the chemical scale; 0 for no element."""
    place = {symbol: rank for rank, symbol in enumerate(_CHEMICAL_ORDER, start=1)}
    return np.array([0] + [place[symbol] for symbol in _SYMBOLS])


def element_features() -> np.ndarray:
    """(MAX_Z + 1, 5) float32: period, column, distance to the next noble gas, f-block flag, chemical scale; all 0 to 1.

    Row 0 (no element) is zero.
    """
    scale = chemical_scale()
    rows = [[0.0] * 5]
    for z in range(1, MAX_Z + 1):
        period = next(p for p in range(1, 8) if z <= _NOBLE[p])
        past, length = z - _NOBLE[period - 1], _NOBLE[period] - _NOBLE[period - 1]
        f_block = length == 32 and 3 <= past <= 16
        # columns of the 18-column table; the f block shares column 3
        column = past if past <= 2 else (3 if f_block else 18 - (length - past))
        rows.append([period / 7, column / 18, (length - past) / 32, float(f_block), scale[z] / len(_SYMBOLS)])
    return np.array(rows, dtype=np.float32)
