"""What is known of nglview and plotly from inside still holds for the versions that are installed."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from xcrystal.explorer.drawing.plotly_adapter import complete_figure_class, import_plotly
from xcrystal.explorer.structure.nglview_adapter import frontend_version, import_nglview, quiet_view_class


def test_a_python_without_docstrings_is_told_so_in_one_sentence() -> None:
    code = (
        "import xcrystal as xc\n"
        "print(len(xc.load('mp20').encode(xc.load('mp20').sample(1, seed=0))))\n"
        "try: xc.explore()\nexcept xc.XCrystalError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, timeout=300, check=False)
    encoded, said = done.stdout.splitlines()
    assert encoded == "1" and "without -OO" in said
    assert done.stderr == ""


@pytest.mark.parametrize(
    "name",
    [
        "_initialize_threads",
        "_create_player",
        "_remote_call",
        "_handle_nglview_custom_msg",
        "_view_width",
        "_view_height",
    ],
)
def test_nglview_has_what_a_quiet_view_replaces(name: str) -> None:
    assert hasattr(import_nglview().NGLWidget, name), f"nglview has no {name} any more: see nglview_adapter.py"


def test_nglview_asks_for_the_front_end_that_is_installed() -> None:
    widget = import_nglview().NGLWidget
    versions = {widget.class_traits()[name].default_value for name in ("_view_module_version", "_model_module_version")}
    assert frontend_version() is not None, "the labextension of nglview is not installed"
    assert versions == {frontend_version()}


def test_a_quiet_view_has_no_threads_and_keeps_no_messages() -> None:
    before = set(threading.enumerate())
    heard: list[dict[str, object]] = []
    view = quiet_view_class()("100px", heard.append)
    view.call("xcFit")
    view.parameters = {"clipDist": 1}
    assert set(threading.enumerate()) <= before
    assert view._ngl_msg_archive == []
    view._handle_custom_msg({"type": "request_loaded"}, [])
    view._handle_custom_msg("text", [])
    assert heard == [{"type": "request_loaded"}]
    images = view._widget_image
    view.close()
    assert view.comm is None
    assert images.comm is None


def test_a_figure_is_not_sent_before_it_is_complete() -> None:
    figure = complete_figure_class()()
    assert figure.comm is None
    figure.add_scattergl(x=[0], y=[1])
    figure.introduce()
    assert figure.comm is not None
    figure.close()


def test_plotly_is_imported_without_what_takes_seconds() -> None:
    code = (
        "import sys; from xcrystal.explorer.drawing.plotly_adapter import import_plotly; go = import_plotly(); "
        "print(go.FigureWidget.__name__, 'rfc3987_syntax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["FigureWidget", "False"]
    assert import_plotly() is import_plotly()


def test_a_closed_figure_holds_no_data() -> None:
    """IPython keeps what a cell has given, closed or not."""
    figure = complete_figure_class()(data=[{"type": "scattergl", "x": list(range(50)), "y": list(range(50))}])
    figure.introduce()
    assert len(figure.data[0].x) == len(figure._widget_data[0]["x"]) == 50
    figure.close()
    assert not figure.data and not figure._data and not figure._widget_data
