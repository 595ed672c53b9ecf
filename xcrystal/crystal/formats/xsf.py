"""XSF files of XCrySDen: pymatgen reads them, once what they announce is known to be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from xcrystal.crystal.formats.extended_xyz import check_periodic
from xcrystal.crystal.limits import check_count
from xcrystal.errors import ReadError

if TYPE_CHECKING:
    from pymatgen.core import Structure

_KINDS = ("MOLECULE", "POLYMER", "SLAB")  # by the number of axes that each repeats along


def parse_xsf(text: str, name: str) -> Structure:
    """The structure of an XSF file; grids of data are passed over.

    Raises
    ------
    ReadError
        If it ends before its atoms do, cannot be parsed, or does not repeat along three axes.
    InvalidCrystalError
        If it has no atoms, or more than are looked at.
    """
    from pymatgen.core import Structure

    lines = list(_without_blocks(re.split(r"\r\n|\r|\n", text)))
    for at, line in enumerate(lines):
        keyword = line.strip().upper()
        if keyword in _KINDS:
            check_periodic([True] * _KINDS.index(keyword) + [False], name)
        elif keyword.split()[:1] in (["PRIMCOORD"], ["CONVCOORD"]):
            count = re.match(r"\s*\+?(\d{1,12})(?!\S)", next((text for text in lines[at + 1 :] if text.strip()), ""))
            if count is None:
                raise ReadError(f"{name} gives no number of atoms after {keyword[:9]}.")
            check_count(int(count[1]), name)
            if at + 1 + int(count[1]) >= len(lines):
                raise ReadError(f"{name} ends before its {count[1]} atoms do.")
    return Structure.from_str("\n".join(lines), fmt="xsf")


def _without_blocks(lines: list[str]) -> Iterator[str]:
    """The lines that stand between no BEGIN_... and its END_...."""
    end = ""
    for line in lines:
        word = "".join(line.split()[:1]).upper()
        if end:
            end = "" if word == end else end
        elif word.startswith("BEGIN_"):
            end = word.replace("BEGIN_", "END_", 1)
        else:
            yield line
