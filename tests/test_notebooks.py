"""Every notebook runs from top to bottom without a network, and is committed without outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
SECONDS = 240  # a guard against hanging, generous for a busy machine; alone it takes a small part of it
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS][:1] == ["01_first_look.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_clean(path: Path) -> None:
    clean(path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path) -> None:
    for cell in run_in_a_kernel(path, tmp_path):
        assert cell.outputs, f"shows nothing: {cell.source}"


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
    """Code cells with what they showed; in a process of its own, since nbclient needs an event loop to itself."""
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
