"""What is loaded is shown as it was loaded, also where the model cannot encode it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystal.geometry.test_aligning import LEFT_QUARTZ, otherwise
from tests.crystals import CRYSTALS
from xcrystal.crystal.mixed_sites import amounts
from xcrystal.errors import TargetError
from xcrystal.explorer import settings as remembered
from xcrystal.explorer.drawing.scene_message import atom_labels
from xcrystal.explorer.drawing.svg_picture import svg
from xcrystal.explorer.panels.facts_panel import FactsView
from xcrystal.explorer.panels.modification_panel import ChangeView
from xcrystal.explorer.session import display
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.structure.structure_view import StructureView
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

SALT = CRYSTALS["rock salt NaCl"].to_structure()
MIXED = Structure(
    Lattice.cubic(3.88),
    [{"La": 0.7, "Sr": 0.3}, "Mn", "O", "O", {"O": 0.9}],
    [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
)


def drawable() -> dict[str, Structure]:
    """Crystals that can be drawn but not encoded, by why."""
    close = SALT.copy()
    close.append("Na", [0.05, 0.0, 0.0])
    return {
        "disordered: a site holds 70 % La and 30 % Sr": MIXED,
        "closer than 0.5": close,
        "Cm cannot be encoded": Structure(Lattice.cubic(5.0), ["Cm", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
    }


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


# -- what cannot be encoded


@pytest.mark.parametrize("reason", drawable())
def test_what_cannot_be_encoded_is_drawn_with_the_reason(session: Session, view: StructureView, reason: str) -> None:
    before = session.state.point
    sent: list[tuple[dict[str, Any], Any]] = []
    view.canvases[0].send = lambda content, buffers=None: sent.append((content, buffers))
    assert session.load(drawable()[reason])
    assert session.state.shown == "loaded" and session.state.point is before
    assert reason in session.message and session.message.endswith(
        f"The map and the sliders stay at the {before.label}."
    )
    ((_, drawn),) = view.crystals
    assert drawn.composition == drawable()[reason].composition
    assert view.match == ""
    scenes = [json.loads(json.dumps(header)) for header, _ in sent if header["type"] == "xc-scene"]
    assert len(scenes[-1]["names"]) == len(drawn)
    session.move(0, 1.0)  # from where it was
    assert session.state.shown == "decoded" and session.message == ""
    session.undo()
    assert session.display.structure.composition == drawable()[reason].composition
    session.undo()
    assert session.state.loaded is None and session.state.point is before


def test_what_cannot_be_read_leaves_the_crystal_that_is_named(session: Session, tmp_path: Path) -> None:
    junk = tmp_path / "junk.cif"
    junk.write_text("no crystal")
    shown = session.display.structure
    for load in (
        lambda: session.load(str(junk)),
        lambda: session.load(tmp_path / "nope.cif"),
        lambda: session.load("data_a\n_cell_length_a 1"),
        lambda: session.load("mp-99999999"),
        lambda: session.navigation.load_bytes(b"no crystal", "junk.cif"),
        lambda: session.navigation.load_gallery("x" * 500),
        lambda: session.file.open_json("no session"),
        lambda: session.file.open(tmp_path / "nope.json"),
    ):
        assert not load()
        assert session.message.endswith(f"; {shown.composition.reduced_formula} is still shown.")
        assert session.display.structure is shown
    session.load(MIXED)
    session.navigation.load_bytes(SALT.to(fmt="cif").encode()[:90], "salt.cif")
    assert "salt.cif" in session.message and session.message.endswith("; Sr0.3La0.7MnO2.9 is still shown.")


def test_labels_of_shared_sites_are_those_of_the_cif(session: Session) -> None:
    assert atom_labels(MIXED, "none") == []
    assert atom_labels(MIXED, "elements") == ["La/Sr", "Mn", "O", "O", "O"]
    session.load(MIXED)
    session.display.label_atoms("sites")
    labels = atom_labels(MIXED.copy(site_properties={"orbit": [0, 1, 2, 2, 3]}), "sites")
    assert labels == ["La1/Sr1", "Mn1", "O1", "O1", "O2"]
    rows = session.display.cif().splitlines()
    assert all(any(row.startswith(f"{name} ") for row in rows) for name in "/".join(labels).split("/"))


def test_it_is_said_what_is_on_each_site(session: Session, view: StructureView) -> None:
    session.load(MIXED)
    assert session.display.space_group == (123, "P4/mmm")
    labels = [choice["label"] for choice in view.bar.state["orbits"][0]]
    assert labels[0] == "La 0.7, Sr 0.3 1a, 1 atom" and labels[-1].startswith("O 0.9, empty 0.1")
    view.pick((0, 0))
    assert ("On this site", "70 % La, 30 % Sr") in view.facts
    view.pick((0, 2))
    assert any("La/Sr at" in text for name, text in view.facts if name == "Coordination")


def test_what_needs_a_latent_vector_says_so(session: Session) -> None:
    session.load(MIXED)
    assert not session.pin() and "disordered" in session.message
    assert not session.set_end("A") and "cannot be an end of a path" in session.message
    assert not session.modifications.substitute(0, "Ba") and "disordered" in session.message
    session.explain("band_gap")
    assert session.message.startswith("This cannot be explained: This structure is disordered")
    worker = Worker(session.settle, lambda error: session.report(str(error)))
    facts = FactsView(session, worker)
    assert facts.state["neighbours"] == [] and facts.state["badges"] == []
    worker.close()
    facts.close()


def test_a_disordered_crystal_is_saved_and_written_as_code(
    session: Session, model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.select(5)
    session.load(MIXED)
    opened = Session(model, atlas)
    assert opened.file.open_json(session.file.to_json()), opened.message
    scope: dict[str, Any] = {}
    monkeypatch.setattr(remembered, "recall", dict)
    exec(session.code(), scope)
    try:
        for again in (opened, scope["explorer"].session):
            assert [amounts(site) for site in again.display.structure] == [amounts(site) for site in MIXED]
            np.testing.assert_allclose(again.z, session.z, atol=1e-5)
            assert again.state.shown == "loaded"
    finally:
        scope["explorer"].close()


def test_why_it_is_to_be_doubted_is_saved(session: Session, model: CrystalModel, atlas: Atlas) -> None:
    session.load(MIXED)
    content = json.loads(session.file.to_json())
    content["state"]["loaded"]["caution"] = "Its formula differs."
    opened = Session(model, atlas)
    assert opened.file.open_json(json.dumps(content)) and "Its formula differs." in opened.message
    assert json.loads(opened.file.to_json())["state"]["loaded"] == content["state"]["loaded"]


@pytest.mark.parametrize("last", [MIXED, CRYSTALS["baddeleyite ZrO2"].to_structure()], ids=["mixed", "ordered"])
def test_code_loads_what_was_loaded_last(session: Session, last: Structure, monkeypatch: pytest.MonkeyPatch) -> None:
    session.load(SALT)
    session.pin()
    session.load(last)
    session.pins.go_to(0)
    session.show("loaded")
    scope: dict[str, Any] = {}
    monkeypatch.setattr(remembered, "recall", dict)
    exec(session.code(), scope)
    again = scope["explorer"].session
    try:
        assert again.state.loaded.structure.composition == last.composition
        assert again.state.shown == "loaded"
        np.testing.assert_allclose(again.z, session.z, atol=1e-4)
    finally:
        scope["explorer"].close()


def test_code_shows_the_decode_again_where_it_was_shown(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.load(SALT)
    session.show("decoded")
    scope: dict[str, Any] = {}
    monkeypatch.setattr(remembered, "recall", dict)
    exec(session.code(), scope)
    assert scope["explorer"].session.state.shown == "decoded"
    scope["explorer"].close()


# -- as loaded, and its reconstruction


def test_a_loaded_crystal_is_shown_first_and_the_reconstruction_in_its_cell(
    session: Session, view: StructureView, tmp_path: Path
) -> None:
    original = otherwise(CRYSTALS["baddeleyite ZrO2"].to_structure(), np.random.default_rng(7))
    session.load(original)
    assert session.state.shown == "loaded" and view.match.startswith("Reconstruction: ")
    found = session.display.alignment
    assert found is not None
    session.show("both")
    np.testing.assert_allclose(session.display.structure.lattice.matrix, original.lattice.matrix, atol=0.5)
    apart = session.display.structure.cart_coords - original.cart_coords
    assert np.linalg.norm(apart, axis=1).max() < 1.0  # Å; with another origin or orientation they are 2 to 5 apart
    session.explain("band_gap")
    assert view._scores(view.crystals[1][1]) is not None


def test_an_overlay_has_a_shell_beside_each_atom(session: Session, view: StructureView) -> None:
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    view.canvases[0].send = lambda content, buffers=None: sent.append((content, buffers))
    session.load(SALT)
    assert sent[-1][1][1] == b""
    session.show("overlay")
    header, buffers = sent[-1]
    shells = np.frombuffer(buffers[1], dtype="<f4").reshape(-1, 4)
    spheres = np.frombuffer(buffers[0], dtype="<f4")[: 5 * header["spheres"]].reshape(-1, 5)
    assert len(shells) == len(spheres) and (shells[:, 3] > spheres[:, 3]).all()
    assert np.linalg.norm(shells[:, :3] - spheres[:, :3], axis=1).max() < 0.2  # Å, of a cell that is hardly larger
    assert view.match.startswith("Shells: the reconstruction; match, RMS 0.0")
    assert session.display.structure is session.state.loaded.structure  # type: ignore[union-attr]
    session.show("decoded")
    assert sent[-1][1][1] == b"" and view.match == ""


def test_stills_have_the_shells(session: Session, view: StructureView) -> None:
    session.load(SALT)
    ((_, without),) = view.pictures()
    session.show("overlay")
    ((_, drawn),) = view.pictures()
    shells = drawn.count("fill-opacity") - svg(SALT, polyhedra=False).count("fill-opacity")
    assert shells == svg(SALT, polyhedra=False).count("<circle") > 0
    assert drawn.count("<circle") == 2 * without.count("<circle")


def test_a_drag_does_not_align(session: Session, view: StructureView, monkeypatch: pytest.MonkeyPatch) -> None:
    session.load(SALT)
    assert ["overlay", "Overlay"] in view.bar.describe()["shown"]
    with monkeypatch.context() as patch:
        patch.setattr(display, "align", lambda *_: pytest.fail("aligned during a drag"))
        session.move(0, float(session.sliders.coordinates[0]) + 0.01)
        assert not session.idle and ["overlay", "Overlay"] in view.bar.describe()["shown"]
    session.select("mp-5986")
    assert ["overlay", "Overlay"] not in view.bar.describe()["shown"]


def test_hidden_elements_can_be_brought_back_while_scores_colour_the_atoms(
    session: Session, view: StructureView
) -> None:
    session.load(SALT)
    session.display.hide_elements(["Cl"])
    assert [symbol for symbol, _ in view.bar.describe()["legend"]] == ["Na", "Cl"]
    session.explain("formation_energy_per_atom")
    described = view.bar.describe()
    assert described["scale"] is not None and [symbol for symbol, _ in described["legend"]] == ["Cl"]


def test_a_pick_in_the_loaded_crystal_edits_no_other(session: Session) -> None:
    session.load(SALT)
    session.select("mp-5986")
    session.show("both")
    worker = Worker(session.settle, lambda error: session.report(str(error)))
    panel = ChangeView(session, worker)
    try:
        panel.act({"act": "awake", "value": True}, [])
        session.modifications.picked = (0, 1)
        panel._take_pick()
        assert panel._atom is None
        session.modifications.picked = (1, 1)
        panel._take_pick()
        assert panel._atom == 1
    finally:
        worker.close()
        panel.close()


def test_handedness_is_said(session: Session, view: StructureView) -> None:
    session.load(LEFT_QUARTZ)
    session.navigation.go(session.model.encode(LEFT_QUARTZ)[0])
    session.show("overlay")
    found = session.display.alignment
    assert found is not None and found.mirrored
    assert "match of its mirror image" in view.match
    session.show("both")
    assert session.display.structure is found.own_hand


def test_there_is_no_overlay_of_what_does_not_match(session: Session) -> None:
    with pytest.raises(TargetError, match="load one"):
        session.show("overlay")
    session.load(SALT)
    session.select("mp-5986")
    with pytest.raises(TargetError, match="does not match"):
        session.show("overlay")
