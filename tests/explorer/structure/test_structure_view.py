"""The structure's view as far as Python sees it: scenes as bytes, its panel, picked atoms, two crystals together."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any
from xml.etree import ElementTree

import ipywidgets as widgets
import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import TargetError
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.overlay import SHELL_COLOR
from xcrystal.explorer.drawing.scene import build_scene, element_colors
from xcrystal.explorer.drawing.scene_message import atom_labels, atom_names, scene_message
from xcrystal.explorer.drawing.svg_picture import svg
from xcrystal.explorer.notebook.still_picture import Still
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.session.tabs.site_facts import coordination, orbit_choices, site_facts, with_orbits
from xcrystal.explorer.structure.nglview_canvas import canvas_class
from xcrystal.explorer.structure.structure_view import StructureView
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

EVIL = "<img src=x onerror=alert(1)>.cif"
SALT = CRYSTALS["rock salt NaCl"].to_structure()


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def view(session: Session) -> Iterator[StructureView]:
    worker = Worker(session.settle, lambda error: session.report(str(error)))
    made = StructureView(session, worker)
    yield made
    worker.close()
    made.close()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "nothing happened within a minute"
        time.sleep(0.02)


def do(view: StructureView, act: str, value: object = None) -> None:
    """What the script of the panel sends, and its answer."""
    answered = view.bar.state["answered"]
    view.bar._receive(view.bar, {"act": act, "value": value}, [])
    wait_for(lambda: view.bar.state["answered"] > answered)


def listen(canvas: Any) -> list[tuple[dict[str, Any], list[bytes]]]:
    """What is sent to a canvas from now on."""
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    canvas.send = lambda content, buffers=None: sent.append((content, list(buffers or ())))
    return sent


def numbers(header: dict[str, Any], data: bytes) -> list[np.ndarray]:
    """Spheres, bonds, edges, corners and colours, taken apart as the script does."""
    widths = (5, 8, 6, 5, 3)
    counts = [header[name] for name in ("spheres", "bonds", "edges", "corners")]
    ends = np.cumsum(np.multiply([*counts, len(header["names"])], widths))
    *parts, rest = np.split(np.frombuffer(data, "<f4"), ends)
    assert len(rest) == 0
    return [part.reshape(-1, width) for part, width in zip(parts, widths, strict=True)]


# -- what a canvas receives


@pytest.mark.parametrize("name", CRYSTALS)
def test_a_scene_survives_the_way_through_bytes(name: str) -> None:
    structure = CRYSTALS[name].to_structure()
    header, data, _ = scene_message(structure, repeat=(2, 1, 1))
    scene = build_scene(structure, repeat=(2, 1, 1))
    spheres, bonds, edges, corners, colors = numbers(json.loads(json.dumps(header)), data)
    np.testing.assert_allclose(spheres[:, :3], scene.positions, atol=1e-5)
    np.testing.assert_array_equal(spheres[:, 4], scene.atoms)
    np.testing.assert_allclose(bonds[:, 3:6], scene.bond_ends, atol=1e-5)
    np.testing.assert_array_equal(bonds[:, 7], scene.bond_atoms)
    assert len(edges) == 4 + 6 + 6
    np.testing.assert_allclose(corners[:, :3], scene.corners, atol=1e-5)
    np.testing.assert_array_equal(corners[np.cumsum(scene.face_sizes) - 1, 3], scene.face_atoms)
    np.testing.assert_array_equal(corners[np.cumsum(scene.face_sizes) - 1, 4], scene.face_sizes)
    np.testing.assert_allclose(colors, element_colors()[list(structure.atomic_numbers)], atol=1e-6)


def test_scores_colour_and_name_the_atoms() -> None:
    header, data, _ = scene_message(SALT, scores=np.array([1.0, -0.5]), unit="eV/atom")
    colors = numbers(header, data)[4]
    assert colors[0, 0] > colors[0, 2] and colors[1, 2] > colors[1, 0]
    assert header["names"] == ["Na 4a, orbit 1: +1.000 eV/atom", "Cl 4b, orbit 2: -0.500 eV/atom"]
    assert atom_names(Structure(Lattice.cubic(3), ["Po"], [[0, 0, 0]])) == ["Po"]


def test_a_shared_site_is_told_with_its_parts() -> None:
    mixed = Structure(
        Lattice.cubic(3.9), [{"La": 0.7, "Sr": 0.3}, {"Cl": 0.6}, "Mn"], [[0, 0, 0], [0.5, 0.5, 0], [0.5] * 3]
    )
    header, data, _ = scene_message(mixed)
    assert header["names"] == ["La 0.7, Sr 0.3", "Cl 0.6, empty 0.4", "Mn"]
    (first, parts), (second, rest) = json.loads(json.dumps(header["shares"]))
    assert (first, second) == (0, 1)
    assert [part[0] for part in parts] == [0.7, 0.3] and [part[0] for part in rest] == [0.6, 0.4]
    np.testing.assert_allclose([part[1:] for part in parts], element_colors()[[57, 38]], atol=1e-4)
    np.testing.assert_allclose(numbers(header, data)[4], element_colors()[[57, 17, 25]], atol=1e-6)
    scored, _, _ = scene_message(mixed, scores=np.array([1.0, 0.0, -1.0]))
    assert scored["shares"] == []  # the colours mean something else


def test_each_view_that_opens_gets_the_script_and_the_last_scene(session: Session, view: StructureView) -> None:
    session.select(9)
    sent = listen(view.canvases[0])
    view.canvases[0]._handle_nglview_custom_msg(None, {"type": "request_loaded", "data": True}, [])
    assert [content.get("methodName", content["type"]) for content, _ in sent] == ["executeCode", "xc-scene"]
    assert sent[1][0]["names"] == atom_names(session.display.structure)


def test_scenes_are_numbered_one_at_a_time() -> None:
    canvas, inside = canvas_class()(lambda atom: None), threading.Semaphore(1)
    got = list[int]()

    def send(content: dict[str, Any], buffers: object = None) -> None:
        assert inside.acquire(blocking=False), "two scenes at once"
        time.sleep(0.02)
        got.append(content["number"])
        inside.release()

    canvas.send = send
    canvas._scene = ({"type": "xc-scene"}, b"")
    threads = [threading.Thread(target=canvas.draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [1, 2, 3, 4]
    canvas.close()


# -- the panel


def test_every_control_reaches_the_session(session: Session, view: StructureView) -> None:
    for act, value, found in (
        ("cell", False, lambda: session.state.cell == "primitive"),
        ("supercell", [2, 1, 3], lambda: session.state.supercell == (2, 1, 3)),
        ("boundary", False, lambda: not session.state.boundary),
        ("bonds", False, lambda: not session.state.bonds),
        ("perspective", True, lambda: session.state.perspective),
        ("labels", "sites", lambda: session.state.labels == "sites"),
        ("polyhedra", False, lambda: not session.state.polyhedra),
        ("style", "space-filling", lambda: session.state.style == "space-filling"),
        ("palette", "vesta", lambda: session.state.element_colors == "vesta"),
        ("hide", "O", lambda: session.state.hidden == ("O",)),
        ("hide", "Ti", lambda: session.state.hidden == ("O", "Ti")),
        ("hide", "O", lambda: session.state.hidden == ("Ti",)),
        ("attribute", "band_gap", lambda: session.explanations.target == "band_gap"),
    ):
        do(view, act, value)
        assert found(), act
    state = view.bar.state
    assert (state["conventional"], state["cells"], state["boundary"], state["bonds"]) == (
        False,
        [2, 1, 3],
        False,
        False,
    )
    sent = listen(view.canvases[0])
    do(view, "fit")
    assert [content["methodName"] for content, _ in sent if content["type"] == "call_method"] == ["xcFit"]
    json.dumps(state)


def test_a_crystal_is_seen_from_a_side_that_is_asked_for(session: Session, view: StructureView) -> None:
    sent = listen(view.canvases[0])
    view.look("b*")
    assert [(content["methodName"], content["args"]) for content, _ in sent] == [("xcLook", ["b*"])]
    with pytest.raises(TargetError, match="standard"):
        view.look("d")


def test_a_reset_leads_back_to_the_standard_view_of_its_crystal(session: Session, view: StructureView) -> None:
    session.load(CRYSTALS["rutile TiO2"].to_structure())
    sent = listen(view.canvases[0])
    session.reset()
    kinds = [content.get("methodName", content["type"]) for content, _ in sent]
    assert kinds.index("xc-scene") < kinds.index("xcLook") and sent[kinds.index("xcLook")][0]["args"] == ["standard"]
    sent.clear()
    session.undo()
    assert "xcLook" not in [content.get("methodName") for content, _ in sent]


def test_a_canvas_is_told_lattice_perspective_and_labels(session: Session, view: StructureView) -> None:
    rutile = CRYSTALS["rutile TiO2"].to_structure()
    session.load(rutile)
    session.show("loaded")
    sent = listen(view.canvases[0])
    session.display.label_atoms("sites")
    (content, _) = sent[-1]
    np.testing.assert_allclose(content["lattice"], rutile.lattice.matrix, atol=1e-5)
    assert content["perspective"] is False
    assert content["labels"] == [f"{site.specie.symbol}1" for site in rutile]
    session.display.show_perspective(True)
    session.display.label_atoms("elements")
    assert sent[-1][0]["perspective"] is True and set(sent[-1][0]["labels"]) == {"Ti", "O"}
    session.display.label_atoms("none")
    assert sent[-1][0]["labels"] == []
    with pytest.raises(TargetError):
        session.display.label_atoms("numbers")


def test_labels_number_the_orbits_of_each_element() -> None:
    spinel = with_orbits(CRYSTALS["baddeleyite ZrO2"].to_structure())
    assert set(atom_labels(spinel, "sites")) == {"Zr1", "O1", "O2"}


def test_a_crystal_with_shared_sites_is_drawn_and_labelled(session: Session, view: StructureView) -> None:
    mixed = CRYSTALS["perovskite SrTiO3"].to_structure()
    mixed.replace_species({"Sr": {"La": 0.7, "Sr": 0.2}})
    sent = listen(view.canvases[0])
    session.load(mixed)
    assert sent[-1][0]["names"][0].startswith("La 0.7, Sr 0.2, empty 0.1")
    session.display.label_atoms("elements")
    assert set(sent[-1][0]["labels"]) == {"La/Sr", "Ti", "O"}


def test_a_still_picture_is_as_the_crystal_is_seen(session: Session, view: StructureView) -> None:
    session.load(CRYSTALS["rutile TiO2"].to_structure())
    session.show("loaded")
    offered: list[tuple[str, str, bytes]] = []
    view.bar.offer = lambda name, kind, content: offered.append((name, kind, content))
    structure = view.crystals[0][1]
    along_c = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    view.canvases[0]._handle_nglview_custom_msg(None, {"type": "xc-svg", "view": along_c}, [])
    wait_for(lambda: len(offered) == 1)
    name, kind, content = offered[0]
    assert (name, kind) == ("TiO2.svg", "image/svg+xml")
    expected = svg(structure, width=800, view=np.array(along_c))
    circles = [re.findall(r'cx="[^"]*" cy="[^"]*"', text) for text in (content.decode(), expected)]
    assert circles[0] == circles[1] != re.findall(r'cx="[^"]*" cy="[^"]*"', svg(structure, width=800))
    for wrong in ([[1.0, 0.0], [0.0, 1.0]], [[2.0, 0, 0], [0, 1, 0], [0, 0, 1]]):
        view._offer_svg(0, {"view": wrong})
    assert len(offered) == 1


def test_a_still_picture_says_what_stands_over_the_canvas(session: Session, view: StructureView) -> None:
    session.load(CRYSTALS["rutile TiO2"].to_structure())
    session.show("loaded")
    session.display.label_atoms("elements")
    offered: list[bytes] = []
    view.bar.offer = lambda name, kind, content: offered.append(content)
    along_c = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    view._offer_svg(0, {"view": along_c, "measured": [0, 2], "text": "<1.95 Å>"})
    drawing = ElementTree.fromstring(offered[0])
    texts = [text.text for text in drawing.findall(".//{*}text")]
    assert texts.count("a") == texts.count("b") == texts.count("c") == 1
    assert "<1.95 Å>" in texts and {"Ti", "O"} <= set(texts)
    arrows = [group for group in drawing.findall("{*}g") if "translate" in group.attrib["transform"]][-1]
    letters = {text.text: (float(text.attrib["x"]), -float(text.attrib["y"])) for text in arrows.findall(".//{*}text")}
    assert letters["a"][0] > 30 and letters["b"][1] > 30  # a to the right, b upwards; c to the eye
    assert sum(circle.attrib.get("r") == "4" for circle in arrows.findall(".//{*}circle")) == 1
    view._offer_svg(0, {"view": along_c})
    assert b"stroke-dasharray" in offered[0] and b"stroke-dasharray" not in offered[1]


def test_the_picture_that_a_notebook_keeps_is_drawn_as_on_the_canvas(session: Session) -> None:
    still = Still(session)
    plain = still.html()
    session.display.show_polyhedra(False)
    assert plain.count("fill-opacity") > 0 == still.html().count("fill-opacity")
    session.display.show_style("space-filling")
    assert "<line" in plain  # bonds, and the edges of the cell
    session.display.hide_elements(["O"])
    hidden = still.html()
    assert hidden.count("<circle") < plain.count("<circle")
    session.display.show_element_colors("vesta")
    assert still.html() != hidden
    session.load(SALT)
    session.show("overlay")
    assert SHELL_COLOR in still.html()


def test_what_a_page_lost_at_its_opening_is_sent_again(session: Session, view: StructureView) -> None:
    sent = listen(view.canvases[0])
    view.bar.act({"act": "start"}, [])
    assert [message["type"] for message, *_ in sent] == ["call_method", "xc-scene"]
    assert sent[0][0]["methodName"] == "executeCode"


def test_the_legend_is_of_elements_or_of_an_attribution(session: Session, view: StructureView) -> None:
    session.load(SALT)
    session.show("loaded")
    assert [symbol for symbol, _ in view.bar.state["legend"]] == ["Na", "Cl"]
    do(view, "attribute", "formation_energy_per_atom")
    wait_for(lambda: view.bar.state["scale"] is not None)
    found = session.explanations.attribution
    assert found is not None
    assert f"encoded again: {found.target_value:+.3f} eV/atom" in view.bar.state["scale"]["text"]
    assert view.bar.state["legend"] == []
    assert all(f"{score:+.3f} eV/atom" in name for score, name in zip(found.scores, _names(view), strict=True))
    do(view, "attribute", "")
    assert view.bar.state["scale"] is None and session.explanations.target is None


def _names(view: StructureView) -> list[str]:
    sent = listen(view.canvases[0])
    view._draw()
    return list(sent[-1][0]["names"])


def test_what_is_too_large_becomes_smaller_and_says_so(session: Session, view: StructureView) -> None:
    session.load(SALT * (4, 4, 4))
    session.show("loaded")
    session.display.show_supercell((4, 4, 4))
    assert view.bar.state["note"] == "4 x 4 x 4 cells would be 8192 atoms; 1 x 2 x 2 are drawn."
    session.display.show_supercell((1, 1, 1))
    assert view.bar.state["note"] == ""


# -- picked atoms


def test_a_clicked_atom_is_marked_and_described(session: Session, view: StructureView) -> None:
    canvas = view.canvases[0]
    canvas._handle_nglview_custom_msg(None, {"type": "xc-pick", "atom": 1}, [])
    wait_for(lambda: view.bar.state["picked"] == [0, 1])
    facts = dict(view.bar.state["facts"])
    assert facts["Element"].startswith(session.display.structure[1].specie.symbol)
    assert facts["Wyckoff position"] == session.display.structure.site_properties["wyckoff"][1]
    assert "%" in facts["Decoder's probability of the element"]
    sent = listen(canvas)
    view._draw()
    assert sent[-1][0]["picked"] == 1
    canvas._handle_nglview_custom_msg(None, {"type": "xc-pick", "atom": None}, [])
    wait_for(lambda: view.bar.state["picked"] is None)
    assert view.bar.state["facts"] == []


def test_the_orbits_can_be_picked_without_a_mouse(session: Session, view: StructureView) -> None:
    (choices,) = view.bar.state["orbits"]
    assert len(choices) == len(set(session.display.structure.site_properties["orbit"]))
    do(view, "pick", [0, choices[-1]["atom"]])
    assert dict(view.bar.state["facts"])["Orbit"].startswith(f"{len(choices)} of {len(choices)}")


def test_a_pick_does_not_jump_to_another_atom(session: Session, view: StructureView) -> None:
    do(view, "pick", [0, 0])
    session.load(SALT)
    assert view.bar.state["picked"] is None


def test_nonsense_from_a_script_changes_nothing(session: Session, view: StructureView) -> None:
    before = session.state
    for message in ("pick", 7, {"act": 3}, None):
        view.bar._receive(view.bar, message, [])
    view.canvases[0]._handle_nglview_custom_msg(None, "text", [])
    view.canvases[0]._handle_nglview_custom_msg(None, {"type": "xc-pick", "atom": "0"}, [])
    do(view, "pick", [0, 10_000])
    do(view, "pick", [5, 0])
    assert session.state is before and view.picked is None


# -- atoms


def test_symmetry_of_a_loaded_crystal_is_found() -> None:
    cell = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    marked = with_orbits(cell)
    assert set(marked.site_properties["wyckoff"]) in ({"4a", "4b"}, {"4b", "4a"})
    assert [choice["label"][3:] for choice in orbit_choices(marked)] == ["4a, 4 atoms", "4b, 4 atoms"]
    assert set(with_orbits(cell.get_primitive_structure()).site_properties["wyckoff"]) == {"4a", "4b"}
    assert with_orbits(marked) is marked
    assert "wyckoff" not in cell.site_properties


def test_coordination_is_that_of_the_endless_crystal() -> None:
    assert coordination(SALT, 0) == coordination(conventional_cell(SALT), 0)
    assert coordination(SALT, 0).startswith("6: 6 Cl at ")
    facts = dict(site_facts(SALT, 1, score=0.25, unit="eV"))
    assert facts["Attribution"] == "+0.250 eV"
    assert facts["Orbit"] == "2 of 2; equivalent atoms in this cell: 1"
    assert "Coordination" not in dict(site_facts(SALT, 1, neighbours=False))


# -- side by side


def test_a_loaded_crystal_beside_its_reconstruction(session: Session, view: StructureView) -> None:
    before = len(view.canvases)
    session.load(SALT)
    assert [name for name, _ in view.bar.state["shown"]] == ["loaded", "decoded", "both", "overlay"]
    do(view, "show", "both")
    assert (before, len(view.canvases), len(view._row.children)) == (1, 2, 2)
    assert view.bar.state["sides"][0].startswith("loaded: ") and view.bar.state["sides"][1].startswith("decoded: ")
    rms = match_rms(SALT, session.structure)
    assert rms is not None and f"match, RMS {rms:.4f}" in view.bar.state["match"]
    sent = [listen(canvas) for canvas in view.canvases]
    view._draw()
    assert sent[0][-1][0]["extent"] == sent[1][-1][0]["extent"]
    do(view, "show", "decoded")
    assert view.canvases[1].layout.display == "none" and view.bar.state["match"] == ""
    do(view, "show", "both")
    assert view.canvases[1].layout.display is None and len(view.canvases) == 2


def test_crystals_that_do_not_match_are_said_not_to(session: Session, view: StructureView) -> None:
    session.load(SALT)
    session.select(3)
    session.show("both")
    expected = match_rms(SALT, session.structure)
    assert expected is None and view.bar.state["match"] == "Decoded crystal: no match within 0.5 of (V / N)^(1/3)"
    assert "overlay" not in [name for name, _ in view.bar.state["shown"]]


# -- without WebGL


def test_still_pictures_follow_where_there_is_no_webgl(session: Session, view: StructureView) -> None:
    assert view.bar.state["pictures"] == []
    do(view, "flat")
    ((_, first),) = view.bar.state["pictures"]
    assert base64.b64decode(first.split(",")[1]).startswith(b"<svg")
    session.select(12)
    ((_, second),) = view.bar.state["pictures"]
    assert first != second


def test_a_file_name_stays_text(session: Session, view: StructureView, tmp_path: Any) -> None:
    path = tmp_path / EVIL.replace("/", "")
    SALT.to(filename=str(path), fmt="cif")
    session.load(str(path))
    do(view, "show", "both")
    do(view, "flat")
    for _, picture in view.bar.state["pictures"]:
        assert b"<img" not in base64.b64decode(picture.split(",")[1])
    assert view.bar.state["sides"][0] == f"loaded: {path.name}"  # the script makes text of it, never markup


# -- the end


def test_closing_leaves_no_view_and_no_widget(model: CrystalModel, atlas: Atlas) -> None:
    session = Session(model, atlas)
    worker = Worker(session.settle, lambda error: None)
    listening = len(session._store.views)
    made = StructureView(session, worker)
    session.load(SALT)
    session.show("both")
    made.close()
    worker.close()
    assert len(session._store.views) == listening
    for canvas in made.canvases:
        canvas.close()
        assert canvas.comm is None
    assert isinstance(made.bar, widgets.DOMWidget) and made.bar.comm is None


@pytest.mark.parametrize("cells", [c for c in product((1, 2), repeat=3) if sum(c) > 3])
def test_a_supercell_is_what_pymatgen_makes_of_it(cells: tuple[int, int, int]) -> None:
    """The atoms and bonds of n x m x k cells are those of the one large cell."""
    ours, large = build_scene(SALT, repeat=cells), build_scene(SALT * cells)
    for one, other in ((ours.positions, large.positions), (ours.bond_ends, large.bond_ends)):
        assert len(one) == len(other)
        np.testing.assert_allclose(_ordered(one), _ordered(other), atol=1e-6)


def _ordered(points: np.ndarray) -> np.ndarray:
    rounded = np.round(points, 3) + 0.0
    return np.asarray(points[np.lexsort(rounded.T)])
