"""CIF files: written with their origin, and read through pymatgen's parser without what it passes over in silence.

pymatgen leaves out atoms of unknown elements, reads "." as zero and "Vac" as vanadium, goes on to the next data block
when one is broken, and keeps the reason to itself. Each of these gets a clear error here.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Any

from xcrystal.errors import InvalidCrystalError, ReadError

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_SITES = 5_000  # of a file that is looked at at all; a parser quadratic in them takes seconds here
MAX_COORDINATE = 1e6  # beyond it, too few digits are left to tell the place in the cell
_CELL = tuple(f"_cell_length_{x}" for x in "abc") + tuple(f"_cell_angle_{x}" for x in ("alpha", "beta", "gamma"))
_COORDINATES = tuple(f"_atom_site_fract_{x}" for x in "xyz")
_OPERATIONS = (
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop_operation_xyz",
    "_space_group_symop_magn_operation.xyz",
)
_GROUPS = (
    "_symmetry_Int_Tables_number",
    "_space_group_IT_number",
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_alt",
)


def model_output(model: str) -> str:
    """What goes with every crystal that a model made."""
    return f"output of the model {model}, not relaxed, not verified"


def cif_text(structure: Structure, origin: str) -> str:
    """CIF of a structure, in P1, its first line a comment that says where the structure comes from."""
    from pymatgen.io.cif import CifWriter

    printable = "".join(c if c.isprintable() else " " for c in origin)
    return f"# xcrystal: {printable}\n{CifWriter(structure)}"


def parse_cif(text: str, name: str) -> Structure:
    """The structure of the first data block that has atoms.

    Raises
    ------
    ReadError
        If there is none, or something that it needs is missing.
    InvalidCrystalError
        If its cell is impossible, or its atoms are none or lie on each other.
    """
    from pymatgen.io.cif import CifParser

    # the two reserved words in any case, as the standard has them
    text = re.sub(r"^[ \t]*(data_|loop_)", lambda m: m[1].lower(), text, flags=re.MULTILINE | re.IGNORECASE)
    if not re.search(r"^data_", text, flags=re.MULTILINE):
        raise ReadError(f"{name} contains no crystal: it is not a CIF file, nor named as another kind that is read.")
    try:
        parser = CifParser.from_str(_first_crystal(text), occupancy_tolerance=1.05)
    except Exception as error:
        raise ReadError(f"{name} is a damaged CIF file: a loop has missing or superfluous values.") from error
    for block in parser.as_dict().values():
        if "_atom_site_label" in block or "_atom_site_fract_x" in block:
            _check_block(block, name)
            break
    else:
        raise ReadError(f"{name} contains no crystal: no list of atoms as in a CIF file.")
    try:
        structure = parser.parse_structures(primitive=False)[0]
    except (ValueError, ArithmeticError) as error:
        raise _reason(getattr(parser, "warnings", None) or [str(error)], name) from error
    defaulted = any("Defaulting to P1" in w for w in getattr(parser, "warnings", []))
    if defaulted and any(key in block and block[key] not in ("1", "P 1", "P1") for key in _GROUPS):
        raise ReadError(f"The symmetry in {name} cannot be read.")
    if "implicit_hydrogens" in structure.site_properties:
        raise InvalidCrystalError(f"{name} holds hydrogen atoms without a position.")
    return structure


def _first_crystal(text: str) -> str:
    """The text up to the second data block that lists atoms."""
    starts = [m.start() for m in re.finditer(r"^data_", text, flags=re.MULTILINE)]
    filled = [a for a, b in itertools.pairwise([*starts, len(text)]) if "_atom_site_fract_x" in text[a:b]]
    return text[: filled[1]] if len(filled) > 1 else text


def _check_block(block: dict[str, Any], name: str) -> None:
    _check_cell(block, name)
    missing = [key for key in _COORDINATES if key not in block]
    if missing:
        raise ReadError(f"{name} gives no fractional coordinates ({missing[0]}).")
    columns = [_column(block, key) for key in _COORDINATES]
    rows = len(columns[0])
    operations = max(len(_column(block, key)) for key in _OPERATIONS)
    if rows > MAX_SITES or rows * max(operations, 1) > 20 * MAX_SITES:
        raise ReadError(f"{name} lists {rows} atoms and {operations} operations: too many to be read here.")
    for values in columns:
        for value in values:
            number = _number(value)
            if number is None:
                raise ReadError(f"An atom in {name} has no position: its coordinate is {value!r}.")
            if not abs(number) <= MAX_COORDINATE:
                raise InvalidCrystalError(f"A coordinate in {name} is not finite, or far outside of the cell: {value}.")
    labels, types = _column(block, "_atom_site_label"), _column(block, "_atom_site_type_symbol")
    for symbol in types or labels:
        _check_symbol(symbol, from_label=not types)
    occupancies = block.get("_atom_site_occupancy")
    if isinstance(occupancies, list):
        for row, value in enumerate(occupancies):
            if value.strip() in (".", "?"):
                occupancies[row] = "1"  # "not given" means full, not empty
            elif (_number(value) or 0.0) < 0:
                raise InvalidCrystalError(f"{name} holds a negative occupancy ({value}).")


def _check_cell(block: dict[str, Any], name: str) -> None:
    missing = [key for key in _CELL if key not in block]
    if missing:
        raise ReadError(f"{name} gives no unit cell ({missing[0]} is missing).")
    values = [_number(block[key]) for key in _CELL]
    for key, value in zip(_CELL, values, strict=True):
        if value is None:
            raise ReadError(f"{name} gives no number as {key}, but {block[key]!r}.")
        if not math.isfinite(value):
            raise InvalidCrystalError(f"The cell in {name} contains a number that is not finite ({key} is {value}).")
        if value <= 0 or ("angle" in key and value >= 180):
            raise InvalidCrystalError(f"The cell in {name} is flat or impossible: {key} is {value:g}.")


def _check_symbol(symbol: str, from_label: bool) -> None:
    """Refuse what is no element, and what pymatgen takes for another one."""
    from pymatgen.core import Element

    letters = re.match(r"[A-Za-z]*", symbol.strip())
    word = letters.group().capitalize() if letters else ""
    known = {*Element.__members__, "D", "T"}
    if word in known or (from_label and not word.startswith(("Vac", "Wat")) and ({word[:2], word[:1]} & known)):
        return
    raise InvalidCrystalError(f"{symbol!r} is not a chemical element.")


def _column(block: dict[str, Any], key: str) -> list[str]:
    value = block.get(key, [])
    return value if isinstance(value, list) else [value]


def _number(value: Any) -> float | None:
    """A CIF number, its standard uncertainty in parentheses left out; None if it is none."""
    try:
        return float(re.sub(r"\(.*?\)", "", str(value)))
    except ValueError:
        return None


def _reason(warnings: list[str], name: str) -> Exception:
    """What pymatgen said of the block that it did not take."""
    occupied = next((m for w in warnings if (m := re.search(r"Occupancy ([\d.]+) exceeded", w))), None)
    if occupied:
        return InvalidCrystalError(f"Atoms in {name} lie on top of each other: a site is occupied {occupied[1]} times.")
    if any("below threshold" in w or "Singular" in w for w in warnings):
        return InvalidCrystalError(f"The cell in {name} is flat or impossible.")
    return ReadError(f"{name} cannot be read as a crystal: {warnings[-1].strip().splitlines()[-1]}")
