"""pyproject.toml, constraints.txt, environment.yml and what goes into a wheel agree with each other and the code."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import xcrystal

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, TOOLS = PYPROJECT["project"], PYPROJECT["tool"]
RUNTIME = {canonicalize_name(r.name): r for r in map(Requirement, PROJECT["dependencies"])}
TESTS = {canonicalize_name(r.name): r for r in map(Requirement, PROJECT["optional-dependencies"]["test"])}
OPTIONAL = PROJECT["optional-dependencies"]
DOCS = {canonicalize_name(r.name): r for r in map(Requirement, PROJECT["optional-dependencies"]["docs"])}
EXTRAS = {
    canonicalize_name(r.name): r
    for extra in ("mp", "serve", "server", "hub", "relax", "relax-sevennet", "judge", "scale")
    for r in map(Requirement, OPTIONAL[extra])
}
BENCHMARK = list(map(Requirement, PROJECT["optional-dependencies"]["benchmark"]))  # nothing imports it
CONDA_NAMES = {"torch": "pytorch"}
# distributions whose modules have another name
MODULE_NAMES = {
    "ipython": "IPython",
    "pillow": "PIL",
    "pytest-xdist": "xdist",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "umap-learn": "umap",
}
WHEEL_LIMIT = 48e6


def pins() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def imported(folder: Path) -> set[str]:
    """Top-level names of the modules that the Python files of a folder import."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {"xcrystal", "tests", "__future__"}


def test_the_lock_file_has_hashes_of_all_that_is_pinned() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = [entry.strip() for entry in re.split(r"(?m)^(?=[a-zA-Z])", text)[1:]]
    locked = {}
    for entry in entries:
        requirement, *hashes = entry.replace("\\\n", " ").split("--hash=")
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", one) for one in hashes), requirement
        locked[requirement.strip()] = hashes
    assert {Requirement(one) for one in locked} == set(pins())


def test_what_builds_the_package_is_pinned() -> None:
    needed = {Requirement(one).name for one in PYPROJECT["build-system"]["requires"]}
    assert needed <= {pin.name for pin in pins()}


def test_dependencies_are_ranges() -> None:
    for requirement in [*RUNTIME.values(), *TESTS.values(), *DOCS.values(), *EXTRAS.values(), *BENCHMARK]:
        operators = {s.operator for s in requirement.specifier}
        assert ">=" in operators, requirement
        assert "==" not in operators, requirement


def test_everything_imported_is_declared() -> None:
    def modules(known: dict[str, Requirement]) -> set[str]:
        return {MODULE_NAMES.get(name, name.replace("-", "_")) for name in known}

    assert imported(ROOT / "xcrystal") <= modules(RUNTIME | EXTRAS)
    # the tests also import what makes the documentation, and what that is made with
    own = {path.stem for path in (ROOT / "docs").rglob("*.py")}
    assert imported(ROOT / "tests") - own <= modules(RUNTIME | TESTS | DOCS)
    assert imported(ROOT / "docs") - own <= modules(RUNTIME | DOCS)


def test_pins_are_exact_and_have_no_local_version() -> None:
    for pin in pins():
        (specifier,) = pin.specifier
        assert specifier.operator == "==", pin
        assert re.fullmatch(r"[0-9a-z.]+", specifier.version), pin


def test_pins_cover_and_satisfy_the_ranges() -> None:
    versions = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins()}
    for name, requirement in (RUNTIME | TESTS | DOCS).items():
        assert requirement.specifier.contains(versions[name]), (name, versions[name])


def test_pins_cover_all_that_is_needed_here() -> None:
    """Walk the requirements of what is installed: nothing on the way may be left to chance."""
    from importlib.metadata import PackageNotFoundError, requires

    pinned = {canonicalize_name(pin.name) for pin in pins()}
    todo, seen = [*RUNTIME, *TESTS, *DOCS], set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            needed = [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:
            continue  # of another platform
        todo += [canonicalize_name(r.name) for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]
    # torch pins its own CUDA libraries
    assert {name for name in seen - pinned if not re.match("nvidia|cuda|triton", name)} == set()


def test_conda_environment_is_in_step() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *packages, last = environment["dependencies"]
    assert last == {"pip": ["--editable ."]}
    found = {r.name: r.specifier for r in map(Requirement, packages)}
    wanted = {CONDA_NAMES.get(name, name): r.specifier for name, r in RUNTIME.items()}
    assert str(found.pop("python")) == PROJECT["requires-python"]
    assert str(found.pop("pip")) == ""
    assert found == wanted


def test_the_workflow_runs_what_exists_on_what_is_promised() -> None:
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    promised = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert jobs["linux"]["strategy"]["matrix"]["python"] == promised
    assert jobs["elsewhere"]["strategy"]["matrix"]["python"] == promised
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"run: make ([\w-]+)", text)
    assert targets
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)
    assert "secrets" not in text


def test_versions_agree() -> None:
    from importlib.metadata import version

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    extension = json.loads((ROOT / "extension" / "package.json").read_text(encoding="utf-8"))
    assert version("xcrystal") == xcrystal.__version__ == citation["version"] == extension["version"]
    assert f"## [{xcrystal.__version__}]" in changelog


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree, built with the hatchling that is installed, without the network."""
    return built("wheel", tmp_path_factory.mktemp("wheel"))


def built(target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = folder.iterdir()
    return path


def test_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < WHEEL_LIMIT


def test_wheel_holds_what_a_user_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("weights.safetensors", "config.json", "atlas.parquet", "atlas.safetensors", "validation_ids.txt"):
        assert f"xcrystal/data/mp20/{name}" in names
    assert {
        "xcrystal/py.typed",
        "xcrystal/crystal/symmetry/space_groups.npz",
        "xcrystal/notebooks/01_first_look.ipynb",
    } <= names
    tracked = {path.name for path in (ROOT / "notebooks" / "exercises").glob("*.ipynb")}
    assert {name for name in names if "/exercises/" in name} == {f"xcrystal/notebooks/exercises/{n}" for n in tracked}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "xcrystal").rglob("*.py")}
    assert modules <= names
    tops = {name.split("/")[0] for name in names}
    data = f"xcrystal-{xcrystal.__version__}.data"
    assert {top for top in tops if not top.endswith(".dist-info")} == {"xcrystal", data}


def test_wheel_brings_the_extension_built(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    home = f"xcrystal-{xcrystal.__version__}.data/data/"
    brought = {name.removeprefix(home) for name in archive.namelist() if name.startswith(home)}
    here = "share/jupyter/labextensions/xcrystal-lab/"
    assert all(name.startswith(here) for name in brought)
    about = json.loads(archive.read(f"{home}{here}package.json"))
    needed = {about["jupyterlab"]["_build"]["load"], "static/style.js", "schemas/xcrystal-lab/plugin.json"}
    assert {f"{here}{name}" for name in needed} <= brought
    assert json.loads(archive.read(f"{home}{here}install.json"))["packageName"] == "xcrystal"


def test_wheel_brings_the_widgets_built(wheel: Path) -> None:
    brought = {Path(name).name for name in zipfile.ZipFile(wheel).namelist() if "explorer/static/" in name}
    sources = [path for path in (ROOT / "extension" / "src" / "widgets").glob("*.*") if ".test." not in path.name]
    built = {path.with_suffix(".js" if path.suffix == ".ts" else ".css").name for path in sources}
    assert brought == built | {"page.js", "page.css"}


def test_a_widget_that_is_not_built_is_one_sentence() -> None:
    from xcrystal.explorer.panel import script

    with pytest.raises(FileNotFoundError, match=r"^The widget nothing\.js is not built: run `make setup`"):
        script("nothing")


def test_sdist_needs_no_node(tmp_path: Path) -> None:
    """It holds the extension's sources and what was built of them, but nothing that was only used for building."""
    with tarfile.open(built("sdist", tmp_path)) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    markers = TOOLS["hatch"]["build"]["hooks"]["jupyter-builder"]["skip-if-exists"]
    assert {*markers, "extension/yarn.lock", "extension/src/index.ts", "pyproject.toml"} <= names
    assert not any("node_modules" in name for name in names)


def test_jupyterlab_has_the_extension_enabled() -> None:
    command = [sys.executable, "-m", "jupyter", "labextension", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = (line for line in (done.stdout + done.stderr).splitlines() if "xcrystal-lab" in line)
    words = re.sub(r"\x1b\[[0-9;]*m", "", line).split()
    assert words[:4] == ["xcrystal-lab", f"v{xcrystal.__version__}", "enabled", "OK"]


def test_wheel_holds_no_leftovers(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if re.search(r"\.(pyc|part|pkl|pt|pth|ckpt)$|checkpoint\.", name)] in (
        [],
        ["xcrystal/model/checkpoint.py"],
    )


def test_wheel_metadata(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (path,) = (name for name in archive.namelist() if name.endswith("METADATA"))
    metadata = message_from_bytes(archive.read(path))
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert len(metadata.get_all("Requires-Dist")) == len(RUNTIME) + sum(map(len, OPTIONAL.values()))


def test_wheel_runs_from_where_it_is_unpacked(wheel: Path, tmp_path: Path) -> None:
    """Away from the checkout, and from a folder that cannot be written."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    site.chmod(0o555)
    environment = os.environ | {"PYTHONPATH": str(site)}
    code = (
        "import xcrystal; from xcrystal.cli.main import bundled_notebook; print(xcrystal.__file__, bundled_notebook())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        str(site / "xcrystal" / "__init__.py"),
        str(site / "xcrystal" / "notebooks" / "01_first_look.ipynb"),
    ]


def test_makefile_checks_the_version_of_python(tmp_path: Path) -> None:
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "setup", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert not (tmp_path / "venv").exists()
