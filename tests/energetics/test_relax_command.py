"""``xcrystal relax`` as it is typed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure
from typer.testing import CliRunner

from xcrystal.cli import app

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 13), reason="CHGNet has no wheels for this Python")


def test_files_are_relaxed_and_written(tmp_path: Path) -> None:
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(6.0), ["Na", "Cl"], [[0, 0, 0], [0.5] * 3])
    salt.get_primitive_structure().to(str(tmp_path / "salt.cif"))
    (tmp_path / "broken.cif").write_text("nothing")
    files = [str(tmp_path / name) for name in ("broken.cif", "salt.cif")]
    out = ["--out", str(tmp_path / "out"), "--folder", str(tmp_path / "kept")]
    done = CliRunner().invoke(app, ["relax", *files, *out, "--json"])
    assert done.exit_code == 1  # of two files one was relaxed
    broken, relaxed = json.loads(done.stdout)
    assert broken["structure"] is None
    assert broken["error"] in done.stderr
    assert broken["energy_per_atom"] is None
    assert relaxed["converged"]
    assert relaxed["formula"] == "NaCl"
    assert len(relaxed["energies"]) == len(relaxed["forces"]) == relaxed["steps"] + 1
    written = Path(relaxed["file"])
    assert "relaxed by chgnet, not verified by DFT" in written.read_text(encoding="utf-8")
    assert Structure.from_file(written).volume == pytest.approx(
        Structure.from_dict(relaxed["structure"]).volume, rel=1e-4
    )
    again = CliRunner().invoke(app, ["relax", files[1], *out])
    assert again.exit_code == 0
    assert "225 → 225" in again.stdout
