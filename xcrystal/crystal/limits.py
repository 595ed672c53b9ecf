"""How much of a file is looked at: more is refused by what the file announces, before anything is allocated."""

from __future__ import annotations

from xcrystal.errors import InvalidCrystalError

MAX_SITES = 5_000  # atoms of a crystal that is looked at at all; what is quadratic in them takes seconds here
MAX_SEARCHED = 320  # atoms; spglib takes seconds for some larger cells without symmetry, minutes for thousands
MAX_COORDINATE = 1e6  # beyond it, too few digits are left to tell the place in the cell
MAX_OPERATIONS = 384  # no space group has more than 192; magnetic ones may list each with and without time reversal
MAX_WORDS = 1_000_000  # of a CIF file


def check_count(count: int, name: str) -> None:
    """Refuse no atoms, and more than are looked at.

    Raises
    ------
    InvalidCrystalError
        If there are so many.
    """
    if count == 0:
        raise InvalidCrystalError(f"{name} has no atoms.")
    if count > MAX_SITES:
        raise InvalidCrystalError(f"{name} has {count} atoms; at most {MAX_SITES} are looked at.")
