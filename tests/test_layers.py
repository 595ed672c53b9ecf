"""The architecture: each layer imports only from those above it, and only what it may know of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import xcrystal

ROOT = Path(xcrystal.__file__).parent
LAYERS = (
    "errors",
    "crystal",
    "protocols",
    "model",
    "predicting",
    "generator",
    "wrapping",
    "latent",
    "explanation",
    "evaluation",
    "training",
    "teaching",  # computes answers with all of the above; what it says is plain HTML, so the explorer may use it
    "explorer",
    "cli",
    "__main__",
)
# what a layer may not know of
FORBIDDEN = {
    "errors": {"torch", "numpy", "pymatgen"},
    "crystal": {"torch", "ipywidgets", "plotly", "nglview", "captum", "umap"},
    "model": {"pymatgen", "spglib", "pandas", "scipy", "ase", "ipywidgets", "plotly", "nglview", "captum", "umap"},
    "protocols": {"torch", "ipywidgets", "plotly", "nglview", "captum", "umap"},
    "predicting": {"pymatgen", "ipywidgets", "plotly", "nglview", "captum", "umap"},
    "generator": {"ipywidgets", "plotly", "nglview", "captum", "umap"},
    "wrapping": {"torch", "ipywidgets", "plotly", "nglview", "captum", "umap"},
    "latent": {"ipywidgets", "plotly", "nglview", "captum"},
    "explanation": {"ipywidgets", "nglview"},  # an attribution draws itself with plotly, once it is asked to
    "evaluation": {"ipywidgets", "plotly", "nglview"},
    "training": {"ipywidgets", "plotly", "nglview"},
    "teaching": {"ipywidgets", "plotly", "nglview", "torch"},
}
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def dotted(path: Path) -> str:
    """``latent.chart`` for ``xcrystal/latent/chart.py``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> str:
    return module.split(".")[0]


def imports(source: str, package: str = "xcrystal") -> Iterator[str]:
    """Full names of everything that a module imports, also inside functions and for type checkers."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def violations(module: str, source: str) -> list[str]:
    """What a module imports from layers below its own, or of libraries that its layer may not know of."""
    own = layer_of(module)
    found = []
    for name in imports(source):
        top, _, rest = name.partition(".")
        if top in FORBIDDEN.get(own, ()):
            found.append(name)
        if top == "xcrystal" and rest:
            layer = layer_of(rest)
            if layer in LAYERS and LAYERS.index(layer) > LAYERS.index(own):
                found.append(name)
            if layer in set(xcrystal.__all__) - {"__version__"}:
                found.append(name)  # the public names are for users; modules import from where things are
    return found


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_module_imports_only_from_above(path: Path) -> None:
    assert layer_of(dotted(path)) in LAYERS
    assert violations(dotted(path), path.read_text(encoding="utf-8")) == []


def test_violations_are_found() -> None:
    assert violations("crystal.reading", "import torch") == ["torch"]
    assert violations("model.vae", "def f():\n    from xcrystal.explorer.session import Session") != []
    assert violations("latent.chart", "from xcrystal import load") != []
    assert violations("latent.chart", "from xcrystal.generator import open_model\nimport torch") == []


def test_no_module_carries_the_name_of_a_public_function() -> None:
    taken = {part for path in MODULES for part in dotted(path).split(".")}
    assert not taken & ({"load", "atlas", "explore", "explain", "gallery"} | set(xcrystal.__all__))
