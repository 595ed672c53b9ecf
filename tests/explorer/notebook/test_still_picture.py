"""Wherever an explorer is shown in a cell, its picture is in what is exported."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

OPENED = "import ipywidgets as widgets\nimport xcrystal as xc\n\nexplorer = xc.explore('mp-22862')"
SHOWN = {
    "itself": "explorer",
    "in a box": "widgets.HBox([widgets.Label('beside it'), explorer])",
    "in a tab": "widgets.Tab([widgets.VBox([explorer])])",
    "in an output": "out = widgets.Output()\nwith out:\n    display(explorer)\nout",
    "by display": "display(widgets.VBox([explorer]))",
}


@pytest.fixture(scope="module")
def cells() -> dict[str, nbformat.NotebookNode]:
    """The cells of a notebook that was run without a browser, by how each shows its explorer."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(f"{OPENED}\n{code}") for code in SHOWN.values()]
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return dict(zip(SHOWN, notebook.cells, strict=True))


@pytest.mark.parametrize("how", SHOWN)
def test_its_picture_is_exported_once(cells: dict[str, nbformat.NotebookNode], how: str) -> None:
    exported, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cells[how]]))
    assert exported.count('<div class="xc-still ') == 1
    assert "decode of mp-22862" in exported
