"""The wheel and the sdist, installed by pip into an environment of their own, away from this checkout.

Their dependencies are those of the environment that runs the tests, lent through a path file: what is tested is that
nothing is missing from what we ship. pip takes the sdist as a user's pip does, with the extension built already.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.test_packaging import built

pytestmark = pytest.mark.timeout(300)

# what a user does first, without a browser
FIRST_STEPS = """
import json, sys
from pathlib import Path
from pymatgen.core import Lattice, Structure
import xcrystal as xc

salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.69), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
model = xc.load("mp20", "cpu")
z = model.encode(salt)
explorer = xc.explore(salt, model=model)
explorer.session.navigation.sample(seed=0)
print(json.dumps({
    "home": str(Path(xc.__file__).parent),
    "formula": model.decode(z)[0].composition.reduced_formula,
    "label": explorer.session.label,
    "undone": len(explorer.session.history),
}))
"""


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_what_is_shipped_is_all_that_is_needed(target: str, tmp_path: Path) -> None:
    package = built(target, tmp_path / "dist")
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    bin_folder = home / ("Scripts" if os.name == "nt" else "bin")
    (site,) = home.glob("lib/python*/site-packages") if os.name != "nt" else [home / "Lib" / "site-packages"]
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"])
    python = [str(bin_folder / "python")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--force-reinstall", "--ignore-installed", "--quiet"]
    subprocess.run([*python, "-m", "pip", "install", *options, str(package)], cwd=tmp_path, env=environment, check=True)

    done = subprocess.run(
        [*python, "-c", FIRST_STEPS], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert Path(found["home"]) == site / "xcrystal"
    assert found["formula"] == "NaCl"
    assert found["label"] == "draw 0 from the prior"
    assert found["undone"] == 2

    command = [*python, "-m", "jupyterlab.labextensions", "list"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    listed = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    _, here = listed.split(f"{home / 'share' / 'jupyter' / 'labextensions'}\n")
    assert re.search(r"xcrystal-lab v\S+ enabled\s+OK \(python, xcrystal\)", here), listed
