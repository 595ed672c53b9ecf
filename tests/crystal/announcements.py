"""Small files that announce much: ``python -m tests.crystal.announcements`` prints what each takes to be refused."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pandas as pd

from tests.crystal.file_kinds import cif
from tests.crystals import structures
from xcrystal.crystal.collections.tables import row_of

_CELL = "4 0 0\n0 4 0\n0 0 4\n"
_COMMENT = 'Lattice="4 0 0 0 4 0 0 0 4" Properties='
_COLUMNS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z")


def _sites(count: int) -> str:
    """Atoms all over the cell: multiples of irrational steps."""
    return "\n".join(
        f"C{i} C {i * 0.618034 % 1:.6f} {i * 0.754878 % 1:.6f} {i * 0.569840 % 1:.6f}" for i in range(count)
    )


def _shifts(count: int) -> str:
    return "loop_\n_symmetry_equiv_pos_as_xyz\n" + "".join(f"'x,y,z+{i}/{count}'\n" for i in range(count))


def _equal_rows(count: int) -> bytes:
    table = pd.DataFrame([row_of(structures()[0], "same")] * count)
    file = io.BytesIO()
    table.to_parquet(file, compression="zstd")
    return file.getvalue()


def _long_name(megabytes: int) -> bytes:
    table = pd.DataFrame([row_of(structures()[0], "x" * megabytes * 1_000_000)])
    file = io.BytesIO()
    table.to_parquet(file, compression="zstd")
    return file.getvalue()


FILES: dict[str, tuple[str, Callable[[], str | bytes]]] = {
    "POSCAR of 200,000,000 atoms": ("POSCAR", lambda: f"x\n1\n{_CELL}Na\n200000000\nDirect\n0 0 0\n"),
    "POSCAR of 200,000 atoms that are there": (
        "POSCAR", lambda: f"x\n1\n{_CELL}C\n200000\nDirect\n" + "0 0 0\n" * 200_000
    ),
    "extended XYZ of a column 200,000,000 wide": (
        "a.extxyz", lambda: f"1\n{_COMMENT}species:S:1:pos:R:3:f:R:200000000\nC 0 0 0\n"
    ),
    "extended XYZ of a column 200,000,000 wide before the element": (
        "a.extxyz", lambda: f"1\n{_COMMENT}f:R:200000000:species:S:1:pos:R:3\nC 0 0 0\n"
    ),
    "extended XYZ of a column of 5,000 digits": (
        "a.extxyz", lambda: f"1\n{_COMMENT}f:R:{'1' * 5000}:species:S:1:pos:R:3\nC 0 0 0\n"
    ),
    "extended XYZ of 1,000,000,000 atoms": ("a.extxyz", lambda: f"1000000000\n{_COMMENT}pos:R:3\nC 0 0 0\n"),
    "extended XYZ of a comment of 15 MB": ("a.extxyz", lambda: "1\n" + 'a="' * 5_000_000 + "\nC 0 0 0\n"),
    "XSF of 200,000,000 atoms": ("a.xsf", lambda: f"CRYSTAL\nPRIMVEC\n{_CELL}PRIMCOORD\n200000000 1\n6 0 0 0\n"),
    "XSF of 200,000 atoms that are there": (
        "a.xsf", lambda: f"CRYSTAL\nPRIMVEC\n{_CELL}PRIMCOORD\n200000 1\n" + "6 0 0 0\n" * 200_000
    ),
    "JSON of 400,000 sites": (
        "a.json",
        lambda: f'{{"lattice": {{"matrix": [[4,0,0],[0,4,0],[0,0,4]]}}, "sites": [{"{},"*400_000}{{}}]}}',
    ),
    "CIF of 90,000 operations": ("a.cif", lambda: cif(_sites(1), _shifts(90_000), columns=_COLUMNS)),
    "CIF of 500 atoms and 190 operations": ("a.cif", lambda: cif(_sites(500), _shifts(190), columns=_COLUMNS)),
    "CIF of 100,000 atoms in a cell of 1 Å": (
        "a.cif", lambda: cif(_sites(100_000), cell=(1, 1, 1, 90, 90, 90), columns=_COLUMNS)
    ),
    "CIF of 9,000,000 words": ("a.cif", lambda: "data_x\nloop_\n_a\n" + "x " * 9_000_000),
    "parquet of 3,000,000 equal rows": ("a.parquet", lambda: _equal_rows(3_000_000)),
    "parquet of a name of 100 MB": ("a.parquet", lambda: _long_name(100)),
}  # fmt: skip


def content_of(case: str) -> tuple[str, bytes]:
    """The name of a file, and what it holds."""
    name, make = FILES[case]
    content = make()
    return name, content if isinstance(content, bytes) else content.encode()


if __name__ == "__main__":
    from tests.crystal.guarded import in_another_process, print_outcome

    if len(sys.argv) > 1:
        print_outcome(lambda: content_of(sys.argv[1]), 60)
    else:
        for case in FILES:
            found = in_another_process("tests.crystal.announcements", case, 180)
            print(  # noqa: T201
                f"{case}: {found.seconds:.2f} s, {found.megabytes:.0f} MB: {found.error}: {found.message[:90]}",
                flush=True,
            )
