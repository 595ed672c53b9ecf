"""Shared by all tests: where ``tests.crystals`` is found, one torch thread count, the bundled model."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# what spglib 3 will do always: raise. Set before spglib is imported, and for kernels and servers that tests start
os.environ["SPGLIB_OLD_ERROR_HANDLING"] = "0"

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# a process of pytest-xdist has none, which those that its tests start ask for
vars(sys.modules["__main__"]).setdefault("__spec__", None)

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where several processes share the tests, leave those of a file, and all that need a browser, to one of them.

    Fixtures of modules are then made once, and no two browsers have to share the processor.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "tests/browser" if file.startswith("tests/browser/") else file

    return ByFile(config, log)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a person chose in the explorer must neither change tests nor be changed by them."""
    os.environ["JUPYTER_CONFIG_DIR"] = str(tmp_path_factory.mktemp("jupyter-config"))


@pytest.fixture(scope="session")
def model() -> CrystalModel:
    """The bundled model, on the CPU."""
    from xcrystal.generator import open_model

    return open_model("mp20", device="cpu")


@pytest.fixture(scope="session")
def atlas() -> Atlas:
    """The bundled atlas."""
    from xcrystal.latent.atlas import open_atlas

    return open_atlas("mp20")


@pytest.fixture(scope="session")
def crystal_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset file of the test crystals; their properties are made up."""
    import pandas as pd

    from tests.crystals import CRYSTALS

    rows = []
    for i, (name, crystal) in enumerate(CRYSTALS.items()):
        structure = crystal.to_structure()
        cell = dict(zip(["a", "b", "c", "alpha", "beta", "gamma"], structure.lattice.parameters, strict=True))
        rows.append(
            {
                "material_id": name,
                "formula": structure.composition.reduced_formula,
                **cell,
                "species": [site.specie.symbol for site in structure],
                "frac_coords": structure.frac_coords.ravel().tolist(),
                "formation_energy_per_atom": -0.2 * i,
                "band_gap": 0.0 if i % 2 else 0.3 * i,
                "e_above_hull": 0.01 * (i % 3),
            }
        )
    path = tmp_path_factory.mktemp("tables") / "crystals.parquet"
    pd.DataFrame(rows).to_parquet(path)
    return path
