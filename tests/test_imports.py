"""``import xcrystal`` loads nothing heavy, and every public name is there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import xcrystal

HEAVY = ("torch", "numpy", "pandas", "pymatgen", "spglib", "ase", "captum", "umap", "plotly", "nglview", "ipywidgets")


NOT_TO_OPEN = {"torch._dynamo", "sympy", "matplotlib", "scipy.stats", "sklearn", "umap", "numba", "captum", "ase.io"}


def loaded_by(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter has after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(json.loads(done.stdout))


def test_the_package_imports_nothing_heavy() -> None:
    assert not loaded_by("import xcrystal").intersection(HEAVY)


def test_the_command_line_imports_nothing_heavy() -> None:
    assert not loaded_by("import xcrystal.cli").intersection(HEAVY)


def test_what_is_not_needed_to_open_the_explorer_is_not_waited_for() -> None:
    loaded = loaded_by("import xcrystal\nxcrystal.explore()")
    assert "torch" in loaded
    assert not loaded & NOT_TO_OPEN


def test_what_jupyter_imports_to_ask_for_kernels_is_light() -> None:
    """It does so in each student's server, which needs no numpy."""
    loaded = loaded_by("import xcrystal.kernels.provisioner")
    assert "jupyter_client" in loaded
    assert not loaded.intersection(HEAVY)


def test_the_explorer_is_there_before_torch() -> None:
    assert "torch" not in loaded_by("import xcrystal.explorer.widget")


def test_the_probe_sees_what_is_imported() -> None:
    assert "numpy" in loaded_by("import numpy")


def test_public_names() -> None:
    assert {"load", "atlas", "explain", "explore", "__version__"} <= set(dir(xcrystal))
    assert all(callable(getattr(xcrystal, name)) for name in xcrystal.__all__ if name != "__version__")


def test_a_public_name_is_a_function_also_after_everything_is_imported() -> None:
    code = (
        "import importlib, pkgutil, xcrystal\n"
        "for m in pkgutil.walk_packages(xcrystal.__path__, 'xcrystal.'):\n"
        "    if not m.name.endswith('__main__'): importlib.import_module(m.name)\n"
        "assert all(callable(getattr(xcrystal, n)) for n in ('load', 'atlas', 'explain', 'explore'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_like_this"):
        xcrystal.nothing_like_this  # noqa: B018


def test_errors_share_a_base_class() -> None:
    from xcrystal import errors

    kinds = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(issubclass(k, (xcrystal.XCrystalError, Warning)) for k in kinds)
    assert issubclass(errors.ReadError, ValueError)
