"""The widget as far as Python sees it; what a browser makes of it is tested in tests/browser."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from ipywidgets import widgets

from tests.crystals import CRYSTALS
from xcrystal.explorer import words
from xcrystal.explorer.facts import facts_text
from xcrystal.explorer.map import MapView, nearest
from xcrystal.explorer.palette import UNKNOWN, diverging
from xcrystal.explorer.session import Session
from xcrystal.explorer.structure import scene_message
from xcrystal.explorer.widget import Explorer, explore
from xcrystal.generator import BUNDLED, CrystalModel
from xcrystal.latent.chart import Atlas

EVIL = "<img src=x onerror=alert(1)>.cif"


@pytest.fixture
def explorer(model: CrystalModel, atlas: Atlas) -> Iterator[Explorer]:
    explorer = Explorer(Session(model, atlas))
    yield explorer
    explorer.close()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "nothing happened within 20 seconds"
        time.sleep(0.02)


def find(explorer: Explorer, css: str) -> object:
    """The first descendant with a CSS class."""
    waiting = [explorer]
    while waiting:
        widget = waiting.pop(0)
        if css in getattr(widget, "_dom_classes", ()):
            return widget
        waiting += getattr(widget, "children", ())
    raise AssertionError(f"there is no .{css}")


def test_a_slider_moves_the_session_and_the_marker(explorer: Explorer) -> None:
    slider, markers = find(explorer, "xc-slider-0"), find(explorer, "xc-markers")
    slider.value = 2.5 if slider.value < 0 else -2.5
    wait_for(lambda: abs(explorer.session.coordinates[0] - slider.value) < 1e-3)
    wait_for(lambda: markers.markers[0]["x"] == explorer.session.position[0])


def test_the_session_moves_the_sliders_without_an_echo(explorer: Explorer) -> None:
    explorer.session.select(42)
    shown = [find(explorer, f"xc-slider-{k}").value for k in range(6)]
    np.testing.assert_allclose(shown, np.clip(explorer.session.coordinates[:6], -3, 3), atol=0.026)
    time.sleep(0.2)
    assert not explorer.session.moved


def test_a_click_on_the_map_goes_to_the_nearest_crystal(explorer: Explorer, atlas: Atlas) -> None:
    x, y = atlas.table[["x", "y"]].to_numpy()[77]
    markers = find(explorer, "xc-markers")
    markers._receive(markers, {"type": "click", "x": x, "y": y, "dx": 0.01, "dy": 0.01}, [])
    wait_for(lambda: explorer.session.material_id == atlas.table.material_id[77])


def test_crystals_without_a_value_are_grey_and_can_be_clicked(explorer: Explorer, atlas: Atlas) -> None:
    explorer.session.color_by("band_gap")
    grey, colored = find(explorer, "xc-points").data
    missing = np.flatnonzero(atlas.table.band_gap.isna())
    assert len(missing) > 0
    assert grey.marker.color == UNKNOWN
    assert len(grey.x) == len(colored.x) == len(atlas)
    np.testing.assert_array_equal(np.flatnonzero(colored.marker.opacity == 0), missing)
    assert np.isfinite(colored.marker.color).all()
    np.testing.assert_array_equal(["not known" in text for text in colored.hovertemplate], atlas.table.band_gap.isna())
    x, y = atlas.table[["x", "y"]].to_numpy()[missing[0]]
    markers = find(explorer, "xc-markers")
    markers._receive(markers, {"type": "click", "x": x, "y": y, "dx": 0.01, "dy": 0.01}, [])
    wait_for(lambda: explorer.session.material_id == atlas.table.material_id[missing[0]])
    explorer.session.color_by("space_group")
    assert (colored.marker.opacity > 0).all()


@pytest.mark.parametrize("columns", [[], ["space_group"], ["band_gap", "space_group"]])
def test_an_atlas_may_lack_what_colours_it(model: CrystalModel, bare_atlas: Atlas, columns: list[str]) -> None:
    bare_atlas.table["band_gap"] = np.nan
    bare_atlas.table.drop(columns={"band_gap", "space_group"} - set(columns), inplace=True)
    explorer = Explorer(Session(model, bare_atlas))
    colored = find(explorer, "xc-points").data[1]
    assert (colored.marker.opacity > 0).sum() == (len(bare_atlas) if columns else 0)
    explorer.session.reset()
    explorer.close()


def test_a_view_that_was_never_finished_can_be_closed() -> None:
    MapView.__new__(MapView).close()


def test_only_crystals_of_the_materials_project_are_credited_to_it(
    explorer: Explorer, model: CrystalModel, bare_atlas: Atlas
) -> None:
    assert "CC BY 4.0" in find(explorer, "xc-credit").value
    own = Explorer(Session(model, bare_atlas))
    credit = find(own, "xc-credit").value
    own.close()
    assert credit.startswith("200 crystals. Here: &lt;b&gt;mine ")
    assert "<" not in credit and "Materials Project" not in credit


def test_reset_brings_the_controls_back(explorer: Explorer) -> None:
    color, cell = find(explorer, "xc-color"), find(explorer, "xc-cell")
    first = color.value
    explorer.session.color_by("space_group")
    explorer.session.show_cell("primitive")
    assert (color.value, cell.value) == ("space_group", False)
    explorer.session.reset()
    assert (color.value, cell.value) == (first, True)


def test_a_path_is_loaded_each_time_and_cleared_when_it_was(explorer: Explorer, tmp_path: Path) -> None:
    path, field = tmp_path / "salt.cif", find(explorer, "xc-path")
    CRYSTALS["rock salt NaCl"].to_structure().to(filename=str(path))
    for _ in range(2):
        explorer.session.select(5)
        field.value = str(path)
        field._handle_custom_msg({"event": "submit"}, [])
        wait_for(lambda: explorer.session.label == "reconstruction of salt.cif" and field.value == "")
    field.value = "no such file.cif"
    field._handle_custom_msg({"event": "submit"}, [])
    wait_for(lambda: "no such file" in explorer.session.message)
    assert field.value == "no such file.cif"


def test_nearest_is_measured_in_pixels() -> None:
    points = np.array([[0.0, 1.0], [3.0, 0.0]])
    assert nearest(points, (0, 0), (1, 1)) == 0
    assert nearest(points, (0, 0), (10, 1)) == 1


def test_names_of_files_are_escaped_everywhere(explorer: Explorer) -> None:
    session = explorer.session
    session.load_bytes(CRYSTALS["rock salt NaCl"].to_structure().to(fmt="cif").encode(), EVIL)
    texts = [find(explorer, "xc-label").value, find(explorer, "xc-credit").value]
    session.load_bytes(b"nonsense", EVIL)
    texts.append(find(explorer, "xc-message").value)
    assert "&lt;img" in texts[0]
    assert "&lt;img" in texts[2]
    assert not any("<img" in text for text in texts)


def test_the_download_holds_the_cif_that_is_drawn(explorer: Explorer) -> None:
    download = find(explorer, "xc-download")
    wait_for(lambda: "base64" in download.value)
    content = re.search(r'base64,([^"]+)"', download.value)
    assert content is not None
    assert base64.b64decode(content[1]).decode() == explorer.session.cif()


def test_an_upload_is_loaded(explorer: Explorer) -> None:
    content = CRYSTALS["rock salt NaCl"].to_structure().to(fmt="cif").encode()
    find(explorer, "xc-upload").value = (
        {
            "name": "salt.cif",
            "type": "",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": datetime.now(UTC),
        },
    )
    wait_for(lambda: explorer.session.loaded is not None)
    assert explorer.session.label == "reconstruction of salt.cif"
    assert "match" in facts_text(explorer.session)["Reconstruction"]
    assert len(find(explorer, "xc-markers").markers) == 2


def test_attribution_colours_come_with_a_scale_and_can_be_switched_off(explorer: Explorer) -> None:
    session = explorer.session
    session.load(CRYSTALS["rock salt NaCl"].to_structure())
    session.show("loaded")
    plain = scene_message(session)["colors"]
    session.attribute("formation_energy_per_atom")
    assert "xc-scale" in find(explorer, "xc-legend").value
    assert session.attribution is not None
    assert f"encoded again: {session.attribution.target_value:+.3f} eV/atom" in find(explorer, "xc-legend").value
    assert scene_message(session)["colors"] != plain
    find(explorer, "xc-attribution").value = "element"
    wait_for(lambda: session.target is None)
    assert scene_message(session)["colors"] == plain
    assert "xc-chip" in find(explorer, "xc-legend").value


def test_a_view_that_opens_late_gets_the_current_scene(explorer: Explorer) -> None:
    canvas, sent = find(explorer, "xc-canvas"), []
    explorer.session.select(9)
    canvas.call = lambda method, *args: sent.append((method, *args))
    canvas._handle_nglview_custom_msg(canvas, {"type": "request_loaded", "data": True}, [])
    assert [message[0] for message in sent] == ["executeCode", "xcDraw"]
    assert sent[1][1]["names"] == scene_message(explorer.session)["names"]


def test_scenes_are_numbered_one_at_a_time(explorer: Explorer) -> None:
    canvas, view = find(explorer, "xc-canvas"), find(explorer, "xc-structure")
    sent, inside = list[int](), threading.Semaphore(1)

    def call(method: str, scene: dict[str, object]) -> None:
        assert inside.acquire(blocking=False), "two scenes at once"
        time.sleep(0.02)
        sent.append(int(str(scene["number"])))
        inside.release()

    canvas.call = call
    threads = [threading.Thread(target=view._push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 4 and sent == sorted(set(sent))


def test_scenes_are_plain_json_and_small(explorer: Explorer) -> None:
    assert len(json.dumps(scene_message(explorer.session))) < 200_000


def test_zero_is_the_middle_of_the_diverging_scale() -> None:
    low, zero, high = diverging(np.array([-1.0, 0.0, 1.0]))
    assert zero.min() > 0.95
    assert low[2] > low[0]
    assert high[0] > high[2]


def test_explore_says_in_the_widget_what_it_cannot_read(model: CrystalModel, atlas: Atlas) -> None:
    opened = explore("no such file.cif", model=model, atlas=atlas)
    assert "no such file" in find(opened, "xc-message").value
    assert opened.session.label.startswith("decode of")
    opened.close()


def test_explore_opens_folders(tmp_path: Path) -> None:
    for source in (BUNDLED / "mp20").iterdir():
        (tmp_path / source.name).symlink_to(source)
    opened = explore(model=tmp_path, atlas=tmp_path)
    assert opened.session.model.name == opened.session.atlas.name == str(tmp_path)
    opened.close()
    follows = explore(model=tmp_path)
    assert follows.session.atlas.name == str(tmp_path)
    follows.close()


def test_closing_leaves_no_view_and_no_widget(model: CrystalModel, atlas: Atlas) -> None:
    session = Session(model, atlas)
    before = len(widgets.widget._instances)
    explorer = Explorer(session)
    canvas = find(explorer, "xc-canvas")
    explorer.close()
    assert len(widgets.widget._instances) == before
    assert session._views == []
    assert canvas.comm is None
    assert explorer.comm is None


@pytest.mark.parametrize(
    ("formula", "html"), [("BaTiO3", "BaTiO<sub>3</sub>"), ("Ca(OH)2", "Ca(OH)<sub>2</sub>"), ("<b>", "&lt;b&gt;")]
)
def test_formulas(formula: str, html: str) -> None:
    assert words.formula_html(formula) == html


def test_links_cannot_be_broken_out_of() -> None:
    assert '"><' not in words.material_link('mp-1"><script>')
