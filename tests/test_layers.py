"""The architecture: each layer imports only from those above it, and only what it may know of."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

import xcrystal

ROOT = Path(xcrystal.__file__).parent
LAYERS = (
    "errors",
    "reporting",
    "crystal",
    "protocols",
    "model",
    "predicting",
    "generator",
    "served",  # a model that a server computes
    "wrapping",
    "generators",  # other families than the autoencoder
    "latent",
    "assessment",
    "energetics",
    "inverse_design",
    "diffraction",
    "disorder",
    "explanation",
    "evaluation",
    "benchmarks",
    "training",
    "model_server",
    "scale",
    "teaching",  # computes answers with all of the above; what it says is plain HTML, so the explorer may use it
    "explorer",
    "kernels",
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
    "served": {"torch", "ipywidgets", "plotly", "nglview", "captum", "umap", "tornado"},
    "wrapping": {"torch", "ipywidgets", "plotly", "nglview", "captum", "umap"},
    "generators": {"ipywidgets", "plotly", "nglview", "captum", "umap"},
    "latent": {"ipywidgets", "plotly", "nglview", "captum"},
    "assessment": {"ipywidgets", "plotly", "nglview", "captum", "umap"},
    "inverse_design": {"ipywidgets", "nglview", "captum", "umap"},  # a design draws itself with plotly, once asked to
    "energetics": {"ipywidgets", "nglview", "captum", "umap"},
    "diffraction": {"ipywidgets", "nglview", "captum", "umap"},  # a pattern draws itself with plotly, once asked to
    "disorder": {"torch", "ipywidgets", "plotly", "nglview", "captum", "umap"},
    "explanation": {"ipywidgets", "nglview"},  # an attribution draws itself with plotly, once it is asked to
    "evaluation": {"ipywidgets", "plotly", "nglview"},
    "benchmarks": {"torch", "ipywidgets", "plotly", "nglview"},
    "training": {"ipywidgets", "plotly", "nglview"},
    "model_server": {"torch", "ipywidgets", "plotly", "nglview"},
    "scale": {"ipywidgets", "plotly", "nglview", "torch", "captum", "umap"},
    "teaching": {"ipywidgets", "plotly", "nglview", "torch"},
}
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def dotted(path: Path) -> str:
    """``latent.atlas`` for ``xcrystal/latent/atlas.py``."""
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
    assert violations("model.vae", "def f():\n    from xcrystal.explorer.session.session import Session") != []
    assert violations("latent.atlas", "from xcrystal import load") != []
    assert violations("latent.atlas", "from xcrystal.generator import open_model\nimport torch") == []


# within a folder, from the inside out: what is in a folder of it, or a module beside these, imports only from above
FLOORS = {
    "crystal": (
        ("elements", "files", "folder_lock", "limits", "mixed_sites", "processes"),
        ("symmetry",),
        ("formats", "gallery", "geometry"),
        ("cif_writing", "reading"),
        ("collections", "editing"),
        ("quality",),
    ),
    "explorer": (
        ("words", "visitors", "freed_memory"),
        ("settings", "worker", "opening"),
        ("drawing",),
        ("session",),
        ("view", "crystal_stills"),
        ("panel",),
        ("structure", "map", "panels", "notebook"),
        ("widget", "static_page"),
        ("slider_speed",),
    ),
    "explorer.session": (
        ("aliases", "commands"),
        ("records",),
        ("state",),
        ("history", "points"),
        ("store",),
        ("controls", "display", "selections", "sliders"),
        ("navigation",),
        ("own_crystals",),
        ("tabs",),
        ("pins",),
        ("saving",),
        ("session",),
    ),
}
INSIDE = [(folder, path) for folder in FLOORS for path in MODULES if dotted(path).startswith(f"{folder}.")]


def part_of(module: str, folder: str) -> str:
    """``map`` of ``explorer.map.map_view`` in ``explorer``."""
    return module.removeprefix(f"{folder}.").partition(".")[0]


@pytest.mark.parametrize(
    ("folder", "path"), INSIDE, ids=lambda given: given if isinstance(given, str) else dotted(given)
)
def test_the_parts_of_a_folder_import_in_one_direction(folder: str, path: Path) -> None:
    own = part_of(dotted(path), folder)
    floor = {part: number for number, parts in enumerate(FLOORS[folder]) for part in parts}
    for name in imports(path.read_text(encoding="utf-8")):
        other = name.removeprefix("xcrystal.")
        if other.startswith(f"{folder}.") and part_of(other, folder) != own:
            assert floor[part_of(other, folder)] < floor[own], f"{dotted(path)} imports {other}"


def test_no_two_modules_import_each_other() -> None:
    """Also for type checkers only: two modules that need each other are one idea in two places."""
    graph = {
        dotted(path): {name.removeprefix("xcrystal.") for name in imports(path.read_text(encoding="utf-8"))}
        for path in MODULES
    }

    def needs(one: str, other: str) -> bool:
        return any(other in (name, name.rpartition(".")[0]) for name in graph[one])

    pairs = itertools.combinations(sorted(graph), 2)
    circles = [(one, other) for one, other in pairs if needs(one, other) and needs(other, one)]
    assert circles == []


def test_file_names_say_which_one_is_meant() -> None:
    names = [path.stem for path in MODULES if path.stem not in ("__init__", "__main__", "shared")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_no_module_of_the_top_level_has_the_name_of_a_public_function() -> None:
    taken = {dotted(path).split(".")[0] for path in MODULES}
    assert not taken & ({"load", "atlas", "explore", "explain", "gallery"} | set(xcrystal.__all__))
