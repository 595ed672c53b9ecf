"""Every notebook runs from top to bottom without a network, and is committed without outputs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
SECONDS = 240  # a guard against hanging, generous for a busy machine; alone it takes a small part of it
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")


def test_there_are_notebooks() -> None:
    names = [path.stem for path in NOTEBOOKS]
    assert names[:6] + names[7:] == [
        "01_first_look",
        "02_representations",
        "03_what_a_vae_is",
        "04_walking",
        "05_why",
        "06_is_it_any_good",
        "08_diffraction_and_disorder",
        "09_design",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS[:6] + NOTEBOOKS[7:], ids=lambda path: path.stem)
def test_it_is_a_lesson(path: Path) -> None:
    """Goals first, questions on the way, and in the end what was learned and the exercise of the same number."""
    texts = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    assert "**After this notebook you can**" in texts[0]
    assert sum("Question" in text for text in texts) >= 3
    assert "## What you learned" in texts[-1]
    exercise = re.search(r"\]\((exercises/[^)]+)\)", texts[-1])
    assert exercise and exercise.group(1) == f"exercises/{path.name}"
    assert (path.parent / exercise.group(1)).is_file()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_clean(path: Path) -> None:
    clean(path)


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a notebook that was run, once for all tests."""
    folder = tmp_path_factory.mktemp("notebook")
    run_in_a_kernel(request.param, folder)
    return folder / request.param.name


def test_it_runs(executed: Path) -> None:
    for cell in nbformat.read(executed, as_version=4).cells:
        assert cell.cell_type != "code" or cell.outputs, f"shows nothing: {cell.source}"


def test_it_shows_its_pictures_without_a_kernel(executed: Path) -> None:
    """In the HTML that nbconvert makes: every picture is there, and every widget has one beside it."""
    notebook = nbformat.read(executed, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    states = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    drawn = [_still(cell) for cell in cells]
    assert sum(drawn) >= 4, "a lesson is rich in pictures"
    for k, cell in enumerate(cells):
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        assert "application/vnd.plotly.v1+json" not in kinds, f"plotly is not drawn without JavaScript: {cell.source}"
        if any(not _is_progress(view, states) for view in _views(cell)) and not drawn[k]:
            # what still changes when its cell is done keeps its picture in the next one
            assert "live" in cell.source and drawn[k + 1], f"nothing is left of the widget: {cell.source}"
    exporter = HTMLExporter()
    exporter.exclude_input = True
    html, _ = exporter.from_filename(str(executed))
    pictures = sum(_pictures(cell) for cell in cells)
    assert _count(html) >= pictures > 0


def _views(cell: nbformat.NotebookNode) -> list[str]:
    """Identities of the widgets that a cell shows."""
    found = [output.get("data", {}).get("application/vnd.jupyter.widget-view+json") for output in cell.outputs]
    return [view["model_id"] for view in found if view]


def _is_progress(view: str, states: dict[str, Any]) -> bool:
    """Whether a widget is a progress bar of tqdm, of which nothing need be left."""
    children = states.get(view, {}).get("state", {}).get("children", [])
    names = [states.get(str(child).removeprefix("IPY_MODEL_"), {}).get("model_name") for child in children]
    return "FloatProgressModel" in names


def _still(cell: nbformat.NotebookNode) -> bool:
    return _pictures(cell) > 0


def _pictures(cell: nbformat.NotebookNode) -> int:
    """Pictures in the HTML outputs of a cell."""
    return sum(_count(output.get("data", {}).get("text/html", "")) for output in cell.outputs)


def _count(html: str) -> int:
    return len(re.findall(r"<svg[^>]* role=\"img\"|<img[^>]* src=\"data:image", html))


def clean(path: Path) -> None:
    """Assert that a notebook is valid and has no outputs."""
    # what is committed: whoever has run the notebook has outputs in the file, and may test all the same
    committed = subprocess.run(
        ["git", "show", f"HEAD:./{path.name}"], capture_output=True, text=True, check=False, cwd=path.parent
    )
    text = committed.stdout if committed.returncode == 0 else path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert "widgets" not in notebook.metadata
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None, cell.source


def run_in_a_kernel(path: Path, tmp_path: Path) -> list[nbformat.NotebookNode]:
    """Code cells with what they showed; the copy in the folder has it, too.

    In a process of its own, since nbclient needs an event loop to itself. Not by nbmake: it takes the kernel and the
    environment that it finds, and these tests need a kernel of this very Python, no network, and what the cells showed.
    """
    kernel = {"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
    environment = os.environ | OFFLINE | {"JUPYTER_DATA_DIR": str(tmp_path / "data"), "NO_PROXY": "127.0.0.1,localhost"}
    spec = tmp_path / "data/kernels/python3/kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps(kernel | {"display_name": "Python 3", "language": "python"}))
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "execute", "--inplace", copy.name],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    cells = [cell for cell in nbformat.read(copy, as_version=4).cells if cell.cell_type == "code"]
    for cell in cells:
        assert cell.execution_count, f"did not run: {cell.source}"
        said = [output for output in cell.outputs if output.get("name") == "stderr"]
        assert not said, f"{cell.source}\nsays on stderr: {said[0].text[-2000:]}"
    return cells
