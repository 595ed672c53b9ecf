"""Files that were right before something was done to them, for the readers of Python and of the extension.

``python -m tests.crystal.fuzzing --minutes 60`` reads new ones for so long, and writes down the first that a reader
neither reads nor refuses in one sentence, within the limits of ``tests.crystal.guarded``.
"""

from __future__ import annotations

import argparse
import io
import json
import sqlite3
import time
import zipfile
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from ase import Atoms
from ase.db import connect
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.crystal.file_kinds import KINDS
from tests.crystals import structures
from tests.extension.styles import STYLES
from xcrystal.crystal.collections.tables import row_of

SECONDS = 5.0  # that one file of a few kB may take on a busy machine
_SALT = structures()[0]
_EXTREMES = (
    "200000000", "1000000000000", "9" * 400, "1e400", "-1e308", "1e-320", "nan", "inf", "-1", "0", "0.0", "1/0", "1e",
    "0x10", "1_000", "\u0661", "\u00b2", "", "?", ".", "''", '"', "'", ";", "#", "_", "{", "[[", "NaN", "null", "true",
)  # fmt: skip
_WORDS = (
    "loop_", "data_x", "save_", "global_", "_cell_length_a", "_atom_site_fract_x", "_atom_site_occupancy",
    "_space_group_symop_magn_centering_xyz", "_symmetry_equiv_pos_as_xyz", "_space_group_name_Hall", "x,y,z",
    "-x,y+1/0,9z", "x,y,z+1/3,-1", "F d -3 m", "H-3m1", "0.5Na + 0.5K", "Vac", "D", "Uuo", "X", "Fe(III)", "1 1 1",
    "Direct", "Cartesian", "Selective dynamics", "PRIMVEC", "CONVVEC", "PRIMCOORD", "CONVCOORD", "ATOMS", "MOLECULE",
    "ANIMSTEPS 3", "BEGIN_BLOCK_DATAGRID_3D", "DIM-GROUP", "Lattice=", "Properties=", "species:S:1:pos:R:3:f:R:9999",
    "<!DOCTYPE a [", "<a>" * 9, "</counts>", "_START=", "_STEPSIZE=1e-9", "_2THETACOUNTSTIME", "2 1 0,5;",
    "pos:R:3", "pbc=", 'pbc="T T F"', "VEC1 1 0 0", "move_mask:L:3", "_JSON [1]", '"@module"', '"species"', '"occu"',
    '"numbers": {"__ndarray__": [[100000000], "int64", [1]]}',
)  # fmt: skip


@cache
def _database(name: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        with connect(path, use_lock_file=False) as base:
            atoms = Atoms("NaCl", cell=[4, 4, 4], pbc=True, scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]])
            base.write(atoms, key_value_pairs={"band_gap": 0.5, "name": "salt"})
        if name.endswith(".db"):
            with closing(sqlite3.connect(path)) as closed:
                closed.execute("VACUUM")
        return path.read_bytes()


@cache
def _parquet() -> bytes:
    file = io.BytesIO()
    pd.DataFrame([row_of(_SALT, "one") | {"gap": 0.5}, row_of(_SALT, "two") | {"gap": None}]).to_parquet(file)
    return file.getvalue()


@cache
def _texts() -> list[tuple[str, str]]:
    numbers = "\n".join(f"{site.specie.symbol} {site.x:.6f} {site.y:.6f} {site.z:.6f} 0.5 T" for site in _SALT)
    cell = " ".join(f"{x:.6f}" for x in _SALT.lattice.matrix.ravel())
    head = f'{len(_SALT)}\nLattice="{cell}" Properties=species:S:1:pos:R:3:charge:R:1:fixed:L:1 energy=-1.5 pbc="T T T"'
    frame = f"{head}\n{numbers}\n"
    grid = "BEGIN_BLOCK_DATAGRID_3D\ng\nBEGIN_DATAGRID_3D\n1 1 1\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n1\nEND_DATAGRID_3D\n"
    return [
        *((kind.name, kind.content) for kind in KINDS.values()),
        *STYLES.items(),
        *[("POSCAR", _SALT.to(fmt="poscar"))] * 5,
        *[("a.json", json.dumps(_SALT.as_dict()))] * 5,
        *[("a.xsf", _SALT.to(fmt="xsf") + grid + "END_BLOCK_DATAGRID_3D\n")] * 10,
        *[("a.extxyz", 2 * frame)] * 10,
        *[("a.json", _database("a.json").decode())] * 5,
        *[("a.csv", f'id,cif,gap\none,"{STYLES["cod.cif"].replace(chr(34), chr(39))}",1.5\ntwo,a.cif,\n')] * 3,
    ]


_PATTERNS = (".xy", ".xye", ".dat", ".uxd", ".xrdml", ".brml")


@cache
def _patterns() -> list[tuple[str, str]]:
    """Measured patterns of 60 points."""
    rows = [(10 + k / 10, 5 + (k * 37) % 11) for k in range(60)]
    pairs = "\n".join(f"{x:.1f} {y}" for x, y in rows)
    counts = " ".join(str(y) for _, y in rows)
    xrdml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<xrdMeasurements><usedWavelength>\n<kAlpha1>0.7093</kAlpha1>'
        '</usedWavelength>\n<scan><dataPoints>\n<positions axis="2Theta">\n<startPosition>10</startPosition>\n'
        f"<endPosition>16</endPosition></positions>\n<counts>{counts}</counts>\n</dataPoints></scan></xrdMeasurements>"
    )
    return [
        ("a.xy", pairs),
        ("a.xye", "# salt\n" + pairs.replace("\n", " 0.5\n")),
        ("a.dat", "angle;counts\n" + pairs.replace(" ", ";").replace(".", ",")),
        ("a.uxd", f"_WL1=0.7093\n_START=10\n_STEPSIZE=0.1\n_COUNTS\n{counts}\n"),
        ("a.uxd", f"_WL1=0.7093\n_2THETACOUNTS\n{pairs}\n"),
        ("a.xrdml", xrdml),
    ]


@cache
def _brml() -> bytes:
    file = io.BytesIO()
    data = "".join(f"<Datum>1,1,{10 + k / 10},5,{(k * 37) % 11}</Datum>" for k in range(60))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Experiment0/RawData0.xml", f"<RawData>{data}</RawData>")
    return file.getvalue()


def is_pattern(name: str) -> bool:
    """Whether a file is a measured pattern, by its name."""
    return name.endswith(_PATTERNS)


def _changed_text(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        word = draw(st.sampled_from([*_EXTREMES, *_WORDS]))
        words = lines[at].split(" ")
        k = draw(st.integers(0, len(words) - 1))
        change = draw(
            st.sampled_from(["word", "word", "word", "line", "drop", "repeat", "swap", "cut", "character", "end"])
        )
        if change == "word":
            words[k] = word
            lines[at] = " ".join(words)
        elif change == "line":
            lines.insert(at, word)
        elif change == "drop":
            lines[at : at + draw(st.integers(1, 5))] = [""]
        elif change == "repeat":
            lines[at:at] = [lines[at]] * draw(st.sampled_from([1, 2, 50, 2000]))
        elif change == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif change == "cut":
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        elif change == "character":
            end = draw(st.integers(0, len(lines[at])))
            lines[at] = lines[at][:end] + draw(st.characters(codec="utf-8")) + lines[at][end:]
        else:
            lines = lines[: at + 1]
    return "\n".join(lines)


def _changed_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 8))):
        changed[draw(st.integers(0, len(changed) - 1))] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
    return bytes(changed[: draw(st.sampled_from([len(changed), len(changed), len(changed) // 2])) or 1])


@st.composite
def text_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A name and a text that is not, or no longer, what the name says."""
    name, text = draw(st.sampled_from(_texts()))
    if draw(st.integers(0, 19)) == 0:
        name = draw(st.sampled_from(["POSCAR", "a.cif", "a.xsf", "a.extxyz", "a.json", "a.csv"]))
    return name, _changed_text(draw, text).encode()


@st.composite
def pattern_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A measured pattern with some words or bytes changed."""
    if draw(st.integers(0, 4)) == 0:
        return "a.brml", _changed_bytes(draw, _brml())
    name, text = draw(st.sampled_from(_patterns()))
    return name, _changed_text(draw, text).encode()


@st.composite
def binary_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A table or a database with some bytes changed."""
    name, content = draw(st.sampled_from([("a.parquet", _parquet()), ("a.db", _database("a.db"))]))
    return name, _changed_bytes(draw, content)


def read_changed(
    files: st.SearchStrategy[tuple[str, bytes]], count: int, read: Callable[[str, bytes], object], number: int = 0
) -> None:
    """Make so many files and read each; the same for the same ``number``, and a file that fails is made small."""
    phases = [Phase.generate, Phase.shrink]
    options = settings(
        max_examples=count, deadline=None, database=None, phases=phases, suppress_health_check=list(HealthCheck)
    )
    seed(number)(options(given(files)(lambda file: read(*file) and None)))()


if __name__ == "__main__":
    from tests.crystal.guarded import limit_memory, outcome_of

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    given_ = parser.parse_args()
    limit_memory()
    until, files, number = time.monotonic() + 60 * given_.minutes, 0, given_.seed
    while time.monotonic() < until:
        for kind, some in ((text_files(), 150), (binary_files(), 20), (pattern_files(), 30)):
            read_changed(kind, some, lambda name, content: outcome_of(name, content, SECONDS), number)
            files += some
        number += 1
    print(f"{files} files were read or refused in one sentence; the next seed is {number}.")  # noqa: T201
