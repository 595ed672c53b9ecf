"""The widget as far as Python sees it; what a browser makes of it is tested in tests/browser."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ipywidgets import widgets

from tests.crystals import CRYSTALS
from xcrystal.errors import TargetError
from xcrystal.explorer import words
from xcrystal.explorer.map.map_view import MapView
from xcrystal.explorer.notebook.still_picture import Still
from xcrystal.explorer.panel import Panel, style
from xcrystal.explorer.panels.toolbar import ToolbarView
from xcrystal.explorer.session.controls import CONTROLS
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.widget import Explorer, explore
from xcrystal.generator import BUNDLED, CrystalModel
from xcrystal.latent.atlas import Atlas

EVIL = "<img src=x onerror=alert(1)>.cif"
SALT = CRYSTALS["rock salt NaCl"].to_structure()


@pytest.fixture
def explorer(model: CrystalModel, atlas: Atlas) -> Iterator[Explorer]:
    explorer = Explorer(Session(model, atlas))
    yield explorer
    explorer.close()


@pytest.fixture
def toolbar(explorer: Explorer) -> ToolbarView:
    found: ToolbarView = explorer.parts["toolbar"]
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "nothing happened within two minutes"
        time.sleep(0.02)


def panels(widget: widgets.Widget) -> Iterator[Panel]:
    """All panels inside of a widget."""
    if isinstance(widget, Panel):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from panels(child)


def request(panel: Panel, act: str, *buffers: bytes, **values: Any) -> None:
    """Send what the panel's script would."""
    panel._receive(panel, {"act": act, **values}, list(buffers))


def sent_by(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], list[bytes]]]:
    """What the panel sends to its script from now on."""
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    monkeypatch.setattr(panel, "send", lambda content, buffers=None: sent.append((content, buffers or [])))
    return sent


# -- all panels


def test_the_hint_above_the_crystal_says_which_one_it_is(explorer: Explorer) -> None:
    above = explorer.parts["structure"].children[0]
    assert above.state["text"].startswith("The crystal that the model makes")
    explorer.session.load(SALT)
    assert above.state["text"].startswith("The crystal that you loaded.")
    explorer.session.show("both")
    assert above.state["text"].startswith("Two crystals")
    explorer.session.undo()
    explorer.session.undo()
    assert above.state["text"].startswith("The crystal that the model makes")


def test_what_panels_say_is_plain_json_and_small(explorer: Explorer) -> None:
    found = list(panels(explorer))
    assert len(found) >= 8
    explorer.session.load(SALT)
    for panel in found:
        text = json.dumps(panel.state, allow_nan=False)
        assert len(text) < 60_000, type(panel).__name__


@pytest.mark.parametrize("junk", [{}, {"value": "x", "axis": [], "row": "1e9", "key": 3}, {"points": None, "k": -1}])
def test_no_message_of_a_script_ends_the_explorer(explorer: Explorer, junk: dict[str, Any]) -> None:
    """Every act that a panel's source knows, with values that no script of ours would send."""
    import inspect

    for panel in panels(explorer):
        for act in sorted(set(re.findall(r'"([a-z_]+)"', inspect.getsource(type(panel).act)))):
            request(panel, act, **junk)
        panel._receive(panel, "nonsense", [])
        panel._receive(panel, {"act": 5}, [])
    wait_for(lambda: not explorer._worker._waiting)
    explorer.session.select(5)
    request(explorer.parts["toolbar"], "load", source="mp-22862")
    wait_for(lambda: explorer.session.state.point.material_id == "mp-22862")


def test_names_of_files_never_become_html(explorer: Explorer) -> None:
    session = explorer.session
    session.navigation.load_bytes(SALT.to(fmt="cif").encode(), EVIL)
    assert EVIL in explorer.parts["toolbar"].state["label"]  # as text: the scripts use textContent
    session.navigation.load_bytes(b"nonsense", EVIL)
    for widget in widgets.widget._instances.values():
        if isinstance(widget, widgets.HTML):
            assert "<img" not in widget.value
    assert "<img" not in Still(session).html()
    assert "&lt;img" in Still(session).html()


def test_closing_leaves_no_view_and_no_widget(model: CrystalModel, atlas: Atlas) -> None:
    session = Session(model, atlas)
    before = len(widgets.widget._instances)
    explorer = Explorer(session)
    explorer.close()
    assert len(widgets.widget._instances) == before
    assert session._store.views == []
    assert explorer.comm is None


def test_a_view_that_was_never_finished_can_be_closed() -> None:
    MapView.__new__(MapView).close()


# -- the toolbar


def test_a_path_or_an_id_is_loaded_and_the_field_hears_of_it(
    toolbar: ToolbarView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sent = tmp_path / "salt.cif", sent_by(toolbar, monkeypatch)
    SALT.to(filename=str(path))
    request(toolbar, "load", source=f" {path} ")
    wait_for(lambda: toolbar.state["label"] == "salt.cif, as loaded")
    wait_for(lambda: bool(sent))
    assert sent[0][0] == {"type": "loaded", "source": str(path)}
    request(toolbar, "load", source="no such file.cif")
    wait_for(lambda: "no such file" in toolbar.state["message"])
    assert len(sent) == 1


def test_a_file_is_loaded(toolbar: ToolbarView) -> None:
    request(toolbar, "file", SALT.to(fmt="cif").encode(), name="salt.cif")
    wait_for(lambda: toolbar.session.state.loaded is not None)
    assert toolbar.session.label == "reconstruction of salt.cif"


def test_a_saved_session_is_a_file_like_any_other(toolbar: ToolbarView, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = sent_by(toolbar, monkeypatch)
    toolbar.session.select("mp-22862")
    request(toolbar, "save")
    wait_for(lambda: bool(sent))
    assert sent[0][0]["name"].endswith(".json")
    toolbar.session.select(3)
    request(toolbar, "file", sent[0][1][0], name="lesson.json")
    wait_for(lambda: toolbar.session.state.point.material_id == "mp-22862")


def test_the_cif_and_the_code_are_what_is_shown(toolbar: ToolbarView, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = sent_by(toolbar, monkeypatch)
    request(toolbar, "cif")
    request(toolbar, "code")
    wait_for(lambda: len(sent) == 2)
    assert sent[0][1][0].decode() == toolbar.session.display.cif()
    assert sent[0][0]["name"] == f"{toolbar.session.structure.composition.reduced_formula}.cif"
    assert sent[1][0] == {"type": "code", "text": toolbar.session.code()}


def test_the_mode_changes_the_classes_and_what_is_hidden_is_marked(explorer: Explorer, toolbar: ToolbarView) -> None:
    assert "xc-beginner" in explorer._dom_classes
    request(toolbar, "mode", mode="researcher")
    wait_for(lambda: "xc-researcher" in explorer._dom_classes)
    assert "xc-beginner" not in explorer._dom_classes
    explorer.session.controls.hide("steer", "map")
    assert {"xc-hide-steer", "xc-hide-map"} <= set(explorer._dom_classes)
    explorer.session.controls.hide()
    assert not any(name.startswith("xc-hide") for name in explorer._dom_classes)


def test_every_control_that_can_be_hidden_has_a_rule() -> None:
    css = style("toolbar")
    for name in CONTROLS:
        assert f".xc-hide-{name} " in css, name


# -- the whole


@pytest.mark.parametrize(("old", "new"), [("door", "toolbar"), ("story", "history")])
def test_parts_of_earlier_versions_lead_on(explorer: Explorer, old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"is now explorer.parts\\['{new}'\\]"):
        assert explorer.parts[old] is explorer.parts[new]


def test_explore_says_in_the_widget_what_it_cannot_read(model: CrystalModel, atlas: Atlas) -> None:
    with pytest.warns(UserWarning, match="no file no such file.cif; .* is still shown"):
        opened = explore("no such file.cif", model=model, atlas=atlas)
    assert "no such file" in opened.parts["toolbar"].state["message"]
    assert opened.session.label.startswith("decode of")
    opened.close()


def test_explore_opens_folders_and_saved_sessions(tmp_path: Path) -> None:
    for source in (BUNDLED / "mp20").iterdir():
        (tmp_path / source.name).symlink_to(source)
    opened = explore(model=tmp_path, atlas=tmp_path)
    assert opened.session.model.name == opened.session.atlas.name == str(tmp_path)
    opened.session.select(12)
    opened.session.save(tmp_path / "here.json")
    opened.close()
    follows = explore(model=tmp_path, session=tmp_path / "here.json", mode="researcher")
    assert follows.session.atlas.name == str(tmp_path)
    assert follows.session.state.point.material_id == follows.session.atlas.table.material_id[12]
    follows.close()
    with pytest.raises(TargetError):
        explore(model=tmp_path, mode="expert")


def test_the_selection_is_a_table_in_python(explorer: Explorer) -> None:
    assert len(explorer.selection) == 0
    explorer.session.search("Na-Cl")
    table = explorer.selection
    assert "NaCl" in set(table.formula)
    np.testing.assert_array_equal(explorer.session.atlas.table.material_id[table.row], table.material_id)


def test_the_still_picture_is_of_the_last_view(explorer: Explorer) -> None:
    still = Still(explorer.session)
    before = still.html()
    explorer.session.load(SALT)
    after = still.html()
    assert before != after and "NaCl" in re.sub(r"<[^>]*>", "", after)
    assert len(after) < 100_000
    assert f"xc-still-{still.identity}" in after


@pytest.mark.parametrize(
    ("formula", "html"), [("BaTiO3", "BaTiO<sub>3</sub>"), ("Ca(OH)2", "Ca(OH)<sub>2</sub>"), ("<b>", "&lt;b&gt;")]
)
def test_formulas(formula: str, html: str) -> None:
    assert words.formula_html(formula) == html


def test_links_cannot_be_broken_out_of() -> None:
    assert '"><' not in words.material_link('mp-1"><script>')


def test_panels_are_throttled_during_a_drag_and_up_to_date_after_it(explorer: Explorer) -> None:
    session, facts, sliders = explorer.session, explorer.parts["facts"], explorer.parts["move"]
    drawn = {"facts": 0, "move": 0}
    facts.observe(lambda _: drawn.update(facts=drawn["facts"] + 1), "state")
    sliders.observe(lambda _: drawn.update(move=drawn["move"] + 1), "state")
    session.select(11)
    drawn.update(facts=0, move=0)
    for value in np.linspace(-1, 1, 12):
        session.move(0, float(value))
    assert drawn["move"] >= 12
    assert 1 <= drawn["facts"] < drawn["move"]
    session.settle()
    reported = {row["name"]: row["parts"] for row in facts.state["rows"]}
    assert session.structure.composition.reduced_formula in "".join(text for _, text in reported["Formula"])


def test_each_press_of_undo_counts_while_the_kernel_is_busy(explorer: Explorer) -> None:
    session, history = explorer.session, explorer.parts["history"]
    for row in range(4):
        session.select(row)
    busy, goes_on = threading.Event(), threading.Event()
    explorer._worker.submit("busy", lambda: (busy.set(), goes_on.wait(20)))
    assert busy.wait(20)  # what was searched for has been given up
    place = session.place_in_history
    for _ in range(3):
        request(history, "undo")
    goes_on.set()
    wait_for(lambda: session.place_in_history == place - 3)


def test_a_typed_path_of_json_may_hold_a_session_or_a_crystal(toolbar: ToolbarView, tmp_path: Path) -> None:
    salt, kept, lost = (tmp_path / f"{name}.json" for name in ("salt", "kept", "lost"))
    SALT.to(str(salt))
    request(toolbar, "load", source=str(salt))
    wait_for(lambda: toolbar.session.label == "reconstruction of salt.json")
    toolbar.session.save(kept)
    toolbar.session.select(3)
    request(toolbar, "load", source=str(kept))
    wait_for(lambda: toolbar.session.label == "reconstruction of salt.json")
    request(toolbar, "load", source=str(lost))
    wait_for(lambda: "lost.json" in toolbar.state["message"])
